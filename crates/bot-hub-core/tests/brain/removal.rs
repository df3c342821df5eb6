//! Rooms that go: with what waits in them, while others use them, and by themselves.

use bot_hub_core::settings::Settings;

use crate::bench::Bench;
use crate::script::{execute, room};
use crate::transcript;

#[test]
fn a_room_goes_with_what_is_in_flight_and_everybody_is_told() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > open bob ack
    bob <- auth_ok [ack]
    > open dora seed
    dora <- {"type":"auth_ok"}
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > dora join lab
    dora <- {"type":"joined","room":"lab","members":["ana","bob"]}
    > bot carl
    > ops do {"room_add":{"room":"lab","bot":"carl"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    dora <- {"type":"message","room":"lab","from":"ana","text":"one"}
    dora <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":2,"queued":1}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    dora <- {"type":"message","room":"lab","from":"ana","text":"two"}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":2,"queued":1}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > show store
    > ops do {"room_remove":{"room":"lab"}}
    store <- remove #lab, Asked
    store <- act of ops
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    bob <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":5,"entries":2,"room":"lab"}}
    > tick 10ms
    store <- clear away what number 1 left
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"dora","state":"dropped","at":1000001,"reason":"room_removed"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"carl","state":"dropped","at":1000001,"reason":"room_removed"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"dora","state":"dropped","at":1000001,"reason":"room_removed"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"carl","state":"dropped","at":1000001,"reason":"room_removed"}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1000001,"reason":"room_removed"}
    > bob received lab m2
    bob <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"m2"}
    > ana say #lab three id=m3
    store <- was said? #lab ana: three
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"m3"}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    > ana history lab
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"history"}
    > dora join den
    store <- create #den
    store <- join #den dora
    dora <- {"type":"joined","room":"den","members":[]}
    > dora say #lab hello
    dora <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"message"}
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"den","members":1,"online":1,"head":0,"member":false,"closed":false}]}
    > numbers
    hub: accepted 2, refused 5, deliveries 4, received 1, dropped 5
    "#);
}

#[test]
fn what_was_said_before_a_removal_is_acknowledged_and_what_was_said_after_it_is_refused() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > open bob ack
    bob <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab one id=m1
    > ops do {"room_remove":{"room":"lab"}}
    > ana say #lab two id=m2
    > bob received lab 1
    bob <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"receipt"}
    > free store
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    bob <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"entries":1,"room":"lab"}}
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"m2"}
    > tick 10ms
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"dropped","at":1000001,"reason":"room_removed"}
    "#);
}

#[test]
fn a_room_that_is_made_again_is_read_from_its_beginning_whatever_position_a_client_has() {
    transcript!(@r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > open bob ack resume
    bob <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > times 3 ana say #lab number {n} id=m{n}
    bob <- #lab 1 ana: number 1 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    bob <- #lab 2 ana: number 2 (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    bob <- #lab 3 ana: number 3 (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > bob received lab 3
    > close bob
    > ops do {"room_remove":{"room":"lab"}}
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":0,"entries":3,"room":"lab"}}
    > tick 10ms
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000002e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_add":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > times 5 ana say #lab again {n} id=n{n}
    ana <- {"type":"ack","room":"lab","id":"n1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"n2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"n3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"n4","seq":4,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"n5","seq":5,"delivered":0,"queued":1}
    > open bob ack resume lab=3
    bob <- auth_ok [ack] lab 0/5
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":0,"lost":0,"reason":"epoch"}
    bob <- #lab 1 ana: again 1 (n1), late 0ms, 1 of 5
    bob <- #lab 2 ana: again 2 (n2), late 0ms, 2 of 5
    bob <- #lab 3 ana: again 3 (n3), late 0ms, 3 of 5
    bob <- #lab 4 ana: again 4 (n4), late 0ms, 4 of 5
    bob <- #lab 5 ana: again 5 (n5), late 0ms, 5 of 5
    > bob received lab 5
    > ana status n5
    ana <- {"type":"status","id":"n5","room":"lab","seq":5,"from":"ana","sent_at":1000010,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000010},{"state":"received","at":1000010}]}]}
    > close bob
    > restart
    > open bob ack resume lab=3
    bob <- auth_ok [ack] lab 0/5
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":0,"lost":0,"reason":"epoch"}
    bob <- #lab 1 ana: again 1 (n1), late 0ms, redelivered, 1 of 5
    bob <- #lab 2 ana: again 2 (n2), late 0ms, redelivered, 2 of 5
    bob <- #lab 3 ana: again 3 (n3), late 0ms, redelivered, 3 of 5
    bob <- #lab 4 ana: again 4 (n4), late 0ms, redelivered, 4 of 5
    bob <- #lab 5 ana: again 5 (n5), late 0ms, redelivered, 5 of 5
    "#);
}

