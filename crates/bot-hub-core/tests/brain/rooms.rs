//! Who is in which room, and for how long.

use crate::transcript;

#[test]
fn a_membership_outlives_its_connections_and_a_restart() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > restart
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/0
    > ana say #lab hello id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- #lab 1 ana: hello (m1), late 0ms, 1 of 1
    "#);
}

#[test]
fn joined_comes_before_the_flush() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > open bob ack
    bob <- auth_ok [ack] lab 0/1
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- #lab 1 ana: one, late 0ms, 1 of 1
    "#);
}

#[test]
fn what_was_said_before_a_bot_joined_is_not_for_it() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab early
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > ana say #lab late
    bob <- #lab 2 ana: late
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    "#);
}

#[test]
fn joining_twice_is_answered_twice_and_flushes_once() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    bob <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn leaving_ends_the_membership() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    bob <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > bob leave lab
    bob <- {"type":"left","room":"lab","dropped":1}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    > bob say #lab three
    bob <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} first","retry":"after_fix","ref":"message"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":false}}
    > ana say #lab four
    bob <- #lab 3 ana: four
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":1,"queued":0}
    > bob leave nowhere
    bob <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"leave"}
    "#);
}

#[test]
fn leaving_twice_at_once_is_answered_twice() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana leave lab
    > ana leave lab
    > free store
    ana <- {"type":"left","room":"lab"}
    ana <- {"type":"left","room":"lab"}
    "#);
}

#[test]
fn the_other_connection_of_a_bot_learns_that_it_left() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open cli as ana side
    cli <- auth_ok [] lab 0/0
    > cli leave lab
    cli <- {"type":"left","room":"lab"}
    ana <- {"type":"left","room":"lab"}
    "#);
}

