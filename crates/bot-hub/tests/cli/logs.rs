//! What the hub writes on stderr: no secrets, no floods, and as much as was asked for.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bot_hub_client::{Client, Options};

use crate::fixture::{Place, Running};

/// Sends a request and reads the answer, whatever it is.
fn ask(hub: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(hub.url().replace("ws://", "")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Comes in with a token and a name of its own choice; whether it was let in.
fn come_in(url: &str, token: &str, client: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = Options::new(url, token);
        options.client = client.to_owned();
        match Client::connect(options).await {
            Ok((client, events)) => {
                drop(events);
                client.close().await;
                true
            }
            Err(_) => false,
        }
    })
}

/// A log for machines: every line of it is an object.
fn objects(log: &str) -> Vec<serde_json::Value> {
    let object = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    log.lines().map(object).collect()
}

/// Waits until the log says it; meanwhile the hub has something to do.
fn until_logged(place: &Place, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !place.log().contains(what) {
        assert!(Instant::now() < deadline, "never logged: {what}");
        place.data(&["ping"]);
    }
}

#[test]
fn no_secret_is_logged_however_much_is() {
    let place = Place::new();
    let in_file = "a-token-in-the-file-0123456789";
    let config = |more: &str| {
        std::fs::write(
            place.path("config.json5"),
            format!("{{ tokens: {{ \"{in_file}\": {{ botId: \"cleo\" }} }}, {more} }}"),
        )
        .unwrap();
    };
    config("");
    let arguments = ["--listen", "127.0.0.1:0", "--config", "config.json5", "--log-level", "trace"];
    let hub = place.serve_with(&arguments);
    let made = place.bot("ann");
    let rotated = place.data(&["bot", "rotate-token", "ann"]);
    let operator =
        std::fs::read_to_string(place.path(".local/share/bot-hub/operator.token")).unwrap();
    let (guessed, as_name) =
        ("bh_bot_guessedguessedguessed234567", "bh_inv_thenameofaclient234567");
    let text = "what-was-said-is-nobodys-business";

    assert!(come_in(&hub.url(), &rotated, as_name));
    assert!(come_in(
        &hub.url(),
        in_file,
        "wss://cleo:apassword@hub.example/join#K7QF-2M9D-XR4T-8W3A"
    ));
    assert!(!come_in(&hub.url(), &made, "revoked"));
    assert!(!come_in(&hub.url(), guessed, "guessing"));
    let upgrade = |path: &str, header: &str| {
        let head = "Host: hub\r\nConnection: close";
        ask(&hub, &format!("GET {path} HTTP/1.1\r\n{head}\r\n{header}\r\n\r\n"))
    };
    assert!(upgrade(&format!("/ws?token={rotated}"), "X-A: b").starts_with("HTTP/1.1 400"));
    upgrade(
        "/metrics",
        &format!("X-Forwarded-For: 203.0.113.1\r\nAuthorization: Bearer {guessed}"),
    );
    upgrade("/join/K7QF-2M9D-XR4T-8W3A", "Authorization: Basic YW5uOnBhc3N3b3Jk");
    ask(&hub, &format!("GARBAGE {rotated}\r\n\r\n"));
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", text]);
    config("limitss: 1");
    hub.signal("HUP");
    until_logged(&place, "was not reloaded");
    assert!(hub.stop().success());

    let log = place.log();
    assert!(log.contains("\"level\":\"DEBUG\""), "{log}");
    assert!(log.contains("bh_inv_…"), "the name of the client is shown, without the secret: {log}");
    let secrets = [
        in_file,
        &made,
        &rotated,
        operator.trim(),
        guessed,
        as_name,
        "apassword",
        "K7QF-2M9D-XR4T-8W3A",
        "YW5uOnBhc3N3b3Jk",
        text,
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "`{secret}` is in the log");
    }
}

