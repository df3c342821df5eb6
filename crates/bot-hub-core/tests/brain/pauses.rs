//! Cursors that stand still: whom a pause holds, who is told, and what becomes of what waits.

use crate::transcript;

#[test]
fn who_is_paused_in_a_room_gets_nothing_and_then_all_of_it() {
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
    > ops because too loud do {"pause":{"room":"lab","bot":"bob"}}
    store <- pause lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000,"why":{"text":"too loud"}}}
    told: the pause of bob in lab holds: by ops: too loud
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","why":{"text":"too loud"},"since":1000000}
    > ana say #lab one id=m1
    store <- append #lab ana: one
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two id=m2
    store <- append #lab ana: two
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000,"reason":"paused: by an operator"}]}]}
    > ops do {"pending":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"bob","in_flight":0,"oldest_age_ms":0,"oldest_seq":1,"paused":{"bot":"bob","by":"ops","room":"lab","since":1000000,"why":{"text":"too loud"}},"reason":"paused","room":"lab","waiting":2}]}}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":6,"closed":false,"entries":2,"first":1,"head":2,"members":[{"bot":"ana","can":["read","post","request"],"cursor":2,"online":true,"waiting":0},{"bot":"bob","can":["read","post","request"],"cursor":0,"online":true,"paused":{"bot":"bob","by":"ops","room":"lab","since":1000000,"why":{"text":"too loud"}},"waiting":2}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > bob rooms
    bob <- {"type":"rooms","rooms":[{"room":"lab","members":2,"online":2,"head":2,"member":true,"closed":false,"paused":{"bot":"bob","by":"ops","room":"lab","since":1000000,"why":{"text":"too loud"}}}]}
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"lab","members":2,"online":2,"head":2,"member":true,"closed":false}]}
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[{"bot":"bob","by":"ops","room":"lab","since":1000000,"why":{"text":"too loud"}}]}}
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":2,"ahead_ms":0,"bots":3,"connections":3,"corrupt":0,"dead":0,"deliveries":0,"disk_left":null,"dropped":0,"entries":2,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":0,"online":2,"pauses":1,"received":0,"refused_changes":0,"retention_waits":null,"rooms":1,"waiting":2}}
    > ops do {"resume":{"room":"lab","bot":"bob"}}
    store <- resume lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops: too loud
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","why":{"text":"too loud"},"since":1000000}
    store ? page #lab after 0, at most 64
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 2
    bob <- #lab 2 ana: two (m2), late 0ms, 2 of 2
    > bob received lab 2
    store <- cursor #lab bob 2 received
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > ana say #lab three id=m3
    store <- append #lab ana: three
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[]}}
    "#
    );
}

