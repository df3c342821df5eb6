//! A certificate that is renewed while the hub runs.

use std::time::SystemTime;

use super::authority::DAY;
use super::stage::{BOTH, Stage};

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_live_on() {
    let stage = Stage::start("");
    let (ana, _events) = stage.client("ana").await;
    let renewed = stage.authority.issue();
    renewed.write(stage.dir());
    stage.reload("applied").await;
    assert_eq!(stage.shown().await, renewed.chain()[0]);
    ana.ping().await.unwrap();
    assert_eq!(stage.metric("bothub_connections_opened_total").await, 1.0, "it is the same one");
    let (ben, _events) = stage.client("ben").await;
    ben.ping().await.unwrap();
    assert_eq!(stage.metric("bothub_connections").await, 2.0);
}

#[tokio::test]
async fn a_hub_that_turns_to_an_authority_shows_the_old_certificate_until_there_is_a_new_one() {
    let stage = Stage::start("");
    let shown = stage.shown().await;
    // Nobody is there.
    let acme = "domains: ['hub.example.com'], directoryUrl: 'https://127.0.0.1:1/directory'";
    stage.configure(&format!("tls: {{ acme: {{ {acme} }} }}"), "applied").await;
    let failures = "bothub_tls_renewal_failures_total";
    stage.until(async || stage.metric(failures).await > 0.0, "it has asked").await;
    assert_eq!(stage.shown().await, shown);
    stage.client("ana").await;
}

#[tokio::test]
async fn settings_that_contradict_one_another_change_nothing_and_tls_can_be_turned_off() {
    let stage = Stage::start("");
    let shown = stage.shown().await;
    for broken in
        ["certFile: 'cert.pem'", "keyFile: 'key.pem'", "acme: { email: 'me@example.com' }"]
    {
        stage.configure(&format!("tls: {{ {broken} }}"), "rejected").await;
        assert_eq!(stage.shown().await, shown);
    }
    stage.configure("", "applied").await;
    assert!(stage.handshake(BOTH, "localhost", &[]).await.is_err());
    bot_hub_client::Client::connect(stage.options("ws", "ana")).await.unwrap();
}

#[tokio::test]
async fn the_metrics_say_how_long_the_certificate_is_valid() {
    let stage = Stage::start("");
    let days = stage.metric("bothub_tls_certificate_expiry_seconds").await / DAY.as_secs_f64();
    assert!((29.9..=30.0).contains(&days), "{days}");
    assert_eq!(stage.metric("bothub_tls_renewal_failures_total").await, 0.0);
}

#[tokio::test]
async fn changed_files_are_noticed_without_being_asked() {
    let stage = Stage::start("");
    let renewed = stage.authority.issue();
    renewed.write(stage.dir());
    stage.until(async || stage.shown().await == renewed.chain()[0], "the new certificate").await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_changes_nothing() {
    let stage = Stage::start("");
    let shown = stage.shown().await;
    let now = SystemTime::now();
    let expired = stage.authority.issue_for(&["localhost"], now - 9 * DAY, now - DAY);
    expired.write(stage.dir());
    stage.reload("rejected").await;
    assert_eq!(stage.shown().await, shown);
    // The certificate of one, the key of another.
    std::fs::write(stage.dir().join("cert.pem"), stage.authority.issue().cert).unwrap();
    stage.reload("rejected").await;
    assert_eq!(stage.shown().await, shown);
    let renewed = stage.authority.issue();
    renewed.write(stage.dir());
    stage.reload("applied").await;
    assert_eq!(stage.shown().await, renewed.chain()[0]);
}
