//! The same id again: every frame gets one answer of its own, and that answer is true.

use crate::transcript;

#[test]
fn a_used_id_with_another_text_is_refused_for_the_reason_that_holds_now() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > open ops side operator
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    > ana say #lab one id=m2
    > tick 2s
    > loud
    > ana {"type":"message","room":"lab","text":"other","id":"m1","expires_at":1001000}
    ana <- {"type":"error","code":4004,"name":"expired","message":"the message had expired before it arrived","retry":"never","ref":"m1"}
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001500}
    ana <- {"type":"error","code":4004,"name":"expired","message":"the message had expired before it arrived","retry":"never","ref":"m1"}
    > ana say #lab other id=m2
    ana <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"m2"}
    > ops do {"room_kick":{"room":"lab","bot":"ana"}}
    ana <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab other id=m2
    ana <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} first","retry":"after_fix","ref":"m2"}
    > ana say #lab one id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0,"duplicate":true}
    "#);
}

#[test]
fn the_same_id_to_a_good_and_to_a_mistyped_room_gets_two_answers() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > loud
    > hold store
    > ana say #lab one id=m1
    > ana say #labb one id=m1
    > free store
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `labb`","hint":"did you mean room `lab`?","retry":"after_fix","ref":"m1"}
    "#);
}

#[test]
fn what_is_repeated_while_the_first_is_on_its_way_is_answered_where_it_came_from() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > open cli as ana side
    > loud
    > hold store
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    > leap 2s
    > cli {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    > cli {"type":"message","room":"lab","text":"other","id":"m1","expires_at":1001000}
    > free store
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    cli <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0,"duplicate":true}
    cli <- {"type":"error","code":4004,"name":"expired","message":"the message had expired before it arrived","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn a_repetition_of_what_the_store_refused_is_refused_too() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > loud
    > hold store
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    > leap 2s
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    > refuse storage_full 1
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    > free store
    ana <- {"type":"error","code":4004,"name":"expired","message":"the message had expired before it arrived","retry":"never","ref":"m1"}
    > hold store
    > ana {"type":"message","room":"lab","text":"soon","id":"m1","expires_at":1001000}
    > refuse storage_full 1
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    "#);
}

#[test]
fn the_same_message_again_is_answered_without_a_look_into_the_store() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > open bob ack
    > bob join lab
    > ana say #lab one id=m1
    > bob received lab m1
    > tick 1s
    > show store
    > loud
    > ana say #lab one id=m1
    store <- append #lab ana: one
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0,"duplicate":true}
    "#);
}

#[test]
fn the_order_of_answers_does_not_say_which_rooms_exist() {
    transcript!(@r#"
    > quiet
    > bot zed
    > open ana ack
    > open bob ack
    > open eve ack
    > declare secret ana,bob closed
    > ana say @bob hello
    > hold store
    > loud
    > eve say #secret x id=z1
    > eve {"type":"ping"}
    eve <- {"type":"pong","at":1000000}
    > eve say #nothing x id=z1
    > eve {"type":"ping"}
    eve <- {"type":"pong","at":1000000}
    > eve say #dm:ana:bob x id=z1
    > eve {"type":"ping"}
    eve <- {"type":"pong","at":1000000}
    > eve say #dm:ana:zed x id=z1
    > eve {"type":"ping"}
    eve <- {"type":"pong","at":1000000}
    > eve say @zoe x id=z1
    > eve {"type":"ping"}
    eve <- {"type":"pong","at":1000000}
    > free store
    eve <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `secret`","hint":"send {\"type\":\"join\",\"room\":\"secret\"} first","retry":"after_fix","ref":"z1"}
    eve <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nothing`","hint":"send {\"type\":\"join\",\"room\":\"nothing\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"z1"}
    eve <- {"type":"error","code":2003,"name":"not_allowed","message":"a direct conversation has two members: its name says which","retry":"after_fix","ref":"z1"}
    eve <- {"type":"error","code":2003,"name":"not_allowed","message":"a direct conversation has two members: its name says which","retry":"after_fix","ref":"z1"}
    eve <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `zoe`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"z1"}
    "#);
}

#[test]
fn what_expired_while_it_waited_is_counted_for_nobody_when_it_is_said_again() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob,carl
    > open ana ack resume
    > open bob ack resume
    > loud
    > ana say #lab one id=m1 expires=5s
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":1}
    > ana say #lab one id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":1,"duplicate":true}
    > leap 5s
    > ana say #lab one id=m1 expires=0s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0,"duplicate":true}
    "#);
}