#[test]
fn a_paused_room_holds_all_its_members_and_no_other_room() {
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
    > declare den ana,bob
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"den","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    told: the pause of all bots in lab holds: by ops
    bob <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    > bob say #den hello
    ana <- #den 1 bob: hello
    bob <- {"type":"ack","room":"den","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > ana say #lab one id=m1
    ana <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops (all bots in lab)","hint":"an operator can run: bot-hub resume lab","retry":"after_fix","ref":"m1"}
    > ana say #den one id=m2
    bob <- #den 2 ana: one (m2)
    ana <- {"type":"ack","room":"den","id":"m2","seq":2,"delivered":1,"queued":0}
    > ops do {"resume":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of all bots in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    > bob say #lab hello id=b1
    ana <- #lab 1 bob: hello (b1)
    bob <- {"type":"ack","room":"lab","id":"b1","seq":1,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn a_bot_is_paused_in_all_its_rooms_and_in_direct_conversations() {
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
    > ops do {"pause":{"bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","since":1000000}}
    told: the pause of bob in all rooms holds: by ops
    bob <- {"type":"pause","bot":"bob","on":true,"by":"ops","since":1000000}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say @bob two id=m2
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m2","seq":1,"delivered":0,"queued":1}
    > bob say @ana three id=b1
    bob <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops (bob in all rooms)","hint":"an operator can run: bot-hub resume @bob","retry":"after_fix","ref":"b1"}
    > bob join den
    bob <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"resume":{"bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in all rooms has ended: by ops
    bob <- {"type":"pause","bot":"bob","on":false,"by":"ops","since":1000000}
    bob <- #dm:ana:bob 1 ana: two (m2), late 0ms, 1 of 1
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 1
    "#
    );
}

#[test]
fn everything_stops_and_goes_on() {
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
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"]}
    > ops because a loop do {"pause":{}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","since":1000000,"why":{"text":"a loop"}}}
    told: the pause of everything holds: by ops: a loop
    ana <- {"type":"pause","on":true,"by":"ops","why":{"text":"a loop"},"since":1000000}
    bob <- {"type":"pause","on":true,"by":"ops","why":{"text":"a loop"},"since":1000000}
    > carl say #lab one
    carl <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops: a loop (everything)","hint":"an operator can run: bot-hub resume --all","retry":"after_fix","ref":"message"}
    > ops say #lab what is this?
    ops <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops: a loop (everything)","hint":"an operator can run: bot-hub resume --all","retry":"after_fix","ref":"message"}
    > rule lab bob 30 6h
    told: the pause of bob in lab holds: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":22600000}
    > open dora ack,governor resume
    dora <- auth_ok [ack,governor]
    dora <- {"type":"pause","on":true,"by":"ops","why":{"text":"a loop"},"since":1000000}
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[{"by":"ops","since":1000000,"why":{"text":"a loop"}},{"bot":"bob","room":"lab","since":1000000,"until":22600000,"why":{"limit":30,"rule":"turns","used":30}}]}}
    > ops do {"resume":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"holds":{"by":"ops","since":1000000,"why":{"text":"a loop"}},"skipped":0}}
    told: the pause of bob in lab has ended: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":22600000}
    > ops do {"resume":{}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of everything has ended: by ops: a loop
    ana <- {"type":"pause","on":false,"by":"ops","why":{"text":"a loop"},"since":1000000}
    bob <- {"type":"pause","on":false,"by":"ops","why":{"text":"a loop"},"since":1000000}
    dora <- {"type":"pause","on":false,"by":"ops","why":{"text":"a loop"},"since":1000000}
    > carl say #lab two
    ana, bob <- #lab 1 carl: two
    carl <- {"type":"ack","room":"lab","delivered":2}
    "#
    );
}

#[test]
fn a_seed_sender_hears_of_no_delivery_and_a_seed_reader_of_nothing() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana seed
    ana <- {"type":"auth_ok"}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[]}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","delivered":0}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","delivered":0}
    > bob say #lab me
    bob <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops (bob in lab)","hint":"an operator can run: bot-hub resume lab @bob","retry":"after_fix","ref":"message"}
    > ops do {"resume":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"message","room":"lab","from":"ana","text":"one","age_ms":0}
    bob <- {"type":"message","room":"lab","from":"ana","text":"two","age_ms":0}
    bob <- probe 1
    > prove bob
    > ana say #lab three
    bob <- {"type":"message","room":"lab","from":"ana","text":"three"}
    bob <- probe 2
    ana <- {"type":"ack","room":"lab","delivered":1}
    "#
    );
}

#[test]
fn whom_a_person_paused_may_not_speak_and_whom_a_rule_paused_may() {
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
    > rule lab bob 30 6h
    told: the pause of bob in lab holds: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":22600000}
    > bob say #lab still here id=b1
    ana <- #lab 1 bob: still here (b1)
    bob <- {"type":"ack","room":"lab","id":"b1","seq":1,"delivered":1,"queued":0}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":0,"queued":1}
    > ops because look at it do {"pause":{"room":"lab","bot":"bob","for_ms":60000}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000,"until":1060000,"why":{"text":"look at it"}}}
    told: the pause of bob in lab holds: by ops: look at it
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","why":{"text":"look at it"},"since":1000000,"until":1060000}
    > bob say #lab still here id=b1
    bob <- {"type":"ack","room":"lab","id":"b1","seq":1,"delivered":1,"queued":0,"duplicate":true}
    > bob say #lab and now id=b2
    bob <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops: look at it (bob in lab)","hint":"it ends at 1970-01-01T00:17:40.000Z; before that, an operator can run: bot-hub resume lab @bob","retry":"after_fix","ref":"b2"}
    > bob say @ana directly id=b3
    ana <- #dm:ana:bob 1 bob: directly (b3)
    bob <- {"type":"ack","room":"dm:ana:bob","id":"b3","seq":1,"delivered":1,"queued":0}
    > tick 1m
    told: the pause of bob in lab has ended: by ops: look at it
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","why":{"text":"look at it"},"since":1000000,"until":1060000}
    > bob say #lab and now id=b2
    ana <- #lab 3 bob: and now (b2)
    bob <- {"type":"ack","room":"lab","id":"b2","seq":3,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":4,"delivered":0,"queued":1}
    > tick 6h
    told: the pause of bob in lab has ended: 30 of 30 turns without a person
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"why":{"limit":30,"rule":"turns","used":30},"since":1000000,"until":22600000}
    bob <- #lab 2 ana: one (m1), late 21600000ms, 1 of 2
    bob <- #lab 4 ana: two (m2), late 21540000ms, 2 of 2
    "#
    );
}