#[test]
fn of_two_removals_one_is_done() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > open her as olga side operator
    her <- auth_ok []
    > hold store
    > ops do {"room_remove":{"room":"lab"}}
    > her do {"room_remove":{"room":"lab"}}
    her <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"r1"}
    > her do {"room_create":{"room":"lab"}}
    her <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"r1"}
    > free store
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":0,"entries":0,"room":"lab"}}
    > her do {"room_remove":{"room":"lab"}}
    her <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"r1"}
    > her do {"room_create":{"room":"lab"}}
    her <- {"type":"operated","ref":"r1","result":{"ok":true}}
    "#);
}

#[test]
fn who_joins_meanwhile_is_in_or_is_told_to_try_again() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > open carl ack
    carl <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > hold store
    > bob join lab
    > ops do {"room_remove":{"room":"lab"}}
    > carl join lab
    carl <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"join"}
    > bob join lab
    bob <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"join"}
    > free store
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    bob <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":0,"entries":0,"room":"lab"}}
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000002e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn a_removal_that_the_store_refuses_changes_nothing() {
    transcript!(@r#"
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > open bob ack resume
    bob <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > hold store
    > ops do {"room_remove":{"room":"lab"}}
    > ana say #lab two id=m2
    > refuse storage_full 1
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > free store
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"the room `lab` is being removed","hint":"try again in a moment, if another one is to have its name","retry":"later","retry_after_ms":1000,"ref":"m2"}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > bob received lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":6,"closed":false,"entries":2,"first":1,"head":2,"members":[{"bot":"ana","can":["read","post","request"],"cursor":2,"online":true,"waiting":0},{"bot":"bob","can":["read","post","request"],"cursor":2,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    "#);
}

