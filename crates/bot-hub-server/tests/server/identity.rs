//! Who comes in, who no longer does, and what is never written down.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_client::bot_protocol::frame::operator::{Operation, Page};
use bot_hub_client::bot_protocol::name::BotId;
use bot_hub_client::bot_protocol::secret::Secret;
use bot_hub_client::{Client, ConnectError, End};

use super::stage::{ELSEWHERE, HERE, Plain, Stage, WITHIN, config, room, says, token};

#[tokio::test]
async fn a_reload_with_a_mistake_changes_nothing_and_a_good_one_applies() {
    let stage = Stage::start(&config(&["ana"], ""));
    let (ana, _events) = stage.member("ana").await;

    stage.reload("{ tokens: { \"x\": { botId: ana } ", "rejected").await;
    ana.send(says("still here")).await.unwrap().await.unwrap();
    let refused = Client::connect(stage.options("bob")).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Ended(End::Refused(_))), "{refused}");

    stage.reload(&config(&["ana", "bob"], ""), "applied").await;
    let (bob, _events) = stage.member("bob").await;
    bob.send(says("here too")).await.unwrap().await.unwrap();
    ana.send(says("not disturbed")).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn an_edit_while_the_hub_starts_is_applied() {
    let stage = Stage::start_while_edited(&config(&["ana"], ""), &config(&["ana", "bob"], ""));
    stage.until("bothub_config_reload_total{outcome=\"applied\"}", |count| count > 0.0).await;
    stage.member("bob").await;
}

#[tokio::test]
async fn a_bot_whose_token_is_taken_away_is_sent_away() {
    let stage = Stage::start(&config(&["ana", "bob"], ""));
    let (bob, _events) = stage.member("bob").await;
    stage.reload(&config(&["ana"], ""), "applied").await;
    assert_eq!(tokio::time::timeout(WITHIN, bob.ended()).await.unwrap(), End::Revoked);
}

#[tokio::test]
async fn a_bot_that_is_disabled_or_removed_is_sent_away() {
    let stage = Stage::start(&config(&["ana"], "operators: [\"ana\"]"));
    let (ana, _events) = stage.client("ana").await;
    for (name, end) in [
        ("cleo", Operation::BotDisable { bot: BotId::new("cleo").unwrap() }),
        ("dora", Operation::BotRemove { bot: BotId::new("dora").unwrap() }),
    ] {
        let bot = BotId::new(name).unwrap();
        let made = ana.operate(Operation::BotAdd { bot, operator: false }).await.unwrap();
        let mut options = stage.options(name);
        let token = made["token"].as_str().expect("the answer holds the token");
        options.token = Secret::new(token);
        let (client, _events) = Client::connect(options.clone()).await.unwrap();
        client.join(room()).await.unwrap();
        ana.operate(end).await.unwrap();
        assert_eq!(tokio::time::timeout(WITHIN, client.ended()).await.unwrap(), End::Revoked);
        let again = Client::connect(options).await.unwrap_err();
        assert!(matches!(again, ConnectError::Ended(End::Refused(_))), "{again}");
    }
}

#[tokio::test]
async fn who_guesses_tokens_has_to_wait_and_nobody_else() {
    let tokens =
        format!("\"short\": {{ botId: \"bob\" }}, \"{}\": {{ botId: \"ana\" }}", token("ana"));
    let limits = "limits: { authFailuresPerMinute: 5 }";
    let stage = Stage::start(&format!("{{ tokens: {{ {tokens} }}, {limits} }}"));
    let mut answers = Vec::new();
    for guess in 0..8 {
        let mut socket = stage.socket(HERE).await;
        answers.push(socket.auth(&format!("a-guess-{guess}")).await.unwrap());
    }
    assert_eq!(answers[..5], ["bad_token"; 5]);
    assert_eq!(answers[5..], ["auth_throttled"; 3]);
    // A token that can be guessed does not help from there; one that nobody guesses does.
    assert_eq!(stage.socket(HERE).await.auth("short").await.unwrap(), "auth_throttled");
    assert_eq!(stage.socket(HERE).await.auth(&token("ana")).await.unwrap(), "auth_ok");
    assert_eq!(stage.socket(ELSEWHERE).await.auth("short").await.unwrap(), "auth_ok");
}

