//! A certificate that is renewed while the hub runs.

use std::time::SystemTime;

use super::authority::DAY;
use super::stage::Stage;

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
