//! What one bot may make the hub hold: limits per bot, and the reserve for the operator.

use super::stage::{HERE, Plain, Stage, config, token};
use bot_hub_client::bot_protocol::frame::ServerFrame;

/// The name of the refusal, or what was answered instead, with what is said about it.
async fn answer(plain: &mut Plain, frame: &str) -> (String, String) {
    plain.say(frame).await;
    match plain.hear().await.expect("the hub answers") {
        ServerFrame::Error(error) => (error.name.to_string(), error.message.clone()),
        other => (other.kind().to_owned(), String::new()),
    }
}

async fn aside(stage: &Stage, bot: &str) -> (Plain, String) {
    let mut plain = stage.socket(HERE).await;
    let auth = format!("{{\"type\":\"auth\",\"token\":\"{}\",\"side\":true}}", token(bot));
    let (kind, _) = answer(&mut plain, &auth).await;
    (plain, kind)
}

#[tokio::test]
async fn one_token_has_so_many_side_connections_and_never_locks_out_the_operator() {
    let more = "operators: [\"ops\"], limits: { sideConnectionsPerBot: 2 }";
    let stage = Stage::start(&config(&["ana", "bob", "ops"], more));
    let mut open = Vec::new();
    for (bot, expected) in [
        ("ana", "auth_ok"),
        ("ana", "auth_ok"),
        ("ana", "too_many_connections"),
        ("bob", "auth_ok"),
        ("ops", "auth_ok"),
        ("ops", "auth_ok"),
        ("ops", "auth_ok"),
    ] {
        let (plain, kind) = aside(&stage, bot).await;
        assert_eq!(kind, expected, "{bot}");
        open.push(plain);
    }
    // A reload changes it for new connections.
    let more = more.replace(": 2", ": 3");
    stage.reload(&config(&["ana", "bob", "ops"], &more), "applied").await;
    assert_eq!(aside(&stage, "ana").await.1, "auth_ok");
}

#[tokio::test]
async fn a_bot_makes_so_many_rooms_and_the_hub_holds_so_many() {
    let more = "limits: { roomsMadePerBot: 2, roomsMax: 3 }";
    let stage = Stage::start(&config(&["ana", "bob"], more));
    let mut sockets = Vec::new();
    for bot in ["ana", "bob"] {
        let mut plain = stage.socket(HERE).await;
        assert_eq!(plain.auth(&token(bot)).await.unwrap(), "auth_ok");
        sockets.push(plain);
    }
    let (ana, rest) = sockets.split_first_mut().unwrap();
    let join = |room: &str| format!("{{\"type\":\"join\",\"room\":\"{room}\"}}");
    let refused = |message: &str| ("too_many_rooms".to_owned(), message.to_owned());
    let joined = ("joined".to_owned(), String::new());
    assert_eq!(answer(ana, &join("one")).await, joined);
    assert_eq!(answer(ana, &join("two")).await, joined);
    let told = refused("this bot has made 2 rooms, as many as it may");
    assert_eq!(answer(ana, &join("three")).await, told);
    let bob = &mut rest[0];
    assert_eq!(answer(bob, &join("two")).await, joined);
    assert_eq!(answer(bob, &join("three")).await, joined);
    let told = refused("the hub has 3 rooms, as many as it may");
    assert_eq!(answer(bob, &join("four")).await, told);
    let direct = "{\"type\":\"message\",\"to\":\"ana\",\"text\":\"hi\"}";
    assert_eq!(answer(bob, direct).await, told);
}

#[tokio::test]
async fn whoever_says_anything_but_auth_is_sent_away_after_the_first_few_frames() {
    let stage = Stage::start(&config(&["ana"], ""));
    for (frame, refusal) in [
        ("{", "bad_json"),
        ("{\"type\":\"zzz\"}", "unknown_type"),
        ("{\"type\":\"join\",\"room\":\"lab\"}", "not_authenticated"),
    ] {
        let mut plain = stage.socket(HERE).await;
        for _ in 0..4 {
            assert_eq!(answer(&mut plain, frame).await.0, refusal);
        }
        assert_eq!(plain.hear().await, None, "{frame}");
        // A mistake or two are none the worse for it.
        let mut plain = stage.socket(HERE).await;
        for _ in 0..3 {
            assert_eq!(answer(&mut plain, frame).await.0, refusal);
        }
        assert_eq!(plain.auth(&token("ana")).await.unwrap(), "auth_ok");
    }
}

#[tokio::test]
async fn a_token_in_the_upgrade_holds_no_place_without_auth() {
    let stage = Stage::start(&config(&["ana"], "timeouts: { auth: \"1s\" }"));
    let mut silent = stage.bearing(&token("ana")).await;
    assert_eq!(silent.hear().await, None, "it had a second for its `auth`");
}

#[tokio::test]
async fn a_mistyped_token_is_told_from_one_that_nobody_has() {
    let stage = Stage::start(&config(&["ana"], ""));
    for (token, expected) in [
        ("bh_bot_1234", "the token is mistyped, or a part of it is missing"),
        ("nobody-has-this-token", "the token is not known to this hub"),
    ] {
        let mut plain = stage.socket(HERE).await;
        let auth = format!("{{\"type\":\"auth\",\"token\":\"{token}\"}}");
        let refused = ("bad_token".to_owned(), expected.to_owned());
        assert_eq!(answer(&mut plain, &auth).await, refused);
    }
}
