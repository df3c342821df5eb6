//! Copies, restored stores, the lock, and data of other programs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bot_hub_core::change::Change;
use bot_hub_store::export::{self, Exported, entries};
use bot_hub_store::record::{Record, RecordKind, RecordQuery, RecordWrite};
use bot_hub_store::sqlite::{
    Existing, SqliteStore, backup, backup_as_new, restore, restore_noting, verify,
};
use bot_hub_store::{AccessWrite, BotRecord, RESTORED, Store, StoreError, TokenRecord, Write};
use bot_protocol::id::Epoch;
use bot_protocol::time::Timestamp;

use super::drafts::{ROOMS, Work, bot, compare, model, room, rooms};

fn epoch(store: &mut SqliteStore) -> Epoch {
    store.load().unwrap().snapshot.epoch
}

fn failure(error: StoreError) -> String {
    error.to_string()
}

#[test]
fn a_running_store_is_backed_up_verified_and_restored_with_a_new_epoch() {
    let [running, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.db");
    let mut store = SqliteStore::open(running.path()).unwrap();
    let (mut then, mut work) = (model(), Work::new(1));
    store.commit(&rooms()).unwrap();
    for round in 0..3 {
        for _ in 0..10 {
            let batch = work.batch(20);
            store.commit(&batch).unwrap();
            then.commit(&batch).unwrap();
        }
        // The second one replaces the first.
        let report = backup(running.path(), &copy).unwrap().report;
        assert_eq!((report.rooms, report.damage.len()), (2, 0), "round {round}");
    }
    let before = epoch(&mut store);
    store.commit(&work.batch(20)).unwrap();

    let fresh = elsewhere.path().join("data");
    restore(&copy, &fresh, Existing::Keep).unwrap();
    then.commit(&[Write::AgeWaits(Some(RESTORED))]).unwrap();
    let mut restored = SqliteStore::open(&fresh).unwrap();
    compare(&mut restored, &mut then, &work.ids()).unwrap();
    assert_ne!(epoch(&mut restored), before);
    let names: Vec<_> = std::fs::read_dir(elsewhere.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "nothing but the copy and the data: {names:?}");
}

#[test]
fn a_restore_replaces_a_store_only_when_told_and_never_under_a_hub() {
    let [data, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.db");
    let mut store = SqliteStore::open(data.path()).unwrap();
    store.commit(&rooms()).unwrap();
    backup(data.path(), &copy).unwrap();
    let (mut work, first) = (Work::new(2), epoch(&mut store));
    store.commit(&work.batch(20)).unwrap();

    assert!(matches!(
        restore(&copy, data.path(), Existing::PutAside),
        Err(StoreError::InUse { .. })
    ));
    drop(store);
    let refused = failure(restore(&copy, data.path(), Existing::Keep).unwrap_err());
    assert!(refused.contains("hint: restore into another directory"), "{refused}");
    restore(&copy, data.path(), Existing::PutAside).unwrap();
    let mut store = SqliteStore::open(data.path()).unwrap();
    let mut empty = model();
    empty.commit(&[Write::AgeWaits(Some(RESTORED))]).unwrap();
    compare(&mut store, &mut empty, &[]).unwrap();
    assert_ne!(epoch(&mut store), first);
    assert!(data.path().join("hub.db.replaced").exists());
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let data = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(data.path()).unwrap();
    store.commit(&rooms()).unwrap();
    let second = SqliteStore::open(data.path());
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    let (mut model, mut work) = (model(), Work::new(3));
    for _ in 0..10 {
        let batch = work.batch(30);
        store.commit(&batch).unwrap();
        model.commit(&batch).unwrap();
    }
    assert_eq!(verify(data.path()).unwrap().damage, []);
    let mut reader = export::open(data.path()).unwrap();
    assert_eq!(reader.rooms().unwrap().len(), ROOMS.len());
    let exported: Vec<_> = entries(&mut reader, room("lab"), 0).map(|line| line.unwrap()).collect();
    let mut original = model.reader().unwrap();
    let expected: Vec<Exported> =
        entries(original.as_mut(), room("lab"), 0).map(|line| line.unwrap()).collect();
    assert_eq!(exported, expected);
    drop(store);
    SqliteStore::open(data.path()).unwrap();
}

fn check_refused(prepare: impl Fn(&rusqlite::Connection), expected: &str) {
    let [data, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let path = data.path().join("hub.db");
    drop(SqliteStore::open(data.path()).unwrap());
    prepare(&rusqlite::Connection::open(&path).unwrap());
    for error in [
        failure(SqliteStore::open(data.path()).unwrap_err()),
        failure(verify(data.path()).unwrap_err()),
        failure(backup(data.path(), &elsewhere.path().join("copy")).unwrap_err()),
        failure(restore(&path, &data.path().join("new"), Existing::Keep).unwrap_err()),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn data_of_a_newer_program_is_refused() {
    check_refused(
        |conn| conn.pragma_update(None, "user_version", 1_000).unwrap(),
        "was written by a newer Bot Hub (schema 1000, this one knows 7)",
    );
}

#[test]
fn data_of_another_program_is_refused() {
    check_refused(
        |conn| conn.pragma_update(None, "application_id", 1).unwrap(),
        "is no store of this program",
    );
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("hub.db"), "this is a diary\n".repeat(400)).unwrap();
    let error = failure(SqliteStore::open(data.path()).unwrap_err());
    assert!(error.contains("not a database"), "{error}");
    let nothing = failure(verify(Path::new("/nonexistent")).unwrap_err());
    assert!(nothing.contains("there is no store at"), "{nothing}");
}

#[test]
fn a_store_that_is_written_to_is_verified_and_backed_up_without_false_alarm() {
    let [running, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut store = SqliteStore::open(running.path()).unwrap();
    store.commit(&rooms()).unwrap();
    let is_over = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut work = Work::new(4);
            for _ in 0..300 {
                store.commit(&work.batch(12)).unwrap();
            }
            is_over.store(true, Ordering::Release);
        });
        let mut looks = 0;
        while !is_over.load(Ordering::Acquire) || looks == 0 {
            let copy = elsewhere.path().join(format!("{looks}.db"));
            assert_eq!(verify(running.path()).unwrap().damage, []);
            assert_eq!(backup(running.path(), &copy).unwrap().report.damage, []);
            looks += 1;
        }
        looks
    });
    println!("{looks} looks while it was written to");
}

#[test]
fn a_name_that_anything_has_is_passed_over() {
    let [running, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let _store = SqliteStore::open(running.path()).unwrap();
    let names = ["folder", "text", "link", "free", "later"].map(|name| elsewhere.path().join(name));
    std::fs::create_dir(&names[0]).unwrap();
    std::fs::write(&names[1], "no backup").unwrap();
    std::os::unix::fs::symlink("nowhere", &names[2]).unwrap();
    for expected in &names[3..] {
        assert_eq!(
            backup_as_new(running.path(), &names[3], || names.clone()).unwrap().file,
            *expected
        );
    }
    assert_eq!(std::fs::read_to_string(&names[1]).unwrap(), "no backup");
    let taken = failure(backup_as_new(running.path(), &names[3], || names.clone()).unwrap_err());
    assert!(taken.ends_with("every name for the copy is taken"), "{taken}");
}

#[test]
fn a_restore_puts_no_log_beside_the_store_that_an_earlier_one_put_aside() {
    let [running, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    SqliteStore::open(running.path()).unwrap().load().unwrap();
    let copy = elsewhere.path().join("copy.db");
    backup(running.path(), &copy).unwrap();
    let file = |name: &str| running.path().join(name);
    std::fs::rename(file("hub.db"), file("hub.db.replaced")).unwrap();
    std::fs::write(file("hub.db-wal"), "of another store").unwrap();
    restore(&copy, running.path(), Existing::PutAside).unwrap();
    assert!(!file("hub.db.replaced-wal").exists(), "it would be written into that store");
    assert!(!file("hub.db-wal").exists());
    let found = std::fs::read_dir(running.path()).unwrap().flatten();
    let is_kept =
        |name: String| std::fs::read(file(&name)).is_ok_and(|it| it == b"of another store");
    let kept = found.filter(|it| is_kept(it.file_name().into_string().unwrap())).count();
    assert_eq!(kept, 1, "it is put aside by itself");
}

#[test]
fn a_restored_store_has_the_records_of_the_copy_and_those_that_are_noted_of_them() {
    let [data, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.db");
    let mut store = SqliteStore::open(data.path()).unwrap();
    let record = |key: &str| Record::new(RecordKind::AUDIT, key, *b"said").unwrap();
    store.commit(&[Write::Record(RecordWrite::Put(record("1")))]).unwrap();
    backup(data.path(), &copy).unwrap();
    store.commit(&[Write::Record(RecordWrite::Put(record("2")))]).unwrap();
    drop(store);
    let all = RecordQuery::all(RecordKind::AUDIT);
    let report = restore_noting(&copy, data.path(), Existing::PutAside, |reader| {
        assert_eq!(reader.records(&all).unwrap().records, [record("1")]);
        vec![record("3")]
    });
    assert_eq!(report.unwrap().report.damage, []);
    let mut reader = SqliteStore::open(data.path()).unwrap().reader().unwrap();
    assert_eq!(reader.records(&all).unwrap().records, [record("1"), record("3")]);
}

#[test]
fn who_was_removed_comes_back_with_a_copy_unless_another_bot_has_the_name_by_now() {
    let [data, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.db");
    let mut store = SqliteStore::open(data.path()).unwrap();
    let made = |name: &str, at: u64| {
        let (hash, created_at) = ([u8::try_from(at).unwrap(); 32], Timestamp(at));
        let token = TokenRecord { bot: bot(name), hash, created_at, expires_at: None };
        let record = AccessWrite::Bot(BotRecord::new(bot(name), created_at));
        [Write::Access(record), Write::Access(AccessWrite::Token(token))]
    };
    let removed =
        |name: &str, at: u64| Write::Access(AccessWrite::ForgetBot(bot(name), Timestamp(at)));
    let joined = |name: &str| Write::Change(Change::Join { room: room("lab"), bot: bot(name) });
    store.commit(&rooms()).unwrap();
    for (name, at) in [("ann", 1), ("gus", 2), ("zoe", 3)] {
        store.commit(&made(name, at)).unwrap();
        store.commit(&[joined(name)]).unwrap();
    }
    backup(data.path(), &copy).unwrap();
    store.commit(&[removed("gus", 10), removed("zoe", 11)]).unwrap();
    store.commit(&made("zoe", 12)).unwrap();
    drop(store);

    let restored = restore_noting(&copy, data.path(), Existing::PutAside, |_| Vec::new()).unwrap();
    assert_eq!((restored.report.damage, restored.ended), (vec![], vec![bot("zoe")]));
    let loaded = SqliteStore::open(data.path()).unwrap().load().unwrap();
    let names: Vec<_> = loaded.bots.iter().map(|it| it.bot.as_str()).collect();
    assert_eq!(names, ["ann", "gus"]);
    assert!(loaded.tokens.iter().all(|it| it.bot != bot("zoe")));
    let lab = loaded.snapshot.rooms.iter().find(|it| it.room == room("lab")).unwrap();
    let members: Vec<_> = lab.members.iter().map(|it| it.bot.as_str()).collect();
    assert!(!members.contains(&"zoe") && members.contains(&"gus"), "{members:?}");
    assert_eq!(loaded.snapshot.ended, [(bot("zoe"), Timestamp(11))]);
}