#[tokio::test]
async fn an_address_that_a_client_claims_counts_once_its_proxy_is_trusted_and_no_sooner() {
    let bots =
        |more: &str| config(&["ana"], &format!("limits: {{ authFailuresPerMinute: 3 }}, {more}"));
    let stage = Stage::start(&bots(""));
    let mut answers = Vec::new();
    for guess in 0..5 {
        let claimed = format!("198.51.100.{guess}");
        let mut socket = stage.forwarded(HERE, Some(&claimed)).await;
        answers.push(socket.auth("a-guess").await.unwrap());
    }
    assert_eq!(answers[..3], ["bad_token"; 3]);
    assert_eq!(answers[3..], ["auth_throttled"; 2], "claims do not evade the limit");

    stage.reload(&bots("trustProxies: ['127.0.0.0/8']"), "applied").await;
    let from_afar = async |client| {
        stage.forwarded(ELSEWHERE, Some(client)).await.auth("a-guess").await.unwrap()
    };
    for _ in 0..3 {
        assert_eq!(from_afar("203.0.113.7").await, "bad_token");
    }
    assert_eq!(from_afar("203.0.113.7").await, "auth_throttled");
    // What the client itself wrote stands to the left of what the proxy saw.
    assert_eq!(from_afar("198.51.100.77, 203.0.113.7").await, "auth_throttled");
    assert_eq!(from_afar("203.0.113.7, 203.0.113.8").await, "bad_token");
}

#[tokio::test]
async fn the_newer_connection_of_a_bot_replaces_the_older_one() {
    let stage = Stage::start(&config(&["ana"], ""));
    let (first, _events) = stage.member("ana").await;
    let (second, _events) = stage.member("ana").await;
    assert_eq!(tokio::time::timeout(WITHIN, first.ended()).await.unwrap(), End::Replaced);
    second.send(says("the one that is left")).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn two_programs_that_fight_over_a_bot_are_slowed_down() {
    let stage = Stage::start(&config(&["ana"], ""));
    let (mut open, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let mut socket = stage.socket(HERE).await;
        answers.push(socket.auth(&token("ana")).await.unwrap());
        open.push(socket);
    }
    assert_eq!(answers[..5], ["auth_ok"; 5]);
    assert_eq!(answers[5..], ["going away Some(15000)"; 2]);
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_is_ever_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let text = config(&["ana", "bob"], "operators: [\"ana\"]");
    // Beside a second one: alone, it would miss the places that log first on the thread of another test.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let dispatch = tracing::Dispatch::new(subscriber);
    let stage = Stage::start_at(&text, dir, &data, Some(dispatch.clone()));
    let _guard = tracing::dispatcher::set_default(&dispatch);

    let (ana, _events) = stage.member("ana").await;
    ana.send(says("a message")).await.unwrap().await.unwrap();
    assert_eq!(stage.socket(HERE).await.auth("a-wrong-secret-0123").await.unwrap(), "bad_token");
    let bot = BotId::new("cleo").unwrap();
    let made = ana.operate(Operation::BotAdd { bot: bot.clone(), operator: false }).await.unwrap();
    let turned = ana.operate(Operation::BotRotateToken { bot, overlap_ms: None }).await.unwrap();
    stage.get("/metrics?token=a-secret-in-a-url-0123").await;
    stage.reload(&text.replace("ana-0123456789", "ana-9876543210"), "applied").await;
    stage.reload("{ tokens: { \"a-secret-with-a-mistake\": 7 } }", "rejected").await;
    let (_, metrics) = stage.get("/metrics").await;
    let operator = std::fs::read_to_string(data.join("operator.token")).unwrap();
    drop(stage);

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a bot connected"), "nothing is captured:\n{logged}");
    let made = [made["token"].as_str().unwrap(), turned["token"].as_str().unwrap()];
    let secrets = ["a-secret-", "a-wrong-secret", "9876543210", operator.trim()];
    for secret in secrets.into_iter().chain(made) {
        for text in [&logged, &metrics] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "`{secret}` is written down");
        }
    }
}

/// The part of the answer with that name, or why there is none.
async fn part(asker: &Client, operation: Operation, name: &str) -> Result<String, String> {
    let answer = asker.operate(operation).await.map_err(|refusal| refusal.to_string())?;
    Ok(answer[name].to_string())
}

