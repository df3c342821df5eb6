//! Small print: what is saved when, who is told, and what counts.

use crate::transcript;

#[test]
fn a_side_connection_that_closes_leaves_the_others() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open one as ana side receipts
    one <- auth_ok [receipts] lab 0/0
    > open two as ana side receipts
    two <- auth_ok [receipts] lab 0/0
    > close one
    > ana say #lab hello id=m1
    bob <- #lab 1 ana: hello (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob received lab m1
    two <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > block ana
    ana <- {"type":"going_away","reason":"revoked"}
    ana <- closed: Revoked
    two <- {"type":"going_away","reason":"revoked"}
    two <- closed: Revoked
    "#);
}

#[test]
fn an_observer_that_closes_leaves_the_others() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open all1 as ops side operator
    all1 <- auth_ok []
    > all1 do {"observe":{}}
    all1 <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > open all2 as ops side operator
    all2 <- auth_ok []
    > all2 do {"observe":{}}
    all2 <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > open lab1 as ops side operator
    lab1 <- auth_ok []
    > lab1 do {"observe":{"rooms":["lab"]}}
    lab1 <- {"type":"operated","ref":"r1","result":{"observing":{"lab":0}}}
    > open lab2 as ops side operator
    lab2 <- auth_ok []
    > lab2 do {"observe":{"rooms":["lab"]}}
    lab2 <- {"type":"operated","ref":"r1","result":{"observing":{"lab":0}}}
    > close all1
    > close lab1
    > ana say #lab one id=m1
    lab2, all2 <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    "#);
}

#[test]
fn a_connection_that_ends_before_an_entry_is_written_is_held_against_no_entry() {
    transcript!(@r#"
    > set redeliveries 1
    > open ana ack,receipts
    ana <- auth_ok [ack,receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn what_one_kind_of_reader_did_is_saved_before_another_kind_begins() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob
    bob <- auth_ok []
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > show store
    > written bob
    > prove bob
    > open bob ack resume
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob <- auth_ok [ack] lab 1/1
    store <- delivered #lab bob 1
    store <- cursor #lab bob 1 delivered
    > ana say #lab two id=m2
    store <- append #lab ana: two
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > bob received lab m2
    > open bob ack resume
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob <- auth_ok [ack] lab 2/2
    > tick 1s
    store <- cursor #lab ana 2 received
    store <- cursor #lab bob 2 received
    "#);
}

#[test]
fn a_cursor_that_nobody_waits_for_is_saved_with_the_others() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl ack,receipts
    carl <- auth_ok [ack,receipts]
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > show store
    > bob received lab m1
    > tick 1s
    store <- cursor #lab ana 1 received
    store <- cursor #lab bob 1 received
    "#);
}

#[test]
fn what_is_received_out_of_turn_takes_no_news_from_what_is_being_saved() {
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
    > hold store
    > bob received lab m1
    > bob received lab m3
    > free store
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    "#);
}

#[test]
fn the_places_of_two_rooms_that_one_write_moved_are_both_saved() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob
    bob <- auth_ok []
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join den
    bob <- {"type":"joined","room":"den","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #den two id=m2
    bob <- #den 1 ana: two (m2)
    ana <- {"type":"ack","room":"den","id":"m2","seq":1,"delivered":1,"queued":0}
    > written bob
    > show store
    > tick 1s
    store <- cursor #lab ana 1 received
    store <- cursor #den ana 1 received
    store <- delivered #lab bob 1
    store <- delivered #den bob 1
    "#);
}

#[test]
fn members_on_their_way_to_the_store_take_up_space() {
    transcript!(@r#"
    > set members 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > open carl ack
    carl <- auth_ok [ack]
    > hold store
    > bob join lab
    > carl join lab
    carl <- {"type":"error","code":4003,"name":"room_full","message":"the room has as many members as it may have","hint":"limits.members_per_room","retry":"after_fix","ref":"join"}
    > free store
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":["bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn the_members_of_a_direct_conversation_join_once() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > show store
    > ana say @ana a note id=m1
    store <- create #dm:ana:ana, closed
    store <- join #dm:ana:ana ana
    store <- append #dm:ana:ana ana: a note
    ana <- {"type":"ack","room":"dm:ana:ana","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana say @ana another id=m2
    store <- append #dm:ana:ana ana: another
    ana <- {"type":"ack","room":"dm:ana:ana","id":"m2","seq":2,"delivered":0,"queued":0}
    > ana say @bob hello id=m3
    store <- create #dm:ana:bob, closed
    store <- join #dm:ana:bob bob
    store <- join #dm:ana:bob ana
    store <- append #dm:ana:bob ana: hello
    bob <- #dm:ana:bob 1 ana: hello (m3)
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m3","seq":1,"delivered":1,"queued":0}
    > ana say @bob hello again id=m4
    store <- append #dm:ana:bob ana: hello again
    bob <- #dm:ana:bob 2 ana: hello again (m4)
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m4","seq":2,"delivered":1,"queued":0}
    "#);
}

#[test]
fn what_waits_longest_is_the_oldest_that_still_waits() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > tick 5s
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > bob received lab m1
    > tick 1s
    > ops do {"pending":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"bob","in_flight":1,"oldest_age_ms":1000,"oldest_seq":2,"reason":"delivered, not received","room":"lab","waiting":1}]}}
    > bob received lab m2
    > tick 3s
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > tick 2s
    > ops do {"pending":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"bob","in_flight":1,"oldest_age_ms":2000,"oldest_seq":3,"reason":"delivered, not received","room":"lab","waiting":1}]}}
    "#);
}

