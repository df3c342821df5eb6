//! What waits for a member whose membership ends is dropped aloud.

use crate::transcript;

#[test]
fn what_waits_for_a_bot_that_is_kicked_is_dropped_and_everybody_is_told() {
    transcript!(@r#"
    > open ana receipts resume
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
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > close bob
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > open ops side operator
    ops <- auth_ok []
    > show store
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    store <- drop #lab bob 2..18446744073709551615 Kicked
    store <- leave #lab bob
    store <- act of ops
    store ? page #lab after 1, at most 64
    ops <- {"type":"operated","ref":"r1","result":{"dropped":2,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > ana status m2
    store ? find m2 from ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000}]}]}
    > ops do {"room_add":{"room":"lab","bot":"bob"}}
    store <- join #lab bob
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > open bob ack resume
    bob <- auth_ok [ack] lab 3/3
    > ana status m2
    store ? find m2 from ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    "#);
}

#[test]
fn a_bot_that_leaves_drops_what_it_did_not_receive() {
    transcript!(@r#"
    > open ana receipts resume
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
    > bob received lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > bob leave lab
    bob <- {"type":"left","room":"lab","dropped":1}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"left"}
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"left"}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}

#[test]
fn what_waits_for_a_bot_that_is_removed_is_dropped_in_all_its_rooms() {
    transcript!(@r#"
    > bot bob
    > declare lab ana,bob
    > open ana receipts resume
    ana <- auth_ok [receipts] lab 0/0
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say @bob two id=m2
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m2","seq":1,"delivered":0,"queued":1}
    > remove bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"removed"}
    ana <- {"type":"receipt","room":"dm:ana:bob","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"removed"}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"removed"}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"dm:ana:bob","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"removed"}]}]}
    "#);
}

#[test]
fn a_member_that_may_not_read_any_more_loses_what_waits() {
    transcript!(@r#"
    > bot bob
    > declare lab ana,bob
    > open ana receipts resume
    ana <- auth_ok [receipts] lab 0/0
    > open ops side operator
    ops <- auth_ok []
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"no_right"}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"no_right"}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[]}
    "#);
}

#[test]
fn a_kick_that_the_store_refuses_drops_nothing() {
    transcript!(@r#"
    > declare lab ana,bob
    > open ana receipts resume
    ana <- auth_ok [receipts] lab 0/0
    > open ops side operator
    ops <- auth_ok []
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > hold store
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    > refuse storage_full
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > free store
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: one (m1), late 1000ms, 1 of 1
    "#);
}

#[test]
fn what_is_said_while_the_kick_is_being_stored_is_dropped_too() {
    transcript!(@r#"
    > declare lab ana,bob
    > open ana receipts resume
    ana <- auth_ok [receipts] lab 0/0
    > open ops side operator
    ops <- auth_ok []
    > hold store
    > ana say #lab one id=m1
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    > free store
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    "#);
}

#[test]
fn senders_that_are_no_members_hear_of_drops() {
    transcript!(@r#"
    > quiet
    > open ana ack,receipts
    > open bob ack
    > open carl ack
    > open ops ack,receipts side operator
    > operator ops
    > ana join lab
    > bob join lab
    > carl join lab
    > close carl
    > ana say #lab one id=m1
    > ops say #lab two id=m2
    > ana leave lab
    > loud
    > ops do {"room_kick":{"room":"lab","bot":"carl"}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":2,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"carl","state":"dropped","at":1000000,"reason":"kicked"}
    ops <- {"type":"receipt","room":"lab","id":"m2","bot":"carl","state":"dropped","at":1000000,"reason":"kicked"}
    "#);
}

#[test]
fn what_a_member_reports_while_its_end_is_being_stored_changes_nothing() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > ana say #lab three id=m3
    > ana say #lab four id=m4
    > hold store
    > loud
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    > bob received lab m1
    > bob done lab m2
    > bob received lab m4
    > free store
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":4,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m4","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > tick 30s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    > ana status m4
    ana <- {"type":"status","id":"m4","room":"lab","seq":4,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    "#);
}

#[test]
fn what_a_member_reports_while_its_end_is_refused_counts() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > ana say #lab three id=m3
    > ana say #lab four id=m4
    > hold store
    > loud
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    > bob received lab m1
    > bob done lab m2
    > bob received lab m4
    > refuse storage_full 1
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > free store
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"done","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m4","bot":"bob","state":"received","at":1000000}
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    "#);
}

#[test]
fn what_a_member_reports_while_it_loses_read_changes_nothing() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > hold store
    > loud
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["post"]}}
    > bob received lab m1
    > bob received lab m2
    > free store
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":false,"can":["post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":2,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"no_right"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"no_right"}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"no_right"}]}]}
    "#);
}

#[test]
fn a_kick_that_was_refused_does_not_count_in_the_one_that_is_stored() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > ana say #lab three id=m3
    > hold store
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    > refuse storage_full
    > free store
    > bob received lab m2
    > loud
    > waiting bob
    2
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":2,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > numbers
    hub: accepted 3, refused 1, deliveries 3, received 1, dropped 2, store_refusals 2
    "#);
}

#[test]
fn a_right_to_read_that_the_store_did_not_take_away_does_not_count_in_a_kick() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > ana say #lab three id=m3
    > hold store
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["post"]}}
    > refuse storage_full
    > free store
    > bob received lab m2
    > loud
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":2,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    "#);
}

#[test]
fn a_bot_that_is_not_removed_after_all_is_owed_what_waits() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > ana say #lab three id=m3
    > loud
    > waiting bob
    3
    > removing bob
    > ana say @bob four id=m4
    ana <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `bob`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"m4"}
    > ana say #lab five id=m5
    bob <- #lab 4 ana: five (m5)
    ana <- {"type":"ack","room":"lab","id":"m5","seq":4,"delivered":1,"queued":0}
    > stays bob
    > ana say @bob four id=m4
    bob <- #dm:ana:bob 1 ana: four (m4)
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m4","seq":1,"delivered":1,"queued":0}
    > bob received lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > waiting bob
    4
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":3,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m5","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    "#);
}

#[test]
fn a_position_that_a_member_names_while_its_end_is_being_stored_changes_nothing() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > open ops side operator
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > ana say #lab three id=m3
    > written bob
    > hold store
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    > close bob
    > loud
    > open bob ack lab=2
    bob <- auth_ok [ack] lab 0/3
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 3
    bob <- #lab 2 ana: two (m2), late 0ms, redelivered, 2 of 3
    bob <- #lab 3 ana: three (m3), late 0ms, redelivered, 3 of 3
    > free store
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":3,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]}]}
    "#);
}

#[test]
fn what_a_bot_received_just_before_it_is_removed_is_known_as_received() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack resume
    > open bob ack resume
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > bob received lab m1
    > remove bob
    > loud
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"removed"}]}]}
    > restart
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/2
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"removed"}]}]}
    "#);
}
