//! The real SQLite code on a disk that loses power: what was acknowledged is there, batches are whole,
//! nothing is damaged.
//!
//! `BOT_HUB_CUTS=N` sets how many cuts; `BOT_HUB_SEED=N` replays the one life story that failed.

use std::path::Path;

use bot_hub_core::change::Snapshot;
use bot_hub_store::sqlite::{Options, SqliteStore, verify_with};
use bot_hub_store::{AccessWrite, BotRecord, Store, Write};
use bot_protocol::id::Epoch;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::drafts::{Work, bot, compare, model, redaction, rooms};
use super::vfs::SimulatedDisk;

/// Cuts in one life story of a disk. More would make its log long and its checks slow.
const CUTS_PER_SEED: u64 = 25;

const CUTS: u64 = 20_000;

fn directory() -> &'static Path {
    Path::new("/sim")
}

fn options(disk: &SimulatedDisk, never_sync: bool) -> Options {
    // A short log of changes, so that cuts fall into checkpoints, too.
    Options { vfs: Some(disk.name), never_sync, wal_pages: 30 }
}

/// What a disk has to hold.
struct Story<'a> {
    disk: &'a SimulatedDisk,
    options: Options,
    work: Work,
    model: Box<dyn Store>,
    /// A batch that was neither acknowledged nor refused: it may be there, whole.
    open: Option<Vec<Write>>,
    epoch: Option<Epoch>,
    acknowledged: u64,
    batches: u64,
}

impl Story<'_> {
    /// Opens the store and checks it against the model; a cut meanwhile is no finding.
    fn open(&mut self) -> Result<Option<SqliteStore>, String> {
        match self.try_open() {
            Err(_) if self.disk.lock().is_off => Ok(None),
            other => other.map(Some),
        }
    }

    fn try_open(&mut self) -> Result<SqliteStore, String> {
        let opened = SqliteStore::open_with(directory(), self.options);
        let mut store = opened.map_err(|error| format!("it does not open: {error}"))?;
        let Snapshot { epoch, rooms: found, .. } =
            store.load().map_err(|error| error.to_string())?.snapshot;
        if self.epoch.is_some_and(|before| before != epoch) {
            return Err("another epoch".to_owned());
        }
        if found.is_empty() && self.epoch.is_none() {
            // Rooms whose creation was never acknowledged need not be there.
            store.commit(&rooms()).map_err(|error| error.to_string())?;
        }
        let ids = self.work.ids();
        let mut same = compare(&mut store, self.model.as_mut(), &ids);
        if !self.disk.lock().is_off {
            self.epoch = Some(epoch);
            if same.is_err()
                && let Some(open) = self.open.take()
            {
                self.model.commit(&open).map_err(|error| error.to_string())?;
                same = compare(&mut store, self.model.as_mut(), &ids);
            }
            self.open = None;
        }
        same.map(|()| store)
    }

    /// Writes until the power goes, or closes in peace.
    fn live(&mut self, mut store: SqliteStore) {
        for _ in 0..4 + self.work.rng.below(8) {
            let mut batch = self.work.batch(9);
            batch.extend(redaction(&mut self.work, self.model.as_ref()));
            batch.push(self.mark());
            if store.commit(&batch).is_err() {
                self.open = Some(batch);
                return;
            }
            self.acknowledged += batch.len() as u64;
            self.model.commit(&batch).unwrap();
        }
    }

    /// Shows whether a batch that was not answered is there: what else it changes may be seen much later.
    fn mark(&mut self) -> Write {
        self.batches += 1;
        Write::Access(AccessWrite::Bot(BotRecord {
            bot: bot("mark"),
            operator: false,
            disabled: false,
            guest: false,
            created_at: Timestamp(self.batches),
            last_seen: None,
        }))
    }

    fn verify(&self) -> Result<(), String> {
        let report = verify_with(directory(), self.options).map_err(|error| error.to_string())?;
        match &report.damage[..] {
            [] => Ok(()),
            damage => Err(format!("{damage:?}")),
        }
    }
}

