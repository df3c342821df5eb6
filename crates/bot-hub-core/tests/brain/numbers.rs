//! The counters: each counts what it says.

use crate::transcript;

#[test]
fn connections_that_were_replaced_are_counted() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open b1 as bob ack
    b1 <- auth_ok [ack]
    > b1 join lab
    b1 <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open b2 as bob ack resume
    b1 <- {"type":"going_away","reason":"replaced"}
    b1 <- closed: Replaced
    b2 <- auth_ok [ack] lab 0/0
    > open b3 as bob ack resume
    b2 <- {"type":"going_away","reason":"replaced"}
    b2 <- closed: Replaced
    b3 <- auth_ok [ack] lab 0/0
    > numbers
    hub: replaced 2
    "#);
}

#[test]
fn refusals_and_repetitions_are_counted() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana leave nowhere
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"leave"}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab one id=m1
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    > free store
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0,"duplicate":true}
    > numbers
    hub: accepted 1, duplicates 1, refused 2, store_refusals 1
    "#);
}

#[test]
fn what_expired_or_was_given_up_is_counted() {
    transcript!(@r#"
    > set redeliveries 1
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1 expires=1s
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > tick 2s
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > written bob
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    bob <- #lab 2 ana: two (m2), late 0ms, redelivered, 1 of 1
    > written bob
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    bob <- {"type":"gap","room":"lab","from_seq":2,"to_seq":2,"lost":1,"reason":"dead"}
    > numbers
    hub: accepted 2, deliveries 3, redeliveries 1, expired 1, dead 1
    "#);
}

#[test]
fn what_the_retention_took_from_a_window_is_counted() {
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
    > tick 61s
    > close bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1061000,"reason":"retention"}
    > numbers
    hub: accepted 2, deliveries 2, dropped 1
    "#);
}

#[test]
fn what_a_full_buffer_and_the_retention_dropped_is_counted() {
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
    > quiet
    > times 5 ana say #lab number {n}
    > loud
    > numbers
    hub: accepted 5, dropped 3
    > set keep 1
    > tick 1m
    > numbers
    hub: accepted 5, dropped 4
    "#);
}

#[test]
fn in_a_hub_of_very_many_rooms_what_waits_is_what_the_last_sweep_counted() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > bot bob
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":1,"ahead_ms":0,"bots":3,"connections":2,"corrupt":0,"dead":0,"deliveries":0,"disk_left":null,"dropped":0,"entries":1,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":0,"online":1,"pauses":0,"received":0,"refused_changes":0,"retention_waits":null,"rooms":1,"waiting":1}}
    > quiet
    > times 10001 ops do {"room_create":{"room":"room-{n}"}}
    > loud
    > tick 61s
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":2,"ahead_ms":0,"bots":3,"connections":2,"corrupt":0,"dead":0,"deliveries":0,"disk_left":null,"dropped":0,"entries":1,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":61000,"online":1,"pauses":0,"received":0,"refused_changes":0,"retention_waits":null,"rooms":10002,"waiting":1}}
    > tick 61s
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":2,"ahead_ms":0,"bots":3,"connections":2,"corrupt":0,"dead":0,"deliveries":0,"disk_left":null,"dropped":0,"entries":2,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":122000,"online":1,"pauses":0,"received":0,"refused_changes":0,"retention_waits":null,"rooms":10002,"waiting":2}}
    "#);
}