#[test]
fn two_pauses_over_one_reader_and_one_of_them_ends() {
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
    > ops do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    told: the pause of all bots in lab holds: by ops
    bob <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    > ops do {"pause":{"bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","since":1000000}}
    told: the pause of bob in all rooms holds: by ops
    bob <- {"type":"pause","bot":"bob","on":true,"by":"ops","since":1000000}
    > ops say #lab one id=m1
    ops <- {"type":"error","code":4011,"name":"paused","message":"paused since 1970-01-01T00:16:40.000Z by ops (all bots in lab)","hint":"an operator can run: bot-hub resume lab","retry":"after_fix","ref":"m1"}
    > ops do {"resume":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of all bots in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","on":false,"by":"ops","since":1000000}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":1,"delivered":0,"queued":1}
    > ops do {"resume":{"bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in all rooms has ended: by ops
    bob <- {"type":"pause","bot":"bob","on":false,"by":"ops","since":1000000}
    bob <- #lab 1 ana: two (m2), late 0ms, 1 of 1
    "#
    );
}

#[test]
fn what_is_in_flight_moves_the_cursor_by_its_receipts() {
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
    > ana say #lab one id=m1
    store <- append #lab ana: one
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    store <- append #lab ana: two
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    store <- pause lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > ana say #lab three id=m3
    store <- append #lab ana: three
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"delivered","at":1000000}
    > bob received lab m1
    store <- delivered #lab bob 2
    store <- cursor #lab bob 1 received
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > bob started lab m2
    store ? locate #lab m2 from anybody
    store <- cursor #lab bob 2 received
    store <- receipt #lab 2 bob started
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"started","at":1000000}
    > tick 1s
    store <- cursor #lab ana 3 received
    > ana status m2
    store ? find m2 from ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"started","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000},{"state":"started","at":1000000}]}]}
    > close bob
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor] lab 2/3
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > ana status m3
    store ? find m3 from ana
    ana <- {"type":"status","id":"m3","room":"lab","seq":3,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000,"reason":"paused: by an operator"}]}]}
    > ops do {"resume":{"room":"lab","bot":"bob"}}
    store <- resume lab bob person
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000}
    store ? page #lab after 2, at most 64
    bob <- #lab 3 ana: three (m3), late 1000ms, 1 of 1
    "#
    );
}

#[test]
fn a_page_that_comes_after_the_pause_is_not_handed_over() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > ops do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    told: the pause of all bots in lab holds: by ops
    > free reads
    > ops do {"resume":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of all bots in lab has ended: by ops
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 1
    "#
    );
}

#[test]
fn what_expires_while_paused_is_told_with_that_reason() {
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
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > ana say #lab short id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab long id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > tick 10s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1006000,"reason":"paused: expires_at passed before it was received"}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"expired","at":1006000,"reason":"expires_at passed before it was received"}]}]}
    > ops do {"resume":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000}
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    bob <- #lab 2 ana: long (m2), late 10000ms, 1 of 1
    "#
    );
}

#[test]
fn retention_and_buffers_go_on_while_paused() {
    transcript!(
        @r#"
    > set keep 2
    > set buffer 3
    > open ops side operator
    ops <- auth_ok []
    > open ana ack,receipts,governor resume
    ana <- auth_ok [ack,receipts,governor]
    > open bob ack,governor resume
    bob <- auth_ok [ack,governor]
    > declare lab ana,bob,carl
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > times 4 ana say #lab number {n}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":2}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":2}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":2}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":0,"queued":2,"dropped":1}
    > tick 2m
    ana <- {"type":"receipt","room":"lab","id":"00000000000000ab-1","bot":"carl","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"00000000000000ab-1","bot":"bob","state":"dropped","at":1060000,"reason":"paused: retention"}
    ana <- {"type":"receipt","room":"lab","id":"00000000000000ab-2","bot":"bob","state":"dropped","at":1060000,"reason":"paused: retention"}
    ana <- {"type":"receipt","room":"lab","id":"00000000000000ab-2","bot":"carl","state":"dropped","at":1060000,"reason":"retention"}
    > ops do {"resume":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000}
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"retention"}
    bob <- #lab 3 ana: number 3, late 120000ms, 1 of 2
    bob <- #lab 4 ana: number 4, late 120000ms, 2 of 2
    "#
    );
}

