//! What machines ask the hub over HTTP.

use super::stage::{Stage, config, says};

#[tokio::test]
async fn the_small_pages_answer() {
    let stage = Stage::start(&config(&["ana"], ""));
    let (ana, _events) = stage.member("ana").await;
    ana.send(says("one")).await.unwrap().await.unwrap();
    let check = |answer: (u16, String), status: u16, part: &str| {
        assert_eq!(answer.0, status, "{}", answer.1);
        assert!(answer.1.contains(part), "{}", answer.1);
    };
    check(stage.get("/livez").await, 200, "ok");
    check(stage.get("/readyz").await, 200, "ready");
    check(stage.get("/healthz").await, 200, "\"ok\":true");
    check(stage.get("/version").await, 200, env!("CARGO_PKG_VERSION"));
    check(stage.get("/").await, 200, "/metrics");
    check(stage.get("/nothing").await, 404, "");
    assert_eq!(stage.metric("bothub_messages_accepted_total").await, 1.0);
    assert_eq!(stage.metric("bothub_connections").await, 1.0);
}

/// The rules of the text format: a `TYPE` before each family, names and values in order.
#[tokio::test]
async fn the_metrics_are_what_prometheus_reads() {
    let stage = Stage::start(&config(&["ana"], ""));
    let (_, page) = stage.get("/metrics").await;
    let (mut family, mut families) = (String::new(), Vec::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(!families.contains(&name.to_owned()), "twice: {line}");
            family = name.to_owned();
            families.push(family.clone());
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap_or_else(|_| panic!("no number: {line}"));
            let bare = name.split('{').next().unwrap();
            assert!(bare.starts_with(&family), "`{line}` stands below `{family}`");
            let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
            assert!(bare.chars().all(is_name), "{line}");
            let labels = name.strip_prefix(bare).unwrap();
            assert!(
                labels.is_empty() || (labels.starts_with('{') && labels.ends_with("\"}")),
                "{line}"
            );
        }
    }
    assert!(families.len() > 20, "{families:?}");
}
