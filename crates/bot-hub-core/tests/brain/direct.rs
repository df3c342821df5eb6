//! Direct messages.

use crate::transcript;

#[test]
fn a_direct_message_reaches_a_bot_without_any_join() {
    transcript!(@r#"
    > open ana ack,receipts
    ana <- auth_ok [ack,receipts]
    > open bob ack
    bob <- auth_ok [ack]
    > ana say @bob hello id=m1
    bob <- #dm:ana:bob 1 ana: hello (m1)
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob say @ana hello yourself id=m2
    ana <- #dm:ana:bob 2 bob: hello yourself (m2)
    bob <- {"type":"ack","room":"dm:ana:bob","id":"m2","seq":2,"delivered":1,"queued":0}
    > bob received dm:ana:bob m1
    ana <- {"type":"receipt","room":"dm:ana:bob","id":"m1","bot":"bob","state":"received","at":1000000}
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"dm:ana:bob","members":2,"online":2,"head":2,"member":true,"closed":true}]}
    "#);
}

#[test]
fn a_direct_message_waits_for_a_bot_that_is_away() {
    transcript!(@r#"
    > bot bob
    > open ana ack
    ana <- auth_ok [ack]
    > ana say @bob hello id=m1
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m1","seq":1,"delivered":0,"queued":1}
    > open bob seed
    bob <- {"type":"auth_ok"}
    bob <- {"type":"message","room":"dm:ana:bob","from":"ana","text":"hello","age_ms":0}
    bob <- probe 1
    > prove bob
    > close bob
    > open bob ack
    bob <- auth_ok [ack] dm:ana:bob 1/1
    "#);
}

#[test]
fn a_direct_room_can_be_named_by_either_side_in_any_order() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana say #dm:bob:ana hello
    bob <- #dm:ana:bob 1 ana: hello
    ana <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > bob say #dm:ana:bob hello
    ana <- #dm:ana:bob 2 bob: hello
    bob <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    > bob leave dm:ana:bob
    bob <- {"type":"left","room":"dm:ana:bob","dropped":1}
    > ana say #dm:ana:bob are you still there?
    bob <- #dm:ana:bob 3 ana: are you still there?
    ana <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-3","seq":3,"delivered":1,"queued":0}
    "#);
}

#[test]
fn joining_a_direct_room_makes_both_its_members() {
    transcript!(@r#"
    > bot bob
    > open ana ack
    ana <- auth_ok [ack]
    > ana join dm:bob:ana
    ana <- {"type":"joined","room":"dm:ana:bob","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > ana say #dm:ana:bob hello
    ana <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > open bob ack
    bob <- auth_ok [ack] dm:ana:bob 0/1
    bob <- #dm:ana:bob 1 ana: hello, late 0ms, 1 of 1
    "#);
}

#[test]
fn a_message_to_oneself_is_stored_and_handed_to_nobody() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana say @ana a note id=m1
    ana <- {"type":"ack","room":"dm:ana:ana","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana history dm:ana:ana
    ana <- {"type":"history","room":"dm:ana:ana","entries":[{"room":"dm:ana:ana","from":"ana","text":"a note","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0}],"has_more":false}
    "#);
}

#[test]
fn strangers_have_no_way_into_a_direct_room() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana say @bob hello
    bob <- #dm:ana:bob 1 ana: hello
    ana <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > open eve ack
    eve <- auth_ok [ack]
    > eve join dm:ana:bob
    eve <- {"type":"error","code":2003,"name":"not_allowed","message":"a direct conversation has two members: its name says which","retry":"after_fix","ref":"join"}
    > eve say #dm:ana:bob hello
    eve <- {"type":"error","code":2003,"name":"not_allowed","message":"a direct conversation has two members: its name says which","retry":"after_fix","ref":"message"}
    > eve history dm:ana:bob
    eve <- {"type":"error","code":2003,"name":"not_allowed","message":"a direct conversation has two members: its name says which","retry":"after_fix","ref":"history"}
    > eve rooms
    eve <- {"type":"rooms","rooms":[]}
    > eve who dm:ana:bob
    eve <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `dm:ana:bob`","hint":"send {\"type\":\"join\",\"room\":\"dm:ana:bob\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"who"}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_add":{"room":"dm:ana:bob","bot":"eve"}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"a direct conversation has two members: its name says which","retry":"after_fix","ref":"r1"}
    > ops do {"room_create":{"room":"dm:ana:eve"}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"direct conversations are made by the first message in them","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn a_direct_message_is_never_acknowledged_into_a_room_without_its_recipient() {
    transcript!(@r#"
    > bot bob
    > open ana ack
    ana <- auth_ok [ack]
    > hold store
    > show store
    > ana say @bob one id=m1
    store <- create #dm:ana:bob, closed
    store <- join #dm:ana:bob bob
    store <- join #dm:ana:bob ana
    store <- append #dm:ana:bob ana: one
    > ana say @bob two id=m2
    store <- create #dm:ana:bob, closed
    store <- join #dm:ana:bob bob
    store <- join #dm:ana:bob ana
    store <- append #dm:ana:bob ana: two
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m2"}
    > free store
    > ana say @bob three id=m3
    store <- create #dm:ana:bob, closed
    store <- join #dm:ana:bob bob
    store <- join #dm:ana:bob ana
    store <- append #dm:ana:bob ana: three
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m3","seq":1,"delivered":0,"queued":1}
    > open bob ack
    bob <- auth_ok [ack] dm:ana:bob 0/1
    store ? page #dm:ana:bob after 0, at most 64
    bob <- #dm:ana:bob 1 ana: three (m3), late 0ms, 1 of 1
    "#);
}