#[test]
fn what_is_said_again_while_the_first_waits_for_the_store_is_answered_to_whoever_asks() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > bob say #lab mine id=m1
    > ana say #lab zero id=m0
    > ana say #lab one id=m1 expires=1s
    > tick 2s
    > open ana2 as ana ack resume
    ana <- {"type":"going_away","reason":"replaced"}
    ana <- closed: Replaced
    ana2 <- auth_ok [ack] lab 0/0
    > ana2 {"type":"message","room":"lab","text":"one","id":"m1","expires_at":1001000}
    > free store
    ana2 <- #lab 1 bob: mine (m1)
    bob <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: zero (m0)
    ana2 <- {"type":"ack","room":"lab","id":"m1","seq":3,"delivered":0,"queued":0,"duplicate":true}
    bob <- {"type":"gap","room":"lab","from_seq":3,"to_seq":3,"lost":1,"reason":"expired"}
    "#);
}

#[test]
fn joining_again_hands_nothing_over_a_second_time() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > open cli as bob side
    cli <- auth_ok [] lab 1/2
    > cli join lab
    cli <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > bob received lab m2
    "#);
}

#[test]
fn a_declared_room_that_could_not_be_stored_is_tried_again() {
    transcript!(@r#"
    > declare lab ana,bob
    > show store
    > hold store
    > declare den ana,bob
    store <- create #den
    store <- join #den ana
    store <- join #den bob
    > refuse storage_full
    > free store
    > tick 1s
    store <- create #den
    store <- join #den ana
    store <- join #den bob
    "#);
}

#[test]
fn a_sender_may_name_itself_in_a_question_about_its_message() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana status m2 ana
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[]}
    > bob status m2 ana
    bob <- {"type":"error","code":2003,"name":"not_allowed","message":"only an operator may ask about messages of others","retry":"after_fix","ref":"m2"}
    "#);
}

#[test]
fn what_has_expired_is_not_called_received_because_the_cursor_passed_it() {
    transcript!(@r#"
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
    > written bob
    > tick 2s
    > close bob
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    bob <- #lab 2 ana: two (m2), late 0ms, 1 of 1
    > bob received lab m2
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"expired","at":1002000,"reason":"expires_at passed before it was received"}]}]}
    "#);
}

#[test]
fn what_was_dropped_is_not_called_received_because_the_cursor_passed_it() {
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
    > tick 1s
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"buffer_limit"}
    bob <- #lab 2 ana: two (m2), late 1000ms, 1 of 1
    > bob received lab m2
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}]}]}
    "#);
}
