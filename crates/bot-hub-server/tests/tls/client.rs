//! What our client says about a certificate that does not hold.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bot_hub_client::{Client, ConnectError, Options, Why};
use bot_hub_server::tls::{Shown, server_config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, DAY, Issued};

/// Handshakes like a hub, and nothing behind them.
async fn shows(issued: Option<&Issued>, at: SystemTime) -> SocketAddr {
    let shown = Arc::new(Shown::default());
    shown.show(issued.map(|issued| issued.identity(at)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        drop(TlsAcceptor::from(server_config(shown)).accept(stream).await);
    });
    address
}

/// Answers everybody with the same bytes.
async fn answers(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        drop(stream.read_to_end(&mut Vec::new()).await);
    });
    address
}

async fn check(url: String, ca_file: Option<&Path>, expected: &str) {
    let mut options = Options::new(url, "a-token");
    options.ca_file = ca_file.map(Path::to_owned);
    let Err(error) = Client::connect(options).await else { panic!("connected") };
    assert!(matches!(error, ConnectError::Unreachable(Why::NotSecure { .. })), "{error:?}");
    let told = error.to_string();
    let (told, hint) = told.split_once("\nhint: ").expect("a hint");
    assert_eq!(told, format!("no secure connection to the hub: {expected}"));
    assert!(hint.len() > 10, "{hint}");
}

#[tokio::test]
async fn each_mistake_with_a_certificate_is_told_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("ours");
    let ca = authority.write(dir.path());
    let ca = Some(ca.as_path());
    let (now, here) = (SystemTime::now(), &["127.0.0.1"][..]);

    let good = authority.issue();
    let address = shows(Some(&good), now).await;
    let expected = "its certificate comes from an authority that is not known here";
    check(format!("wss://{address}"), None, expected).await;

    let stranger = Authority::new("somebody else's").issue();
    let address = shows(Some(&stranger), now).await;
    check(format!("wss://{address}"), ca, expected).await;

    let other = authority.issue_for(&["hub.example.com", "*.example.org"], now - DAY, now + DAY);
    let port = shows(Some(&other), now).await.port();
    let expected =
        "its certificate is not for `localhost` but for `hub.example.com`, `*.example.org`";
    check(format!("wss://localhost:{port}"), ca, expected).await;

    let old = authority.issue_for(here, now - 9 * DAY, now - DAY);
    let address = shows(Some(&old), now - 5 * DAY).await;
    check(format!("wss://{address}"), ca, "its certificate has expired").await;

    let young = authority.issue_for(here, now + DAY, now + 9 * DAY);
    let address = shows(Some(&young), now + 5 * DAY).await;
    check(format!("wss://{address}"), ca, "its certificate is not valid yet").await;

    let address = shows(None, now).await;
    check(format!("wss://{address}"), ca, "it has no certificate yet").await;
}

#[tokio::test]
async fn the_wrong_scheme_is_told_in_words() {
    let address = answers(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let expected = "what answers there does not speak TLS";
    check(format!("wss://{address}"), None, expected).await;

    let reply = b"HTTP/1.1 426 Upgrade Required\r\nupgrade: TLS/1.2, HTTP/1.1\r\n\
        connection: upgrade, close\r\ncontent-length: 0\r\n\r\n";
    let address = answers(reply).await;
    check(format!("ws://{address}"), None, "it wants an encrypted connection").await;
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_fails_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let check = async |content: Option<&str>, expected: &str| {
        let path = dir.path().join("ca.pem");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let mut options = Options::new("wss://127.0.0.1:1", "a-token");
        options.ca_file = Some(path);
        let error = Client::connect(options).await.err().unwrap().to_string();
        assert!(error.contains(expected) && error.contains("\nhint: "), "{error}");
    };
    check(None, "No such file").await;
    check(Some(""), "there is no certificate in PEM in it").await;
    check(Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"), "it is broken")
        .await;
}
