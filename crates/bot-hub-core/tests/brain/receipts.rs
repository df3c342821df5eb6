//! The ladder of receipts, and `status`.

use crate::transcript;

#[test]
fn a_message_climbs_the_whole_ladder() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab hello id=m1
    bob <- #lab 1 ana: hello (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000}]}]}
    > bob started lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1000000}
    > bob answered lab m1 reply=m9
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"answered","at":1000000,"reply":"m9"}
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"answered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000},{"state":"started","at":1000000},{"state":"answered","at":1000000,"reply":"m9"}]}]}
    "#);
}

#[test]
fn whoever_begins_a_turn_has_taken_responsibility() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab hello id=m1
    bob <- #lab 1 ana: hello (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob started lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1000000}
    "#);
}

#[test]
fn a_ladder_is_climbed_upwards_only() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab zero id=m0
    bob <- #lab 1 ana: zero (m0)
    ana <- {"type":"ack","room":"lab","id":"m0","seq":1,"delivered":1,"queued":0}
    > ana say #lab one id=m1
    bob <- #lab 2 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":1,"queued":0}
    > show store
    > bob received lab m1
    store <- receipt #lab 2 bob received
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m0","bot":"bob","state":"delivered","at":1000000}
    > bob answered lab m1 reply=m9
    store ? locate #lab m1 from anybody
    store <- receipt #lab 2 bob received
    store <- delivered #lab bob 2
    store <- receipt #lab 2 bob answered
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"answered","at":1000000,"reply":"m9"}
    > bob started lab m1
    store ? locate #lab m1 from anybody
    > bob done lab m1
    store ? locate #lab m1 from anybody
    > bob received lab m0
    store <- cursor #lab bob 2 received
    ana <- {"type":"receipt","room":"lab","id":"m0","bot":"bob","state":"received","at":1000000}
    > bob started lab m1
    store ? locate #lab m1 from anybody
    "#);
}

#[test]
fn ways_off_the_ladder() {
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
    > bob {"type":"receipt","room":"lab","id":"m1","state":"declined","reason":"not addressed"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"declined","at":1000000,"reason":"not addressed"}
    > bob {"type":"receipt","room":"lab","id":"m2","state":"failed","reason":"out of tokens"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"failed","at":1000000,"reason":"out of tokens"}
    > bob done lab m3
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"done","at":1000000}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"failed","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"failed","at":1000000,"reason":"out of tokens"}]}]}
    "#);
}

#[test]
fn receipts_come_long_after_the_window_has_moved_on() {
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
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > tick 15m
    > show store
    > bob started lab m1
    store ? locate #lab m1 from anybody
    store <- receipt #lab 1 bob started
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1900000}
    > tick 15m
    > bob {"type":"receipt","room":"lab","id":"m1","state":"failed","reason":"crashed"}
    store ? locate #lab m1 from anybody
    store <- receipt #lab 1 bob failed
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"failed","at":2800000,"reason":"crashed"}
    > bob done lab m1
    store ? locate #lab m1 from anybody
    > bob started lab nonsense
    store ? locate #lab nonsense from anybody
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"nonsense"}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"failed","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"started","at":1900000},{"state":"failed","at":2800000,"reason":"crashed"}]}]}
    "#);
}

#[test]
fn a_receipt_counts_even_if_the_connection_ends_before_the_store_has_found_the_entry() {
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
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > hold reads
    > bob done lab m1
    > close bob
    > free reads
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    "#);
}

#[test]
fn a_receipt_after_a_reconnect_counts_before_the_entry_is_redelivered() {
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
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > bob done lab m1
    > show store
    > answer
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    > answer
    store <- delivered #lab bob 1
    store <- cursor #lab bob 1 received
    store <- receipt #lab 1 bob done
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    "#);
}

#[test]
fn a_receipt_for_something_that_was_never_handed_over_is_refused() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab early id=m0
    ana <- {"type":"ack","room":"lab","id":"m0","seq":1,"delivered":0,"queued":0}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > close bob
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":0,"queued":1}
    > open bob ack
    bob <- auth_ok [ack] lab 1/2
    > bob done lab m0
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m0"}
    > bob done lab m1
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn a_receipt_for_ones_own_message_is_refused() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana done lab m1
    ana <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn a_client_without_ack_has_no_receipts_to_give() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab one id=m1
    bob <- {"type":"message","room":"lab","from":"ana","text":"one"}
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob received lab m1
    bob <- {"type":"error","code":2003,"name":"not_allowed","message":"only a reading connection that asked for the cap `ack` has receipts to give","hint":"send \"caps\":[\"ack\"] in `auth`","retry":"after_fix","ref":"m1"}
    > prove bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    "#);
}

