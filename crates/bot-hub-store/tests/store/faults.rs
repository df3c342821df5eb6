//! A medium that fails: after an error nothing is acknowledged, and a full disk heals by itself.

use std::path::Path;

use bot_hub_store::sqlite::{Options, SqliteStore, verify_with};
use bot_hub_store::{Store, StoreError, Write};

use super::disk::{Fault, Operation};
use super::drafts::{Work, compare, model, rooms};
use super::vfs::SimulatedDisk;

fn options(disk: &SimulatedDisk) -> Options {
    Options { vfs: Some(disk.name), never_sync: false, wal_pages: 30 }
}

fn open(disk: &SimulatedDisk) -> Result<SqliteStore, StoreError> {
    SqliteStore::open_with(Path::new("/sim"), options(disk))
}

fn fresh(disk: &SimulatedDisk) -> SqliteStore {
    *disk.lock() = Default::default();
    let mut store = open(disk).unwrap();
    store.commit(&rooms()).unwrap();
    store
}

/// The store after another start, with the power gone in between, has what was acknowledged, and of
/// the batch that failed all or nothing.
fn check_after(disk: &SimulatedDisk, work: &mut Work, model: &mut dyn Store, failed: &[Write]) {
    disk.lock().restart(&mut work.rng);
    let mut store = open(disk).unwrap();
    let ids = work.ids();
    if compare(&mut store, model, &ids).is_err() {
        model.commit(failed).unwrap();
    }
    compare(&mut store, model, &ids).unwrap();
    let report = verify_with(Path::new("/sim"), options(disk)).unwrap();
    assert_eq!(report.damage, []);
}

/// The store fails at one operation after another; says in how many cases a batch met it.
fn fail_everywhere(disk: &SimulatedDisk, on: Operation) -> u64 {
    let mut met = 0;
    for after in 0..150 {
        let mut store = fresh(disk);
        let mut model = model();
        let mut work = Work::new(after);
        disk.lock().fault = Some(Fault { on, after });
        for _ in 0..30 {
            let batch = work.batch(9);
            match store.commit(&batch) {
                Ok(_) => {
                    model.commit(&batch).unwrap();
                }
                Err(StoreError::Failed(_)) => {
                    met += 1;
                    // The medium is fine again, and still nothing more may be promised.
                    let next = store.commit(&work.batch(1));
                    assert!(matches!(next, Err(StoreError::Failed(_))), "{on:?} {after}: {next:?}");
                    drop(store);
                    check_after(disk, &mut work, &mut model, &batch);
                    break;
                }
                Err(error) => panic!("{on:?} {after}: {error}"),
            }
        }
    }
    met
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged() {
    let disk = SimulatedDisk::new("faults");
    for on in [Operation::Write, Operation::Sync] {
        let met = fail_everywhere(&disk, on);
        println!("{on:?}: {met} of 150 stories met the fault");
        assert!(met >= 30, "only {met}");
    }
}

/// Finds that moving the log of changes into the database failed only by what comes after it.
#[test]
fn a_failed_checkpoint_stops_the_store() {
    let disk = SimulatedDisk::new("checkpoint");
    let mut store = fresh(&disk);
    let mut work = Work::new(1);
    // In peace, a batch syncs once; more than that is a checkpoint.
    let failed = (0..200).find(|_| {
        disk.lock().fault = Some(Fault { on: Operation::Sync, after: 1 });
        store.commit(&work.batch(9)).expect("the batch itself is safe");
        disk.lock().fault.is_none()
    });
    assert!(failed.is_some(), "no checkpoint in 200 batches");
    assert!(matches!(store.commit(&work.batch(1)), Err(StoreError::Failed(_))));
}

#[test]
fn a_full_disk_refuses_whole_batches_and_heals_without_reopening() {
    let disk = SimulatedDisk::new("full");
    let mut refused = 0;
    for seed in 0..60 {
        let mut store = fresh(&disk);
        let mut model = model();
        let mut work = Work::new(seed);
        for round in 0..60 {
            disk.lock().is_full = round % 10 >= 5;
            let batch = work.batch(9);
            match store.commit(&batch) {
                Ok(_) => {
                    model.commit(&batch).unwrap();
                }
                Err(StoreError::Full { .. }) if disk.lock().is_full => refused += 1,
                Err(error) => panic!("seed {seed}, round {round}: {error}"),
            }
            let ids = work.ids();
            compare(&mut store, &mut model, &ids).unwrap();
        }
        drop(store);
        disk.lock().is_full = false;
        check_after(&disk, &mut work, &mut model, &[]);
    }
    println!("{refused} batches refused, every acknowledged one is there");
    assert!(refused > 100, "only {refused}");
}
