//! A certificate from a real authority: asked for, used, renewed, kept over a restart.

use std::time::SystemTime;

use bot_hub_server::config::{Sources, load};
use bot_hub_server::tls::status;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;

use super::pebble::{DOMAIN, Pebble};
use super::stage::{BOTH, Stage};

/// Lives for two thirds of this before it is renewed.
const VALID_S: u32 = 18;

async fn has_certificate(stage: &Stage) -> bool {
    stage.handshake(BOTH, DOMAIN, &[]).await.is_ok()
}

#[tokio::test]
async fn a_certificate_is_asked_for_used_renewed_and_kept_over_a_restart() {
    let listener = Stage::listener();
    let port = listener.local_addr().unwrap().port();
    let Some(pebble) = Pebble::start(port, VALID_S).await else { return };
    let mut stage = Stage::start_acme(listener, &pebble.settings());
    stage.trust(&pebble.root().await);
    stage.until(async || has_certificate(&stage).await, "the first certificate").await;
    let first = stage.shown_for(DOMAIN).await;

    // A bot comes in with it, and stays while it is renewed.
    let stream = stage.handshake(BOTH, DOMAIN, &["http/1.1"]).await.unwrap();
    let url = format!("wss://{DOMAIN}/ws");
    let (mut bot, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let auth = format!(r#"{{"type":"auth","token":"{}"}}"#, Stage::token("ana"));
    bot.send(Frame::text(auth)).await.unwrap();
    assert!(bot.next().await.unwrap().unwrap().to_text().unwrap().contains("auth_ok"));

    stage.until(async || stage.shown_for(DOMAIN).await != first, "the second certificate").await;
    let second = stage.shown_for(DOMAIN).await;
    bot.send(Frame::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert!(bot.next().await.unwrap().unwrap().to_text().unwrap().contains("pong"));

    let status = status(&stage.loaded()).unwrap().unwrap();
    assert!(status.is_renewed_by_hub && !status.is_missing(SystemTime::now()), "{status:?}");
    assert_eq!((status.attempt.failures, status.attempt.error), (0, None));
    only_the_owner_may_read(&stage);

    stage.restart();
    assert_eq!(stage.shown_for(DOMAIN).await, second, "it is the one that was kept");
}

#[cfg(unix)]
fn only_the_owner_may_read(stage: &Stage) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = stage.dir().join("data/acme");
    for name in ["account.json", "certificate.pem"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn an_authority_that_cannot_reach_the_hub_is_told_and_the_hub_runs() {
    // Nobody listens where the authority looks.
    let nobody = Stage::listener().local_addr().unwrap().port();
    let Some(pebble) = Pebble::start(nobody, VALID_S).await else { return };
    let stage = Stage::start_acme(Stage::listener(), &pebble.settings());
    let attempt = || status(&stage.loaded()).unwrap().unwrap().attempt;
    stage.until(async || attempt().failures > 0, "the failure is written down").await;
    let error = attempt().error.unwrap();
    assert!(error.contains(&format!("could not prove `{DOMAIN}`")), "{error}");
    assert!(attempt().retry_at > Some(SystemTime::now()));
    let refused = stage.handshake(BOTH, DOMAIN, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
    assert!(stage.get("/livez", "").await.starts_with("HTTP/1.1 200"));
    assert!(stage.metric("bothub_tls_renewal_failures_total").await > 0.0);
    let page = stage.get("/metrics", "").await;
    assert!(!page.contains("certificate_expiry"), "there is none: {page}");
}

#[test]
fn a_private_authority_whose_certificate_cannot_be_read_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.json5");
    let text = "{ store: { path: 'data' },\n  tls: { acme: { domains: ['hub.example.com'], caFile: 'ca.pem' } } }";
    std::fs::write(&file, text).unwrap();
    let loaded = load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
    let told = status(&loaded).unwrap_err().to_string();
    assert!(told.contains("config.json5:2:") && told.contains("tls.acme.caFile: "), "{told}");
    assert!(told.contains("hint: it holds certificates in PEM"), "{told}");
}
