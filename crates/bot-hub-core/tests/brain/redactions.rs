//! What an operator takes out of a room's log.

use crate::transcript;

#[test]
fn what_an_entry_said_is_taken_out_and_readers_that_know_redactions_are_told() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack,redactions
    bob <- auth_ok [ack,redactions]
    > open carl seed
    carl <- {"type":"auth_ok"}
    > open ops side operator redactions
    ops <- auth_ok [redactions]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"]}
    > ana say #lab the key is 1234 id=m1
    bob <- #lab 1 ana: the key is 1234 (m1)
    carl <- {"type":"message","room":"lab","from":"ana","text":"the key is 1234"}
    carl <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":2,"queued":0}
    > ana say #lab hello id=m2
    bob <- #lab 2 ana: hello (m2)
    carl <- {"type":"message","room":"lab","from":"ana","text":"hello"}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":2,"queued":0}
    > show store
    > ops {"type":"operate","ref":"r1","do":{"redact":{"room":"lab","seq":1}},"why":"a key"}
    store ? page #lab before 2, at most 1
    store ? for an act
    store <- redact #lab 1 ana m1 by ops
    store <- act of ops
    bob <- {"type":"redacted","room":"lab","seq":1,"id":"m1","from":"ana","redacted":{"at":1000000,"by":"ops","why":"a key"}}
    ops <- {"type":"operated","ref":"r1","result":{"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops","why":"a key"},"room":"lab","seq":1}}
    > ops history lab
    store ? page #lab before 3, at most 200
    ops <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"[redacted]","id":"m1","seq":1,"prev":0,"sent_at":1000000,"redacted":{"at":1000000,"by":"ops","why":"a key"},"age_ms":0},{"room":"lab","from":"ana","text":"hello","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana history lab
    store ? page #lab before 3, at most 200
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"[redacted]","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"hello","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > carl history lab
    store ? page #lab before 3, at most 200
    carl <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"[redacted]","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"hello","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana say #lab the key is 1234 id=m1
    store <- append #lab ana: the key is 1234
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":2,"queued":0,"duplicate":true}
    > ana say #lab the key is 1235 id=m1
    store <- append #lab ana: the key is 1235
    ana <- {"type":"error","code":4001,"name":"id_conflict","message":"that id already names a message with other contents","hint":"make a new id for every message; repeat one only to send the same again","retry":"after_fix","ref":"m1"}
    > ops status m1 ana
    store ? find m1 from ana
    ops <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"redacted":{"at":1000000,"by":"ops","why":"a key"},"recipients":[{"bot":"bob","state":"stored","steps":[{"state":"stored","at":1000000}]},{"bot":"carl","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":5,"closed":false,"entries":2,"first":1,"head":2,"members":[{"bot":"ana","can":["read","post","request"],"cursor":2,"online":true,"waiting":0},{"bot":"bob","can":["read","post","request"],"cursor":0,"online":true,"waiting":2},{"bot":"carl","can":["read","post","request"],"cursor":0,"online":true,"waiting":2}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    "#);
}

#[test]
fn a_reader_that_comes_back_gets_the_marker() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack,redactions
    bob <- auth_ok [ack,redactions]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana"]}
    > close carl
    > ana say #lab the key is 1234 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":2}
    > ops do {"redact":{"room":"lab","seq":1}}
    ops <- {"type":"operated","ref":"r1","result":{"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops"},"room":"lab","seq":1}}
    > open bob ack,redactions resume
    bob <- auth_ok [ack,redactions] lab 0/1
    bob <- #lab 1 ana: [redacted] (m1), late 0ms, 1 of 1
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"]}
    carl <- {"type":"message","room":"lab","from":"ana","text":"[redacted]","age_ms":0}
    carl <- probe 1
    "#);
}

#[test]
fn redacting_again_says_so_and_is_no_act() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab the key is 1234 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > show store
    > ops do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    store <- redact #lab 1 ana m1 by ops
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops"},"room":"lab","seq":1}}
    > tick 5s
    store <- cursor #lab ana 1 delivered
    > ops do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    ops <- {"type":"operated","ref":"r1","result":{"again":true,"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops"},"room":"lab","seq":1}}
    "#);
}

#[test]
fn two_operators_at_once_redact_once() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > open ops side operator
    ops <- auth_ok []
    > open boss side operator
    boss <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab the key is 1234 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > show store
    > hold store
    > ops do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    store <- redact #lab 1 ana m1 by ops
    store <- act of ops
    > boss do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    > refuse storage_full
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    boss <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > ops do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    store <- redact #lab 1 ana m1 by ops
    store <- act of ops
    > boss do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    > free store
    ops <- {"type":"operated","ref":"r1","result":{"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops"},"room":"lab","seq":1}}
    boss <- {"type":"operated","ref":"r1","result":{"again":true,"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops"},"room":"lab","seq":1}}
    store <- cursor #lab ana 1 delivered
    "#);
}