/// One disk through many cuts. Says in which life what was wrong.
fn story(disk: &SimulatedDisk, seed: u64, never_sync: bool) -> Result<u64, String> {
    *disk.lock() = Default::default();
    let mut story = Story {
        disk,
        options: options(disk, never_sync),
        work: Work::new(seed),
        model: Box::new(model()),
        open: None,
        epoch: None,
        acknowledged: 0,
        batches: 0,
    };
    for life in 0..CUTS_PER_SEED {
        let failed = |what: String| format!("seed {seed}, life {life}: {what}");
        let operations = 1 + story.work.rng.below(if life == 0 { 60 } else { 160 });
        {
            let mut disk = disk.lock();
            disk.cut_at = Some(disk.operations + operations);
        }
        if let Some(store) = story.open().map_err(failed)? {
            story.live(store);
        }
        disk.lock().restart(&mut story.work.rng);
    }
    let last = story.open().map_err(|what| format!("seed {seed}, at the end: {what}"))?;
    drop(last);
    story.verify().map_err(|what| format!("seed {seed}, verified: {what}"))?;
    Ok(story.acknowledged)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn stories(name: &str, seeds: impl Iterator<Item = u64>) -> u64 {
    let disk = SimulatedDisk::new(name);
    seeds
        .map(|seed| match story(&disk, seed, false) {
            Ok(acknowledged) => acknowledged,
            Err(what) => panic!("{what}\nreplay with BOT_HUB_SEED={seed}"),
        })
        .sum()
}

#[test]
fn no_loss_of_power_loses_what_was_acknowledged() {
    if let Some(seed) = number("BOT_HUB_SEED") {
        stories("replay", std::iter::once(seed));
        return;
    }
    let seeds = number("BOT_HUB_CUTS").unwrap_or(CUTS).div_ceil(CUTS_PER_SEED);
    let acknowledged: u64 = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            scope.spawn(move || stories(["even", "odd"][half], (half as u64..seeds).step_by(2)))
        });
        halves.map(|half| half.join().expect("a seed failed, see above")).iter().sum()
    });
    println!("{} cuts, {acknowledged} acknowledged writes, none lost", seeds * CUTS_PER_SEED);
    assert!(acknowledged > seeds * CUTS_PER_SEED, "the cuts came too early to mean anything");
}

/// A store of schema 6, which an upgrade to today's takes over.
fn of_schema_6(disk: &SimulatedDisk, model: &mut dyn Store, work: &mut Work) {
    *disk.lock() = Default::default();
    let mut store = SqliteStore::open_with(directory(), options(disk, false)).unwrap();
    store.commit(&rooms()).unwrap();
    for _ in 0..20 {
        let batch = work.batch(9);
        store.commit(&batch).unwrap();
        model.commit(&batch).unwrap();
    }
    drop(store);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let path = directory().join("hub.db");
    let conn = Connection::open_with_flags_and_vfs(path, flags, disk.name).unwrap();
    conn.execute_batch("DROP TABLE redaction; PRAGMA user_version = 6").unwrap();
}

#[test]
fn an_upgrade_that_loses_power_anywhere_leaves_the_old_store_or_the_new_one() {
    let disk = SimulatedDisk::new("upgrade");
    let mut finished = 0;
    for operations in 1.. {
        let (mut model, mut work) = (model(), Work::new(operations));
        of_schema_6(&disk, &mut model, &mut work);
        {
            let mut disk = disk.lock();
            disk.cut_at = Some(disk.operations + operations);
        }
        let opened = SqliteStore::open_with(directory(), options(&disk, false));
        let is_done = opened.is_ok() && !disk.lock().is_off;
        drop(opened);
        disk.lock().restart(&mut work.rng);
        let mut store = SqliteStore::open_with(directory(), options(&disk, false)).unwrap();
        compare(&mut store, &mut model, &work.ids()).unwrap();
        for _ in 0..9 {
            let batch: Vec<Write> = redaction(&mut work, &model).into_iter().collect();
            store.commit(&batch).unwrap();
            model.commit(&batch).unwrap();
        }
        compare(&mut store, &mut model, &work.ids()).unwrap();
        finished += u32::from(is_done);
        if finished > 3 {
            return;
        }
    }
}

#[test]
fn compacting_that_loses_power_anywhere_leaves_the_old_store_or_the_new_one() {
    let disk = SimulatedDisk::new("compact");
    let mut finished = 0;
    for operations in (1..).step_by(3) {
        let (mut model, mut work) = (model(), Work::new(operations));
        of_schema_6(&disk, &mut model, &mut work);
        let mut store = SqliteStore::open_with(directory(), options(&disk, false)).unwrap();
        let redactions: Vec<Write> = (0..20).filter_map(|_| redaction(&mut work, &model)).collect();
        store.commit(&redactions).unwrap();
        model.commit(&redactions).unwrap();
        {
            let mut disk = disk.lock();
            disk.cut_at = Some(disk.operations + operations);
        }
        let is_done = store.compact().is_ok() && !disk.lock().is_off;
        drop(store);
        disk.lock().restart(&mut work.rng);
        let mut store = SqliteStore::open_with(directory(), options(&disk, false)).unwrap();
        compare(&mut store, &mut model, &work.ids()).unwrap();
        drop(store);
        assert_eq!(verify_with(directory(), options(&disk, false)).unwrap().damage, []);
        finished += u32::from(is_done);
        if finished > 3 {
            return;
        }
    }
}

/// Without syncs the same stories must go wrong, or the harness shows nothing.
#[test]
fn without_syncs_power_cuts_are_noticed() {
    let disk = SimulatedDisk::new("control");
    let failed = (0..40).filter(|seed| story(&disk, *seed, true).is_err()).count();
    println!("control: {failed} of 40 stories without syncs went wrong");
    assert!(failed >= 20, "only {failed} of 40");
}
