//! A name is not an identity: who has a name after somebody else inherits nothing.

use bot_hub_client::bot_protocol::frame::ServerFrame;
use serde_json::Value;

use super::stage::{Answer, Plain, Stage, config, token};

const OPERATED: &str = "operators: [\"ana\"]";

fn text(result: &Value, field: &str) -> String {
    result[field].as_str().expect("a text").to_owned()
}

async fn add(ana: &mut Plain, bot: &str) -> String {
    text(&ana.operate(&format!(r#"{{"bot_add":{{"bot":"{bot}"}}}}"#)).await.unwrap(), "token")
}

async fn remove(ana: &mut Plain, bot: &str) {
    ana.operate(&format!(r#"{{"bot_remove":{{"bot":"{bot}"}}}}"#)).await.unwrap();
}

async fn invite(operator: &mut Plain, name: &str) -> Result<String, String> {
    let wish = format!(r#"{{"invite_create":{{"name":"{name}","rooms":["lab"]}}}}"#);
    operator.operate(&wish).await.map(|made| text(&made, "code"))
}

impl Stage {
    async fn claimed(&self, code: &str, name: Option<&str>) -> Answer {
        let name = name.map(|name| format!(r#","name":"{name}""#)).unwrap_or_default();
        let body = format!(r#"{{"code":"{code}"{name}}}"#);
        self.request("POST", "/api/v1/invites/claim", &[], &body).await
    }
}

fn is_taken(answer: &Answer) {
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["type"]), (409, &Value::from("name_taken")), "{answer:?}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("name")), "{answer:?}");
}

/// Zoe says something in `hall`, speaks with bob, and is removed.
async fn farewell(stage: &Stage, ana: &mut Plain) {
    let zoe = add(ana, "zoe").await;
    let mut zoe = stage.entered(&zoe, "").await;
    let mut bob = stage.entered(&token("bob"), r#","side":true"#).await;
    assert_eq!(zoe.ask(r#"{"type":"join","room":"hall"}"#).await, "joined");
    assert_eq!(
        zoe.ask(r#"{"type":"message","room":"hall","text":"hello","id":"z1"}"#).await,
        "ack"
    );
    assert_eq!(
        zoe.ask(r#"{"type":"message","to":"bob","text":"a secret","id":"z2"}"#).await,
        "ack"
    );
    assert_eq!(bob.ask(r#"{"type":"join","room":"dm:bob:zoe"}"#).await, "joined");
    drop((zoe, bob));
    remove(ana, "zoe").await;
}

/// What somebody hears of the rooms that it has without having joined any, and of what the one before
/// it said.
async fn inheritance(stage: &Stage, token: &str) -> Vec<String> {
    let mut zoe = stage.socket(super::stage::HERE).await;
    zoe.say(&format!(r#"{{"type":"auth","token":"{token}","caps":["ack"],"resume":{{}}}}"#)).await;
    let Some(ServerFrame::AuthOk(welcome)) = zoe.hear().await else { panic!("no welcome") };
    let mut found: Vec<String> =
        welcome.rooms.unwrap().iter().map(|it| it.room.to_string()).collect();
    for id in ["z1", "z2"] {
        let asked = zoe.ask(&format!(r#"{{"type":"status","id":"{id}"}}"#)).await;
        found.extend((asked != "no_such_message").then(|| format!("{asked} of {id}")));
    }
    zoe.say(r#"{"type":"join","room":"dm:bob:zoe"}"#).await;
    zoe.say(r#"{"type":"ping","at":7}"#).await;
    while found.len() < 9 {
        match zoe.hear().await.expect("the connection lives") {
            ServerFrame::Message(it) => found.push(it.text.to_string()),
            ServerFrame::Joined(joined) => {
                assert_eq!(joined.position.unwrap().seq, 1, "it begins behind the head");
                return found;
            }
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn a_name_of_somebody_who_was_removed_is_never_a_guests() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let text = config(&["ana", "bob"], OPERATED);
    let start = || Stage::start_at(&text, tempfile::tempdir().unwrap(), &data, None);
    let stage = start();
    let mut ana = stage.entered(&token("ana"), "").await;
    // Made before there was a zoe, and still open when she is gone.
    let early = invite(&mut ana, "zoe").await.unwrap();
    farewell(&stage, &mut ana).await;
    let silent = add(&mut ana, "mute").await;
    assert!(!silent.is_empty());
    remove(&mut ana, "mute").await;
    let other = invite(&mut ana, "fern").await.unwrap();

    let check = async |stage: &Stage, ana: &mut Plain| {
        for name in ["zoe", "z0e", "zo-e", "mute", "rnute"] {
            is_taken(&stage.claimed(&other, Some(name)).await);
        }
        is_taken(&stage.claimed(&early, None).await);
        for name in ["zoe", "mute"] {
            assert_eq!(invite(ana, name).await.unwrap_err(), "name_taken");
        }
    };
    check(&stage, &mut ana).await;
    drop((ana, stage));
    let stage = start();
    let mut ana = stage.entered(&token("ana"), "").await;
    check(&stage, &mut ana).await;
    let (one, two) =
        tokio::join!(stage.claimed(&other, Some("zoe")), stage.claimed(&early, Some("zoe")));
    is_taken(&one);
    is_taken(&two);
    assert_eq!(stage.claimed(&other, None).await.status, 200, "the code is as good as before");
}

#[tokio::test]
async fn a_new_bot_of_an_old_name_inherits_nothing() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let text = config(&["ana", "bob"], OPERATED);
    let start = |text: &str| Stage::start_at(text, tempfile::tempdir().unwrap(), &data, None);
    let none: [String; 0] = [];

    let stage = start(&text);
    let mut ana = stage.entered(&token("ana"), "").await;
    farewell(&stage, &mut ana).await;
    let zoe = add(&mut ana, "zoe").await;
    assert_eq!(inheritance(&stage, &zoe).await, none, "made again");
    remove(&mut ana, "zoe").await;
    drop((ana, stage));

    let stage = start(&text);
    let mut ana = stage.entered(&token("ana"), "").await;
    let zoe = add(&mut ana, "zoe").await;
    assert_eq!(inheritance(&stage, &zoe).await, none, "made again after a restart");
    remove(&mut ana, "zoe").await;
    stage.reload(&config(&["ana", "bob", "zoe"], OPERATED), "applied").await;
    assert_eq!(inheritance(&stage, &token("zoe")).await, none, "named by the file");
    drop((ana, stage));
}

#[tokio::test]
async fn the_invites_of_a_bot_end_with_it_and_are_not_those_of_the_next_of_its_name() {
    let stage = Stage::start(&config(&["ana", "bob"], OPERATED));
    let mut ana = stage.entered(&token("ana"), "").await;
    let zoe = add(&mut ana, "zoe").await;
    ana.operate(r#"{"room_create":{"room":"lab"}}"#).await.unwrap();
    let can = r#"{"room_add":{"room":"lab","bot":"zoe","can":["read","post","request","invite"]}}"#;
    ana.operate(can).await.unwrap();
    let mut zoe = stage.entered(&zoe, r#","side":true"#).await;
    let used = invite(&mut zoe, "used").await.unwrap();
    let open = invite(&mut zoe, "open").await.unwrap();
    assert_eq!(stage.claimed(&used, None).await.status, 200);
    remove(&mut ana, "zoe").await;
    let zoe = add(&mut ana, "zoe").await;
    ana.operate(can).await.unwrap();
    assert_eq!(stage.claimed(&open, None).await.status, 410, "whoever made it is gone");
    let mut zoe = stage.entered(&zoe, r#","side":true"#).await;
    let own = zoe.operate(r#"{"invite_list":{}}"#).await.unwrap();
    assert_eq!(own["invites"], serde_json::json!([]));
    let all = ana.operate(r#"{"invite_list":{}}"#).await.unwrap();
    assert_eq!(all["invites"].as_array().unwrap().len(), 2, "an operator sees who came by which");
}

#[tokio::test]
async fn a_bot_and_a_room_never_have_one_name() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let mut ana = stage.entered(&token("ana"), "").await;
    let code = invite(&mut ana, "fern").await.unwrap();
    for room in ["den", "fern"] {
        ana.operate(&format!(r#"{{"room_create":{{"room":"{room}"}}}}"#)).await.unwrap();
    }
    let add = r#"{"bot_add":{"bot":"den"}}"#;
    assert_eq!(ana.operate(add).await.unwrap_err(), "name_taken");
    assert_eq!(invite(&mut ana, "den").await.unwrap_err(), "name_taken");
    is_taken(&stage.claimed(&code, None).await);
    is_taken(&stage.claimed(&code, Some("den")).await);
    stage.reload(&config(&["ana", "den"], "rooms: { den: { open: true } }"), "rejected").await;
    assert_eq!(ana.operate(r#"{"room_create":{"room":"ana"}}"#).await.unwrap_err(), "wrong_kind");
}

#[tokio::test]
async fn a_word_of_the_command_line_is_nobodys_name() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let mut ana = stage.entered(&token("ana"), "").await;
    let code = invite(&mut ana, "fern").await.unwrap();
    for word in ["all", "local"] {
        let add = format!(r#"{{"bot_add":{{"bot":"{word}"}}}}"#);
        assert_eq!(ana.operate(&add).await.unwrap_err(), "name_taken", "{word}");
        assert_eq!(invite(&mut ana, word).await.unwrap_err(), "name_taken", "{word}");
        is_taken(&stage.claimed(&code, Some(word)).await);
    }
    assert_eq!(stage.claimed(&code, Some("allan")).await.status, 200);
}

#[tokio::test]
async fn whom_the_file_expects_may_still_come_after_a_restart_and_no_longer_once_it_does_not() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let expecting = config(
        &["ana"],
        "operators: [\"ana\"], rooms: { vault: { members: [\"heir\", \"niece\"] } }",
    );
    let start = || Stage::start_at(&expecting, tempfile::tempdir().unwrap(), &data, None);
    drop(start());
    let stage = start();
    let mut ana = stage.entered(&token("ana"), "").await;
    let code = invite(&mut ana, "heir").await.unwrap();
    assert_eq!(stage.claimed(&code, None).await.status, 200);
    let open = invite(&mut ana, "niece").await.unwrap();
    stage.reload(&config(&["ana"], OPERATED), "applied").await;
    assert_eq!(invite(&mut ana, "niece").await.unwrap_err(), "name_taken");
    is_taken(&stage.claimed(&open, None).await);
}

#[tokio::test]
async fn when_a_bot_was_last_here_is_known_also_after_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let text = config(&["ana", "bob"], OPERATED);
    let start = || Stage::start_at(&text, tempfile::tempdir().unwrap(), &data, None);
    let stage = start();
    let mut ana = stage.entered(&token("ana"), "").await;
    let zoe = add(&mut ana, "zoe").await;
    let seen = async |ana: &mut Plain, bot: &str| {
        let show = format!(r#"{{"bot_show":{{"bot":"{bot}"}}}}"#);
        ana.operate(&show).await.unwrap()["last_seen"].as_u64()
    };
    assert_eq!(seen(&mut ana, "zoe").await, None);
    for (bot, token) in [("zoe", zoe.as_str()), ("bob", &token("bob"))] {
        drop(stage.entered(token, "").await);
        assert!(seen(&mut ana, bot).await.is_some(), "{bot} was here until now");
    }
    drop((ana, stage));
    let stage = start();
    let mut ana = stage.entered(&token("ana"), "").await;
    let before = seen(&mut ana, "zoe").await;
    assert!(before.is_some() && seen(&mut ana, "bob").await.is_some());
    let rotated = ana.operate(r#"{"bot_rotate_token":{"bot":"zoe"}}"#).await.unwrap();
    drop(stage.entered(rotated["token"].as_str().unwrap(), "").await);
    ana.operate(r#"{"bot_rotate_token":{"bot":"zoe"}}"#).await.unwrap();
    assert!(seen(&mut ana, "zoe").await > before, "nothing older overwrites it");
}