#[test]
fn every_line_for_machines_is_one_object_with_the_same_fields() {
    let place = Place::new();
    let hub = place.serve();
    let (token, hub_url) = (place.bot("ann"), hub.url());
    assert!(come_in(&hub.url(), &token, "a client\nof two lines"));
    assert!(!come_in(&hub.url(), "nobody", "-"));
    assert!(hub.stop().success());
    let log = place.log();
    let lines = objects(&log);
    assert!(lines.len() >= 4, "{log}");
    for line in &lines {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "{field} in {line}");
        }
    }
    let ready = &lines[0];
    assert_eq!((&ready["message"], &ready["is_new"]), (&"the hub is ready".into(), &true.into()));
    assert_eq!(ready["listening"], hub_url);
    assert!(ready["version"].is_string() && ready["ready_ms"].is_u64(), "{ready}");
    let said = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    let connected = lines.iter().find(|line| line["bot"] == "ann").unwrap();
    assert_eq!(connected["client"], "a clientof two lines");
    assert_eq!(said("authentication refused")["why"], "bad_token");
    assert_eq!(said("authentication refused")["address"], "127.0.0.1");
}

#[test]
fn what_keeps_a_hub_from_starting_is_one_line_for_machines_too() {
    let place = Place::new();
    let check = |arguments: &[&str], expected: &str| {
        let refused = place.run(&[&["serve"], arguments].concat());
        assert_eq!((refused.code, &*refused.out), (1, ""));
        let lines = objects(&refused.err);
        assert_eq!(lines.len(), 1, "{}", refused.err);
        assert_eq!(lines[0]["level"], "ERROR");
        assert_eq!(lines[0]["message"], expected);
    };
    std::fs::write(place.path("config.json5"), "{ limitss: 1 }").unwrap();
    check(
        &["--config", "config.json5"],
        "config.json5:1:3 limitss: unknown key, did you mean `limits`?\n  hint: write `limits`",
    );
    let _hub = place.serve();
    check(
        &["--listen", "127.0.0.1:0"],
        "a hub runs on `~/.local/share/bot-hub` already: pid PID at ws://ADDRESS\n\
         hint: talk to it (bot-hub status), stop it (bot-hub stop), or give this one its own --data DIR",
    );
}

#[test]
fn a_reload_changes_how_much_is_logged() {
    let place = Place::new();
    let level = |level: &str| {
        let text = format!("{{ log: {{ level: \"{level}\" }} }}");
        std::fs::write(place.path("config.json5"), text).unwrap();
    };
    level("info");
    let hub = place.serve_with(&["--listen", "127.0.0.1:0", "--config", "config.json5"]);
    place.data(&["ping"]);
    assert!(!place.log().contains("connection ends"), "{}", place.log());
    level("debug");
    hub.signal("HUP");
    until_logged(&place, "log.level");
    until_logged(&place, "connection ends");
    assert!(!place.log().contains("restart"), "{}", place.log());
}

#[test]
fn a_flood_of_connections_is_no_flood_of_lines() {
    let place = Place::new();
    let config = "{ limits: { authFailuresPerMinute: 100000 } }";
    std::fs::write(place.path("config.json5"), config).unwrap();
    let hub = place.serve_with(&["--listen", "127.0.0.1:0", "--config", "config.json5"]);
    for _ in 0..400 {
        let head = "Host: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Ym90LWh1YiBkb2N0b3IhIQ==";
        ask(&hub, &format!("GET /ws HTTP/1.1\r\n{head}\r\nAuthorization: Bearer nobody\r\n\r\n"));
    }
    assert!(hub.stop().success());
    let log = place.log();
    let refused = log.lines().filter(|line| line.contains("authentication refused"));
    let count = refused.clone().count();
    assert!((100..=320).contains(&count), "{count} lines");
    let told: Vec<serde_json::Value> = refused
        .filter(|line| line.contains("left_out"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let left_out: u64 = told.iter().map(|line| line["left_out"].as_u64().unwrap()).sum();
    assert_eq!(left_out as usize + count - told.len(), 400, "{told:?}");
    assert_eq!(told[0]["like"], "authentication refused");
}