#[tokio::test]
async fn an_operator_administers_bots_and_others_do_not() {
    let stage = Stage::start(&config(&["ana", "bob"], "operators: [\"ana\"]"));
    let ((ana, _anas), (bob, _bobs)) = (stage.client("ana").await, stage.client("bob").await);
    let bot = |name: &str| BotId::new(name).unwrap();
    let add = || Operation::BotAdd { bot: bot("dora"), operator: true };
    let show = |name: &str| Operation::BotShow { bot: bot(name) };
    let rotate = || Operation::BotRotateToken { bot: bot("dora"), overlap_ms: None };
    let refused = async |asker: &Client, operation, why: &str| {
        let refusal = part(asker, operation, "bot").await.unwrap_err();
        assert!(refusal.contains(why), "{refusal}");
    };
    refused(&bob, add(), "operator's token").await;
    refused(&ana, show("dora"), "no bot `dora`").await;
    refused(&ana, rotate(), "no bot `dora`").await;
    refused(&ana, Operation::BotDisable { bot: bot("dora") }, "no bot `dora`").await;
    let made = part(&ana, add(), "token").await.unwrap();
    refused(&ana, add(), "a bot `dora` already").await;
    refused(&ana, Operation::BotRemove { bot: bot("bob") }, "the configuration file").await;

    let check = async |name: &str, field: &str, expected: &str| {
        assert_eq!(part(&ana, show(name), field).await.as_deref(), Ok(expected), "{name} {field}");
    };
    for (field, expected) in [
        ("origin", "\"store\""),
        ("tokens", "1"),
        ("operator", "true"),
        ("online", "false"),
        ("disabled", "false"),
    ] {
        check("dora", field, expected).await;
    }
    check("bob", "origin", "\"configuration file\"").await;
    check("bob", "operator", "false").await;
    check("bob", "online", "true").await;
    let listed = part(&ana, Operation::BotList(Page::default()), "bots").await.unwrap();
    let names = ["ana", "bob", "dora"].map(|name| format!("\"bot\":\"{name}\""));
    assert!(names.iter().all(|name| listed.contains(name)), "{listed}");

    let enters = async |token: &str| {
        let mut socket = stage.socket(HERE).await;
        socket.auth(token.trim_matches('"')).await.unwrap()
    };
    assert_eq!(enters(&made).await, "auth_ok");
    let again = part(&ana, rotate(), "token").await.unwrap();
    assert_eq!((enters(&made).await, enters(&again).await), ("bad_token".into(), "auth_ok".into()));
    check("dora", "tokens", "1").await;
    check("dora", "operator", "true").await;
    ana.operate(Operation::BotDisable { bot: bot("dora") }).await.unwrap();
    assert_eq!(enters(&again).await, "bot_disabled");
    check("dora", "disabled", "true").await;
    ana.operate(Operation::BotEnable { bot: bot("dora") }).await.unwrap();
    assert_eq!(enters(&again).await, "auth_ok");

    let made = part(&ana, Operation::RoomCreate { room: room(), closed: false }, "ok").await;
    assert_eq!(made.as_deref(), Ok("true"), "rooms are the brain's business");
}

#[tokio::test]
async fn a_token_says_by_its_beginning_whether_it_opens_the_hub_to_an_operator() {
    let stage = Stage::start(&config(&["ana"], "operators: [\"ana\"]"));
    let (ana, _events) = stage.client("ana").await;
    let bot = |name: &str| BotId::new(name).unwrap();
    let add = |name: &str, operator| Operation::BotAdd { bot: bot(name), operator };
    let rotate = |name: &str| Operation::BotRotateToken { bot: bot(name), overlap_ms: None };
    for (operation, begins) in [
        (add("cleo", false), "\"bh_bot_"),
        (rotate("cleo"), "\"bh_bot_"),
        (add("dora", true), "\"bh_adm_"),
        (rotate("dora"), "\"bh_adm_"),
        // The file makes her an operator, and not her record.
        (rotate("ana"), "\"bh_adm_"),
    ] {
        let token = part(&ana, operation, "token").await.unwrap();
        assert!(token.starts_with(begins), "{token}");
    }
}

#[tokio::test]
async fn whoever_gives_a_bot_a_new_token_hears_when_the_old_ones_end() {
    let stage = Stage::start(&config(&["ana"], "operators: [\"ana\"]"));
    let (ana, _events) = stage.client("ana").await;
    let bot = || BotId::new("cleo").unwrap();
    let add = ana.operate(Operation::BotAdd { bot: bot(), operator: false }).await.unwrap();
    assert!(add["old_ends_at"].is_null(), "there are none");
    let rotate = |overlap_ms| Operation::BotRotateToken { bot: bot(), overlap_ms };
    let before = ana.operate(rotate(Some(60_000))).await.unwrap()["old_ends_at"].as_u64();
    let later = ana.operate(rotate(Some(3_600_000))).await.unwrap()["old_ends_at"].as_u64();
    let (before, later) = (before.unwrap(), later.unwrap());
    assert!(later - before >= 3_540_000, "{before} {later}");
    assert!(before > 60_000, "it is a time and no duration");
    assert!(ana.operate(rotate(None)).await.unwrap()["old_ends_at"].is_null(), "they have ended");
}