#[test]
fn a_closed_room_admits_nobody_but_by_an_operator() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_create":{"room":"vault","closed":true}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > open ana ack
    ana <- auth_ok [ack]
    > ana join vault
    ana <- {"type":"error","code":4005,"name":"room_closed","message":"the room is closed: an operator has to add this bot","hint":"an operator can run: bot-hub room add vault ana","retry":"after_fix","ref":"join"}
    > ops do {"room_add":{"room":"vault","bot":"ana"}}
    ana <- {"type":"joined","room":"vault","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana join vault
    ana <- {"type":"joined","room":"vault","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > ana say #vault hello
    ana <- {"type":"ack","room":"vault","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    "#);
}

#[test]
fn a_bot_is_in_as_many_rooms_as_it_may_be() {
    transcript!(@r#"
    > set rooms 2
    > open ana ack
    ana <- auth_ok [ack]
    > bot bob
    > ana join one
    ana <- {"type":"joined","room":"one","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say @bob direct conversations do not count
    ana <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ana join two
    ana <- {"type":"joined","room":"two","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join three
    ana <- {"type":"error","code":4002,"name":"too_many_rooms","message":"this bot is in as many rooms as it may be","hint":"limits.rooms_per_bot","retry":"after_fix","ref":"join"}
    > ana leave one
    ana <- {"type":"left","room":"one"}
    > ana join three
    ana <- {"type":"joined","room":"three","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn the_bound_on_rooms_holds_for_joins_that_are_on_their_way() {
    transcript!(@r#"
    > set rooms 1
    > open ana ack
    ana <- auth_ok [ack]
    > hold store
    > ana join one
    > ana join two
    ana <- {"type":"error","code":4002,"name":"too_many_rooms","message":"this bot is in as many rooms as it may be","hint":"limits.rooms_per_bot","retry":"after_fix","ref":"join"}
    > free store
    ana <- {"type":"joined","room":"one","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn a_room_has_as_many_members_as_it_may_have() {
    transcript!(@r#"
    > set members 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl ack
    carl <- auth_ok [ack]
    > carl join lab
    carl <- {"type":"error","code":4003,"name":"room_full","message":"the room has as many members as it may have","hint":"limits.members_per_room","retry":"after_fix","ref":"join"}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_add":{"room":"lab","bot":"carl"}}
    ops <- {"type":"error","code":4003,"name":"room_full","message":"the room has as many members as it may have","hint":"limits.members_per_room","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn rooms_are_not_made_by_joining_when_that_is_off() {
    transcript!(@r#"
    > set create 0
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"join"}
    "#);
}

#[test]
fn declared_rooms_have_their_members_from_the_start() {
    transcript!(@r#"
    > bot ana
    > bot bob
    > declare lab ana,bob closed
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/0
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab hello
    bob <- {"type":"message","room":"lab","from":"ana","text":"hello"}
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > open carl ack
    carl <- auth_ok [ack]
    > carl join lab
    carl <- {"type":"error","code":4005,"name":"room_closed","message":"the room is closed: an operator has to add this bot","hint":"an operator can run: bot-hub room add lab carl","retry":"after_fix","ref":"join"}
    "#);
}

#[test]
fn a_declared_room_is_made_even_if_the_disk_was_full_at_first() {
    transcript!(@r#"
    > bot ana
    > hold store
    > declare lab ana
    > refuse storage_full
    > free store
    > tick 1s
    > open ana ack
    ana <- auth_ok [ack] lab 0/0
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn a_connected_bot_that_is_declared_a_member_hears_of_it() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob seed
    bob <- {"type":"auth_ok"}
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab hello
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    "#);
}

#[test]
fn a_room_that_could_not_be_made_is_nowhere_to_be_seen() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > hold store
    > ana join lab
    > bob rooms
    bob <- {"type":"rooms","rooms":[]}
    > bob say #lab hello
    bob <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"message"}
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"join"}
    > free store
    > ana rooms
    ana <- {"type":"rooms","rooms":[]}
    > ana say #lab hello
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"message"}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn a_room_that_was_refused_is_made_by_the_next_join() {
    transcript!(@r#"
    > open den ack
    den <- auth_ok [ack]
    > show store
    > hold store
    > den join lab
    store <- create #lab
    store <- join #lab den
    > refuse storage_full 1
    den <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"join"}
    > free store
    > den join lab
    store <- create #lab
    store <- join #lab den
    den <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > den say #lab hello id=m1
    store <- append #lab den: hello
    den <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    "#);
}

#[test]
fn a_declared_room_is_closed_and_has_its_members_also_while_the_store_makes_it() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > hold store
    > declare lab ana closed
    > bob join lab
    bob <- {"type":"error","code":4005,"name":"room_closed","message":"the room is closed: an operator has to add this bot","hint":"an operator can run: bot-hub room add lab bob","retry":"after_fix","ref":"join"}
    > ops do {"room_create":{"room":"lab"}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"room `lab` exists, and it is closed","hint":"bot-hub room show lab","retry":"after_fix","ref":"r1"}
    > ana join lab
    > refuse storage_full 2
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"join"}
    > bob join lab
    bob <- {"type":"error","code":4005,"name":"room_closed","message":"the room is closed: an operator has to add this bot","hint":"an operator can run: bot-hub room add lab bob","retry":"after_fix","ref":"join"}
    > free store
    > tick 1s
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > bob join lab
    bob <- {"type":"error","code":4005,"name":"room_closed","message":"the room is closed: an operator has to add this bot","hint":"an operator can run: bot-hub room add lab bob","retry":"after_fix","ref":"join"}
    "#);
}

#[test]
fn a_bot_makes_so_many_rooms_and_joins_those_of_others() {
    transcript!(@r#"
    > set made 2
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join den
    bob <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join den
    ana <- {"type":"joined","room":"den","members":["bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join attic
    ana <- {"type":"joined","room":"attic","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join cellar
    ana <- {"type":"error","code":4002,"name":"too_many_rooms","message":"this bot has made 2 rooms, as many as it may","hint":"limits.roomsMadePerBot; an operator can run: bot-hub room create ROOM","retry":"after_fix","ref":"join"}
    > operator ana
    > ana join cellar
    ana <- {"type":"joined","room":"cellar","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn a_hub_has_so_many_rooms_with_direct_conversations_among_them() {
    transcript!(@r#"
    > quiet
    > set all_rooms 2
    > bot carl
    > open ana ack
    > open bob ack
    > loud
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say @bob hello id=m1
    bob <- #dm:ana:bob 1 ana: hello (m1)
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana join den
    ana <- {"type":"error","code":4002,"name":"too_many_rooms","message":"the hub has 2 rooms, as many as it may","hint":"an operator can raise `limits.roomsMax`","retry":"after_fix","ref":"join"}
    > ana say @carl hello id=m2
    ana <- {"type":"error","code":4002,"name":"too_many_rooms","message":"the hub has 2 rooms, as many as it may","hint":"an operator can raise `limits.roomsMax`","retry":"after_fix","ref":"m2"}
    > bob say @ana hi id=m3
    ana <- #dm:ana:bob 2 bob: hi (m3)
    bob <- {"type":"ack","room":"dm:ana:bob","id":"m3","seq":2,"delivered":1,"queued":0}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}
