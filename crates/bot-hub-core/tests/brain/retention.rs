//! What a room does not keep for ever, and who is told.

use crate::transcript;

#[test]
fn a_room_that_fills_faster_than_it_is_looked_at_is_trimmed_at_once() {
    transcript!(@r#"
    > set keep 2
    > open ana seed
    ana <- {"type":"auth_ok"}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[]}
    > quiet
    > times 514 ana say #lab number {n}
    > loud
    > show store
    > ana say #lab one too many
    store <- append #lab ana: one too many
    store <- trim #lab
    ana <- {"type":"ack","room":"lab","delivered":0}
    store <- trim #lab
    "#);
}

#[test]
fn what_waits_is_as_old_as_the_oldest_message_that_is_left() {
    transcript!(@r#"
    > set keep 2
    > open ana seed
    ana <- {"type":"auth_ok"}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[]}
    > declare lab bob
    > bot bob
    > open ops side operator
    ops <- auth_ok []
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","delivered":0}
    > tick 25s
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","delivered":0}
    > tick 5s
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","delivered":0}
    > tick 40s
    > ops do {"pending":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"bob","in_flight":0,"oldest_age_ms":45000,"oldest_seq":2,"reason":"offline","room":"lab","waiting":2}]}}
    "#);
}

#[test]
fn the_retention_by_count_is_announced_to_both_sides() {
    transcript!(@r#"
    > set keep 2
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > times 4 ana say #lab number {n} id=m{n}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > show store
    > tick 1m
    store <- cursor #lab ana 4 delivered
    store <- trim #lab
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/4
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"retention"}
    store ? page #lab after 2, at most 64
    bob <- #lab 3 ana: number 3 (m3), late 60000ms, 1 of 2
    bob <- #lab 4 ana: number 4 (m4), late 60000ms, 2 of 2
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn the_retention_by_age_is_announced_to_both_sides() {
    transcript!(@r#"
    > set keep_ms 90000
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab old id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > tick 1m
    > ana say #lab newer id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > tick 1m
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1120000,"reason":"retention"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"retention"}
    bob <- #lab 2 ana: newer (m2), late 60000ms, 1 of 1
    "#);
}

#[test]
fn the_retention_by_bytes_is_announced_to_both_sides() {
    transcript!(@r#"
    > set keep_bytes 10
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab 123456 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab 123456 id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > tick 1m
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"retention"}
    bob <- #lab 2 ana: 123456 (m2), late 60000ms, 1 of 1
    "#);
}

#[test]
fn what_was_received_is_not_reported_as_dropped() {
    transcript!(@r#"
    > set keep 1
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > bob received lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > tick 1m
    "#);
}

#[test]
fn the_retention_passes_under_a_window_and_only_what_waits_is_lost() {
    transcript!(@r#"
    > set keep 1
    > set window 2
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 5 ana say #lab number {n} id=m{n}
    bob <- #lab 1 ana: number 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: number 2 (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":0,"queued":1}
    > show store
    > tick 1m
    store <- cursor #lab ana 5 delivered
    store <- trim #lab
    bob <- {"type":"gap","room":"lab","from_seq":3,"to_seq":4,"lost":2,"reason":"retention"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    ana <- {"type":"receipt","room":"lab","id":"m4","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    > bob received lab m1
    store <- cursor #lab bob 1 received
    store ? page #lab after 4, at most 1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1060000}
    bob <- #lab 5 ana: number 5 (m5), late 60000ms
    > bob received lab m2
    store <- cursor #lab bob 2 received
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1060000}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn what_was_in_flight_when_the_retention_passed_and_was_never_received_is_lost() {
    transcript!(@r#"
    > set keep 1
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 3 ana say #lab number {n} id=m{n}
    bob <- #lab 1 ana: number 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: number 2 (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    bob <- #lab 3 ana: number 3 (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > tick 1m
    > show store
    > close bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1060000,"reason":"retention"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"retention"}
    store ? page #lab after 2, at most 64
    bob <- #lab 3 ana: number 3 (m3), late 60000ms, redelivered, 1 of 1
    "#);
}

#[test]
fn an_operator_gives_a_room_its_own_retention() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > times 3 ana say #lab number {n}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":0}
    > ops do {"room_retain":{"room":"lab","retain":{"entries":1}}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 3","id":"00000000000000ab-3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":8,"closed":false,"entries":1,"first":3,"head":3,"members":[{"bot":"ana","can":["read","post","request"],"cursor":3,"online":true,"waiting":0}],"retain":{"entries":1},"room":"lab"}}
    "#);
}

#[test]
fn a_retention_that_could_not_be_stored_is_not_applied() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > times 3 ana say #lab number {n}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":0}
    > hold store
    > ops do {"room_retain":{"room":"lab","retain":{"entries":1}}}
    > refuse storage_full
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > free store
    > tick 1m
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 1","id":"00000000000000ab-1","seq":1,"prev":0,"sent_at":1000000,"age_ms":60000},{"room":"lab","from":"ana","text":"number 2","id":"00000000000000ab-2","seq":2,"prev":1,"sent_at":1000000,"age_ms":60000},{"room":"lab","from":"ana","text":"number 3","id":"00000000000000ab-3","seq":3,"prev":2,"sent_at":1000000,"age_ms":60000}],"has_more":false}
    "#);
}

#[test]
fn an_age_that_is_set_later_counts_for_what_is_there() {
    transcript!(@r#"
    > set keep 2
    > open ops side operator
    ops <- auth_ok []
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_retain":{"room":"lab","retain":{"entries":2}}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > times 3 ana say #lab number {n}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":0}
    > tick 1m
    > ops do {"room_retain":{"room":"lab","retain":{"age_ms":1000}}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[],"has_more":false}
    "#);
}

#[test]
fn many_dropped_messages_are_all_reported_to_their_sender() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > quiet
    > times 70 ana say #lab number {n} id=m{n}
    > brief
    > set buffer 1
    > ana say #lab last id=last
    ana <- {"type":"ack","room":"lab","id":"last","seq":71,"delivered":0,"queued":1,"dropped":70}
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    ... 66 more ...
    ana <- {"type":"receipt","room":"lab","id":"m69","bot":"bob","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"m70","bot":"bob","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    "#);
}

#[test]
fn bounds_of_any_size_are_kept() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > open bob ack
    > open ops side operator
    > operator ops
    > ana join lab
    > bob join lab
    > loud
    > ops do {"room_retain":{"room":"lab","retain":{"entries":18446744073709551615}}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ops do {"room_retain":{"room":"lab","retain":{"bytes":18446744073709551615}}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ops do {"room_retain":{"room":"lab","retain":{"age_ms":18446744073709551615}}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > tick 61s
    > ana {"type":"history","room":"lab","after":18446744073709551615,"before":18446744073709551615,"limit":4294967295}
    ana <- {"type":"history","room":"lab","entries":[],"has_more":false}
    > bob received lab 18446744073709551615
    > ana {"type":"message","room":"lab","text":"four","id":"m4","expires_at":18446744073709551615}
    bob <- #lab 4 ana: four (m4)
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":1,"queued":0}
    "#);
}
