//! One damaged thing at a time: what is named, what is withheld, what goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bot_hub_core::change::{Answer, Change, Outcome, Page, Query, Recipients, Span};
use bot_hub_store::record::{
    Record, RecordKind, RecordOrder, RecordQuery, RecordWrite, VALUE_BYTES_MAX,
};
use bot_hub_store::sqlite::{SqliteReader, SqliteStore, verify};
use bot_hub_store::{Reader, Store, Write};
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

const PAUSE: RecordKind = RecordKind::named("pause");

/// Nine records, `lab/1` to `lab/9`, one of them with a value of many pages.
fn with_records() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let length = |number| if number == 4 { VALUE_BYTES_MAX } else { 900 };
    let batch = (1..=9).map(|number| {
        let record = Record::new(PAUSE, key(number), vec![7; length(number)]);
        Write::Record(RecordWrite::Put(record.unwrap()))
    });
    store.commit(&batch.collect::<Vec<_>>()).unwrap();
    directory
}

fn key(number: u64) -> String {
    format!("lab/{number}")
}

/// The keys of all records that a reader gets in pages, and what it is told to be damaged.
fn read(directory: &Path, order: RecordOrder, records_max: u32) -> (Vec<String>, BTreeSet<String>) {
    let mut reader = SqliteReader::open(directory).unwrap();
    let query = RecordQuery { order, records_max, ..RecordQuery::all(PAUSE) };
    let (mut found, mut damaged, mut next) = (Vec::new(), BTreeSet::new(), Some(query));
    while let Some(query) = next {
        let page = reader.records(&query).unwrap();
        found.extend(page.records.iter().map(|it| it.key().to_string()));
        damaged.extend(page.damaged);
        next = page.next;
    }
    if order == RecordOrder::Descending {
        found.reverse();
    }
    (found, damaged)
}

fn keys(directory: &Path) -> Vec<String> {
    read(directory, RecordOrder::Ascending, 100).0
}

/// `verify` and readers name exactly these; every other record is there, whichever way it is read.
fn check_records(directory: &Path, named: &[&str], missing: &[u64], context: &str) {
    let report = verify(directory).unwrap();
    let lines = report.damage.iter().map(|it| it.what.clone());
    let lines: Vec<_> = lines.filter(|line| line.starts_with("the record")).collect();
    let expected = named.iter().map(|name| format!("the record `{name}` is damaged"));
    assert_eq!(lines, expected.collect::<Vec<_>>(), "{context}");
    let intact: Vec<_> = (1..=9).filter(|it| !missing.contains(it)).map(key).collect();
    let counts = BTreeMap::from([("pause".to_owned(), intact.len() as u64)]);
    assert_eq!(report.records, counts, "{context}");
    for order in [RecordOrder::Ascending, RecordOrder::Descending] {
        for records_max in [100, 2] {
            let (found, damaged) = read(directory, order, records_max);
            assert_eq!(found, intact, "{context}, {order:?}");
            assert_eq!(damaged.iter().collect::<Vec<_>>(), named, "{context}, {order:?}");
        }
    }
}

#[test]
fn a_damaged_record_is_named_and_the_others_go_on() {
    check_records(with_records().path(), &[], &[], "nothing");
    for (change, named) in [
        ("value = zeroblob(100)", "pause/lab/4"),
        ("value = x''", "pause/lab/4"),
        ("sum = sum + 1", "pause/lab/4"),
        ("name = 'pause/lab/44'", "pause/lab/44"),
        ("name = 'pause/'", "pause/"),
        ("name = 'pause/a\n'", "pause/a\\n"),
        ("name = 'pause_lab/4'", "pause_lab/4"),
        ("name = 'Pause/lab/4'", "Pause/lab/4"),
    ] {
        let directory = with_records();
        harm(directory.path(), &format!("UPDATE record SET {change} WHERE name = 'pause/lab/4'"));
        check_records(directory.path(), &[named], &[4], change);
    }
}

/// Changes the first bytes of what stands in the file, wherever it does and `is_meant` with what follows.
fn overwrite(directory: &Path, original: &[u8], by: &[u8], is_meant: fn(&[u8]) -> bool) {
    let file = directory.join("hub.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let places = bytes.windows(original.len()).enumerate();
    let places: Vec<_> = places.filter(|(_, it)| *it == original).map(|(at, _)| at).collect();
    for at in places {
        if is_meant(&bytes[at + original.len()..]) {
            bytes[at..at + by.len()].copy_from_slice(by);
        }
    }
    std::fs::write(file, bytes).unwrap();
}

/// In the table the value follows.
fn is_in_table(rest: &[u8]) -> bool {
    rest.starts_with(&[7; 8])
}

fn damage_name(number: u64, damaged: &str, is_meant: fn(&[u8]) -> bool) -> tempfile::TempDir {
    let directory = with_records();
    let original = format!("pause/lab/{number}");
    overwrite(directory.path(), original.as_bytes(), damaged.as_bytes(), is_meant);
    directory
}

/// An index whose names are out of order leads look-ups astray.
#[test]
fn a_damaged_name_hides_no_other_record() {
    for number in [1, 3, 5, 9] {
        for damaged in ["aause/lab/", "pause/aab/", "pause/zab/", "qause/lab/"] {
            let damaged = format!("{damaged}{number}");
            let both = damage_name(number, &damaged, |_| true);
            check_records(both.path(), &[&damaged], &[number], &damaged);

            // The table still has it all.
            let index = damage_name(number, &damaged, |rest| !is_in_table(rest));
            check_records(index.path(), &[], &[], &damaged);
            assert_ne!(verify(index.path()).unwrap().damage, [], "{damaged}");

            // The index gives it its name, and only `verify` looks at the other one.
            let table = damage_name(number, &damaged, is_in_table);
            assert_eq!(keys(table.path()), (1..=9).map(key).collect::<Vec<_>>(), "{damaged}");
            let named = format!("the record `{damaged}` is damaged");
            assert_eq!(verify(table.path()).unwrap().damage[0].what, named);
        }
    }
}

/// The value of a record lies in a chain of pages, and the chain is broken.
#[test]
fn a_value_that_cannot_be_reached_hides_no_other_record() {
    let directory = with_records();
    let page = [7; 4_092];
    let bytes = std::fs::read(directory.path().join("hub.db")).unwrap();
    let chained = bytes.chunks(4_096).find(|it| it[4..] == page && it[..4] != [0; 4]).unwrap();
    overwrite(directory.path(), chained, &[0x7f; 4], |_| true);
    check_records(directory.path(), &["pause/lab/4"], &[4], "a broken chain");
}

/// A newer program knows more kinds: what it wrote stays as it is.
#[test]
fn a_record_of_a_kind_that_nobody_knows_is_kept_and_counted() {
    let directory = made();
    let unknown = Record::new(RecordKind::new("from_the_future").unwrap(), "lab", *b"?").unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    store.commit(&[Write::Record(RecordWrite::Put(unknown.clone()))]).unwrap();
    drop(store);
    let mut store = SqliteStore::open(directory.path()).unwrap();
    store.load().unwrap();
    store.commit(&[say(11)]).unwrap();
    let query = RecordQuery::all(unknown.kind().clone());
    assert_eq!(store.reader().unwrap().records(&query).unwrap().records, [unknown]);
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.damage, []);
    assert_eq!(report.records, BTreeMap::from([("from_the_future".to_owned(), 1)]));
}
