//! Requests that are answered, and requests that are refused with a next step.

use std::io;
use std::sync::{Arc, Mutex};

use bot_hub_server::door::{Answer, Asker, Intent, Question};
use tokio::io::AsyncReadExt;
use tracing_subscriber::fmt::MakeWriter;

use crate::stage::{Stage, UPGRADE, on_stage};

/// The whole answer to a request that is no upgrade.
async fn answer_of(stage: &Stage, request: &str) -> String {
    let mut client = stage.dial();
    client.write(request.as_bytes()).await;
    let mut answer = Vec::new();
    client.stream.read_to_end(&mut answer).await.expect("the end");
    String::from_utf8(answer).expect("answers are text")
}

fn stage() -> Stage {
    Stage::with_config(
        |_| {},
        |config| {
            config.allowed_origins = vec!["https://hub.example.org".parse().expect("an origin")];
            config.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
        },
    )
}

/// Sends an upgrade of which `from` is replaced by `to`.
async fn check_upgrade(from: &str, to: &str, status: u16, says: &str) {
    on_stage(async || {
        let stage = stage();
        let request = UPGRADE.replace(from, to);
        assert_ne!(request, UPGRADE, "`{from}` is in the request");
        let mut client = stage.dial();
        client.write(request.as_bytes()).await;
        let head = client.read_head().await;
        let version = if to == "HTTP/1.0" { to } else { "HTTP/1.1" };
        assert!(head.starts_with(&format!("{version} {status} ")), "{to}: {head}");
        if status == 101 {
            return;
        }
        assert!(head.contains("close"), "the socket ends with it: {head}");
        let mut body = String::new();
        client.stream.read_to_string(&mut body).await.expect("a body");
        assert!(body.contains(says), "{to}: {body}");
        assert!(says.is_empty() || body.contains("\nhint: "), "{to}: {body}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn upgrades_are_accepted_on_the_two_paths() {
    check_upgrade("/ws", "/", 101, "").await;
    check_upgrade("/ws", "/ws?client=test", 101, "").await;
    check_upgrade("Upgrade: websocket", "Upgrade: WebSocket", 101, "").await;
    check_upgrade("Connection: Upgrade", "Connection: keep-alive, upgrade", 101, "").await;
    check_upgrade("/ws", "/elsewhere", 404, "`/ws`").await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_an_upgrade_is_the_one_of_the_rfc() {
    on_stage(async || {
        let stage = stage();
        let mut client = stage.dial();
        client.write(UPGRADE.as_bytes()).await;
        let head = client.read_head().await.to_lowercase();
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(
            head.contains("upgrade: websocket") && head.contains("connection: upgrade"),
            "{head}"
        );
        assert!(!head.contains("extensions"), "{head}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn upgrades_that_are_not_whole_are_refused() {
    check_upgrade("GET", "POST", 400, "`GET`").await;
    check_upgrade("HTTP/1.1", "HTTP/1.0", 400, "HTTP/1.1").await;
    check_upgrade("Upgrade: websocket", "Upgrade: h2c", 426, "WebSocket").await;
    check_upgrade("Upgrade: websocket\r\n", "", 426, "proxy").await;
    check_upgrade("Connection: Upgrade", "Connection: close", 426, "proxy").await;
    check_upgrade("Version: 13", "Version: 8", 426, "version 13").await;
    check_upgrade("Sec-WebSocket-Version: 13\r\n", "", 426, "version 13").await;
    check_upgrade("dGhlIHNhbXBsZSBub25jZQ==", "short", 400, "16 bytes").await;
    check_upgrade("Sec-WebSocket-Key", "X-Key", 400, "16 bytes").await;
}

#[tokio::test(start_paused = true)]
async fn pages_may_connect_only_if_they_were_named() {
    let with = |origin: &str| format!("Host: hub\r\nOrigin: {origin}");
    let check = async |origin: &str, status, says: &str| {
        check_upgrade("Host: hub", &with(origin), status, says).await;
    };
    check("https://hub.example.org", 101, "").await;
    check("https://hub.example.org.evil.com", 403, "may not connect").await;
    check("http://hub.example.org", 403, "may not connect").await;
    check("https://evil.com", 403, "`https://evil.com`").await;
    check("null", 403, "may not connect").await;
    check("https://hub.example.org\r\nOrigin: https://evil.com", 403, "may not connect").await;
}

#[tokio::test(start_paused = true)]
async fn a_token_in_the_url_is_refused_and_not_repeated() {
    for query in [
        "token=bh_SECRET",
        "a=1&access_TOKEN=SECRET",
        "x=bh_SECRET",
        "api_key=SECRET",
        "t%6fken=SECRET",
    ] {
        check_upgrade("/ws", &format!("/ws?{query}"), 400, "a token does not belong").await;
        on_stage(async || {
            let request = format!("GET /healthz?{query} HTTP/1.1\r\nHost: hub\r\n\r\n");
            let answer = answer_of(&stage(), &request).await;
            assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("SECRET"), "{answer}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bearer_that_is_not_understood_is_refused() {
    let with = |value: &str| format!("Host: hub\r\nAuthorization: {value}");
    let check = async |value: &str, status, says: &str| {
        check_upgrade("Host: hub", &with(value), status, says).await;
    };
    check("Bearer bh_bot_1", 101, "").await;
    check("Basic dXNlcjpwYXNz", 400, "Bearer").await;
    check("Bearer", 400, "Bearer").await;
    check("Bearer a\r\nAuthorization: Bearer b", 400, "Bearer").await;
}

#[tokio::test(start_paused = true)]
async fn a_header_that_stands_twice_is_refused_even_if_it_says_the_same() {
    let twice = "Upgrade: websocket\r\nUpgrade: websocket";
    check_upgrade("Upgrade: websocket", twice, 400, "stands twice").await;
    check_upgrade("Host: hub", "Host: hub\r\nHost: hub", 400, "stands twice").await;
    check_upgrade("Host: hub", "Host: hub\r\nContent-Length: 0", 101, "").await;
    let empty = "Host: hub\r\nContent-Length: 0\r\nContent-Length: 1";
    check_upgrade("Host: hub", empty, 400, "").await;
}

/// Requests that a proxy could read as something else: one answer, and the end.
#[tokio::test(start_paused = true)]
async fn what_two_parsers_could_read_differently_gets_one_refusal() {
    let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n two\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ];
    for request in requests {
        on_stage(async || {
            let answer = answer_of(&stage(), request).await;
            let heads =
                answer.matches("HTTP/1.1 ").count() - answer.matches("HTTP/1.1 requires").count();
            let is_refused = answer.starts_with("HTTP/1.1 4") && heads == 1;
            // HTTP/2 without being asked is not even answered.
            let is_cut = answer.is_empty() && request.starts_with("PRI");
            assert!(is_refused || is_cut, "{request:?}: {answer}");
        })
        .await;
    }
    on_stage(async || {
        let upgrade = UPGRADE.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc");
        assert!(answer_of(&stage(), &upgrade).await.starts_with("HTTP/1.1 400"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn headers_above_the_limits_are_refused() {
    on_stage(async || {
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
        assert!(answer_of(&stage(), &long).await.starts_with("HTTP/1.1 431"));
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(64));
        assert!(answer_of(&stage(), &many).await.starts_with("HTTP/1.1 431"));
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(70_000));
        assert!(answer_of(&stage(), &long).await.starts_with("HTTP/1.1 4"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_below_what_the_parser_needs_is_raised_to_that() {
    on_stage(async || {
        let stage = Stage::new(|limits| limits.header_bytes_max = 100);
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200));
        assert!(answer_of(&stage, &long).await.starts_with("HTTP/1.1 200"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_comes_with_a_browser_learns_what_this_is() {
    on_stage(async || {
        let stage = stage();
        let answer = answer_of(&stage, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("Bot Hub") && answer.contains("\"type\":\"auth\""), "{answer}");
        let answer = answer_of(&stage, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
        let answer = answer_of(&stage, "DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(
            answer.starts_with("HTTP/1.1 405") && answer.contains("allow: GET, HEAD"),
            "{answer}"
        );
        let answer = answer_of(&stage, "HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pages_are_answered_by_the_engine() {
    let cases = [
        ("/readyz", Question::Ready, Answer::Good("ready\n".into()), 200, "text/plain; charset"),
        ("/readyz", Question::Ready, Answer::Bad("draining\n".into()), 503, "text/plain; charset"),
        ("/healthz", Question::Health, Answer::Good("{}".into()), 200, "application/json"),
        ("/version", Question::Version, Answer::Good("{}".into()), 200, "application/json"),
        ("/metrics", Question::Metrics, Answer::Good("x 1\n".into()), 200, "version=0.0.4"),
        ("/metrics", Question::Metrics, Answer::Denied, 401, "text/plain"),
    ];
    for (path, question, answer, status, content_type) in cases {
        on_stage(async || {
            let mut stage = stage();
            let mut client = stage.dial();
            client
                .write(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
                .await;
            let Intent::Ask(ask) = stage.next().await else { panic!("nothing asked") };
            assert_eq!((ask.what, ask.asker), (question, Asker::Local));
            ask.reply.send(answer).expect("somebody waits");
            let head = client.read_head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {head}");
            assert!(head.contains(content_type), "{path}: {head}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_who_asks_from_this_machine_without_a_proxy_is_local() {
    let cases = [
        ("127.0.0.1", "", "Local"),
        ("::1", "", "Local"),
        ("127.0.0.1", "X-Forwarded-For: 192.0.2.7\r\n", "Remote(192.0.2.7, None)"),
        ("127.0.0.1", "X-Forwarded-For: 127.0.0.1\r\n", "Remote(127.0.0.1, None)"),
        ("127.0.0.1", "Via: 1.1 proxy\r\n", "Remote(127.0.0.1, None)"),
        ("192.0.2.7", "X-Forwarded-For: 127.0.0.1\r\n", "Remote(192.0.2.7, None)"),
        ("192.0.2.7", "Authorization: Bearer x\r\n", "Remote(192.0.2.7, Some(Secret(\u{2026})))"),
    ];
    for (peer, headers, expected) in cases {
        on_stage(async || {
            let mut stage = stage();
            let mut client = stage.dial_from(peer, 1 << 16);
            let request = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
            client.write(request.as_bytes()).await;
            let Intent::Ask(ask) = stage.next().await else { panic!("nothing asked") };
            assert_eq!(format!("{:?}", ask.asker), expected, "{peer} {headers}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_behind_a_trusted_proxy_is_limited_and_reported() {
    on_stage(async || {
        let mut stage = Stage::with_config(
            |limits| limits.unauthenticated_per_address_max = 1,
            |config| config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")],
        );
        let upgrade = UPGRADE.replace("Host: hub", "Host: hub\r\nX-Forwarded-For: 192.0.2.7");
        let mut first = stage.dial_from("10.0.0.1", 1 << 16);
        first.write(upgrade.as_bytes()).await;
        let Intent::Opened { peer, .. } = stage.next().await else { panic!("not opened") };
        assert_eq!(peer.to_string(), "192.0.2.7");
        let mut second = stage.dial_from("10.0.0.1", 1 << 16);
        second.write(upgrade.as_bytes()).await;
        assert!(second.read_head().await.starts_with("HTTP/1.1 429"));
        let mut other = stage.dial_from("10.0.0.1", 1 << 16);
        other.write(upgrade.replace("192.0.2.7", "192.0.2.8").as_bytes()).await;
        assert!(other.read_head().await.starts_with("HTTP/1.1 101"));
    })
    .await;
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn no_token_reaches_the_log_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    on_stage(async || {
        let mut stage = stage();
        answer_of(&stage, "GET /?token=SECRET HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut client = stage.dial();
        let with = "Host: hub\r\nAuthorization: Bearer SECRET";
        client.write(UPGRADE.replace("Host: hub", with).as_bytes()).await;
        let opened = stage.next().await;
        tracing::info!(?opened, "as an engine might log it");
        drop(opened);
        drop(client);
        tracing::info!(closed = ?stage.next().await, "the same");
    })
    .await;
    let log = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("text");
    assert!(log.contains("Opened") && log.contains("Closed"), "the log works: {log}");
    assert!(!log.contains("SECRET"), "{log}");
}