#[test]
fn leaving_and_coming_back_lifts_no_pause() {
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
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"bob","by":"ops","room":"lab","since":1000000}}
    told: the pause of bob in lab holds: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > bob leave lab
    bob <- {"type":"left","room":"lab"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"pause","room":"lab","bot":"bob","on":true,"by":"ops","since":1000000}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > ops do {"resume":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of bob in lab has ended: by ops
    bob <- {"type":"pause","room":"lab","bot":"bob","on":false,"by":"ops","since":1000000}
    > ops do {"pause":{"room":"lab","bot":"bob"}}
    ops <- {"type":"error","code":3003,"name":"not_a_member","message":"`bob` is not a member of `lab`","hint":"bot-hub room show lab","retry":"after_fix","ref":"r1"}
    "#
    );
}

#[test]
fn what_cannot_be_paused_is_refused() {
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
    > bot dora
    > ops do {"pause":{"room":"nowhere"}}
    ops <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"r1"}
    > ops do {"pause":{"bot":"nobody"}}
    ops <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `nobody`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"r1"}
    > ops do {"pause":{"room":"lab","bot":"dora"}}
    ops <- {"type":"error","code":3003,"name":"not_a_member","message":"`dora` is not a member of `lab`","hint":"bot-hub room show lab","retry":"after_fix","ref":"r1"}
    > ops do {"pause":{"for_ms":0}}
    ops <- {"type":"error","code":1004,"name":"bad_frame","message":"a pause that ends by itself lasts from 1 ms to a year","hint":"leave `for_ms` out for a pause until somebody resumes","retry":"after_fix","ref":"r1"}
    > ana do {"pause":{}}
    ana <- {"type":"error","code":2003,"name":"not_allowed","message":"this bot may not do that","hint":"this needs an operator's token","retry":"after_fix","ref":"r1"}
    > ana do {"pause_list":{}}
    ana <- {"type":"error","code":2003,"name":"not_allowed","message":"this bot may not do that","hint":"this needs an operator's token","retry":"after_fix","ref":"r1"}
    > ops do {"resume":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":0,"skipped":0}}
    > ops do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    told: the pause of all bots in lab holds: by ops
    bob <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","on":true,"by":"ops","since":1000000}
    > ops do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000}}
    > ops because better do {"pause":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"by":"ops","room":"lab","since":1000000,"why":{"text":"better"}}}
    told: the pause of all bots in lab holds: by ops: better
    bob <- {"type":"pause","room":"lab","on":true,"by":"ops","why":{"text":"better"},"since":1000000}
    ana <- {"type":"pause","room":"lab","on":true,"by":"ops","why":{"text":"better"},"since":1000000}
    "#
    );
}

#[test]
fn an_operator_that_watches_is_told() {
    transcript!(
        @r#"
    > open ops side governor operator
    ops <- auth_ok [governor]
    > open ana ack,governor resume
    ana <- auth_ok [ack,governor]
    > declare lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"observe":{"rooms":["lab"]}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":{"lab":0}}}
    > ops do {"pause":{"room":"lab","bot":"ana"}}
    ops <- {"type":"operated","ref":"r1","result":{"bot":"ana","by":"ops","room":"lab","since":1000000}}
    told: the pause of ana in lab holds: by ops
    ops <- {"type":"pause","room":"lab","bot":"ana","on":true,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","bot":"ana","on":true,"by":"ops","since":1000000}
    > ops say #lab hello
    ops <- #lab 1 ops: hello
    ops <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ops do {"resume":{"room":"lab","bot":"ana"}}
    ops <- {"type":"operated","ref":"r1","result":{"ended":1,"skipped":0}}
    told: the pause of ana in lab has ended: by ops
    ops <- {"type":"pause","room":"lab","bot":"ana","on":false,"by":"ops","since":1000000}
    ana <- {"type":"pause","room":"lab","bot":"ana","on":false,"by":"ops","since":1000000}
    ana <- #lab 1 ops: hello, late 0ms, 1 of 1
    "#
    );
}