#[tokio::test]
async fn whoever_uses_the_command_line_of_this_machine_cannot_be_shut_out_by_another_operator() {
    let stage = Stage::start(&config(&["ana", "bob"], "operators: [\"ana\"]"));
    let (ana, _events) = stage.client("ana").await;
    let (bot, renewed) = (|| BotId::new("operator").unwrap(), "gets a new token at every start");
    let keep = Operation::BotKeepToken { bot: bot(), token_id: "00".into(), old_ends_at: None };
    for (operation, why) in [
        (Operation::BotDisable { bot: bot() }, "cannot be switched off"),
        (Operation::BotRemove { bot: bot() }, "cannot be removed"),
        (Operation::BotRotateToken { bot: bot(), overlap_ms: None }, renewed),
        (Operation::BotPrepareToken { bot: bot() }, renewed),
        (keep, renewed),
        (Operation::BotRevokeToken { bot: bot() }, "for as long as the hub runs"),
        (Operation::BotAdd { bot: bot(), operator: false }, "stands for the command line"),
    ] {
        let refusal = part(&ana, operation.clone(), "bot").await.unwrap_err();
        assert!(refusal.contains(why), "{operation:?}: {refusal}");
    }
    let bob = BotId::new("bob").unwrap();
    part(&ana, Operation::BotDisable { bot: bob }, "bot").await.unwrap();
}

/// Says `auth` without a token, and returns who is welcomed or why nobody is.
async fn auth_without_token(socket: &mut Plain) -> String {
    socket.say(r#"{"type":"auth","caps":["ack"]}"#).await;
    match socket.hear().await {
        Some(ServerFrame::AuthOk(welcome)) => welcome.bot.expect("it names the bot").to_string(),
        Some(ServerFrame::Error(error)) => error.name.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_may_come_with_the_request_and_counts_once() {
    let stage = Stage::start(&config(&["ana", "bob"], ""));
    assert_eq!(auth_without_token(&mut stage.socket(HERE).await).await, "bad_frame");
    let mut known = stage.bearing(&token("ana")).await;
    assert_eq!(auth_without_token(&mut known).await, "ana");
    assert_eq!(auth_without_token(&mut known).await, "already_authenticated");
    // A token in the first frame goes before the one of the request.
    let mut other = stage.bearing(&token("ana")).await;
    assert_eq!(other.auth(&token("bob")).await.unwrap(), "auth_ok");

    let mut wrong = stage.bearing("a-guess").await;
    let Some(ServerFrame::Error(error)) = wrong.hear().await else { panic!("no refusal") };
    assert_eq!(error.name, "bad_token");
    assert_eq!(wrong.hear().await, None, "the connection is over");
    assert_eq!(stage.socket(HERE).await.auth("another-guess").await.unwrap(), "bad_token");
    stage.until("bothub_auth_failures_total", |failures| failures == 2.0).await;
}

#[tokio::test]
async fn who_asked_for_nothing_is_greeted_as_the_seed_did() {
    let stage = Stage::start(&config(&["ana"], ""));
    let check = async |more: &str, is_plain: bool| {
        let mut socket = stage.socket(HERE).await;
        let token = token("ana");
        socket.say(&format!(r#"{{"type":"auth","token":"{token}"{more}}}"#)).await;
        let Some(ServerFrame::AuthOk(welcome)) = socket.hear().await else { panic!("no welcome") };
        assert_eq!(welcome.bot.is_none(), is_plain, "{more}");
    };
    check("", true).await;
    check(r#","caps":[]"#, false).await;
    check(r#","client":"a/1""#, false).await;
    check(r#","resume":{}"#, false).await;
}

#[tokio::test]
async fn an_overlap_of_tokens_survives_a_restart_and_an_end_of_them_too() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let text = config(&["ana"], "operators: [\"ana\"]");
    let start = || Stage::start_at(&text, tempfile::tempdir().unwrap(), &data, None);
    let bot = || BotId::new("cleo").unwrap();
    let token = |made: serde_json::Value| made["token"].as_str().unwrap().to_owned();

    let stage = start();
    let (ana, _events) = stage.client("ana").await;
    let add = Operation::BotAdd { bot: bot(), operator: false };
    let first = token(ana.operate(add).await.unwrap());
    let overlap = |overlap_ms| Operation::BotRotateToken { bot: bot(), overlap_ms };
    let second = token(ana.operate(overlap(Some(3_600_000))).await.unwrap());
    drop((ana, stage));

    let stage = start();
    for token in [&first, &second] {
        assert_eq!(stage.socket(HERE).await.auth(token).await.unwrap(), "auth_ok");
    }
    let (ana, _events) = stage.client("ana").await;
    let third = token(ana.operate(overlap(None)).await.unwrap());
    drop((ana, stage));

    let stage = start();
    for token in [&first, &second] {
        assert_eq!(stage.socket(HERE).await.auth(token).await.unwrap(), "bad_token");
    }
    assert_eq!(stage.socket(HERE).await.auth(&third).await.unwrap(), "auth_ok");
}
