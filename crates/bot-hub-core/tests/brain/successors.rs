//! A bot that has the name of one that was removed is another bot.

use crate::transcript;

#[test]
fn a_bot_is_not_told_what_became_of_its_predecessors_messages() {
    transcript!(@r#"
    > quiet
    > bot eve
    > bot bob
    > declare lab ana,bob,eve
    > open eve ack,receipts
    > eve say #lab hello id=old1
    > eve say @bob secret id=old2
    > close eve
    > remove eve
    > bot eve
    > loud
    > open eve ack,receipts
    eve <- auth_ok [ack,receipts]
    > eve status old1
    eve <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"old1"}
    > eve status old2
    eve <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"old2"}
    > eve join lab
    eve <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > eve status old1
    eve <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"old1"}
    > eve say #lab new id=new1
    eve <- {"type":"ack","room":"lab","id":"new1","seq":2,"delivered":0,"queued":2}
    > eve status new1
    eve <- {"type":"status","id":"new1","room":"lab","seq":2,"from":"eve","sent_at":1000001,"recipients":[{"bot":"ana","state":"stored","steps":[{"state":"stored","at":1000001}]},{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000001}]}]}
    > open ops side operator
    ops <- auth_ok []
    > ops status old1 eve
    ops <- {"type":"status","id":"old1","room":"lab","seq":1,"from":"eve","sent_at":1000000,"recipients":[{"bot":"ana","state":"stored","steps":[{"state":"stored","at":1000000}]},{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    "#);
}

#[test]
fn a_bot_hears_no_receipts_for_its_predecessors_messages() {
    transcript!(@r#"
    > quiet
    > bot eve
    > declare lab ana,bob,carl,eve
    > open bob ack resume
    > open eve ack
    > eve say #lab one id=old1
    > eve say #lab two id=old2
    > close eve
    > remove eve
    > bot eve
    > open eve ack,receipts
    > open ops side operator
    > eve join lab
    > eve say #lab three id=new1
    > loud
    > written bob
    eve <- {"type":"receipt","room":"lab","id":"new1","bot":"bob","state":"delivered","at":1000000}
    > bob received lab 3
    eve <- {"type":"receipt","room":"lab","id":"new1","bot":"bob","state":"received","at":1000000}
    > bob done lab old1 from=eve
    > bob done lab new1 from=eve
    eve <- {"type":"receipt","room":"lab","id":"new1","bot":"bob","state":"done","at":1000000}
    > ops do {"room_kick":{"room":"lab","bot":"carl"}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":3,"ok":true}}
    eve <- {"type":"receipt","room":"lab","id":"new1","bot":"carl","state":"dropped","at":1000000,"reason":"kicked"}
    > set keep 1
    > eve say #lab four id=new2
    bob <- #lab 4 eve: four (new2)
    eve <- {"type":"ack","room":"lab","id":"new2","seq":4,"delivered":1,"queued":1}
    > tick 60s
    eve <- {"type":"receipt","room":"lab","id":"new1","bot":"ana","state":"dropped","at":1060000,"reason":"retention"}
    "#);
}

#[test]
fn who_had_a_name_before_is_known_after_a_restart() {
    transcript!(@r#"
    > quiet
    > bot eve
    > declare lab ana,eve
    > open eve ack
    > eve say #lab one id=old1
    > close eve
    > remove eve
    > bot eve
    > restart
    > loud
    > open eve ack,receipts
    eve <- auth_ok [ack,receipts]
    > eve status old1
    eve <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"old1"}
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/1
    ana <- #lab 1 eve: one (old1), late 0ms, redelivered, 1 of 1
    > ana received lab old1
    > eve join lab
    eve <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > eve say #lab two id=new1
    ana <- #lab 2 eve: two (new1)
    eve <- {"type":"ack","room":"lab","id":"new1","seq":2,"delivered":1,"queued":0}
    > ana received lab new1
    eve <- {"type":"receipt","room":"lab","id":"new1","bot":"ana","state":"received","at":1000000}
    > restart
    > open eve ack,receipts
    eve <- auth_ok [ack,receipts] lab 1/2
    > eve status new1
    eve <- {"type":"status","id":"new1","room":"lab","seq":2,"from":"eve","sent_at":1000001,"recipients":[{"bot":"ana","state":"received","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}

#[test]
fn a_bot_cannot_find_out_what_its_predecessor_said() {
    transcript!(@r#"
    > quiet
    > bot eve
    > declare sec ana,eve
    > open eve ack
    > eve say #sec 1234 id=old1
    > close eve
    > remove eve
    > bot eve
    > open eve ack
    > loud
    > eve say #sec 1234 id=old1
    eve <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `sec`","hint":"send {\"type\":\"join\",\"room\":\"sec\"} first","retry":"after_fix","ref":"old1"}
    > eve say #sec 1233 id=old1
    eve <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `sec`","hint":"send {\"type\":\"join\",\"room\":\"sec\"} first","retry":"after_fix","ref":"old1"}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_add":{"room":"sec","bot":"eve"}}
    eve <- {"type":"joined","room":"sec","members":[],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > eve say #sec 1234 id=old1
    eve <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"old1"}
    > eve say #sec 1233 id=old1
    eve <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"old1"}
    "#);
}

#[test]
fn nothing_that_is_known_of_a_bot_is_said_of_the_next_one_of_its_name() {
    transcript!(@r#"
    > quiet
    > set day 10
    > bot eve
    > declare lab ana,eve
    > open eve ack
    > eve presence busy note=mine
    > eve say #lab 12345678 id=old1
    > close eve
    > remove eve
    > tick 1h
    > bot eve
    > open ana ack
    > loud
    > ana who
    ana <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":4600000}]}
    > open eve ack
    eve <- auth_ok [ack]
    > eve join lab
    eve <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > eve say #lab 12345678 id=new1
    eve <- {"type":"ack","room":"lab","id":"new1","seq":2,"delivered":0,"queued":1}
    > ana who lab
    ana <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":4600000},{"bot":"eve","state":"online","last_seen":4600000}]}
    "#);
}

#[test]
fn a_direct_room_keeps_its_name_and_the_next_one_reads_nothing_of_what_was_said_before() {
    transcript!(@r#"
    > quiet
    > bot zoe
    > open bob ack
    > open zoe ack
    > zoe say @bob a secret id=z1
    > bob say @zoe another id=b1
    > zoe say @zoe a note to myself id=z2
    > close zoe
    > remove zoe
    > bot zoe
    > open zoe ack resume
    > loud
    > zoe rooms
    zoe <- {"type":"rooms","rooms":[]}
    > zoe history dm:bob:zoe
    zoe <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `dm:bob:zoe`","hint":"send {\"type\":\"join\",\"room\":\"dm:bob:zoe\"} first","retry":"after_fix","ref":"history"}
    > zoe join dm:bob:zoe
    zoe <- {"type":"joined","room":"dm:bob:zoe","members":["bob"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":true}}
    > zoe history dm:bob:zoe
    zoe <- {"type":"history","room":"dm:bob:zoe","entries":[],"has_more":false}
    > zoe history dm:bob:zoe after=0
    zoe <- {"type":"history","room":"dm:bob:zoe","entries":[],"has_more":false}
    > zoe history dm:bob:zoe before=9
    zoe <- {"type":"history","room":"dm:bob:zoe","entries":[],"has_more":false}
    > zoe received dm:bob:zoe 2
    > zoe done dm:bob:zoe b1 from=bob
    zoe <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"b1"}
    > zoe done dm:bob:zoe b1 from=bob seq=2
    zoe <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"b1"}
    > zoe status b1
    zoe <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"b1"}
    > zoe status z1
    zoe <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"z1"}
    > bob status b1
    bob <- {"type":"status","id":"b1","room":"dm:bob:zoe","seq":2,"from":"bob","sent_at":1000000,"recipients":[{"bot":"zoe","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"removed"}]}]}
    > bob say @zoe welcome id=b2 re=z1
    zoe <- #dm:bob:zoe 3 bob: welcome (b2)
    bob <- {"type":"ack","room":"dm:bob:zoe","id":"b2","seq":3,"delivered":1,"queued":0}
    > zoe received dm:bob:zoe b2 from=bob
    > zoe history dm:bob:zoe after=0
    zoe <- {"type":"history","room":"dm:bob:zoe","entries":[{"room":"dm:bob:zoe","from":"bob","text":"welcome","id":"b2","seq":3,"prev":2,"sent_at":1000001,"reply_to":"z1","age_ms":0}],"has_more":false}
    > zoe say @zoe the first note id=z3
    zoe <- {"type":"ack","room":"dm:zoe:zoe","id":"z3","seq":2,"delivered":0,"queued":0}
    > zoe history dm:zoe:zoe after=0
    zoe <- {"type":"history","room":"dm:zoe:zoe","entries":[{"room":"dm:zoe:zoe","from":"zoe","text":"the first note","id":"z3","seq":2,"prev":1,"sent_at":1000001,"age_ms":0}],"has_more":false}
    > open again as zoe ack dm:bob:zoe=1
    zoe <- {"type":"going_away","reason":"replaced"}
    zoe <- closed: Replaced
    again <- auth_ok [ack] dm:bob:zoe 3/3 dm:zoe:zoe 2/2
    > bob history dm:bob:zoe
    bob <- {"type":"history","room":"dm:bob:zoe","entries":[{"room":"dm:bob:zoe","from":"zoe","text":"a secret","id":"z1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0},{"room":"dm:bob:zoe","from":"bob","text":"another","id":"b1","seq":2,"prev":1,"sent_at":1000000,"age_ms":0},{"room":"dm:bob:zoe","from":"bob","text":"welcome","id":"b2","seq":3,"prev":2,"sent_at":1000001,"reply_to":"z1","age_ms":0}],"has_more":false}
    "#);
}

#[test]
fn what_a_bot_said_of_itself_and_the_store_refused_is_not_of_the_next_one() {
    transcript!(@r#"
    > quiet
    > bot eve
    > declare lab ana,eve
    > open ana ack,receipts
    > open eve ack
    > ana say #lab one id=m1
    > close eve
    > hold store
    > open eve ack lab=1
    > refuse storage_full
    > remove eve
    > refuse storage_full
    > free store
    > bot eve
    > open eve ack resume
    > loud
    > eve join lab
    eve <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > ana say #lab two id=m2
    eve <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > tick 1m
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[]}
    "#);
}
