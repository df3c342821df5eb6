//! One damaged thing at a time: what is named, what is withheld, what goes on.

use std::path::Path;

use bot_hub_core::change::{Answer, Change, Outcome, Page, Query, Recipients, Span};
use bot_hub_store::sqlite::{SqliteStore, verify};
use bot_hub_store::{Store, Write};
use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use super::drafts::{bot, draft, room, rooms};

fn say(number: u64) -> Write {
    Write::Change(Change::Append(draft("lab", "ann", &format!("m{number}"), "hello", number)))
}

/// Ten messages; `bob` has received six, then one more, and was handed eight.
fn made() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let (lab, bob) = (room("lab"), bot("bob"));
    let mut batch = rooms();
    batch.push(Write::Change(Change::Join { room: lab.clone(), bot: bob.clone() }));
    batch.extend((1..=10).map(say));
    let at = Timestamp(50);
    let delivered = Change::Delivered { room: lab.clone(), bot: bob.clone(), seq: 8, at };
    let state = ReceiptState::Received;
    let cursor = Change::Cursor { room: lab, bot: bob, seq: 6, state, at };
    batch.extend([delivered, cursor].map(Write::Change));
    // A second pair of marks, later, so that the first ones are in the past.
    let later = Timestamp(500);
    let (lab, bob) = (room("lab"), bot("bob"));
    batch.push(Write::Change(Change::Cursor { room: lab, bot: bob, seq: 7, state, at: later }));
    store.commit(&batch).unwrap();
    directory
}

/// Changes what is on the disk behind the store's back.
fn harm(directory: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(directory.join("hub.db")).unwrap();
    conn.execute_batch(sql).unwrap();
}

fn page(store: &SqliteStore, span: Span) -> Page {
    let query = Query::Page { room: room("lab"), span, entries_max: 100, bytes_max: u32::MAX };
    match store.reader().unwrap().answer(&query) {
        Answer::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn find(store: &SqliteStore, id: &str) -> Answer {
    let (id, from) = (MessageId::new(id).unwrap(), Some(bot("ann")));
    let query = Query::Find { id, from, room: None, recipients: Recipients::ALL };
    store.reader().unwrap().answer(&query)
}

/// After `sql`, `verify` says exactly this, and a page withholds exactly these.
fn check(sql: &str, named: &[&str], corrupt: &[u64]) -> (tempfile::TempDir, SqliteStore) {
    let directory = made();
    harm(directory.path(), sql);
    let report = verify(directory.path()).unwrap();
    let lines: Vec<_> = report.damage.iter().map(ToString::to_string).collect();
    assert_eq!(lines, named, "{sql}");
    assert_eq!(report.entries, 10 - corrupt.len() as u64);
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let head = store.load().unwrap().snapshot.rooms[2].head;
    assert_eq!(head, 10, "{sql}");
    for span in [Span::After(0), Span::Before(11)] {
        let found = page(&store, span);
        assert_eq!(found.corrupt, corrupt, "{sql}");
        let seqs: Vec<_> = found.entries.iter().map(|entry| entry.seq).collect();
        let intact: Vec<_> = (1..=10).filter(|seq| !corrupt.contains(seq)).collect();
        assert_eq!(seqs, intact, "{sql}");
    }
    (directory, store)
}

#[test]
fn a_changed_entry_is_withheld_and_its_id_stays_taken() {
    let sql = "UPDATE entry SET text = 'hallo' WHERE text = 'hello' AND sent_at = 4";
    let (_directory, mut store) = check(sql, &["room `lab` entry 4: the entry is damaged"], &[4]);
    assert_eq!(find(&store, "m4"), Answer::Failed);
    assert!(matches!(find(&store, "m5"), Answer::Found(found) if found.len() == 1));
    // What is not there any more is not acknowledged again, and nothing else suffers.
    assert_eq!(store.commit(&[say(4)]).unwrap(), [Outcome::Conflict]);
    assert_eq!(store.commit(&[say(11)]).unwrap(), [Outcome::Appended { seq: 11 }]);
}

#[test]
fn every_field_of_an_entry_is_covered() {
    let named = ["room `lab` entry 4: the entry is damaged"];
    for change in ["sent_at = 5", "size = 6", "thread = ''", "expires_at = 0", "meta = '1'"] {
        check(&format!("UPDATE entry SET {change} WHERE sent_at = 4"), &named, &[4]);
    }
    let named = (1..=10).map(|seq| format!("room `lab` entry {seq}: the entry is damaged"));
    let named: Vec<_> = named.collect();
    let all: Vec<_> = (1..=10).collect();
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    check("UPDATE name SET name = 'amy' WHERE name = 'ann'", &named, &all);
}

#[test]
fn missing_entries_are_named() {
    let named = |seq| format!("room `lab` entry {seq}: the entry is damaged");
    let all: Vec<_> = [3, 9, 10].map(named).to_vec();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    check("DELETE FROM entry WHERE sent_at IN (3, 9, 10)", &all, &[3, 9, 10]);
}

#[test]
fn a_broken_link_is_named_and_the_entry_is_still_good() {
    let sql = "UPDATE entry SET proof = unhex(hex(substr(proof, 1, 16)) || hex(zeroblob(16)))
               WHERE sent_at = 4";
    let link = |seq| format!("room `lab` entry {seq}: its link to the entry before does not hold");
    let (four, five) = (link(4), link(5));
    check(sql, &[&four, &five], &[]);
}

#[test]
fn a_damaged_tail_is_counted_again() {
    let sql = "UPDATE tail SET head = 7 WHERE head = 10";
    let named = ["room `lab`: where the log begins and ends is damaged"];
    let (_directory, mut store) = check(sql, &named, &[]);
    assert_eq!(store.commit(&[say(11)]).unwrap(), [Outcome::Appended { seq: 11 }]);
}

#[test]
fn a_damaged_cursor_goes_back_to_the_newest_mark() {
    let directory = made();
    harm(directory.path(), "UPDATE member SET cursor = 9");
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.damage[0].to_string(), "room `lab`: the cursor of `bob` is damaged");
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let member = store.load().unwrap().snapshot.rooms[2].members.remove(0);
    assert_eq!((member.cursor, member.waiting_since), (6, Some(Timestamp(7))));
    drop(store);
    harm(directory.path(), "UPDATE mark SET upto = 9");
    let mut store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(store.load().unwrap().snapshot.rooms[2].members[0].cursor, 0);
}

#[test]
fn a_damaged_room_is_closed() {
    let directory = made();
    harm(directory.path(), "UPDATE room SET retained = 1, entries = 1 WHERE name = 'lab'");
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.damage[0].to_string(), "room `lab`: the room's own row is damaged");
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let lab = store.load().unwrap().snapshot.rooms.remove(2);
    assert_eq!((lab.closed, lab.retain, lab.head), (true, None, 10));
}
