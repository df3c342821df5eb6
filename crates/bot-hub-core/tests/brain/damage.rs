//! What cannot be delivered: entries that end every connection, and damaged ones.

use crate::transcript;

#[test]
fn an_entry_that_ends_every_connection_is_given_up() {
    transcript!(@r#"
    > set redeliveries 2
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab poison id=m1
    bob <- #lab 1 ana: poison (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab fine id=m2
    bob <- #lab 2 ana: fine (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- #lab 1 ana: poison (m1), late 0ms, redelivered, 1 of 2
    bob <- #lab 2 ana: fine (m2), late 0ms, redelivered, 2 of 2
    > written bob
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- #lab 1 ana: poison (m1), late 0ms, redelivered, 1 of 2
    bob <- #lab 2 ana: fine (m2), late 0ms, redelivered, 2 of 2
    > written bob
    > show store
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    store <- drop #lab bob 1..1 Dead
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"dead"}
    store ? page #lab after 1, at most 64
    store ? page #lab after 0, at most 64
    bob <- #lab 2 ana: fine (m2), late 0ms, redelivered, 1 of 1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dead","at":1000000,"reason":"delivered many times and never received"}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dead","steps":[{"state":"stored","at":1000000},{"state":"dead","at":1000000,"reason":"delivered many times and never received"}]}]}
    "#);
}

#[test]
fn a_seed_client_is_never_given_up() {
    transcript!(@r#"
    > set redeliveries 1
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab hello id=m1
    bob <- {"type":"message","room":"lab","from":"ana","text":"hello"}
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"hello","age_ms":0}
    bob <- probe 2
    > written bob
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: hello (m1), late 0ms, redelivered, 1 of 1
    > written bob
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: hello (m1), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn a_damaged_entry_is_named_and_the_ones_around_it_arrive() {
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
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > damage lab 2
    > show store
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    store ? page #lab after 0, at most 64
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 3
    store <- drop #lab bob 2..2 Corrupt
    bob <- {"type":"gap","room":"lab","from_seq":2,"to_seq":2,"lost":1,"reason":"corrupt"}
    store ? page #lab after 2, at most 63
    store ? page #lab after 1, at most 64
    bob <- #lab 3 ana: three (m3), late 0ms, 2 of 3
    > bob received lab m1
    store <- cursor #lab bob 1 received
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > bob received lab m3
    store <- cursor #lab bob 3 received
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    > tick 1s
    store <- cursor #lab ana 3 delivered
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    > numbers
    hub: accepted 3, deliveries 2, received 2, corrupt 1
    "#);
}

#[test]
fn damage_at_the_end_of_a_page_is_told_where_it_is_reached() {
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
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > ana say #lab four id=m4
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > damage lab 1
    > damage lab 4
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/4
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"corrupt"}
    bob <- #lab 2 ana: two (m2), late 0ms, 1 of 4
    bob <- #lab 3 ana: three (m3), late 0ms, 2 of 4
    > bob received lab m2
    bob <- {"type":"gap","room":"lab","from_seq":4,"to_seq":4,"lost":1,"reason":"corrupt"}
    > bob received lab m3
    > ana say #lab five
    bob <- #lab 5 ana: five
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":5,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_seed_client_is_told_how_much_is_damaged() {
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
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":1}
    > damage lab 1
    > damage lab 3
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"two","age_ms":0,"lost":1}
    bob <- probe 1
    > ana say #lab four
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":0,"queued":1}
    bob <- {"type":"message","room":"lab","from":"ana","text":"four","age_ms":0,"lost":1}
    "#);
}
