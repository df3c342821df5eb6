//! Authority is judged when it is used: whatever is taken away is gone on connections that are open.

use bot_hub_client::bot_protocol::frame::ServerFrame;
use serde_json::Value;

use super::stage::{HERE, Plain, Stage, config, token};

const OPERATED: &str = "operators: [\"ana\"]";
const OBSERVE: &str = r#"{"observe":{}}"#;
const BOTS: &str = r#"{"bot_list":{}}"#;
const ROOMS: &str = r#"{"room_list":{}}"#;

/// Ana with a second token, which is as `second` says.
fn with_second(second: &str) -> String {
    format!(
        "{{ tokens: {{ \"{}\": {{ botId: \"ana\" }}, {second} \"{}\": {{ botId: \"bob\" }} }} }}",
        token("ana"),
        token("bob")
    )
}

fn text(result: &Value, field: &str) -> String {
    result[field].as_str().expect("a text").to_owned()
}

async fn made(operator: &mut Plain, bot: &str) -> String {
    let add = format!(r#"{{"bot_add":{{"bot":"{bot}"}}}}"#);
    text(&operator.operate(&add).await.unwrap(), "token")
}

#[tokio::test]
async fn who_is_taken_out_of_the_operators_operates_and_watches_no_more_on_open_connections() {
    let stage = Stage::start(&config(&["ana", "bob"], OPERATED));
    let mut ana = stage.entered(&token("ana"), "").await;
    let mut watching = stage.entered(&token("ana"), r#","side":true"#).await;
    let mut asking = stage.entered(&token("ana"), r#","side":true"#).await;
    watching.operate(OBSERVE).await.unwrap();
    ana.operate(BOTS).await.unwrap();

    stage.reload(&config(&["ana", "bob"], ""), "applied").await;
    for socket in [&mut ana, &mut asking] {
        for operation in [BOTS, ROOMS, r#"{"bot_add":{"bot":"eve","operator":true}}"#] {
            assert_eq!(socket.operate(operation).await.unwrap_err(), "not_allowed");
        }
    }
    assert_eq!(ana.ask(r#"{"type":"who"}"#).await, "who");
    assert_eq!(asking.operate(OBSERVE).await.unwrap_err(), "not_allowed");
    assert!(watching.is_sent_away().await, "it goes on watching");

    // Named again, it may again.
    stage.reload(&config(&["ana", "bob"], OPERATED), "applied").await;
    ana.operate(BOTS).await.unwrap();
    asking.operate(OBSERVE).await.unwrap();
}

#[tokio::test]
async fn what_the_file_gave_is_not_kept_by_an_operation_on_the_bot() {
    let stage = Stage::start(&config(&["ana", "bob"], "operators: [\"ana\", \"bob\"]"));
    let mut ana = stage.entered(&token("ana"), "").await;
    let mut bob = stage.entered(&token("bob"), "").await;
    ana.operate(r#"{"bot_rotate_token":{"bot":"bob"}}"#).await.unwrap();
    ana.operate(r#"{"bot_enable":{"bot":"bob"}}"#).await.unwrap();
    bob.operate(BOTS).await.unwrap();
    stage.reload(&config(&["ana", "bob"], OPERATED), "applied").await;
    assert_eq!(bob.operate(BOTS).await.unwrap_err(), "not_allowed");
}

#[tokio::test]
async fn a_connection_ends_with_the_token_that_it_came_in_with() {
    let second = |more: &str| with_second(&format!("\"another-of-ana-0123456789\": {more},"));
    let good = second("{ botId: \"ana\" }");
    for (what, changed) in [
        ("taken out", with_second("")),
        ("disabled", second("{ botId: \"ana\", disabled: true }")),
        ("given to another", second("{ botId: \"bob\" }")),
    ] {
        let stage = Stage::start(&good);
        let mut first = stage.entered(&token("ana"), r#","side":true"#).await;
        let mut other = stage.entered("another-of-ana-0123456789", r#","side":true"#).await;
        let mut bearing = stage.bearing("another-of-ana-0123456789").await;
        stage.reload(&changed, "applied").await;
        assert!(other.is_sent_away().await, "{what}");
        assert!(!first.is_sent_away().await, "{what}: the other token is as good as before");
        assert!(bearing.is_sent_away().await, "{what}: also before its `auth`");
    }
}

#[tokio::test]
async fn a_bot_that_is_out_of_the_file_for_a_day_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let start = |text: &str| Stage::start_at(text, tempfile::tempdir().unwrap(), &data, None);
    let (both, one) = (config(&["ana", "zoe"], OPERATED), config(&["ana"], OPERATED));
    let stage = start(&both);
    let mut ana = stage.entered(&token("ana"), "").await;
    let mut zoe = stage.entered(&token("zoe"), r#","resume":{}"#).await;
    for socket in [&mut ana, &mut zoe] {
        assert_eq!(socket.ask(r#"{"type":"join","room":"lab"}"#).await, "joined");
    }
    stage.reload(&one, "applied").await;
    assert!(zoe.is_sent_away().await);
    let speak = r#"{"type":"message","to":"zoe","text":"for you"}"#;
    let speak_in_lab = r#"{"type":"message","room":"lab","text":"for all"}"#;
    assert_eq!(ana.ask(speak).await, "ack");
    let reasons = async |ana: &mut Plain| {
        let pending = ana.operate(r#"{"pending":{"bot":"zoe"}}"#).await.unwrap();
        pending["pending"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| text(it, "reason"))
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons(&mut ana).await, ["disabled, or without a token"]);
    drop((ana, zoe, stage));

    // A restart changes nothing about that.
    let stage = start(&one);
    let mut ana = stage.entered(&token("ana"), "").await;
    assert_eq!(ana.ask(speak).await, "ack");
    assert_eq!(ana.ask(speak_in_lab).await, "ack");
    assert_eq!(reasons(&mut ana).await.len(), 2);
    let shown = ana.operate(r#"{"bot_show":{"bot":"zoe"}}"#).await.unwrap();
    assert_eq!((&shown["disabled"], &shown["tokens"]), (&Value::from(true), &Value::from(0)));
    stage.reload(&both, "applied").await;
    let mut zoe = stage.entered(&token("zoe"), r#","resume":{}"#).await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        if let Some(ServerFrame::Message(it)) = zoe.hear().await {
            heard.push(it.text.to_string());
        }
    }
    heard.sort();
    assert_eq!(heard, ["for all", "for you", "for you"]);
}

#[tokio::test]
async fn a_bot_of_the_file_that_was_switched_off_stays_so_however_often_the_file_is_read() {
    let both = config(&["ana", "bob"], OPERATED);
    let stage = Stage::start(&both);
    let mut ana = stage.entered(&token("ana"), "").await;
    ana.operate(r#"{"bot_disable":{"bot":"bob"}}"#).await.unwrap();
    for text in [&both, &config(&["ana"], OPERATED), &both] {
        stage.reload(text, "applied").await;
        let refused = stage.socket(HERE).await.auth(&token("bob")).await.unwrap();
        assert!(["bot_disabled", "bad_token"].contains(&refused.as_str()), "{text}: {refused}");
    }
    ana.operate(r#"{"bot_enable":{"bot":"bob"}}"#).await.unwrap();
    stage.entered(&token("bob"), "").await;
}

#[tokio::test]
async fn what_an_operator_takes_from_a_bot_is_gone_on_its_open_connections() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let mut ana = stage.entered(&token("ana"), "").await;
    for operation in ["bot_disable", "bot_revoke_token", "bot_rotate_token", "bot_remove"] {
        let first = made(&mut ana, "cleo").await;
        let mut reading = stage.entered(&first, "").await;
        let mut side = stage.entered(&first, r#","side":true"#).await;
        ana.operate(&format!(r#"{{"{operation}":{{"bot":"cleo"}}}}"#)).await.unwrap();
        assert!(reading.is_sent_away().await && side.is_sent_away().await, "{operation}");
        if operation != "bot_remove" {
            ana.operate(r#"{"bot_remove":{"bot":"cleo"}}"#).await.unwrap();
        }
    }
    let first = made(&mut ana, "dora").await;
    let mut dora = stage.entered(&first, "").await;
    ana.operate(r#"{"bot_rotate_token":{"bot":"dora","overlap_ms":300}}"#).await.unwrap();
    assert!(!dora.is_sent_away().await, "the overlap lasts");
    while !dora.is_sent_away().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_guest_is_one_as_long_as_nobody_vouches_for_it_and_no_longer() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let mut ana = stage.entered(&token("ana"), "").await;
    let invite = r#"{"invite_create":{"name":"fern","rooms":["lab"]}}"#;
    let code = text(&ana.operate(invite).await.unwrap(), "code");
    let body = format!(r#"{{"code":"{code}"}}"#);
    let claimed = stage.request("POST", "/api/v1/invites/claim", &[], &body).await.json();
    let mut fern = stage.entered(claimed["token"].as_str().unwrap(), "").await;
    let join = |room: &str| format!(r#"{{"type":"join","room":"{room}"}}"#);
    assert_eq!(fern.ask(&join("den")).await, "not_invited");
    stage.reload(&config(&["ana", "fern"], OPERATED), "applied").await;
    assert_eq!(fern.ask(&join("den")).await, "joined");
    stage.reload(&config(&["ana"], OPERATED), "applied").await;
    assert_eq!(fern.ask(&join("attic")).await, "not_invited");
    stage.reload(&config(&["ana"], "operators: [\"ana\", \"fern\"]"), "applied").await;
    fern.operate(BOTS).await.unwrap();
    stage.reload(&config(&["ana"], OPERATED), "applied").await;
    assert_eq!(fern.operate(BOTS).await.unwrap_err(), "not_allowed");
    assert_eq!(fern.ask(&join("attic")).await, "not_invited");
}
