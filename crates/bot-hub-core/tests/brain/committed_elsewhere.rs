//! What somebody else has committed, in the midst of what this brain does.

use crate::transcript;

#[test]
fn a_message_that_somebody_else_committed_is_delivered_here_and_its_sender_hears_of_it() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
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
    > elsewhere say lab ana hello id=m1
    bob <- #lab 1 ana: hello (m1)
    carl <- {"type":"message","room":"lab","from":"ana","text":"hello"}
    carl <- probe 1
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > prove carl
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"carl","state":"delivered","at":1000000}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000}]},{"bot":"carl","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    > ana say #lab hello id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":2,"queued":0,"duplicate":true}
    "#);
}

#[test]
fn messages_of_both_come_in_the_order_of_the_log_whoever_committed_them() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab mine id=m1
    > elsewhere say lab eve theirs
    ana, bob <- #lab 1 eve: theirs (e1)
    ana <- probe 1
    > commit
    bob <- #lab 2 ana: mine (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":1,"queued":0}
    > elsewhere say lab eve more
    ana, bob <- #lab 3 eve: more (e3)
    > ana say #lab again id=m2
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m2"}
    > free store
    > ana say #lab again id=m2
    bob <- #lab 4 ana: again (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":4,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_reader_that_is_late_gets_each_entry_once() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > elsewhere say lab eve two
    ana <- #lab 2 eve: two (e2)
    ana <- probe 1
    > set window 2
    > answer
    bob <- #lab 1 ana: one, late 0ms, 1 of 1
    bob <- #lab 2 eve: two (e2), late 0ms
    > elsewhere say lab eve three
    ana <- #lab 3 eve: three (e3)
    > answer
    > bob received lab 2
    > free reads
    bob <- #lab 3 eve: three (e3), late 0ms
    "#);
}