#[test]
fn what_cannot_be_redacted_is_refused_with_the_reason() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"redact":{"room":"lab","seq":1}}
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"room `lab` has no entry 1: it is empty","hint":"bot-hub history lab","retry":"never","ref":"r1"}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":0}
    > ana say @ops psst
    ana <- {"type":"ack","room":"dm:ana:ops","id":"00000000000000ab-4","seq":1,"delivered":0,"queued":1}
    > ana do {"redact":{"room":"lab","seq":1}}
    ana <- {"type":"error","code":2003,"name":"not_allowed","message":"this bot may not do that","hint":"this needs an operator's token","retry":"after_fix","ref":"r1"}
    > ops do {"redact":{"room":"lab","seq":0}}
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"room `lab` has no entry 0: its newest is 3","hint":"bot-hub history lab","retry":"never","ref":"r1"}
    > ops do {"redact":{"room":"lab","seq":4}}
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"room `lab` has no entry 4: its newest is 3","hint":"bot-hub history lab","retry":"never","ref":"r1"}
    > ops do {"redact":{"room":"nowhere","seq":1}}
    ops <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"r1"}
    > ops do {"redact":{"room":"dm:ana:ops","seq":1}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"`dm:ana:ops` is a direct conversation: it belongs to its two bots","hint":"only what was said in a room can be redacted","retry":"after_fix","ref":"r1"}
    > damage lab 3
    > ops do {"redact":{"room":"lab","seq":3}}
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"entry 3 of `lab` is damaged, and shown to nobody","hint":"bot-hub verify","retry":"never","ref":"r1"}
    > vanish lab 2
    > ops do {"redact":{"room":"lab","seq":2}}
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"entry 2 of `lab` is gone","hint":"the room's retention has removed it","retry":"never","ref":"r1"}
    > fail
    > set keep 1
    > tick 120s
    > ops do {"redact":{"room":"lab","seq":1}}
    ops <- {"type":"error","code":3005,"name":"no_such_message","message":"entry 1 of `lab` is gone: the room keeps none before 2","hint":"bot-hub history lab","retry":"never","ref":"r1"}
    "#);
}

#[test]
fn whoever_is_no_operator_any_more_when_the_entry_is_found_redacts_nothing() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab the key is 1234 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > show store
    > hold reads
    > ops do {"redact":{"room":"lab","seq":1}}
    store ? page #lab before 2, at most 1
    store ? for an act
    > plain ops
    > free reads
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"this bot may not do that","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn a_page_that_was_read_before_shows_nothing_redacted_since() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack,redactions
    bob <- auth_ok [ack,redactions]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab the key is 1234 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab hello id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > hold store
    > ops do {"redact":{"room":"lab","seq":1}}
    > hold reads
    > open bob ack,redactions resume
    bob <- auth_ok [ack,redactions] lab 0/2
    > ana history lab
    > read
    > free store
    bob <- {"type":"redacted","room":"lab","seq":1,"id":"m1","from":"ana","redacted":{"at":1000000,"by":"ops"}}
    ops <- {"type":"operated","ref":"r1","result":{"from":"ana","id":"m1","redacted":{"at":1000000,"by":"ops"},"room":"lab","seq":1}}
    > answer
    bob <- #lab 1 ana: [redacted] (m1), late 0ms, 1 of 2
    bob <- #lab 2 ana: hello (m2), late 0ms, 2 of 2
    > free reads
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"[redacted]","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"hello","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"[redacted]","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"hello","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false}
    "#);
}

#[test]
fn what_somebody_else_redacted_is_told_here() {
    transcript!(@r#"
    > open ana ack,redactions
    ana <- auth_ok [ack,redactions]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator redactions
    ops <- auth_ok [redactions]
    > ops do {"observe":{}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":"all"}}
    > elsewhere say lab eve the key is 1234
    ana, ops <- #lab 1 eve: the key is 1234 (e1)
    > elsewhere redact lab 1
    ana <- {"type":"redacted","room":"lab","seq":1,"id":"e1","from":"eve","redacted":{"at":1000000,"by":"boss"}}
    ops <- {"type":"redacted","room":"lab","seq":1,"id":"e1","from":"eve","redacted":{"at":1000000,"by":"boss"}}
    > ops do {"redact":{"room":"lab","seq":1}}
    ops <- {"type":"operated","ref":"r1","result":{"again":true,"from":"eve","id":"e1","redacted":{"at":1000000,"by":"boss"},"room":"lab","seq":1}}
    "#);
}
