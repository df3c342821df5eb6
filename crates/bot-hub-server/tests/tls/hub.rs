//! Who comes in over TLS, and who does not.

use bot_hub_client::Event;
use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_client::bot_protocol::name::RoomName;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ProtocolVersion;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;

use super::stage::{BOTH, Stage};

fn says(text: &str) -> Message {
    let room = RoomName::new("lab").unwrap();
    Message { room: Some(room), text: text.to_owned(), ..Message::default() }
}

#[tokio::test]
async fn bots_talk_through_tls_with_a_private_authority() {
    let stage = Stage::start("");
    let (ana, _ana_events) = stage.client("ana").await;
    let (ben, mut events) = stage.client("ben").await;
    ana.join(RoomName::new("lab").unwrap()).await.unwrap();
    ben.join(RoomName::new("lab").unwrap()).await.unwrap();
    // Longer than one record of TLS.
    let text = "long ".repeat(20_000);
    ana.send(says(&text)).await.unwrap().await.unwrap();
    loop {
        if let Some(Event::Message(message)) = events.next().await {
            assert_eq!(*message.text, *text);
            return;
        }
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_http_is_agreed_on() {
    let stage = Stage::start("");
    for (version, expected) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let stream = stage.handshake(&[version], "localhost", &["http/1.1"]).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(session.protocol_version(), Some(expected));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        let url = format!("wss://{}/ws", stage.address);
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        socket.send(Frame::text(r#"{"type":"auth","token":"wrong"}"#)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert!(answer.to_text().unwrap().contains("bad_token"), "{answer}");
    }
}

/// The first message of a client that speaks no more than this version, with these cipher suites.
fn hello(version: [u8; 2], suites: &[u8]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, suites.len() as u8]);
    body.extend(suites);
    body.extend([1, 0]);
    let mut handshake = vec![1, 0, 0, body.len() as u8];
    handshake.extend(body);
    let mut record = vec![0x16, 3, 1, 0, handshake.len() as u8];
    record.extend(handshake);
    record
}

#[tokio::test]
async fn old_versions_and_weak_ciphers_get_an_alert_and_nothing_else() {
    let stage = Stage::start("");
    // ECDHE with AES and SHA-1; RSA without forward secrecy, 3DES, RC4, NULL.
    let (usual_then, weak) = ([0xC0, 0x13], [0, 0x2F, 0, 0x0A, 0, 5, 0, 1]);
    for (version, suites) in
        [([3, 0], &usual_then[..]), ([3, 1], &usual_then), ([3, 2], &usual_then), ([3, 3], &weak)]
    {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(&hello(version, suites)).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        // One record of type alert, of two bytes, the first of which says that it is fatal.
        assert!(matches!(*answer, [0x15, 3, _, 0, 2, 2, _]), "{version:?}: {answer:x?}");
    }
}

#[tokio::test]
async fn a_page_is_read_over_https_and_ends_properly() {
    let stage = Stage::start("");
    let mut stream = stage.handshake(BOTH, "localhost", &[]).await.unwrap();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    // Fails if the stream is cut instead of ended.
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn plain_connections_are_served_from_this_machine_unless_a_proxy_took_them_plain() {
    let stage = Stage::start("");
    let check = async |headers: &str, expected: &str| {
        let answer = stage.get("/livez", headers).await;
        assert!(answer.starts_with(expected), "{headers}: {answer}");
    };
    check("", "HTTP/1.1 200").await;
    check("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "HTTP/1.1 200").await;
    check("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: wss\r\n", "HTTP/1.1 200").await;
    check("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n", "HTTP/1.1 426").await;
    check("X-Forwarded-Proto: https, ws\r\n", "HTTP/1.1 426").await;
    let mut plain = stage.options("ws", "ana");
    plain.ca_file = None;
    bot_hub_client::Client::connect(plain).await.unwrap();
}

#[tokio::test]
async fn a_handshake_counts_as_unknown_and_has_to_end_in_time() {
    let stage = Stage::start(
        "limits: { unauthenticatedMax: 2 }, timeouts: { handshake: '1500ms', auth: '60s' }",
    );
    let mut slow = Vec::new();
    // This machine has sixteen places more.
    for first in [&[0x16][..], &[0x16, 3, 1, 1, 0, 1]].into_iter().cycle().take(18) {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        slow.push(stream);
    }
    let mut last = TcpStream::connect(stage.address).await.unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    for mut stream in slow {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"", "it is closed without a word");
    }
    stage.client("ana").await;
}

#[tokio::test]
async fn garbage_is_told_and_costs_nothing() {
    let stage = Stage::start("");
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.write_all(&[0x16, 3, 3, 0, 5, 0xff, 0, 0, 1, 9]).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    // An alert of the kind "fatal".
    assert_eq!(rest.first().zip(rest.get(5)), Some((&0x15, &2)), "{rest:?}");
    stage.client("ana").await;
}

#[tokio::test]
async fn nobody_gets_proof_of_a_domain_that_no_authority_asks_for() {
    let stage = Stage::start("");
    let error = stage.handshake(BOTH, "localhost", &["acme-tls/1"]).await.unwrap_err();
    assert!(error.to_string().contains("AccessDenied"), "{error}");
}
