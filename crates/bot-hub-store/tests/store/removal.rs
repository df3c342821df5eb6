//! Removed rooms on a disk: nothing of them stays, and another room with the name is not taken for the old one.

use std::path::Path;

use bot_hub_core::change::{Change, Outcome, Removal, Snapshot};
use bot_hub_store::sqlite::{Existing, SqliteStore, backup, restore, verify};
use bot_hub_store::{Store, Write};
use bot_protocol::id::Epoch;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use rusqlite::Connection;

use super::drafts::{bot, draft, room};

const TABLES: [&str; 8] =
    ["room", "tail", "entry", "expiring", "member", "mark", "receipt", "dropped"];

fn change(store: &mut SqliteStore, changes: Vec<Change>) -> Vec<Outcome> {
    let writes: Vec<Write> = changes.into_iter().map(Write::Change).collect();
    store.commit(&writes).unwrap()
}

/// A room with two entries, a member that received one of them, and marks.
fn fill(store: &mut SqliteStore, name: &str) {
    let (room, bob) = (room(name), bot("bob"));
    let cursor = |seq, at| Change::Cursor {
        room: room.clone(),
        bot: bob.clone(),
        seq,
        state: ReceiptState::Received,
        at: Timestamp(at),
    };
    change(
        store,
        vec![
            Change::CreateRoom { room: room.clone(), closed: false },
            Change::Join { room: room.clone(), bot: bob.clone() },
            Change::Append(draft(name, "ann", "m1", "one", 1_000)),
            Change::Append(draft(name, "ann", "m2", "two", 2_000)),
            Change::Delivered {
                room: room.clone(),
                bot: bob.clone(),
                seq: 1,
                at: Timestamp(3_000),
            },
            cursor(1, 4_000),
            cursor(2, 5_000),
        ],
    );
}

fn remove(store: &mut SqliteStore, name: &str) {
    let removed = change(store, vec![Change::RemoveRoom { room: room(name), why: Removal::Asked }]);
    let [Outcome::RoomRemoved { remains }] = removed[..] else { panic!("{removed:?}") };
    let clear = Change::Clear { remains, entries_max: 512 };
    let cleared = change(store, vec![clear]);
    assert!(matches!(&cleared[..], [Outcome::Cleared { more: false, .. }]), "{cleared:?}");
}

fn number(directory: &Path, sql: &str) -> i64 {
    let conn = Connection::open(directory.join("hub.db")).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn rows(directory: &Path) -> Vec<i64> {
    let count = |table: &&str| number(directory, &format!("SELECT count(*) FROM {table}"));
    TABLES.iter().map(count).collect()
}

fn epoch_of(store: &mut SqliteStore, name: &str) -> Epoch {
    let Snapshot { rooms, .. } = store.load().unwrap().snapshot;
    rooms.into_iter().find(|it| it.room == room(name)).expect("it was made").epoch
}

#[test]
fn rooms_that_come_and_go_leave_no_row_and_take_no_more_of_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    fill(&mut store, "stays");
    let before = rows(directory.path());
    let mut turn = |from: u32, to: u32| {
        for n in from..to {
            fill(&mut store, &format!("room-{n}"));
            remove(&mut store, &format!("room-{n}"));
        }
        number(directory.path(), "PRAGMA page_count")
    };
    let early = turn(0, 100);
    let late = turn(100, 1_100);
    assert!(late <= early + 2, "{early} pages became {late}");
    assert_eq!(rows(directory.path()), before);
    let report = verify(directory.path()).unwrap();
    assert_eq!((report.rooms, report.damage), (1, vec![]));
}

#[test]
fn what_is_left_of_a_removed_room_is_no_damage_and_rows_of_no_room_are() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    fill(&mut store, "lab");
    fill(&mut store, "den");
    change(&mut store, vec![Change::RemoveRoom { room: room("lab"), why: Removal::Asked }]);
    let report = verify(directory.path()).unwrap();
    assert_eq!((report.rooms, report.entries, report.damage), (1, 2, vec![]));
    drop(store);
    let conn = Connection::open(directory.path().join("hub.db")).unwrap();
    conn.execute("DELETE FROM room WHERE name LIKE 'removed %'", []).unwrap();
    drop(conn);
    let damage = verify(directory.path()).unwrap().damage;
    let damage: Vec<String> = damage.iter().map(ToString::to_string).collect();
    for table in ["entry", "member", "mark"] {
        let expected = format!("`{table}` has rows of a room that is not there");
        assert!(damage.contains(&expected), "{damage:?}");
    }
}

#[test]
fn a_backup_from_before_a_removal_brings_the_old_room_under_another_epoch() {
    let [data, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.db");
    let mut store = SqliteStore::open(data.path()).unwrap();
    fill(&mut store, "lab");
    let first = epoch_of(&mut store, "lab");
    backup(data.path(), &copy).unwrap();
    remove(&mut store, "lab");
    fill(&mut store, "lab");
    let second = epoch_of(&mut store, "lab");
    assert_ne!(first, second);
    drop(store);
    restore(&copy, data.path(), Existing::PutAside).unwrap();
    let mut store = SqliteStore::open(data.path()).unwrap();
    let third = epoch_of(&mut store, "lab");
    assert!(third != first && third != second, "{first} {second} {third}");
    // A backup from after it has the second one only.
    remove(&mut store, "lab");
    backup(data.path(), &copy).unwrap();
    let restored = elsewhere.path().join("data");
    restore(&copy, &restored, Existing::Keep).unwrap();
    assert_eq!(SqliteStore::open(&restored).unwrap().load().unwrap().snapshot.rooms, []);
}

#[test]
fn where_epochs_cannot_be_told_apart_all_of_them_are_new() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    fill(&mut store, "lab");
    remove(&mut store, "lab");
    fill(&mut store, "lab");
    let before = epoch_of(&mut store, "lab");
    drop(store);
    let conn = Connection::open(directory.path().join("hub.db")).unwrap();
    conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'room_numbers'", []).unwrap();
    drop(conn);
    assert_eq!(verify(directory.path()).unwrap().damage.len(), 1);
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let after = epoch_of(&mut store, "lab");
    assert_ne!(after, before);
    assert_eq!(epoch_of(&mut store, "lab"), after);
    assert_eq!(verify(directory.path()).unwrap().damage, []);
}