#[test]
fn a_recipient_that_is_away_is_shown_as_stored() {
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
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    "#);
}

#[test]
fn a_bot_that_took_an_entry_and_left_still_shows_as_received_before_its_cursor_is_saved() {
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
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > close bob
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}

#[test]
fn a_redelivery_is_not_reported_twice() {
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
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    > written bob
    "#);
}

#[test]
fn an_operator_may_ask_about_anybodys_message_and_others_may_not() {
    transcript!(@r#"
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
    > open ops side operator
    ops <- auth_ok []
    > ops status m1
    ops <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > ops status m1 ana
    ops <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > ops status m1 bob
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    > bob status m1
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    > bob status m1 ana
    bob <- {"type":"error","code":2003,"name":"not_allowed","message":"only an operator may ask about messages of others","retry":"after_fix","ref":"m1"}
    "#);
}

#[test]
fn the_same_message_again_gets_the_first_answer_again() {
    transcript!(@r#"
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
    > restart
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/1
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1,"duplicate":true}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn an_id_is_bound_to_what_was_said() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana say #lab another id=m1
    ana <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"m1"}
    > ana say #lab one id=m1 re=m0
    ana <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"m1"}
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #den another room id=m1
    ana <- {"type":"ack","room":"den","id":"m1","seq":1,"delivered":0,"queued":0}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > bob say #lab another sender id=m1
    ana <- #lab 2 bob: another sender (m1)
    bob <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":1,"queued":0}
    > restart
    > open ana ack resume
    ana <- auth_ok [ack] den 0/1 lab 0/2
    ana <- #lab 2 bob: another sender (m1), late 0ms, redelivered, 1 of 2
    > ana say #lab another id=m1
    ana <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"m1"}
    "#);
}

#[test]
fn the_same_id_twice_at_once_is_stored_once() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab one id=m1
    > ana say #lab one id=m1
    > free store
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0,"duplicate":true}
    "#);
}

#[test]
fn a_duplicate_never_calls_a_dropped_message_delivered() {
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
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1,"dropped":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"buffer_limit"}
    bob <- #lab 2 ana: two (m2), late 0ms, 1 of 1
    > bob received lab m2
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0,"duplicate":true}
    "#);
}

#[test]
fn a_message_that_is_repeated_after_its_expiry_gets_the_first_answer_again() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    bob <- #lab 1 ana: soon (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > tick 2s
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0,"duplicate":true}
    > ana {"type":"message","room":"lab","text":"soon","id":"m2","expires_at":1001000}
    ana <- {"type":"error","code":4004,"name":"expired","message":"the message had expired before it arrived","retry":"never","ref":"m2"}
    "#);
}

#[test]
fn a_sender_hears_what_became_of_its_message_on_resume_from_a_position() {
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
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > open bob ack lab=1
    bob <- auth_ok [ack] lab 0/1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    "#);
}

#[test]
fn what_a_bot_did_is_stored_with_that_it_received_it_also_where_the_store_refused_that_before() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack,receipts
    > open bob ack resume
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > written bob
    > hold store
    > bob received lab 1
    > bob done lab m1 from=ana seq=1
    > bob received lab m2 from=ana seq=2
    > bob done lab m2 from=ana seq=2
    > loud
    > show store
    > refuse storage_full 1
    > commit 1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    store <- delivered #lab bob 2
    store <- cursor #lab bob 2 received
    store <- receipt #lab 1 bob received
    store <- cursor #lab ana 2 delivered
    > restart
    > free store
    > open ana ack,receipts
    ana <- auth_ok [ack,receipts] lab 0/2
    > open bob ack resume
    bob <- auth_ok [ack] lab 1/2
    store ? page #lab after 1, at most 64
    bob <- #lab 2 ana: two (m2), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn after_many_receipts_at_once_the_next_ones_wait_until_they_could_be_read() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open cli as ana receipts side
    > open ops side operator
    > times 130 ana say #lab number {n} id=m{n}
    > brief
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":130,"ok":true}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    ... 125 more ...
    ana <- {"type":"receipt","room":"lab","id":"m64","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    cli <- {"type":"receipt","room":"lab","id":"m64","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > tick 49ms
    > tick 1ms
    ana <- {"type":"receipt","room":"lab","id":"m65","bot":"bob","state":"dropped","at":1000050,"reason":"kicked"}
    cli <- {"type":"receipt","room":"lab","id":"m65","bot":"bob","state":"dropped","at":1000050,"reason":"kicked"}
    ... 124 more ...
    ana <- {"type":"receipt","room":"lab","id":"m128","bot":"bob","state":"dropped","at":1000050,"reason":"kicked"}
    cli <- {"type":"receipt","room":"lab","id":"m128","bot":"bob","state":"dropped","at":1000050,"reason":"kicked"}
    > tick 50ms
    ana <- {"type":"receipt","room":"lab","id":"m129","bot":"bob","state":"dropped","at":1000100,"reason":"kicked"}
    cli <- {"type":"receipt","room":"lab","id":"m129","bot":"bob","state":"dropped","at":1000100,"reason":"kicked"}
    ana <- {"type":"receipt","room":"lab","id":"m130","bot":"bob","state":"dropped","at":1000100,"reason":"kicked"}
    cli <- {"type":"receipt","room":"lab","id":"m130","bot":"bob","state":"dropped","at":1000100,"reason":"kicked"}
    > tick 50ms
    "#);
}

