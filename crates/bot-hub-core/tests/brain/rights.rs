//! What a member may do in a room, whom a guest may reach, and how each refusal reads.

use crate::transcript;

#[test]
fn who_may_not_post_is_refused_and_reads_on() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack resume
    ana <- auth_ok [ack]
    > open bob ack resume
    bob <- auth_ok [ack]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["read"]}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false,"can":["read"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bob say #lab hello
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not say anything in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post","retry":"after_fix","ref":"message"}
    > bob typing lab
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not say anything in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post","retry":"after_fix","ref":"typing"}
    > ana say #lab are you there?
    bob <- #lab 1 ana: are you there?
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > bob received lab 1
    > bob history lab
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"are you there?","id":"00000000000000ab-1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["read","post"]}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false,"can":["read","post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bob say #lab yes
    ana <- #lab 2 bob: yes
    bob <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn who_may_not_read_is_owed_nothing_and_no_recipient() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > bot rep
    > declare lab ana
    > show store
    > ops do {"room_add":{"room":"lab","bot":"rep","can":["post"]}}
    store <- join #lab rep
    store <- grant #lab rep post
    store <- act of ops
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > open rep ack resume
    rep <- auth_ok [ack] lab 0/0
    > open ana ack,receipts resume
    ana <- auth_ok [ack,receipts] lab 0/0
    > ana say #lab one id=m1
    store <- append #lab ana: one
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[]}
    > rep say #lab the build is red
    store <- append #lab rep: the build is red
    ana <- #lab 2 rep: the build is red
    rep <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":2,"delivered":1,"queued":0}
    > rep history lab
    rep <- {"type":"error","code":4006,"name":"no_right","message":"you may not read `lab`","hint":"an operator can run: bot-hub room add lab rep --can read,post","retry":"after_fix","ref":"history"}
    > ops do {"pending":{"bot":"rep"}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[]}}
    > tick 5s
    store <- cursor #lab ana 1 received
    > restart
    > open rep ack resume
    rep <- auth_ok [ack] lab 2/2
    > open ops side operator
    ops <- auth_ok []
    > ops do {"pending":{"bot":"rep"}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[]}}
    "#
    );
}