#[test]
fn what_was_never_told_of_is_found_in_the_log() {
    transcript!(@r#"
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl ack
    carl <- auth_ok [ack]
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > elsewhere unheard say lab eve one
    > elsewhere say lab eve two
    bob <- #lab 1 eve: one (e1), late 0ms
    bob <- #lab 2 eve: two (e2), late 0ms
    carl <- #lab 1 eve: one (e1), late 0ms
    carl <- #lab 2 eve: two (e2), late 0ms
    > bob received lab 2
    "#);
}

#[test]
fn what_is_told_twice_happens_once() {
    transcript!(@r#"
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > elsewhere say lab eve one id=m1
    bob <- #lab 1 eve: one (m1)
    > elsewhere say lab eve one id=m1
    > elsewhere join lab bob
    > elsewhere create lab
    > elsewhere cursor lab bob 1
    > elsewhere cursor lab bob 1
    > bob received lab 1
    "#);
}

#[test]
fn a_membership_that_somebody_else_made_is_read_from_there() {
    transcript!(@r#"
    > open ana receipts,presence
    ana <- auth_ok [receipts,presence]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack,receipts
    bob <- auth_ok [ack,receipts]
    > elsewhere say lab eve before
    ana <- #lab 1 eve: before (e1)
    ana <- probe 1
    > elsewhere join lab bob
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > elsewhere say lab eve after
    ana, bob <- #lab 2 eve: after (e2)
    > hold store
    > open carl ack
    carl <- auth_ok [ack]
    > carl join lab
    > elsewhere join lab carl
    ana <- {"type":"presence","bot":"carl","state":"online","since":1000000}
    carl <- {"type":"joined","room":"lab","members":["ana","bob"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":false}}
    > elsewhere say lab eve between
    ana, bob, carl <- #lab 3 eve: between (e3)
    > commit
    carl <- {"type":"joined","room":"lab","members":["ana","bob"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":false}}
    "#);
}

#[test]
fn a_room_is_as_whoever_made_it_first_wanted_it() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > elsewhere create den closed
    > open ana ack
    ana <- auth_ok [ack]
    > ana join den
    ana <- {"type":"error","code":4005,"name":"room_closed","message":"the room is closed: an operator has to add this bot","hint":"an operator can run: bot-hub room add den ana","retry":"after_fix","ref":"join"}
    > hold store
    > ana join lab
    > elsewhere create lab closed
    > commit
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > free store
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":true,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > hold store
    > declare hut ana closed
    > elsewhere create hut; join hut ana
    ana <- {"type":"joined","room":"hut","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > ops do {"room_show":{"room":"hut"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":true,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"hut"}}
    > commit
    > ops do {"room_show":{"room":"hut"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":true,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"hut"}}
    "#);
}

#[test]
fn who_leaves_elsewhere_or_is_kicked_drops_what_waits_aloud() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl ack
    carl <- auth_ok [ack]
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob, carl <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":2,"queued":0}
    > hold store
    > bob leave lab
    > carl received lab 1
    > elsewhere kick lab bob
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > elsewhere leave lab carl
    carl <- {"type":"left","room":"lab"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"carl","state":"dropped","at":1000000,"reason":"left"}
    > elsewhere say lab eve two
    ana <- #lab 2 eve: two (e2)
    ana <- probe 1
    > commit
    bob <- {"type":"left","room":"lab"}
    > free store
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"kicked"}]},{"bot":"carl","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1000000,"reason":"left"}]}]}
    "#);
}

#[test]
fn a_membership_that_begins_anew_elsewhere_outlives_an_end_that_was_refused() {
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
    > hold store
    > bob leave lab
    > elsewhere kick lab bob; join lab bob
    bob <- {"type":"left","room":"lab","reason":"removed by an operator"}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"kicked"}
    > elsewhere say lab eve two
    ana, bob <- #lab 2 eve: two (e2)
    ana <- probe 1
    > refuse storage_full
    bob <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"leave"}
    > free store
    > bob received lab 2
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":6,"closed":false,"entries":2,"first":1,"head":2,"members":[{"bot":"ana","can":["read","post","request"],"cursor":1,"online":true,"waiting":1},{"bot":"bob","can":["read","post","request"],"cursor":2,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    "#);
}

#[test]
fn rights_that_somebody_else_gives_and_takes_hold_here() {
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
    > hold store
    > ana say #lab two id=m2
    > elsewhere grant lab bob post
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false,"can":["post"]}}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"no_right"}
    > elsewhere say lab eve unread
    ana <- #lab 2 eve: unread (e2)
    ana <- probe 1
    > commit
    ana <- {"type":"ack","room":"lab","id":"m2","seq":3,"delivered":0,"queued":0}
    > free store
    > elsewhere grant lab bob read
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":3},"policy":{"closed":false,"can":["read"]}}
    > bob say #lab no
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not say anything in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post","retry":"after_fix","ref":"message"}
    > ana say #lab three id=m3
    bob <- #lab 4 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":4,"delivered":1,"queued":0}
    "#);
}

#[test]
fn what_the_retention_removed_elsewhere_is_announced_here() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack resume
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > hold store
    > ana say #lab three id=m3
    > elsewhere retain lab 1
    > elsewhere trim lab 1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"retention"}
    > commit
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"retention"}
    > free store
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":2,"reason":"retention"}
    bob <- #lab 3 ana: three (m3), late 0ms, 1 of 1
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":5,"closed":false,"entries":1,"first":3,"head":3,"members":[{"bot":"ana","can":["read","post","request"],"cursor":3,"online":true,"waiting":0},{"bot":"bob","can":["read","post","request"],"cursor":0,"online":true,"waiting":1}],"retain":{"entries":1},"room":"lab"}}
    "#);
}

#[test]
fn a_cursor_that_is_stored_elsewhere_moves_the_reader_here() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 3 ana say #lab text {n} id=m{n}
    bob <- #lab 1 ana: text 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: text 2 (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    bob <- #lab 3 ana: text 3 (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > hold store
    > bob received lab 1
    > elsewhere cursor lab bob 2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > commit
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > free store
    > bob received lab m3
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":18,"closed":false,"entries":3,"first":1,"head":3,"members":[{"bot":"ana","can":["read","post","request"],"cursor":3,"online":true,"waiting":0},{"bot":"bob","can":["read","post","request"],"cursor":3,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    "#);
}

