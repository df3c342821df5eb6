//! How a pause ends: by an operator, by itself, with its bot; and what is skipped.

use crate::transcript;

#[test]
fn a_pause_ends_by_itself_also_while_the_hub_was_down() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > show store
    > ops do {"pause":{"room":"lab","bot":"bob","for_ms":60000}}
    store <- pause lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000,"until":1060000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000,"until":1060000}
    > ana say #lab one id=m1
    store <- append #lab ana: one
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > tick 30s
    store <- cursor #lab ana 1 received
    > restart
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor] lab 0/1
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000,"until":1060000}
    > leap 5m
    > tick 1s
    store <- resume lab bob person
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000,"until":1060000}
    store ? page #lab after 0, at most 64
    bob <- #lab 1 ana: one (m1), late 330000ms, redelivered, 1 of 1
    "#
    );
}

#[test]
fn a_pause_survives_a_restart() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops because loop do {"pause":{}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","since":1000000,"why":{"text":"loop"}}}
    told: the pause of everything holds: by ops: loop
    ana <- {"type":"pause","on":true,"by":"ops","why":{"text":"loop"},"since":1000000}
    bob <- {"type":"pause","on":true,"by":"ops","why":{"text":"loop"},"since":1000000}
    > restart
    > open ana ack,governor resume
    ana <- auth_ok [ack,governor] lab 0/0
    ana <- {"type":"pause","on":true,"by":"ops","why":{"text":"loop"},"since":1000000}
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor] lab 0/0
    bob <- {"type":"pause","on":true,"by":"ops","why":{"text":"loop"},"since":1000000}
    > open ops side operator
    ops <- auth_ok []
    > ana say #lab one id=m1
    ana <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops: loop (everything)","hint":"an operator can run: bot-hub resume --all","retry":"after_fix","ref":"m1"}
    > ops do {"resume":{}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of everything has ended: by ops: loop
    ana <- {"type":"pause","on":false,"by":"ops","why":{"text":"loop"},"since":1000000}
    bob <- {"type":"pause","on":false,"by":"ops","why":{"text":"loop"},"since":1000000}
    "#
    );
}

#[test]
fn a_pause_of_a_bot_ends_with_it() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > show store
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    store <- pause lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > ops do {"pause":{"bot":"bob"}}
    store <- pause * bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","since":1000000}}
    told: the pause of bob in all rooms holds: by ops
    bob <- {"type":"pause","bot":"bob","on":true,"by":"ops","since":1000000}
    > ops do {"pause":{"room":"lab"}}
    store <- pause lab * person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    told: the pause of all bots in lab holds: by ops
    bob <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    > remove bob
    bob <- {"type":"going_away","reason":"revoked"}
    bob <- closed: Revoked
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[{"by":"ops","room":"lab","since":1000000}]}}
    > bot bob
    > restart
    > open ops side operator
    ops <- auth_ok []
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[{"by":"ops","room":"lab","since":1000000}]}}
    "#
    );
}

#[test]
fn skipped_is_what_waits_and_nothing_that_is_said_later() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > show store
    > ana say #lab zero id=m0
    store <- append #lab ana: zero
    bob <- #lab 1 ana: zero (m0)
    ana <- {"type":"ack","room":"lab","id":"m0","seq":1,"delivered":1,"queued":0}
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    store <- pause lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > times 3 ana say #lab number {n} id=m{n}
    store <- append #lab ana: number 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":0,"queued":1}
    store <- append #lab ana: number 2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":3,"delivered":0,"queued":1}
    store <- append #lab ana: number 3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":4,"delivered":0,"queued":1}
    > ops do {"resume":{"room":"lab","bot":"bob","skip":true}}
    store <- drop #lab bob 2..4 Skipped
    store <- resume lab bob person
    store <- act of ops
    store ? page #lab after 1, at most 64
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":3}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000}
    bob <- {"type":"gap","room":"lab","from_seq":2,"to_seq":4,"lost":3,"reason":"skipped"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"declined","at":1000000,"reason":"skipped by an operator"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"declined","at":1000000,"reason":"skipped by an operator"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"declined","at":1000000,"reason":"skipped by an operator"}
    > ana say #lab four id=m4
    store <- append #lab ana: four
    bob <- #lab 5 ana: four (m4)
    ana <- {"type":"ack","room":"lab","id":"m4","seq":5,"delivered":1,"queued":0}
    > tick 2s
    store <- cursor #lab ana 5 received
    > bob received lab 1
    store <- cursor #lab bob 1 received
    ana <- {"type":"receipt","room":"lab","id":"m0","bot":"bob","state":"received","at":1002000}
    > bob received lab 5
    store <- cursor #lab bob 5 received
    ana <- {"type":"receipt","room":"lab","id":"m4","bot":"bob","state":"received","at":1002000}
    > ana status m2
    store ? find m2 from ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":3,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"declined","steps":[{"state":"stored","at":1000000},{"state":"declined","at":1000000,"reason":"skipped by an operator"}]}]}
    > ana status m0
    store ? find m0 from ana
    ana <- {"type":"status","id":"m0","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1002000}]}]}
    "#
    );
}

