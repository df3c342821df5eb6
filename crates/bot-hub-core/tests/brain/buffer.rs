//! What waits for an absent bot, up to its limit, and the gap that tells of the rest.

use crate::transcript;

#[test]
fn sixty_messages_to_an_absent_seed_client_leave_exactly_the_last_fifty() {
    transcript!(@r#"
    > set buffer 50
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > close bob
    > quiet
    > times 49 ana say #lab number {n} id=m{n}
    > loud
    > ana say #lab number 50 id=m50
    ana <- {"type":"ack","room":"lab","id":"m50","seq":50,"delivered":0,"queued":1}
    > ana say #lab number 51 id=m51
    ana <- {"type":"ack","room":"lab","id":"m51","seq":51,"delivered":0,"queued":1,"dropped":1}
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    > quiet
    > times 8 ana say #lab more {n} id=n{n}
    > tick 1s
    > brief
    > ana say #lab number 60 id=m60
    ana <- {"type":"ack","room":"lab","id":"m60","seq":60,"delivered":0,"queued":1,"dropped":1}
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"m10","bot":"bob","state":"dropped","at":1003000,"reason":"buffer_per_bot_per_room"}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"number 11","age_ms":3000,"lost":10}
    ... 48 more ...
    bob <- {"type":"message","room":"lab","from":"ana","text":"number 60","age_ms":1000}
    bob <- probe 1
    "#);
}

#[test]
fn by_default_all_sixty_arrive_in_order() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > close bob
    > quiet
    > times 60 ana say #lab number {n}
    > brief
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"number 1","age_ms":0}
    ... 58 more ...
    bob <- {"type":"message","room":"lab","from":"ana","text":"number 60","age_ms":0}
    bob <- probe 1
    "#);
}

#[test]
fn a_client_that_knows_gaps_is_told_by_one() {
    transcript!(@r#"
    > set buffer 2
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > show store
    > times 4 ana say #lab number {n} id=m{n}
    store <- append #lab ana: number 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    store <- append #lab ana: number 2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    store <- append #lab ana: number 3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1,"dropped":1}
    store <- append #lab ana: number 4
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1,"dropped":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/4
    store <- drop #lab bob 1..2 BufferLimit
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"buffer_limit"}
    store ? page #lab after 2, at most 64
    store ? page #lab after 0, at most 64
    bob <- #lab 3 ana: number 3 (m3), late 0ms, 1 of 2
    bob <- #lab 4 ana: number 4 (m4), late 0ms, 2 of 2
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"buffer_per_bot_per_room"}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"buffer_per_bot_per_room"}]}]}
    "#);
}

#[test]
fn a_gap_is_told_again_until_something_after_it_was_received() {
    transcript!(@r#"
    > set buffer 1
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > times 3 ana say #lab number {n} id=m{n}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1,"dropped":1}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1,"dropped":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"buffer_limit"}
    bob <- #lab 3 ana: number 3 (m3), late 0ms, 1 of 1
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"buffer_limit"}
    bob <- #lab 3 ana: number 3 (m3), late 0ms, redelivered, 1 of 1
    > bob received lab m3
    > close bob
    > tick 1s
    > restart
    > open bob ack resume
    bob <- auth_ok [ack] lab 3/3
    "#);
}

#[test]
fn a_gap_survives_a_restart() {
    transcript!(@r#"
    > set buffer 1
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > close bob
    > times 3 ana say #lab number {n}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1,"dropped":1}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":1,"dropped":1}
    > tick 1s
    > restart
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":[]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"number 3","age_ms":1000,"lost":2}
    bob <- probe 1
    "#);
}

#[test]
fn own_messages_do_not_fill_ones_buffer() {
    transcript!(@r#"
    > set buffer 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > open cli as bob side
    cli <- auth_ok [] lab 0/0
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > cli say #lab from bob id=b1
    ana <- #lab 2 bob: from bob (b1)
    cli <- {"type":"ack","room":"lab","id":"b1","seq":2,"delivered":1,"queued":0}
    > cli say #lab from bob id=b2
    ana <- #lab 3 bob: from bob (b2)
    cli <- {"type":"ack","room":"lab","id":"b2","seq":3,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":4,"delivered":0,"queued":1}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":5,"delivered":0,"queued":1,"dropped":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/5
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"buffer_limit"}
    bob <- #lab 4 ana: two (m2), late 0ms, 1 of 2
    bob <- #lab 5 ana: three (m3), late 0ms, 2 of 2
    "#);
}

#[test]
fn a_connected_bot_loses_nothing_to_the_buffer_limit() {
    transcript!(@r#"
    > set buffer 1
    > set window 1
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 4 ana say #lab number {n} id=m{n}
    bob <- #lab 1 ana: number 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > bob received lab m1
    bob <- #lab 2 ana: number 2 (m2), late 0ms
    > bob received lab m2
    bob <- #lab 3 ana: number 3 (m3), late 0ms
    > bob received lab m3
    bob <- #lab 4 ana: number 4 (m4), late 0ms
    > bob received lab m4
    "#);
}

#[test]
fn a_seed_client_whose_whole_backlog_is_gone_hears_of_it_with_the_next_message() {
    transcript!(@r#"
    > set keep 0
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > close bob
    > times 3 ana say #lab number {n}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":1}
    > tick 1m
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab next
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":0,"queued":1}
    bob <- {"type":"message","room":"lab","from":"ana","text":"next","age_ms":0,"lost":3}
    bob <- probe 1
    "#);
}

#[test]
fn a_page_that_finds_nothing_does_not_drop_what_came_meanwhile() {
    transcript!(@r#"
    > set keep 0
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > hold store
    > tick 1m
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > commit
    > read
    > free store
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    > answer
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"retention"}
    > free reads
    bob <- #lab 2 ana: two, late 0ms, 1 of 1
    "#);
}

#[test]
fn two_gaps_with_something_between_them_are_both_told() {
    transcript!(@r#"
    > set window 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > set buffer 1
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1,"dropped":1}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1,"dropped":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"buffer_limit"}
    bob <- #lab 3 ana: three (m3), late 0ms, 1 of 1
    > ana say #lab four id=m4
    bob <- #lab 4 ana: four (m4)
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":1,"queued":0}
    > ana say #lab five id=m5
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":0,"queued":1}
    > ana say #lab six id=m6
    ana <- {"type":"ack","room":"lab","id":"m6","seq":6,"delivered":0,"queued":1}
    > set keep 1
    > tick 1m
    bob <- {"type":"gap","room":"lab","from_seq":5,"to_seq":5,"lost":1,"reason":"retention"}
    > bob received lab m3
    bob <- #lab 6 ana: six (m6), late 60000ms
    > bob received lab m4
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 4/6
    bob <- {"type":"gap","room":"lab","from_seq":5,"to_seq":5,"lost":1,"reason":"retention"}
    bob <- #lab 6 ana: six (m6), late 60000ms, redelivered, 1 of 1
    "#);
}
