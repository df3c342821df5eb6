//! What is received out of turn stays received: after a restart, and for the next reader of any kind.

use crate::transcript;

#[test]
fn what_was_received_out_of_turn_is_received_after_a_restart() {
    transcript!(@r#"
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
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"delivered","at":1000000}
    > bob received lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > bob received lab m3
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    > tick 4s
    > restart
    > open ana receipts resume
    ana <- auth_ok [receipts] lab 3/3
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1004000,"reason":"kicked"}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1004000,"reason":"kicked"}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}

#[test]
fn what_was_done_out_of_turn_is_not_delivered_again_after_a_restart() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
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
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > show store
    > bob done lab m2 from=ana
    store <- receipt #lab 2 bob received
    store <- receipt #lab 2 bob done
    > restart
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    store ? page #lab after 0, at most 64
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 2
    bob <- #lab 3 ana: three (m3), late 0ms, redelivered, 2 of 2
    > bob received lab 3
    > open ana receipts resume
    ana <- auth_ok [receipts] lab 0/3
    store ? page #lab after 0, at most 64
    > ana status m2
    store ? find m2 from ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"done","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"done","at":1000000}]}]}
    "#);
}

#[test]
fn what_was_received_out_of_turn_stays_so_when_a_reader_of_another_kind_passes_it() {
    transcript!(@r#"
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
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"delivered","at":1000000}
    > bob received lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > open bob seed
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"one","age_ms":0}
    bob <- probe 1
    > prove bob
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}

#[test]
fn what_is_out_of_turn_for_a_moment_costs_no_write_of_its_own() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 4 ana say #lab number {n} id=m{n}
    bob <- #lab 1 ana: number 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: number 2 (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    bob <- #lab 3 ana: number 3 (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    bob <- #lab 4 ana: number 4 (m4)
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":1,"queued":0}
    > tick 1s
    > show store
    > bob received lab m2
    > bob received lab m4
    > bob received lab m1
    > tick 1s
    store <- receipt #lab 4 bob received
    store <- cursor #lab bob 2 received
    > bob received lab m3
    > tick 1s
    store <- cursor #lab bob 4 received
    "#);
}

#[test]
fn what_was_received_out_of_turn_is_told_when_it_is_stored() {
    transcript!(@r#"
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
    > hold store
    > bob received lab m2
    > refuse storage_full
    > free store
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > restart
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- #lab 1 ana: one (m1), late 1000ms, redelivered, 1 of 1
    "#);
}

#[test]
fn what_was_done_on_an_earlier_connection_is_not_delivered_again() {
    transcript!(@r#"
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
    > set window 1
    > open bob ack resume
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob <- auth_ok [ack] lab 0/2
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 2
    > show store
    > bob done lab m2 from=ana
    store ? locate #lab m2 from ana
    store <- receipt #lab 2 bob received
    store <- receipt #lab 2 bob done
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"done","at":1000000}
    > restart
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    store ? page #lab after 0, at most 1
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    > bob received lab m1
    "#);
}

#[test]
fn a_position_that_a_client_names_says_no_less_than_it_said_before() {
    transcript!(@r#"
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
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"delivered","at":1000000}
    > bob done lab m2 from=ana
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"done","at":1000000}
    > open bob ack resume lab=3
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob <- auth_ok [ack] lab 0/3
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    "#);
}

#[test]
fn what_was_received_out_of_turn_is_saved_again_if_the_store_refused_it() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack resume
    > open bob ack resume
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > bob received lab m2
    > hold store
    > tick 5s
    > refuse storage_full
    > free store
    > loud
    > show store
    > tick 5s
    store <- cursor #lab ana 2 received
    store <- receipt #lab 2 bob received
    > restart
    > open ana ack resume
    ana <- auth_ok [ack] lab 2/2
    > ana status m2
    store ? find m2 from ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}
