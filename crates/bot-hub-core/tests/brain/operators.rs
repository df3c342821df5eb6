//! What those who run the hub may do and see.

use crate::transcript;

#[test]
fn operations_are_for_operators() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana do {"room_list":{}}
    ana <- {"type":"error","code":2003,"name":"not_allowed","message":"this bot may not do that","hint":"this needs an operator's token","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn an_operator_makes_rooms_and_memberships() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > bot ana
    > show store
    > ops do {"room_create":{"room":"lab"}}
    store <- create #lab
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_create":{"room":"lab"}}
    store <- create #lab
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_create":{"room":"lab","closed":true}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"room `lab` exists, and it is open","hint":"bot-hub room show lab","retry":"after_fix","ref":"r1"}
    > ops do {"room_add":{"room":"lab","bot":"ana"}}
    store <- join #lab ana
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_add":{"room":"lab","bot":"ana"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_add":{"room":"lab","bot":"nobody"}}
    ops <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `nobody`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"r1"}
    > ops do {"room_add":{"room":"nowhere","bot":"ana"}}
    ops <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"r1"}
    > ops do {"room_kick":{"room":"lab","bot":"ana"}}
    store <- drop #lab ana 1..18446744073709551615 Kicked
    store <- leave #lab ana
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_kick":{"room":"lab","bot":"ana"}}
    ops <- {"type":"error","code":3003,"name":"not_a_member","message":"`ana` is not a member of `lab`","hint":"bot-hub room show lab","retry":"after_fix","ref":"r1"}
    > ops do {"room_create":{"room":"ana"}}
    ops <- {"type":"error","code":3004,"name":"wrong_kind","message":"`ana` is a bot, not a room","hint":"a room cannot have the name of a bot","retry":"after_fix","ref":"r1"}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > ops do {"room_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}]}}
    > ops do {"bot_list":{}}
    ops <- {"type":"error","code":1002,"name":"unknown_type","message":"bots are administered by the hub's registry","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn a_connected_bot_is_told_when_an_operator_moves_it() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob seed
    bob <- {"type":"auth_ok"}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_create":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_add":{"room":"lab","bot":"ana"}}
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_add":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > bob say #lab hello
    ana <- #lab 1 bob: hello
    bob <- {"type":"ack","room":"lab","delivered":1}
    > ops do {"room_kick":{"room":"lab","bot":"ana"}}
    ana <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bob say #lab am I here?
    bob <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} first","retry":"after_fix","ref":"message"}
    "#);
}

#[test]
fn an_answer_is_given_when_the_change_is_committed() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > bot ana
    > ops do {"room_create":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > hold store
    > ops do {"room_add":{"room":"lab","bot":"ana"}}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > free store
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    "#);
}

#[test]
fn pending_says_what_waits_for_whom_and_why() {
    transcript!(@r#"
    > set window 1
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"]}
    > open dora ack
    dora <- auth_ok [ack]
    > dora join lab
    dora <- {"type":"joined","room":"lab","members":["ana","bob","carl"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close dora
    > open dora ack
    dora <- auth_ok [ack] lab 0/0
    > open eve ack
    eve <- auth_ok [ack]
    > eve join lab
    eve <- {"type":"joined","room":"lab","members":["ana","bob","carl","dora"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close eve
    > ana say #lab one
    bob <- #lab 1 ana: one
    carl <- {"type":"message","room":"lab","from":"ana","text":"one"}
    carl <- probe 1
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":2,"queued":2}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":4}
    > tick 5s
    > open ops side operator
    ops <- auth_ok []
    > ops do {"pending":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"bob","in_flight":1,"oldest_age_ms":5000,"oldest_seq":1,"reason":"window full: delivered, not received","room":"lab","waiting":2},{"bot":"carl","in_flight":1,"oldest_age_ms":5000,"oldest_seq":1,"reason":"window full: delivered, not received","room":"lab","waiting":2},{"bot":"dora","in_flight":0,"oldest_age_ms":5000,"oldest_seq":1,"reason":"connected, but has not joined the room on this connection","room":"lab","waiting":2},{"bot":"eve","in_flight":0,"oldest_age_ms":5000,"oldest_seq":1,"reason":"offline","room":"lab","waiting":2}]}}
    > ops do {"pending":{"bot":"eve"}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"eve","in_flight":0,"oldest_age_ms":5000,"oldest_seq":1,"reason":"offline","room":"lab","waiting":2}]}}
    "#);
}

#[test]
fn an_observer_sees_every_room_and_counts_for_nobody() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > ops do {"observe":{}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > ops do {"observe":{}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ops <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > written ops
    > ana say @ana two id=m2
    ops <- #dm:ana:ana 1 ana: two (m2)
    ana <- {"type":"ack","room":"dm:ana:ana","id":"m2","seq":1,"delivered":0,"queued":0}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[]}
    "#);
}

#[test]
fn an_observer_of_some_rooms_sees_only_those() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"observe":{"rooms":["lab"]}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":{"lab":0}}}
    > ops do {"observe":{"rooms":["nowhere"]}}
    ops <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"r1"}
    > ana say #lab one
    ops <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > ana say #den two
    ana <- {"type":"ack","room":"den","id":"00000000000000ab-2","seq":1,"delivered":0,"queued":0}
    > close ops
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":2,"delivered":0,"queued":0}
    "#);
}

#[test]
fn an_observer_that_is_a_member_too_has_received_nothing_by_observing() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops ack
    ops <- auth_ok [ack]
    > ops join lab
    ops <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close ops
    > open watch as ops side operator
    watch <- auth_ok [] lab 0/0
    > watch do {"observe":{}}
    watch <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > ana say #lab one id=m1
    watch <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > written watch
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"ops","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    "#);
}

#[test]
fn a_slow_observer_is_sent_away() {
    transcript!(@r#"
    > set outstanding 6
    > open ops side operator
    ops <- auth_ok []
    > ops do {"observe":{}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ops <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > ana say #lab two
    ops <- #lab 2 ana: two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    > ana say #lab three
    ops <- {"type":"going_away","reason":"too_slow","reconnect_in_ms":1000}
    ops <- closed: TooSlow
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":0}
    > ana say #lab four
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":0,"queued":0}
    "#);
}

#[test]
fn only_a_side_connection_observes() {
    transcript!(@r#"
    > open ops operator
    ops <- auth_ok []
    > ops do {"observe":{}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"only a side connection can observe","hint":"send \"side\":true in `auth`","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn the_hub_in_numbers() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0,"duplicate":true}
    > tick 2s
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":1,"ahead_ms":0,"bots":3,"connections":3,"corrupt":0,"dead":0,"deliveries":1,"disk_left":null,"dropped":0,"entries":1,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":2000,"online":2,"pauses":0,"received":0,"refused_changes":0,"retention_waits":null,"rooms":1,"waiting":1}}
    "#);
}

#[test]
fn a_connection_that_watches_ends_when_its_bot_may_not_operate_any_more_and_no_sooner() {
    transcript!(@r#"
    > quiet
    > declare lab ana
    > open ana ack resume
    > open ops side operator
    > operator ops
    > loud
    > ops do {"observe":{}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > operator ops
    > ana say #lab one id=m1
    ops <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > plain ops
    ops <- {"type":"going_away","reason":"revoked"}
    ops <- closed: Revoked
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    "#);
}