#[test]
fn a_receipt_with_id_and_place_is_about_what_has_both() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob,carl
    > open ana receipts resume
    > open bob ack resume
    > open carl receipts resume
    > ana say #lab one id=m1
    > carl say #lab two id=m1
    > loud
    > bob done lab m1 seq=2
    carl <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    carl <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    > bob done lab m1 seq=3
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    > bob done lab m1
    bob <- {"type":"error","code":3006,"name":"ambiguous_id","message":"more than one message that this bot was handed has that id","hint":"say `from` beside `id`: the sender of the message that is meant","retry":"after_fix","ref":"m1"}
    > bob done lab m1 seq=1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    "#);
}

#[test]
fn what_was_dealt_with_out_of_turn_is_stored_likewise() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack,receipts
    > open bob ack resume
    > times 3 ana say #lab number {n} id=m{n}
    > written bob
    > hold store
    > bob received lab m2 from=ana seq=2
    > bob done lab m2 from=ana seq=2
    > loud
    > show store
    > refuse storage_full 1
    > commit
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"done","at":1000000}
    store <- delivered #lab bob 3
    store <- receipt #lab 2 bob received
    store <- receipt #lab 2 bob received
    store <- cursor #lab ana 3 delivered
    > restart
    > free store
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    store ? page #lab after 0, at most 64
    bob <- #lab 1 ana: number 1 (m1), late 0ms, redelivered, 1 of 2
    bob <- #lab 3 ana: number 3 (m3), late 0ms, redelivered, 2 of 2
    "#);
}

#[test]
fn two_messages_with_one_id_are_not_told_apart_by_what_the_retention_left() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob,carl
    > open ana receipts resume
    > open bob ack resume
    > open carl receipts resume
    > ana say #lab one id=m1
    > carl say #lab two id=m1
    > ana say #lab three id=m3
    > set keep 1
    > tick 1m
    > loud
    > bob done lab m1
    bob <- {"type":"error","code":3006,"name":"ambiguous_id","message":"more than one message that this bot was handed has that id","hint":"say `from` beside `id`: the sender of the message that is meant","retry":"after_fix","ref":"m1"}
    > bob done lab m1 from=carl
    carl <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1060000}
    carl <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1060000}
    "#);
}

#[test]
fn more_losses_than_wait_to_be_looked_up_are_counted_and_every_sender_hears_of_it_once() {
    transcript!(@r#"
    > quiet
    > open ana receipts
    > ana join lab
    > open eve receipts
    > open ops side operator
    > times 259 bot b{n}
    > times 259 ops do {"room_add":{"room":"lab","bot":"b{n}"}}
    > ana say #lab one id=m1
    > hold reads
    > times 257 ops do {"room_kick":{"room":"lab","bot":"b{n}"}}
    > loud
    > ops do {"room_kick":{"room":"lab","bot":"b258"}}
    ana <- {"type":"error","code":5001,"name":"overloaded","message":"more was lost in `lab` than receipts can tell","hint":"ask for the `status` of the messages that matter","retry":"later","ref":"receipt"}
    eve <- {"type":"error","code":5001,"name":"overloaded","message":"more was lost in a room than receipts can tell","hint":"ask for the `status` of the messages that matter","retry":"later","ref":"receipt"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    > ops do {"room_kick":{"room":"lab","bot":"b259"}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"ok":true}}
    > numbers
    hub: accepted 1, refused 2, dropped 259, forgotten 2
    "#);
}
