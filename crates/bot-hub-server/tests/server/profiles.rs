//! What is said of bots: by whom, to whom, and until when.

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_store::Store as _;
use bot_hub_store::record::{RecordKind, RecordQuery};
use bot_hub_store::sqlite::SqliteStore;
use serde_json::{Value, json};

use super::stage::{HERE, Plain, Stage, config, token};

const OPERATED: &str =
    "operators: [\"ana\"], rooms: { lab: { members: [\"ana\", \"bob\", \"cleo\"] } }";
const ABOUT_BOB: &str =
    r#"{"bot_set":{"bot":"bob","about":"reads the news","skills":["news","rust"]}}"#;

/// What the directory says of a bot.
async fn seen(asker: &mut Plain, bot: &str) -> Value {
    asker.say(r#"{"type":"who","room":"lab"}"#).await;
    loop {
        if let ServerFrame::Who(who) = asker.hear().await.expect("the connection lives") {
            let line = who.bots.iter().find(|it| it.bot.as_str() == bot).expect(bot);
            return json!({ "about": line.about, "skills": line.skills });
        }
    }
}

#[tokio::test]
async fn a_bot_says_what_it_is_for_and_others_see_it_also_after_a_restart() {
    let [dir, again, data] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let text = config(&["ana", "bob", "cleo"], OPERATED);
    let stage = Stage::start_at(&text, dir, data.path(), None);
    let mut bob = stage.entered(&token("bob"), "").await;
    let mut cleo = stage.entered(&token("cleo"), "").await;
    let nothing = json!({ "about": null, "skills": [] });
    assert_eq!(seen(&mut cleo, "bob").await, nothing);
    let said = bob.operate(ABOUT_BOB).await.unwrap();
    let expected = json!({ "about": "reads the news", "bot": "bob", "skills": ["news", "rust"] });
    assert_eq!(said, expected);
    let known = json!({ "about": "reads the news", "skills": ["news", "rust"] });
    assert_eq!(seen(&mut cleo, "bob").await, known);

    let error = cleo.operate(ABOUT_BOB).await.unwrap_err();
    assert_eq!(error, "not_allowed", "only of itself");
    for (field, wrong) in [("about", json!("a\nb")), ("about", json!("x".repeat(281)))] {
        let operation = json!({ "bot_set": { "bot": "bob", field: wrong } }).to_string();
        assert_eq!(bob.operate(&operation).await.unwrap_err(), "bad_frame");
    }
    for skills in [json!(["Rust"]), json!("rust"), json!(["a b"])] {
        let operation = json!({ "bot_set": { "bot": "bob", "skills": skills } }).to_string();
        assert_eq!(bob.operate(&operation).await.unwrap_err(), "bad_frame");
    }

    // What is left out stays; an operator says it of any bot, and that is recorded.
    let mut ana = stage.entered(&token("ana"), "").await;
    ana.operate(r#"{"bot_set":{"bot":"bob","about":""}}"#).await.unwrap();
    let known = json!({ "about": null, "skills": ["news", "rust"] });
    assert_eq!(seen(&mut cleo, "bob").await, known);
    let shown = ana.operate(r#"{"bot_show":{"bot":"bob"}}"#).await.unwrap();
    assert_eq!((shown.get("about"), &shown["skills"]), (None, &json!(["news", "rust"])));
    let acts = ana.operate(r#"{"audit":{}}"#).await.unwrap();
    assert_eq!(acts["acts"].as_array().map(Vec::len), Some(1), "{acts}");

    drop((ana, bob, cleo, stage));
    let stage = Stage::start_at(&text, again, data.path(), None);
    let mut cleo = stage.entered(&token("cleo"), "").await;
    assert_eq!(seen(&mut cleo, "bob").await, known);
}

#[tokio::test]
async fn a_seed_client_sees_the_directory_that_it_knows() {
    let stage = Stage::start(&config(&["ana", "bob", "cleo"], OPERATED));
    let mut bob = stage.entered(&token("bob"), "").await;
    bob.operate(ABOUT_BOB).await.unwrap();
    let mut seed = stage.socket(HERE).await;
    let auth = format!(r#"{{"type":"auth","token":"{}"}}"#, token("cleo"));
    assert_eq!(seed.ask(&auth).await, "auth_ok");
    assert_eq!(seen(&mut seed, "bob").await, json!({ "about": null, "skills": [] }));
}

#[tokio::test]
async fn what_is_said_of_a_bot_goes_with_it() {
    let [dir, data] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let text = config(&["ana", "bob", "cleo"], OPERATED);
    let stage = Stage::start_at(&text, dir, data.path(), None);
    let mut ana = stage.entered(&token("ana"), "").await;
    for _ in 0..2 {
        ana.operate(r#"{"bot_add":{"bot":"dora"}}"#).await.unwrap();
        let shown = ana.operate(r#"{"bot_show":{"bot":"dora"}}"#).await.unwrap();
        assert_eq!((shown.get("about"), shown.get("skills")), (None, None), "{shown}");
        let said = r#"{"bot_set":{"bot":"dora","about":"old","skills":["old"]}}"#;
        ana.operate(said).await.unwrap();
        ana.operate(r#"{"bot_remove":{"bot":"dora"}}"#).await.unwrap();
    }
    drop((ana, stage));
    let store = SqliteStore::open(data.path()).expect("the hub has ended");
    let mut reader = store.reader().unwrap();
    let kept = reader.records(&RecordQuery::all(RecordKind::PROFILE)).unwrap();
    assert!(kept.records.is_empty(), "its record ends with the bot: {kept:?}");
}
