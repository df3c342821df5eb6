//! Who is here, what they are doing, and what was said.

use crate::transcript;

#[test]
fn presence_is_told_to_those_who_share_a_room_and_asked() {
    transcript!(@r#"
    > open ana presence
    ana <- auth_ok [presence]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open eve presence
    eve <- auth_ok [presence]
    > eve join elsewhere
    eve <- {"type":"joined","room":"elsewhere","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob {"type":"presence","state":"busy","note":"thinking"}
    ana <- {"type":"presence","bot":"bob","state":"busy","note":"thinking","since":1000000}
    > bob presence busy
    ana <- {"type":"presence","bot":"bob","state":"busy","since":1000000}
    > close bob
    ana <- {"type":"presence","bot":"bob","state":"offline","since":1000000}
    > open bob ack
    bob <- auth_ok [ack] lab 0/0
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    > bob presence offline
    bob <- {"type":"error","code":1004,"name":"bad_frame","message":"a connected bot is not offline","hint":"use `away`, or close the connection","retry":"after_fix","ref":"presence"}
    "#);
}

#[test]
fn a_newcomer_to_a_room_is_announced() {
    transcript!(@r#"
    > open ana presence
    ana <- auth_ok [presence]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl ack,presence
    carl <- auth_ok [ack,presence]
    > carl join lab
    ana <- {"type":"presence","bot":"carl","state":"online","since":1000000}
    carl <- {"type":"joined","room":"lab","members":["ana","bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn typing_reaches_those_who_read_the_room() {
    transcript!(@r#"
    > open ana presence
    ana <- auth_ok [presence]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob presence
    bob <- auth_ok [presence]
    > bob join lab
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl seed
    carl <- {"type":"auth_ok"}
    > carl join lab
    ana <- {"type":"presence","bot":"carl","state":"online","since":1000000}
    bob <- {"type":"presence","bot":"carl","state":"online","since":1000000}
    carl <- {"type":"joined","room":"lab","members":["ana","bob"]}
    > bob typing lab
    ana <- {"type":"typing","room":"lab","from":"bob"}
    > bob typing nowhere
    bob <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"typing"}
    > ana typing lab
    bob <- {"type":"typing","room":"lab","from":"ana"}
    "#);
}

#[test]
fn the_directory_shows_what_one_may_see() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join den
    bob <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > tick 1s
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_create":{"room":"vault","closed":true}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"den","members":1,"online":0,"head":0,"member":false,"closed":false},{"room":"lab","members":2,"online":1,"head":0,"member":true,"closed":false}]}
    > ana who
    ana <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1001000},{"bot":"bob","state":"offline","last_seen":1000000}]}
    > ana who lab
    ana <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":1001000},{"bot":"bob","state":"offline","last_seen":1000000}]}
    > ana who den
    ana <- {"type":"who","room":"den","bots":[{"bot":"bob","state":"offline","last_seen":1000000}]}
    > ana who vault
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `vault`","hint":"send {\"type\":\"join\",\"room\":\"vault\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"who"}
    > ana who nowhere
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"who"}
    > ops rooms
    ops <- {"type":"rooms","rooms":[{"room":"den","members":1,"online":0,"head":0,"member":false,"closed":false},{"room":"lab","members":2,"online":1,"head":0,"member":false,"closed":false},{"room":"vault","members":0,"online":0,"head":0,"member":false,"closed":true}]}
    > ops who
    ops <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1001000},{"bot":"bob","state":"offline","last_seen":1000000},{"bot":"ops","state":"offline","last_seen":1001000}]}
    "#);
}

#[test]
fn history_is_read_back_in_pages() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 5 ana say #lab number {n} id=m{n}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":0}
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":0,"queued":0}
    > ana history lab limit=2
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 4","id":"m4","seq":4,"prev":3,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 5","id":"m5","seq":5,"prev":4,"sent_at":1000000,"age_ms":0}],"has_more":true}
    > ana history lab before=4 limit=2
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 2","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 3","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":true}
    > ana history lab after=3 limit=2
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 4","id":"m4","seq":4,"prev":3,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 5","id":"m5","seq":5,"prev":4,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana history lab after=1 before=4
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 2","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 3","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana history lab after=5
    ana <- {"type":"history","room":"lab","entries":[],"has_more":false}
    > ana history nowhere
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `nowhere`","hint":"send {\"type\":\"join\",\"room\":\"nowhere\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"history"}
    > damage lab 2
    > ana history lab before=4
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 1","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 3","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":false,"corrupt":[2]}
    > open ops side operator
    ops <- auth_ok []
    > ops history lab limit=1
    ops <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 5","id":"m5","seq":5,"prev":4,"sent_at":1000000,"age_ms":0}],"has_more":true}
    > open bob ack
    bob <- auth_ok [ack]
    > bob history lab
    bob <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} first","retry":"after_fix","ref":"history"}
    "#);
}

#[test]
fn acts_are_shown_to_those_who_asked_for_them() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob acts
    bob <- auth_ok [acts]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana {"type":"message","room":"lab","text":"please","id":"m1","act":{"type":"REQUEST"},"meta":{"n":1},"thread":"t","reply_to":"m0"}
    bob <- #lab 1 ana: please (m1)
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"please","id":"m1","seq":1,"prev":0,"sent_at":1000000,"reply_to":"m0","thread":"t","meta":{"n":1},"age_ms":0}],"has_more":false}
    > bob history lab
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"please","id":"m1","seq":1,"prev":0,"sent_at":1000000,"reply_to":"m0","thread":"t","act":{"type":"REQUEST"},"meta":{"n":1},"age_ms":0}],"has_more":false}
    "#);
}