#[test]
fn a_room_that_the_configuration_declares_stays() {
    transcript!(@r#"
    > declare lab ana
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/0
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_remove":{"room":"lab"}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"the configuration declares the room `lab`","hint":"take it out of `rooms` there, reload the hub, and remove it then","retry":"after_fix","ref":"r1"}
    > set buffer 7
    > hold store
    > ops do {"room_remove":{"room":"lab"}}
    > declare lab ana
    > free store
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":0,"entries":0,"room":"lab"}}
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000002e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_show":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > ops do {"room_remove":{"room":"lab"}}
    ops <- {"type":"error","code":2003,"name":"not_allowed","message":"the configuration declares the room `lab`","hint":"take it out of `rooms` there, reload the hub, and remove it then","retry":"after_fix","ref":"r1"}
    "#);
}

#[test]
fn a_direct_conversation_goes_and_can_begin_anew() {
    transcript!(@r#"
    > bot bob
    > open ana receipts resume
    ana <- auth_ok [receipts]
    > open ops side operator
    ops <- auth_ok []
    > ana say @bob one id=m1
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m1","seq":1,"delivered":0,"queued":1}
    > ops do {"room_remove":{"room":"dm:ana:bob"}}
    ana <- {"type":"left","room":"dm:ana:bob","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":1,"entries":1,"room":"dm:ana:bob"}}
    > tick 10ms
    ana <- {"type":"receipt","room":"dm:ana:bob","id":"m1","bot":"bob","state":"dropped","at":1000001,"reason":"room_removed"}
    > ana say @bob two id=m2
    ana <- {"type":"ack","room":"dm:ana:bob","id":"m2","seq":1,"delivered":0,"queued":1}
    > open bob ack resume
    bob <- auth_ok [ack] dm:ana:bob 0/1
    bob <- #dm:ana:bob 1 ana: two (m2), late 0ms, 1 of 1
    "#);
}

#[test]
fn what_was_to_be_told_of_a_room_is_told_after_its_end() {
    transcript!(@r#"
    > bot bob
    > open ana receipts,ranges resume
    ana <- auth_ok [receipts,ranges]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_add":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > hold reads
    > times 4 ana say #lab number {n} id=m{n}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > ops do {"room_kick":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":4,"ok":true}}
    > ops do {"room_add":{"room":"lab","bot":"bob"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > times 2 ana say #lab later {n} id=l{n}
    ana <- {"type":"ack","room":"lab","id":"l1","seq":5,"delivered":0,"queued":1}
    ana <- {"type":"ack","room":"lab","id":"l2","seq":6,"delivered":0,"queued":1}
    > ops do {"room_remove":{"room":"lab"}}
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":2,"entries":6,"room":"lab"}}
    > free reads
    > tick 10ms
    ana <- {"type":"receipts","room":"lab","from_seq":5,"to_seq":6,"count":2,"recipients":1,"bots":["bob"],"state":"dropped","at":1000001,"reason":"room_removed"}
    ana <- {"type":"receipts","room":"lab","from_seq":1,"to_seq":4,"count":4,"recipients":1,"bots":["bob"],"state":"dropped","at":1000001,"reason":"kicked"}
    "#);
}

#[test]
fn a_restart_goes_on_with_clearing_away() {
    transcript!(@r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > quiet
    > times 600 ana say #lab number {n} id=m{n}
    > loud
    > show store
    > ops do {"room_remove":{"room":"lab"}}
    store <- remove #lab, Asked
    store <- act of ops
    ana <- {"type":"left","room":"lab","reason":"the room was removed"}
    ops <- {"type":"operated","ref":"r1","result":{"dropped":0,"entries":600,"room":"lab"}}
    > tick 2ms
    store <- clear away what number 1 left
    > restart
    > tick 20ms
    store <- clear away what number 1 left
    "#);
}

#[test]
fn a_room_that_everybody_left_goes_by_itself() {
    transcript!(@r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_create":{"room":"hall"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_create":{"room":"hut","closed":true}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > declare base ana
    ana <- {"type":"joined","room":"base","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > show store
    > ana leave lab
    store <- cursor #lab ana 1 received
    store <- drop #lab ana 2..18446744073709551615 Left
    store <- leave #lab ana
    ana <- {"type":"left","room":"lab"}
    > ana leave den
    store <- drop #den ana 1..18446744073709551615 Left
    store <- leave #den ana
    ana <- {"type":"left","room":"den"}
    > tick 120s
    store <- remove #den, Empty
    store <- clear away what number 2 left
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"base","members":1,"online":1,"head":0,"member":true,"closed":false},{"room":"hall","members":0,"online":0,"head":0,"member":false,"closed":false},{"room":"lab","members":0,"online":0,"head":1,"member":false,"closed":false}]}
    > set keep_ms 1000
    > tick 120s
    store <- trim #lab
    store <- remove #lab, Empty
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"base","members":1,"online":1,"head":0,"member":true,"closed":false},{"room":"hall","members":0,"online":0,"head":0,"member":false,"closed":false}]}
    "#);
}

#[test]
fn somebody_who_comes_back_in_time_finds_the_room() {
    transcript!(@r#"
    > open ana ack resume
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana leave lab
    ana <- {"type":"left","room":"lab"}
    > hold store
    > ana join lab
    > tick 61s
    > free store
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana rooms
    ana <- {"type":"rooms","rooms":[{"room":"lab","members":1,"online":1,"head":0,"member":true,"closed":false}]}
    "#);
}

/// What is in memory, printed: the same after many rooms as before them.
fn printed(bench: &Bench) -> usize {
    format!("{:?}", bench.hub).len()
}

#[test]
fn ten_thousand_rooms_that_come_and_go_leave_nothing_behind() {
    let mut bench = Bench::new(Settings::default());
    for line in ["bot bob", "open ana receipts resume", "open ops side operator"] {
        execute(&mut bench, line);
    }
    let turn = |bench: &mut Bench, name: &str| {
        for line in [
            format!(r#"ops do {{"room_create":{{"room":"{name}"}}}}"#),
            format!(r#"ops do {{"room_add":{{"room":"{name}","bot":"bob"}}}}"#),
            format!("ana join {name}"),
            format!("ana say #{name} hello id=m1 expires=1000000s"),
            format!(r#"ops do {{"room_remove":{{"room":"{name}"}}}}"#),
            "tick 10ms".to_owned(),
        ] {
            execute(bench, &line);
        }
        for peer in &mut bench.peers {
            peer.inbox.clear();
        }
        bench.log.clear();
    };
    (0..1_000).for_each(|n| turn(&mut bench, &format!("first-{n}")));
    let before = printed(&bench);
    (0..10_000).for_each(|n| turn(&mut bench, &format!("room-{n}")));
    let after = printed(&bench);
    assert!(after <= before + before / 4, "{before} bytes became {after}");
    assert!(bench.store.is_clear() && !bench.store.has_room(&room("room-7")));
    execute(&mut bench, "ana rooms");
    assert_eq!(bench.log.last().map(String::as_str), Some(r#"ana <- {"type":"rooms","rooms":[]}"#));
}

#[test]
fn a_pause_ends_with_its_room_also_for_the_next_start() {
    transcript!(@r#"
    > quiet
    > open ana ack resume
    > open ops side operator
    > ana join den
    > ops do {"pause":{"room":"den"}}
    > ops do {"room_remove":{"room":"den"}}
    > ana join den
    > restart
    > open ana ack resume
    > open bob ack resume
    > open ops side operator
    > bob join den
    > loud
    > ops do {"pause_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"pauses":[]}}
    > ana say #den one id=m1
    bob <- #den 1 ana: one (m1)
    ana <- {"type":"ack","room":"den","id":"m1","seq":1,"delivered":1,"queued":0}
    "#);
}