#[test]
fn who_gains_the_right_to_read_begins_at_the_head() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > bot rep
    > declare lab ana
    > ops do {"room_add":{"room":"lab","bot":"rep","can":["post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/0
    > ana say #lab before id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > open rep ack resume
    rep <- auth_ok [ack] lab 1/1
    > ops do {"room_add":{"room":"lab","bot":"rep","can":["read","post"]}}
    rep <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false,"can":["read","post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab after id=m2
    rep <- #lab 2 ana: after (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > rep received lab 2
    > ops do {"room_add":{"room":"lab","bot":"rep","can":["post"]}}
    rep <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":false,"can":["post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab not for rep id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":0}
    > ana status m3
    ana <- {"type":"status","id":"m3","room":"lab","seq":3,"from":"ana","sent_at":1000000,"recipients":[]}
    "#
    );
}

#[test]
fn who_may_not_ask_for_work_may_answer() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana,bob
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob acts resume
    bob <- auth_ok [acts] lab 0/0
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["read","post"]}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false,"can":["read","post"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bob say #lab plain words
    ana <- #lab 1 bob: plain words
    bob <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > bob {"type":"message","room":"lab","text":"x","act":{"type":"REQUEST","task":"tidy up"}}
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not ask for work in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post,request","retry":"after_fix","ref":"message"}
    > bob {"type":"message","room":"lab","text":"x","act":{"type":"RESPONSE","status":"done"}}
    ana <- #lab 2 bob: x
    bob <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    > bob {"type":"message","room":"lab","text":"x","act":{"task":"of a kind that nobody knows"}}
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not ask for work in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post,request","retry":"after_fix","ref":"message"}
    > bob {"type":"message","room":"lab","text":"```\n[REQUEST → @ana]\nFrom: bob\nRequestId: bob-1\nTask: tidy up\n```"}
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not ask for work in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post,request","retry":"after_fix","ref":"message"}
    > bob {"type":"message","room":"lab","text":"```\n[CLARIFY → @ana]\nFrom: bob\nRequestId: ana-1\nQuestion: which one?\n```"}
    ana <- #lab 3 bob: ```
    [CLARIFY → @ana]
    From: bob
    RequestId: ana-1
    Question: which one?
    ```
    bob <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":1,"queued":0}
    > bob {"type":"message","room":"lab","text":"```\n[BROADCAST → @all]\nFrom: bob\nRequestId: bob-2\nMessage: hear, hear\n```"}
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not ask for work in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post,request","retry":"after_fix","ref":"message"}
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["read","post","request"]}}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":3},"policy":{"closed":false}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bob {"type":"message","room":"lab","text":"x","act":{"type":"HANDOFF","task":"tidy up"}}
    ana <- #lab 4 bob: x
    bob <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn a_guest_knows_its_rooms_and_who_is_in_them() {
    transcript!(
        @r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana closed
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > declare attic cat
    > bot cat
    > let in gus lab read,post,request
    > open gus ack resume
    gus <- auth_ok [ack] lab 0/0
    > gus rooms
    gus <- {"type":"rooms","rooms":[{"room":"lab","members":2,"online":2,"head":0,"member":true,"closed":true}]}
    > gus who
    gus <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"gus","state":"online","last_seen":1000000}]}
    > gus who attic
    gus <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `attic`","hint":"send `rooms` to see yours","retry":"after_fix","ref":"who"}
    > gus join attic
    gus <- {"type":"error","code":4007,"name":"not_invited","message":"you are a guest here, and nobody let you into `attic`","hint":"an operator can run: bot-hub room add attic gus","retry":"after_fix","ref":"join"}
    > gus join nowhere
    gus <- {"type":"error","code":4007,"name":"not_invited","message":"you are a guest here, and nobody let you into `nowhere`","hint":"an operator can run: bot-hub room add nowhere gus","retry":"after_fix","ref":"join"}
    > gus join cat
    gus <- {"type":"error","code":4007,"name":"not_invited","message":"you are a guest here, and nobody let you into `cat`","hint":"an operator can run: bot-hub room add cat gus","retry":"after_fix","ref":"join"}
    > gus say #attic anybody?
    gus <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `attic`","hint":"send `rooms` to see yours","retry":"after_fix","ref":"message"}
    > gus say #nowhere anybody?
    gus <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send `rooms` to see yours","retry":"after_fix","ref":"message"}
    > gus history attic
    gus <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `attic`","hint":"send `rooms` to see yours","retry":"after_fix","ref":"history"}
    > gus say #lab hello
    ana <- #lab 1 gus: hello
    gus <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > gus join lab
    gus <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":true}}
    "#
    );
}

#[test]
fn a_guest_speaks_with_those_that_it_shares_a_room_with() {
    transcript!(
        @r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > open cat ack resume
    cat <- auth_ok [ack]
    > declare lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > let in gus lab read,post
    > open gus ack resume
    gus <- auth_ok [ack] lab 0/0
    > gus say @ana hello
    ana <- #dm:ana:gus 1 gus: hello
    gus <- {"type":"ack","room":"dm:ana:gus","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > ana say @gus hello yourself
    gus <- #dm:ana:gus 2 ana: hello yourself
    ana <- {"type":"ack","room":"dm:ana:gus","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    > gus {"type":"message","to":"ana","text":"x","act":{"type":"REQUEST","task":"tidy up"}}
    gus <- {"type":"error","code":4006,"name":"no_right","message":"you lack the right to request where `ana` is","hint":"ask whoever runs the hub; `joined` says what you may do in a room","retry":"after_fix","ref":"message"}
    > gus say @cat hello
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `cat`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > gus join dm:cat:gus
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `cat`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"join"}
    > gus say @nobody hello
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `nobody`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > cat say @gus psst
    cat <- {"type":"error","code":4007,"name":"not_invited","message":"`gus` is a guest, and in no room with you","hint":"speak with it in a room, or let an operator make both members of one","retry":"after_fix","ref":"message"}
    > set reach 1
    > cat say @gus psst
    gus <- #dm:cat:gus 1 cat: psst
    cat <- {"type":"ack","room":"dm:cat:gus","id":"00000000000000ab-3","seq":1,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn an_operator_is_not_there_for_a_guest_until_it_speaks_to_it_or_shares_a_room() {
    transcript!(
        @r#"
    > open ops ack resume operator
    ops <- auth_ok [ack]
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > let in gus lab read,post
    > open gus ack resume
    gus <- auth_ok [ack] lab 0/0
    > gus say @ops anybody?
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `ops`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > gus history dm:gus:ops
    gus <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `dm:gus:ops`","hint":"send `rooms` to see yours","retry":"after_fix","ref":"history"}
    > gus join dm:gus:ops
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `ops`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"join"}
    > ops say @gus hello
    gus <- #dm:gus:ops 1 ops: hello
    ops <- {"type":"ack","room":"dm:gus:ops","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > gus say @ops hello yourself
    ops <- #dm:gus:ops 2 gus: hello yourself
    gus <- {"type":"ack","room":"dm:gus:ops","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn a_guest_that_was_removed_from_the_room_cannot_go_on_in_private() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > let in gus lab read,post
    > open gus ack resume
    gus <- auth_ok [ack] lab 0/0
    > gus say @ana hello
    ana <- #dm:ana:gus 1 gus: hello
    gus <- {"type":"ack","room":"dm:ana:gus","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > ops do {"room_kick":{"room":"lab","bot":"gus"}}
    gus <- {"type":"left","room":"lab","reason":"removed by an operator"}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > gus say @ana still here
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `ana`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > gus {"type":"message","room":"dm:ana:gus","text":"and here"}
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `ana`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > ops say @gus why did you do that?
    gus <- #dm:gus:ops 1 ops: why did you do that?
    ops <- {"type":"ack","room":"dm:gus:ops","id":"00000000000000ab-2","seq":1,"delivered":1,"queued":0}
    > gus say @ops sorry
    gus <- {"type":"ack","room":"dm:gus:ops","id":"00000000000000ab-3","seq":2,"delivered":0,"queued":1}
    "#
    );
}

#[test]
fn who_reads_only_cannot_write_in_private_either() {
    transcript!(
        @r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > let in gus lab read
    > open gus ack resume
    gus <- auth_ok [ack] lab 0/0
    > gus say @ana hello
    gus <- {"type":"error","code":4006,"name":"no_right","message":"you lack the right to post where `ana` is","hint":"ask whoever runs the hub; `joined` says what you may do in a room","retry":"after_fix","ref":"message"}
    > ana say @gus you may listen
    gus <- #dm:ana:gus 1 ana: you may listen
    ana <- {"type":"ack","room":"dm:ana:gus","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn rights_survive_a_restart_and_are_told_when_they_are_not_the_usual() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > bot bob
    > declare lab ana,cat closed
    > ops do {"room_add":{"room":"lab","bot":"bob","can":["read","invite"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > restart
    > bot bob
    > show frames
    > open bob ack resume
    bob <- {"type":"auth_ok","bot":"bob","hub":{"name":"bot-hub","version":"0.1.0"},"caps":["ack"],"limits":{"frame_bytes":262144,"text_bytes":131072,"meta_bytes":16384,"json_depth":32,"rooms_per_bot":1000,"members_per_room":5000,"window_entries":64,"history_page":200},"epoch":"00000000000000e0","now":1000000,"rooms":[{"room":"lab","position":{"epoch":"00000000000000e0","seq":0},"head":0,"can":["read","invite"]}]}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true,"can":["read","invite"]}}
    > bob say #lab hello
    bob <- {"type":"error","code":4006,"name":"no_right","message":"you may not say anything in `lab`","hint":"an operator can run: bot-hub room add lab bob --can read,post,invite","retry":"after_fix","ref":"message"}
    > open ana ack resume
    ana <- {"type":"auth_ok","bot":"ana","hub":{"name":"bot-hub","version":"0.1.0"},"caps":["ack"],"limits":{"frame_bytes":262144,"text_bytes":131072,"meta_bytes":16384,"json_depth":32,"rooms_per_bot":1000,"members_per_room":5000,"window_entries":64,"history_page":200},"epoch":"00000000000000e0","now":1000000,"rooms":[{"room":"lab","position":{"epoch":"00000000000000e0","seq":0},"head":0}]}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":["bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":true}}
    > open cat seed
    cat <- {"type":"auth_ok"}
    > cat join lab
    cat <- {"type":"joined","room":"lab","members":["ana","bob"]}
    "#
    );
}

#[test]
fn an_operator_lacks_no_right() {
    transcript!(
        @r#"
    > open ops side operator
    ops <- auth_ok []
    > open ana ack resume
    ana <- auth_ok [ack]
    > declare lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_add":{"room":"lab","bot":"ops","can":["read"]}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops say #lab all the same
    ana <- #lab 1 ops: all the same
    ops <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    "#
    );
}

#[test]
fn nobody_is_let_in_when_the_store_refuses() {
    transcript!(
        @r#"
    > declare lab ana
    > show store
    > hold store
    > let in gus lab read,post
    store <- join #lab gus
    store <- grant #lab gus read,post
    > refuse storage_full
    > free store
    > open gus ack resume
    gus <- auth_ok [ack]
    > gus say #lab hello
    gus <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send `rooms` to see yours","retry":"after_fix","ref":"message"}
    "#
    );
}

#[test]
fn one_connection_of_many_can_be_ended() {
    transcript!(
        @r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open cli as ana side
    cli <- auth_ok []
    > revoke cli
    cli <- {"type":"going_away","reason":"revoked"}
    cli <- closed: Revoked
    > open old as bob seed
    old <- {"type":"auth_ok"}
    > revoke old
    old <- closed: Revoked
    > ana {"type":"ping","at":1}
    ana <- {"type":"pong","at":1}
    "#
    );
}

#[test]
fn where_guests_reach_all_a_guest_knows_who_is_in_none_of_its_rooms() {
    transcript!(@r#"
    > quiet
    > bot bob
    > let in gus lab read,post
    > open gus ack resume
    > open bob ack resume
    > loud
    > gus say @bob hello id=m1
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `bob`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"m1"}
    > set reach 1
    > gus say @bob hello id=m1
    bob <- #dm:bob:gus 1 gus: hello (m1)
    gus <- {"type":"ack","room":"dm:bob:gus","id":"m1","seq":1,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_guest_in_no_room_speaks_with_itself() {
    transcript!(@r#"
    > bot gus
    > guest gus
    > open gus ack resume
    gus <- auth_ok [ack]
    > gus say @gus a note id=m1
    gus <- {"type":"ack","room":"dm:gus:gus","id":"m1","seq":1,"delivered":0,"queued":0}
    "#);
}

#[test]
fn a_guest_that_left_the_conversation_with_an_operator_does_not_know_it_any_more() {
    transcript!(@r#"
    > quiet
    > let in gus lab read,post
    > open gus ack resume
    > open ops ack resume
    > operator ops
    > ops say @gus hello id=m1
    > loud
    > gus say @ops hello id=m2
    ops <- #dm:gus:ops 2 gus: hello (m2)
    gus <- {"type":"ack","room":"dm:gus:ops","id":"m2","seq":2,"delivered":1,"queued":0}
    > gus leave dm:gus:ops
    gus <- {"type":"left","room":"dm:gus:ops","dropped":1}
    > gus say @ops hello id=m3
    gus <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `ops`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"m3"}
    "#);
}
