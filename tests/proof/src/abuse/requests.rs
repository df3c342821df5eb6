//! Requests that are no requests, or two at once.

use std::time::{Duration, Instant};

use bot_hub_proof::peer::Failure;
use bot_hub_proof::process::token;
use bot_hub_proof::wire::Socket;

use crate::stage::{Case, Damage, Stage, case};

pub const CASES: &[Case] = &[
    case("200 requests with 70 kB of headers", "`limits.headerBytes` (16 KiB)", long_headers),
    case("200 requests with 2,000 headers", "64 headers", many_headers),
    case(
        "requests that two readers understand differently",
        "one request per connection, no bodies",
        smuggling,
    ),
    case(
        "web pages of other origins, tokens in the URL",
        "`allowedOrigins`; such a request is refused",
        strangers,
    ),
    Case {
        log_level: "trace",
        ..case(
            "names and versions that forge log lines",
            "JSON lines, everything escaped; tokens never",
            forged_logs,
        )
    },
];

const ANSWER: Duration = Duration::from_secs(10);

fn io(error: std::io::Error) -> Failure {
    error.to_string()
}

/// Sends bytes; the status line of the answer and everything behind its head, until the hub hangs up.
fn request(stage: &Stage, bytes: &[u8]) -> Result<(String, Duration), Failure> {
    let start = Instant::now();
    let mut socket = Socket::dial(&stage.url).map_err(io)?;
    // It may hang up before it has all of it.
    drop(socket.write(bytes));
    let head = socket.head(ANSWER).unwrap_or_default();
    Ok((head.lines().next().unwrap_or_default().to_owned(), start.elapsed()))
}

fn refused(stage: &Stage, bytes: &[u8], count: usize) -> Result<Damage, Failure> {
    let mut closed = Vec::new();
    for _ in 0..count {
        let (status, time) = request(stage, bytes)?;
        if !(status.is_empty() || status.starts_with("HTTP/1.1 4")) {
            return Err(format!("answered with `{status}`"));
        }
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        closed.push((code, time));
    }
    Ok(Damage { closed, ..Damage::default() })
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn long_headers(stage: &Stage) -> Result<Damage, Failure> {
    let bytes = format!("{UPGRADE}X-Long: {}\r\n\r\n", "x".repeat(70_000));
    refused(stage, bytes.as_bytes(), 200)
}

fn many_headers(stage: &Stage) -> Result<Damage, Failure> {
    let bytes = format!("{UPGRADE}{}\r\n", "X: y\r\n".repeat(2_000));
    refused(stage, bytes.as_bytes(), 200)
}

fn smuggling(stage: &Stage) -> Result<Damage, Failure> {
    let second = "GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n";
    let upgrade = format!("{UPGRADE}\r\n");
    let upgrade = upgrade.as_str();
    let corpus = [
        format!(
            "POST / HTTP/1.1\r\nHost: hub\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}"
        ),
        format!(
            "GET /livez HTTP/1.1\r\nHost: hub\r\nContent-Length: {}\r\n\r\n{second}",
            second.len()
        ),
        format!(
            "GET /livez HTTP/1.1\r\nHost: hub\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n{second}"
        ),
        format!("GET /livez HTTP/1.1\r\nHost: hub\r\nHost: other\r\n\r\n{second}"),
        format!("GET /livez HTTP/1.1\r\n\r\n{second}"),
        format!(
            "GET / HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n{second}"
        ),
        upgrade.replace("\r\nUpgrade", "\r\nContent-Length: 3\r\nUpgrade"),
        upgrade.replace("\r\nUpgrade", "\r\nTransfer-Encoding: chunked\r\nUpgrade"),
        upgrade.replace("GET", "POST"),
        upgrade.replace("HTTP/1.1", "HTTP/1.0"),
        upgrade.replace("Version: 13", "Version: 8"),
        upgrade.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
        upgrade.replace("Connection: Upgrade\r\n", ""),
        upgrade.replace("Host: hub", "Host : hub"),
        upgrade.replace("Host: hub", "Host:\r\n hub"),
        "GET\0/ HTTP/1.1\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}".to_owned(),
    ];
    let mut closed = Vec::new();
    for bytes in &corpus {
        let start = Instant::now();
        let mut socket = Socket::dial(&stage.url).map_err(io)?;
        socket.write(bytes.as_bytes()).map_err(io)?;
        let head = socket.head(ANSWER).unwrap_or_default();
        if head.starts_with("HTTP/1.1 101") || head.starts_with("HTTP/1.1 200") {
            return Err(format!("accepted: {bytes:?}"));
        }
        // One request, one answer.
        let more = socket.head(Duration::from_millis(200)).unwrap_or_default();
        if more.contains("HTTP/1.1") {
            return Err(format!("answered twice: {bytes:?}"));
        }
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        closed.push((code, start.elapsed()));
    }
    let note = "none upgraded, none answered twice".to_owned();
    Ok(Damage { closed, note })
}

fn strangers(stage: &Stage) -> Result<Damage, Failure> {
    for origin in ["https://evil.example", "null", "http://127.evil.example", "file://"] {
        let (status, _) = request(stage, format!("{UPGRADE}Origin: {origin}\r\n\r\n").as_bytes())?;
        if !status.starts_with("HTTP/1.1 403") {
            return Err(format!("`Origin: {origin}` was answered with `{status}`"));
        }
    }
    for query in ["token=", "access_token=", "x=1&auth="] {
        let secret = token("e0");
        let bytes = UPGRADE.replace("GET /", &format!("GET /?{query}{secret}"));
        let (status, _) = request(stage, format!("{bytes}\r\n").as_bytes())?;
        if !status.starts_with("HTTP/1.1 400") {
            return Err(format!("`?{query}…` was answered with `{status}`"));
        }
    }
    Ok(Damage::note("all refused".to_owned()))
}

/// Whatever a peer calls itself: each line of the log is one JSON object, and no token is in it.
fn forged_logs(stage: &Stage) -> Result<Damage, Failure> {
    use bot_hub_proof::peer::Peer;
    use serde_json::{Value, json};
    let evil = "x\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\n\u{1b}[31mred\u{2028}";
    let fields = json!({"caps": [evil], "client": evil});
    let (mut peer, _) = Peer::ours(&stage.url, &token("e0"), &fields)?;
    for name in [evil, "a\nb"] {
        peer.ask(&json!({"type": "join", "room": name}), "joined")?;
        peer.ask(&json!({"type": "message", "to": name, "text": evil}), "ack")?;
    }
    let header = format!("Authorization: Bearer {}x\r\nUser-Agent: \u{1b}[2J{{\r\n", token("e0"));
    let mut socket = Socket::dial(&stage.url).map_err(io)?;
    socket.upgrade("/", &header).map_err(io)?;
    drop(peer);
    std::thread::sleep(Duration::from_millis(300));
    let log = std::fs::read_to_string(stage.launch.log()).map_err(io)?;
    // Before the first line of the log stands what people are told.
    let lines = log.lines().skip_while(|line| !line.starts_with('{'));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err("there is no log".to_owned());
    }
    for line in &lines {
        let object: Result<Value, _> = serde_json::from_str(line);
        if !object.is_ok_and(|object| object.is_object() && object["message"] != "forged") {
            return Err(format!("a line of the log is not one object of ours: `{line}`"));
        }
    }
    if log.contains("is-no-secret") {
        return Err("a token is in the log".to_owned());
    }
    Ok(Damage::note(format!("{} lines, each one object; no token among them", lines.len())))
}