#[test]
fn an_older_client_hears_of_what_was_skipped_in_its_words() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,ranges resume
    ana <- auth_ok [ack,receipts,ranges]
    > open bob ack resume
    bob <- auth_ok [ack]
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":[]}
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":["carl"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana","carl"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > rule lab * 30
    told: the pause of all bots in lab holds: 30 of 30 turns without a person
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":2}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":2}
    > ops do {"resume":{"room":"lab","skip":true}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":4}}
    told: the pause of all bots in lab has ended: 30 of 30 turns without a person
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"retention"}
    ana <- {"type":"receipts","room":"lab","from_seq":1,"to_seq":2,"count":2,"recipients":1,"bots":["bob"],"state":"declined","at":1000000,"reason":"skipped by an operator"}
    ana <- {"type":"receipts","room":"lab","from_seq":1,"to_seq":2,"count":2,"recipients":1,"bots":["carl"],"state":"declined","at":1000000,"reason":"skipped by an operator"}
    > tick 2s
    > ana say #lab three
    bob <- #lab 3 ana: three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":1,"queued":1}
    carl <- {"type":"message","room":"lab","from":"ana","text":"three","age_ms":0,"lost":2}
    carl <- probe 1
    "#
    );
}

#[test]
fn a_pause_that_the_store_refuses_does_not_hold_and_a_rule_tries_again() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > show store
    > hold store
    > ops do {"pause":{"room":"lab"}}
    store <- pause lab * person
    store <- act of ops
    > rule lab bob 30 1m
    store <- pause lab bob rule
    > refuse storage_full
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > tick 5s
    store <- pause lab bob rule
    > free store
    told: the pause of bob in lab holds: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":1060000}
    > tick 5s
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[{"bot":"bob","room":"lab","since":1000000,"until":1060000,"why":{"limit":30,"rule":"turns","used":30}}]}}
    > hold store
    > tick 1m
    store <- resume lab bob rule
    > refuse storage_full 1
    > free store
    > tick 20s
    store <- resume lab bob rule
    told: the pause of bob in lab has ended: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":1060000}
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[]}}
    "#
    );
}

#[test]
fn a_pause_elsewhere_holds_here() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > elsewhere pause lab bob
    told: the pause of bob in lab holds: by zoe
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"zoe","since":1000000}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > elsewhere resume lab bob
    told: the pause of bob in lab has ended: by zoe
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"zoe","since":1000000}
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 1
    "#
    );
}

#[test]
fn thousands_hear_of_it_and_go_on_in_turns() {
    transcript!(
        @r#"
    > quiet
    > open ops side operator
    > declare lab ana
    > times 150 open b{n} ack,governor
    > times 150 b{n} join lab
    > open ana ack resume
    > brief
    > ops do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    told: the pause of all bots in lab holds: by ops
    ... 62 more ...
    b88 <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    b87 <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    > ops do {"room_add":{"room":"lab","bot":"ops"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > tick 1s
    b86 <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    b85 <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    ... 82 more ...
    b2 <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    b1 <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    > rule lab ana 30
    told: the pause of ana in lab holds: 30 of 30 turns without a person
    > ops do {"resume":{"room":"lab"}}
    told: the pause of all bots in lab has ended: by ops
    b150 <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    ... 62 more ...
    ops <- {"type":"operated","ref":"r1","result":{"ended":2,"skipped":0}}
    told: the pause of ana in lab has ended: 30 of 30 turns without a person
    > tick 1s
    b87 <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    b86 <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    ... 83 more ...
    b2 <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    b1 <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    > rule lab * 30
    told: the pause of all bots in lab holds: 30 of 30 turns without a person
    b150 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    ... 60 more ...
    b89 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    b88 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    > tick 1s
    b87 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    b86 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    ... 83 more ...
    b2 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    b1 <- {"type":"pause","room":"lab","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":151}
    > ops do {"resume":{}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of all bots in lab has ended: 30 of 30 turns without a person
    ... 61 more ...
    b89 <- {"type":"pause","room":"lab","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    b88 <- {"type":"pause","room":"lab","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":151}
    > tick 1s
    b87 <- {"type":"pause","room":"lab","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    b86 <- {"type":"pause","room":"lab","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1002000}
    ... 383 more ...
    b1 <- #lab 1 ana: one, late 20ms, 1 of 2
    b1 <- #lab 2 ana: two, late 20ms, 2 of 2
    "#
    );
}

#[test]
fn a_person_and_a_rule_pause_the_same_apart() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab bob
    bob <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > rule lab bob 30 1m
    told: the pause of bob in lab holds: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":1060000}
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > ops say #lab one
    ops <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > tick 1m
    told: the pause of bob in lab has ended: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":1060000}
    > ops do {"resume":{"bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000}
    bob <- #lab 1 ops: one, late 60000ms, 1 of 1
    "#
    );
}

#[test]
fn who_skips_what_ends_by_itself_meanwhile_is_answered() {
    transcript!(
        @r#"
    > quiet
    > open ops side operator
    > declare lab ana
    > times 70 bot b{n}
    > times 70 ops do {"room_add":{"room":"lab","bot":"b{n}"}}
    > rule lab * 30 1s
    > loud
    > hold store
    > tick 1s
    > ops do {"resume":{"room":"lab","skip":true}}
    > free store
    told: the pause of all bots in lab has ended: 30 of 30 turns without a person
    > tick 1s
    ops <- {"type":"operated","ref":"r1","result":{"ended":0,"skipped":0}}
    "#
    );
}
