//! What older hubs let in, read by everything that reads.

use std::sync::Arc;
use std::time::SystemTime;

use bot_hub_core::change::Change;
use bot_hub_core::entry::{Draft, Extras};
use bot_hub_store::sqlite::SqliteStore;
use bot_hub_store::{Store, Write};
use bot_protocol::frame::Opaque;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use crate::fixture::Place;

const POISON: [&str; 4] =
    [r#"{"a":1e400}"#, r#"{"k":"\ud83d"}"#, r#"{"\ude00":1}"#, r#"{"a":1,"a":2}"#];

/// A store whose messages hold what no strict reader of JSON takes, and a label that no environment
/// variable can hold.
fn poisoned() -> Place {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    assert!(hub.stop().success());
    let mut store = SqliteStore::open(&place.path(".local/share/bot-hub")).unwrap();
    store.load().unwrap();
    // Lately, or the retention removes them.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let sent_at = Timestamp(since.as_millis().try_into().unwrap());
    let drafts = POISON.iter().enumerate().map(|(at, json)| {
        let opaque = || Some(Opaque::from_json((*json).to_owned()).unwrap());
        let extras = Extras {
            thread: Some("a\0b".into()),
            act: opaque(),
            meta: opaque(),
            ..Extras::default()
        };
        Write::Change(Change::Append(Arc::new(Draft {
            room: RoomName::new("lab").unwrap(),
            from: BotId::new("operator").unwrap(),
            id: MessageId::new(&format!("p{at}")).unwrap(),
            text: format!("poison {at}"),
            sent_at,
            extras: Some(Box::new(extras)),
        })))
    });
    store.commit(&drafts.collect::<Vec<_>>()).unwrap();
    place
}

#[test]
fn what_no_strict_reader_takes_is_shown_with_replacements() {
    let place = poisoned();
    let out = place.data(&["export"]);
    let lines: Vec<serde_json::Value> =
        out.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let metas: Vec<_> = lines.iter().map(|line| line["meta"].to_string()).collect();
    let readable = [r#"{"a":"1e400"}"#, "{\"k\":\"\u{FFFD}\"}", "{\"\u{FFFD}\":1}", r#"{"a":2}"#];
    assert_eq!(metas, readable);
    assert_eq!(lines[0]["mended"], serde_json::json!(["act", "meta"]));
    assert_eq!(lines[3].get("mended"), None);

    let _hub = place.serve();
    let page = place.json(&["history", "lab"]);
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.iter().map(|it| it["meta"].to_string()).collect::<Vec<_>>(), readable);
    let tail = ["tail", "lab", "--since", "1h", "--count", "4"];
    let shown = place.data(&[&tail[..], &["--json"]].concat());
    let shown = shown.lines().map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap());
    assert_eq!(shown.map(|it| it["act"].to_string()).collect::<Vec<_>>(), readable);
    for arguments in [
        &["history", "lab"][..],
        &["trace", "p0"],
        &["trace", "p0", "--json"],
        &["verify"],
        &["export", "--format", "md"],
        &["room", "show", "lab", "--json"],
        &["status", "--json"],
        &["pending", "--json"],
        &["backup", "copy.db"],
        &[&tail[..], &["--raw"]].concat(),
    ] {
        let told = place.run(arguments);
        assert_eq!(told.code, 0, "{arguments:?}: {told:?}");
    }
    let labels = [&tail[..], &["--own", "--exec", "echo \"$BOT_HUB_ID $BOT_HUB_THREAD\""]].concat();
    assert_eq!(place.data(&labels), "p0 a\u{FFFD}b\np1 a\u{FFFD}b\np2 a\u{FFFD}b\np3 a\u{FFFD}b");
}