#[test]
fn a_cursor_beyond_what_a_reader_was_handed_ends_its_wait() {
    transcript!(@r#"
    > set window 2
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 5 ana say #lab text {n} id=m{n}
    bob <- #lab 1 ana: text 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: text 2 (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":0,"queued":1}
    > hold reads
    > bob received lab 2
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > elsewhere cursor lab bob 4
    > free reads
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m4","bot":"bob","state":"received","at":1000000}
    bob <- #lab 5 ana: text 5 (m5), late 0ms
    > elsewhere say lab eve six
    ana, bob <- #lab 6 eve: six (e6)
    ana <- probe 1
    > bob received lab 6
    ana <- {"type":"receipt","room":"lab","id":"m5","bot":"bob","state":"received","at":1000000}
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"]}
    > ana say #lab seven id=m7
    bob <- #lab 7 ana: seven (m7)
    carl <- {"type":"message","room":"lab","from":"ana","text":"seven"}
    carl <- probe 2
    ana <- {"type":"ack","room":"lab","id":"m7","seq":7,"delivered":2,"queued":0}
    > elsewhere mark lab carl 7
    ana <- {"type":"receipt","room":"lab","id":"m7","bot":"carl","state":"delivered","at":1000000}
    > elsewhere cursor lab carl 7 delivered
    > prove carl
    "#);
}

#[test]
fn a_receipt_that_is_stored_elsewhere_is_told_and_counts_here() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > times 3 ana say #lab text {n} id=m{n}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > elsewhere receipt lab bob 2 received
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > elsewhere receipt lab bob 2 started
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"started","at":1000000}
    > elsewhere receipt lab bob 2 received
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- #lab 1 ana: text 1 (m1), late 0ms, 1 of 2
    bob <- #lab 3 ana: text 3 (m3), late 0ms, 2 of 2
    > elsewhere receipt lab bob 1 done
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    > bob received lab 3
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    > open ops side operator
    ops <- auth_ok []
    > tick 1s
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":18,"closed":false,"entries":3,"first":1,"head":3,"members":[{"bot":"ana","can":["read","post","request"],"cursor":3,"online":true,"waiting":0},{"bot":"bob","can":["read","post","request"],"cursor":3,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    "#);
}

#[test]
fn what_is_dropped_elsewhere_is_a_gap_here_and_its_sender_is_told() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > times 4 ana say #lab text {n} id=m{n}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > elsewhere drop lab bob 1..2
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000000,"reason":"buffer_per_bot_per_room"}
    > elsewhere drop lab bob 1..3
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"dropped","at":1000000,"reason":"buffer_per_bot_per_room"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/4
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":3,"lost":3,"reason":"buffer_limit"}
    bob <- #lab 4 ana: text 4 (m4), late 0ms, 1 of 1
    > bob received lab 4
    ana <- {"type":"receipt","room":"lab","id":"m4","bot":"bob","state":"received","at":1000000}
    "#);
}

#[test]
fn a_message_that_expires_elsewhere_expires_here() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > elsewhere say lab ana soon id=m1 expires=1s
    > tick 3s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1002000,"reason":"expires_at passed before it was received"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    > ana say #lab later id=m2
    bob <- #lab 2 ana: later (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    "#);
}

#[test]
fn only_whoever_commits_an_entry_decides_what_a_full_buffer_drops() {
    transcript!(@r#"
    > set buffer 2
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > times 4 elsewhere say lab eve text {n}
    ana <- #lab 1 eve: text 1 (e1)
    ana <- probe 1
    ana <- #lab 2 eve: text 2 (e2)
    ana <- #lab 3 eve: text 3 (e3)
    ana <- #lab 4 eve: text 4 (e4)
    > ana say #lab five id=m5
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":0,"queued":1,"dropped":3}
    > tick 2s
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/5
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":3,"lost":3,"reason":"buffer_limit"}
    bob <- #lab 4 eve: text 4 (e4), late 2000ms, 1 of 2
    bob <- #lab 5 ana: five (m5), late 2000ms, 2 of 2
    "#);
}
