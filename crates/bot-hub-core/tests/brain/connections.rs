//! Connections come, go, and replace each other.

use crate::transcript;

#[test]
fn the_newer_connection_replaces_the_older_one() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > open bob2 as bob ack resume
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob2 <- auth_ok [ack] lab 0/1
    bob2 <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn a_late_receipt_of_a_replaced_connection_moves_nothing() {
    transcript!(@r#"
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
    > open bob2 as bob ack
    bob <- {"type":"going_away","reason":"replaced"}
    bob <- closed: Replaced
    bob2 <- auth_ok [ack] lab 0/1
    > bob received lab m1
    > written bob
    > bob2 join lab
    bob2 <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    bob2 <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn two_connections_that_fight_are_slowed_down() {
    transcript!(@r#"
    > open b1 as bob ack
    b1 <- auth_ok [ack]
    > open b2 as bob ack
    b1 <- {"type":"going_away","reason":"replaced"}
    b1 <- closed: Replaced
    b2 <- auth_ok [ack]
    > open b3 as bob ack
    b2 <- {"type":"going_away","reason":"replaced"}
    b2 <- closed: Replaced
    b3 <- auth_ok [ack]
    > open b4 as bob ack
    b3 <- {"type":"going_away","reason":"replaced"}
    b3 <- closed: Replaced
    b4 <- auth_ok [ack]
    > open b5 as bob ack
    b4 <- {"type":"going_away","reason":"replaced"}
    b4 <- closed: Replaced
    b5 <- auth_ok [ack]
    > open b6 as bob ack
    b6 <- {"type":"going_away","reason":"replaced","reconnect_in_ms":15000}
    b6 <- closed: Replaced
    > tick 10s
    > open b7 as bob ack
    b5 <- {"type":"going_away","reason":"replaced"}
    b5 <- closed: Replaced
    b7 <- auth_ok [ack]
    "#);
}

#[test]
fn a_side_connection_sends_and_asks_and_replaces_nobody() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open cli as bob side
    cli <- auth_ok [] lab 0/0
    > cli say #lab from the command line id=m1
    ana <- #lab 1 bob: from the command line (m1)
    cli <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab hello id=m2
    bob <- #lab 2 ana: hello (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > cli received lab m2
    cli <- {"type":"error","code":2003,"name":"not_allowed","message":"only a reading connection that asked for the cap `ack` has receipts to give","hint":"send \"caps\":[\"ack\"] in `auth`","retry":"after_fix","ref":"m2"}
    > cli presence busy
    > close cli
    "#);
}

#[test]
fn a_bot_without_a_reading_connection_has_no_presence_to_set() {
    transcript!(@r#"
    > open ana presence
    ana <- auth_ok [presence]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob
    bob <- auth_ok []
    > bob join lab
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    ana <- {"type":"presence","bot":"bob","state":"offline","since":1000000}
    > open cli as bob side
    cli <- auth_ok [] lab 0/0
    > cli presence busy
    cli <- {"type":"error","code":2003,"name":"not_allowed","message":"a bot is offline while only side connections of it are open","retry":"after_fix","ref":"presence"}
    "#);
}

#[test]
fn a_second_auth_is_refused() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana {"type":"auth","token":"x"}
    ana <- {"type":"error","code":2007,"name":"already_authenticated","message":"this connection is authenticated already","retry":"never","ref":"auth"}
    "#);
}

#[test]
fn a_ping_is_answered() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana {"type":"ping","at":7}
    ana <- {"type":"pong","at":7}
    > ana {"type":"ping"}
    ana <- {"type":"pong","at":1000000}
    "#);
}

#[test]
fn a_blocked_bot_is_sent_away_from_all_its_connections() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open cli as bob side
    cli <- auth_ok [] lab 0/0
    > block bob
    bob <- {"type":"going_away","reason":"revoked"}
    bob <- closed: Revoked
    cli <- {"type":"going_away","reason":"revoked"}
    cli <- closed: Revoked
    > ana say #lab still a member
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    "#);
}

#[test]
fn a_removed_bot_is_forgotten_and_what_it_said_stays() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob say #lab I was here
    ana <- #lab 1 bob: I was here
    bob <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > remove bob
    bob <- {"type":"going_away","reason":"revoked"}
    bob <- closed: Revoked
    > ana say @bob hello
    ana <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `bob`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"bob","text":"I was here","id":"00000000000000ab-1","seq":1,"prev":0,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana who lab
    ana <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":1000000}]}
    "#);
}

#[test]
fn a_draining_hub_takes_nothing_new_and_saves_what_moved() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob received lab m1
    > show store
    > drain
    store <- cursor #lab ana 1 received
    store <- cursor #lab bob 1 received
    > ana say #lab two id=m2
    ana <- {"type":"error","code":5003,"name":"shutting_down","message":"the hub is shutting down","retry":"later","ref":"m2"}
    > ana join other
    ana <- {"type":"error","code":5003,"name":"shutting_down","message":"the hub is shutting down","retry":"later","ref":"join"}
    > ana leave lab
    ana <- {"type":"error","code":5003,"name":"shutting_down","message":"the hub is shutting down","retry":"later","ref":"leave"}
    > ana say #lab three
    ana <- {"type":"error","code":5003,"name":"shutting_down","message":"the hub is shutting down","retry":"later","ref":"message"}
    "#);
}

#[test]
fn a_receipt_that_comes_while_the_hub_drains_is_saved_at_once() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > drain
    > show store
    > bob received lab m1
    store <- cursor #lab bob 1 received
    "#);
}

#[test]
fn an_answer_for_a_connection_that_is_gone_is_sent_nowhere() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > hold store
    > hold reads
    > ana say #lab other id=m1
    > ana say #lab new id=m2
    > ana join other
    > ana leave lab
    > ana history lab
    > ana status m1
    > close ana
    > free store
    > free reads
    "#);
}

/// A process that is gone may still have an `auth` under way, which must not end its successor.
#[test]
fn an_older_connection_whose_auth_comes_late_replaces_nobody() {
    use bot_hub_core::Hub;
    use bot_hub_core::change::Snapshot;
    use bot_hub_core::io::{Caps, CloseReason, ConnId, Hello, Input, Output};
    use bot_hub_core::settings::Settings;
    use bot_protocol::name::BotId;
    use bot_protocol::time::Timestamp;

    let mut hub = Hub::new(Timestamp(0), &[1; 32], Settings::default(), Snapshot::default());
    let bot = BotId::new("bob").unwrap();
    let mut closed = Vec::new();
    for conn in [ConnId(2), ConnId(1)] {
        let (caps, resume) = (Caps::grant(["ack"]), None);
        let hello =
            Hello { bot: bot.clone(), operator: false, plain: false, side: false, caps, resume };
        hub.handle(Timestamp(1), Input::Opened { conn, hello });
        closed.extend(std::iter::from_fn(|| hub.poll()).filter_map(|output| match output {
            Output::Close { conn, reason } => Some((conn, reason)),
            _ => None,
        }));
    }
    assert_eq!(closed, [(ConnId(1), CloseReason::Replaced)]);
}
