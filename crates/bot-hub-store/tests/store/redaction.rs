//! What was redacted is found nowhere: not in an export, and after compacting not in a file.

use std::path::Path;

use bot_hub_core::change::{Change, Outcome};
use bot_hub_core::entry::{Draft, Extras};
use bot_hub_store::export::{Exported, entries};
use bot_hub_store::sqlite::{SqliteStore, compact, verify};
use bot_hub_store::{Store, Write};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::MessageId;
use bot_protocol::time::Timestamp;

use super::drafts::{bot, draft, room, rooms};

const SECRET: &str = "correct-horse-battery-staple";

/// Messages of every length, so that texts lie in pages of their own as well.
fn secrets() -> Vec<Write> {
    let text = |number: u64| match number % 3 {
        0 => format!("{SECRET}{}{SECRET}", "x".repeat(9_000)),
        _ => format!("the key is {SECRET}, {number}"),
    };
    let said = |number: u64| {
        let plain = draft("lab", "ann", &format!("m{number}"), &text(number), number);
        let json = Opaque::from_json(format!(r#"{{"key":"{SECRET}"}}"#)).ok();
        let thread = Some(SECRET.to_owned());
        let extras = Extras { thread, act: json.clone(), meta: json, ..Extras::default() };
        let extras = number.is_multiple_of(2).then(|| Box::new(extras));
        Write::Change(Change::Append(Draft { extras, ..(*plain).clone() }.into()))
    };
    (1..=40).map(said).collect()
}

fn redact(seq: u64) -> Write {
    let redaction = Redaction { at: Timestamp(99), by: bot("op"), why: Some("a key".into()) };
    let (from, id) = (bot("ann"), MessageId::new(&format!("m{seq}")).unwrap());
    Write::Change(Change::Redact { room: room("lab"), seq, from, id, redaction })
}

/// Files of a directory that hold the secret.
fn holding(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap().flatten();
    let holds = |file: &std::fs::DirEntry| {
        let bytes = std::fs::read(file.path()).unwrap();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    };
    let names = files.filter(holds).map(|file| file.file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_redacted_text_is_in_no_file_after_compacting_and_the_chain_holds() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    store.commit(&rooms()).unwrap();
    for said in secrets() {
        store.commit(&[said]).unwrap();
    }
    drop(store);
    assert_eq!(holding(directory.path()), ["hub.db"], "the search finds what is there");
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let redactions: Vec<Write> = (1..=40).map(redact).collect();
    let outcomes = store.commit(&redactions).unwrap();
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Redacted { .. })));
    let mut reader = store.reader().unwrap();
    for line in entries(reader.as_mut(), room("lab"), 0) {
        let Exported::Entry(entry) = line.unwrap() else { panic!("nothing is damaged") };
        assert!(!format!("{entry:?}").contains(SECRET));
    }
    drop((reader, store));

    let compacted = compact(directory.path()).unwrap();
    assert!(compacted.after < compacted.before, "{compacted:?}");
    assert_eq!(holding(directory.path()), [""; 0]);
    let report = verify(directory.path()).unwrap();
    assert_eq!((report.entries, report.damage), (40, vec![]));
    let told: Vec<_> = report.redacted.iter().map(|it| (it.seq, it.redacted.by.as_str())).collect();
    assert_eq!(told, (1..=40).map(|seq| (seq, "op")).collect::<Vec<_>>());
}

#[test]
fn a_running_store_is_not_compacted() {
    let directory = tempfile::tempdir().unwrap();
    assert!(compact(directory.path()).unwrap_err().to_string().contains("there is no store"));
    let _store = SqliteStore::open(directory.path()).unwrap();
    assert!(compact(directory.path()).unwrap_err().to_string().contains("in use"));
}

/// Whoever can write to the file cannot make a redaction of an entry that was not redacted, nor hide who did
/// it, without a trace.
#[test]
fn a_changed_redaction_is_damage() {
    for sql in [
        "UPDATE redaction SET at = 5",
        "UPDATE redaction SET why = 'another'",
        "UPDATE redaction SET by = (SELECT id FROM name WHERE name = 'ann')",
        "DELETE FROM redaction",
        "UPDATE entry SET size = 5 WHERE place = (SELECT place FROM redaction)",
        "UPDATE entry SET text = 'hello' WHERE place = (SELECT place FROM redaction)",
        "UPDATE entry SET meta = '1' WHERE place = (SELECT place FROM redaction)",
        "UPDATE entry SET sent_at = 6 WHERE place = (SELECT place FROM redaction)",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(directory.path()).unwrap();
        store.commit(&rooms()).unwrap();
        store.commit(&secrets()).unwrap();
        store.commit(&[redact(4)]).unwrap();
        drop(store);
        let conn = rusqlite::Connection::open(directory.path().join("hub.db")).unwrap();
        conn.execute_batch(sql).unwrap();
        drop(conn);
        let report = verify(directory.path()).unwrap();
        let damage: Vec<_> = report.damage.iter().map(ToString::to_string).collect();
        assert_eq!(damage, ["room `lab` entry 4: the entry is damaged"], "{sql}");
    }
}
