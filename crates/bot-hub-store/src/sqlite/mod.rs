//! The store in one SQLite file, with a write-ahead log that is synced with every commit.
//!
//! Owns the promises of [`Store`] on a disk. One connection writes and every reader has its own. Other
//! processes may read while the hub runs, but not write.
//!
//! * `schema`: the tables, their number, the way from one number to the next.
//! * `row`, `rows`, `sum`: what lies in a row, and how it is checked. `redaction`: what is left of an entry.
//! * `batch`: one transaction. `cache`: what it remembers from the one before.
//! * `clock`: what it knows of time. `numbers`: of its rooms.
//! * `load`, `read`, `fate`, `records`, `stored`, `names`: the way back.
//! * `leftovers`: what an interruption left behind. `held`: whether the hub's file is where it should be.
//!   `belonging`: whether a file and the log beside it belong together.
//! * `verify`, `backup`, `compact`: the store as a whole.
//! * `connect`, `lock`, `error`: the file.

mod backup;
mod batch;
mod belonging;
mod cache;
mod clock;
mod compact;
mod connect;
mod copies;
mod error;
mod fate;
mod held;
mod leftovers;
mod load;
mod lock;
mod names;
mod numbers;
mod place;
mod read;
mod records;
mod redaction;
mod renamed;
mod row;
mod rows;
mod schema;
mod stored;
mod sum;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bot_hub_core::change::Outcome;
use bot_protocol::id::Epoch;
use rusqlite::Connection;

pub use self::backup::{
    Copied, Existing, Restored, backup, backup_as_new, copy_through, restore, restore_noting,
};
use self::batch::Batch;
use self::cache::Cache;
pub use self::compact::{Compacted, compact};
use self::connect::DATABASE;
pub use self::connect::Options;
pub use self::copies::{copies_in, holds};
use self::error::{SqliteError, is_full};
pub use self::held::{Astray, Rescue, astray, open_lock};
use self::leftovers::suffixed;
pub use self::leftovers::{obstacle, piped, undamaged, whole_of};
use self::lock::DirectoryLock;
pub use self::lock::Holder;
pub use self::place::{begins_as_a_copy, copy_place};
pub use self::read::SqliteReader;
use self::sum::Sum;
pub use self::verify::{Damage, Report, verify, verify_with};
use super::{Loaded, Reader, Store, StoreError, Write, random_epoch};

/// If the write-ahead log reaches this many times its usual length, the writer waits for readers.
const LATE: u64 = 8;

/// How long the writer waits for readers.
const LATE_WAIT: Duration = Duration::from_millis(20);

/// The writer. Only one process can have it.
#[derive(Debug)]
pub struct SqliteStore {
    // Fields are dropped in this order: the file is closed before the lock is released.
    conn: Connection,
    cache: Cache,
    sum: Sum,
    path: PathBuf,
    options: Options,
    /// The length of the write-ahead log from which it is moved into the database.
    checkpoint_at: u64,
    /// Why nothing may be acknowledged any more.
    broken: Option<String>,
    _lock: Option<DirectoryLock>,
}

impl SqliteStore {
    /// Opens the store of a data directory; creates the directory and the store if they do not exist.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_with(directory, Options::default())
    }

    /// Opens a store with other options than the defaults.
    pub fn open_with(directory: &Path, options: Options) -> Result<Self, StoreError> {
        let lock = match options.vfs {
            Some(_) => None,
            None => {
                make_directory(directory)?;
                let lock = DirectoryLock::take(directory)?;
                leftovers::clear(directory);
                leftovers::check(&connect::database(directory))?;
                make_file(&connect::database(directory))?;
                Some(lock)
            }
        };
        let path = connect::database(directory);
        let opened = Self::connect(&path, &options);
        let conn = opened.map_err(|error| error.at(&path))?;
        if lock.is_some()
            && let Err(error) = belonging::note(&conn, &path)
        {
            // The hub works without a mark; then only a file that was replaced by hand goes unnoticed.
            tracing::debug!(error = %error.at(&path), "the database's mark is not noted");
        }
        let (cache, sum) = (Cache::default(), Sum::default());
        let checkpoint_at = options.wal_pages;
        Ok(Self { conn, cache, sum, path, options, checkpoint_at, broken: None, _lock: lock })
    }

    fn connect(path: &Path, options: &Options) -> Result<Connection, SqliteError> {
        let conn = connect::writer(path, options)?;
        schema::prepare(&conn, path, schema::STEPS, |found| {
            if options.vfs.is_some() {
                return Ok(());
            }
            let name = format!("{DATABASE}{}{found}", leftovers::SCHEMA);
            let copy = path.with_file_name(name);
            backup::copy(&conn, &copy)?;
            let newest = schema::newest();
            tracing::info!(
                copy = %copy.display(),
                "the store is copied, and brought from form {found} to {newest}"
            );
            Ok(())
        })?;
        Ok(conn)
    }

    fn transact(&mut self, writes: &[Write]) -> Result<Vec<Outcome>, SqliteError> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let outcomes = Batch::new(&self.conn, &mut self.cache, &mut self.sum).run(writes)?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(outcomes)
    }

    /// Undoes a failed batch, in the database and in the cache.
    fn roll_back(&mut self, error: SqliteError) -> StoreError {
        self.cache = Cache::default();
        let error = error.at(&self.path);
        let undone = match self.conn.is_autocommit() {
            true => Ok(()),
            false => self.conn.execute_batch("ROLLBACK"),
        };
        match (error, undone) {
            (error @ (StoreError::Full { .. } | StoreError::NoSuchRoom { .. }), Ok(())) => error,
            (error, _) => {
                self.broken = Some(error.to_string());
                error
            }
        }
    }

    /// Moves the write-ahead log into the database once it is long enough. The batch before is safe in the
    /// log, whatever happens here. A failed sync means that the next batch would not be safe.
    fn checkpoint(&mut self) {
        match self.try_checkpoint() {
            Ok(()) => {}
            // The log grows instead of the database until there is space.
            Err(error) if is_full(&error) => {
                tracing::warn!("no space left to move the log of changes into the database");
            }
            Err(error) => {
                tracing::error!(%error, "the log of changes could not be moved into the database");
                self.broken = Some(error.to_string());
            }
        }
    }

    fn try_checkpoint(&mut self) -> rusqlite::Result<()> {
        let usual = self.options.wal_pages;
        let pages = self.wal_pages("PRAGMA wal_checkpoint(NOOP)")?;
        if pages < usual {
            self.checkpoint_at = usual;
        }
        if pages < self.checkpoint_at {
            return Ok(());
        }
        // A reader of an old state keeps the log from starting over. The next attempt comes only after as
        // much again, because every attempt syncs the database.
        self.checkpoint_at = pages + usual;
        if pages < usual.saturating_mul(LATE) {
            self.wal_pages("PRAGMA wal_checkpoint(PASSIVE)")?;
            return Ok(());
        }
        // Readers that follow each other without a pause have the same effect. The writer waits for them,
        // but only briefly.
        self.conn.busy_timeout(LATE_WAIT)?;
        let restarted = self.wal_pages("PRAGMA wal_checkpoint(RESTART)");
        self.conn.busy_timeout(connect::BUSY)?;
        restarted.map(drop)
    }

    /// The number of pages in the write-ahead log.
    fn wal_pages(&self, checkpoint: &str) -> rusqlite::Result<u64> {
        let mut statement = self.conn.prepare_cached(checkpoint)?;
        let pages: i64 = statement.query_row([], |row| row.get(1))?;
        Ok(pages.max(0).unsigned_abs())
    }

    /// The epoch; a new one if it is damaged, or if it is not known which rooms have epochs of their own,
    /// because then no client's position can be trusted.
    fn epoch(&self) -> Result<Epoch, SqliteError> {
        let known = schema::read_epoch(&self.conn)?;
        if let Some(epoch) = known.filter(|_| !numbers::is_damaged(&self.conn).unwrap_or(true)) {
            return Ok(epoch);
        }
        tracing::error!("the epoch is damaged: a new one begins");
        let epoch = random_epoch()?;
        schema::write_epoch(&self.conn, epoch)?;
        numbers::forget(&self.conn)?;
        Ok(epoch)
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let epoch = self.epoch();
        let loaded = epoch.and_then(|epoch| Ok(load::load(&self.conn, epoch)?));
        loaded.map_err(|error| error.at(&self.path))
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        if let Some(cause) = &self.broken {
            return Err(StoreError::Failed(cause.clone()));
        }
        let outcomes = self.transact(batch).map_err(|error| self.roll_back(error))?;
        self.checkpoint();
        Ok(outcomes)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let conn = connect::reader(&self.path, &self.options);
        let conn = conn.map_err(|error| SqliteError::Sql(error).at(&self.path))?;
        Ok(Box::new(SqliteReader::new(conn)))
    }
}

/// Whether a process has the store of a data directory open for writing.
pub fn is_in_use(directory: &Path) -> bool {
    lock::holder(directory) == Holder::Somebody
}

/// Which process has the store of a data directory open for writing.
pub fn holder(directory: &Path) -> Holder {
    lock::holder(directory)
}

/// The epoch of a copy; `None` if it is no store, or cannot be read.
pub fn epoch_of(copy: &Path) -> Option<Epoch> {
    connect::epoch_of(copy)
}

/// The schema of a data directory's store, and the schema that this program would upgrade it to.
pub fn forms(directory: &Path) -> Option<(u32, u32)> {
    let conn = connect::as_it_is(&connect::database(directory), &Options::default()).ok()?;
    Some((schema::number(&conn).ok()?, schema::newest()))
}

/// Runs `work` while nobody can open the store of a data directory for writing.
pub fn while_unused<T>(directory: &Path, work: impl FnOnce() -> T) -> Result<T, StoreError> {
    let _lock = DirectoryLock::take(directory)?;
    Ok(work())
}

/// Loads the store of a data directory as a hub would, without becoming its writer.
pub fn look(directory: &Path) -> Result<Loaded, StoreError> {
    let path = connect::database(directory);
    let looked = || -> Result<Loaded, SqliteError> {
        let conn = connect::existing(&path, &Options::default())?;
        let epoch = schema::read_epoch(&conn)?.unwrap_or_default();
        Ok(load::load(&conn, epoch)?)
    };
    looked().map_err(|error| error.at(&path))
}

/// Creates the directory, readable only by its owner, because it will hold messages.
fn make_directory(directory: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| {
        StoreError::Failed(format!("the data directory `{}`: {error}", directory.display()))
    })
}

/// Creates the file readable only by its owner, even if others can read the directory. SQLite gives the
/// files beside it the same mode.
fn make_file(path: &Path) -> Result<(), StoreError> {
    private(path)
        .map(drop)
        .map_err(|error| StoreError::Failed(format!("`{}`: {error}", path.display())))
}

fn private(path: &Path) -> std::io::Result<std::fs::File> {
    private_options().create(true).open(path)
}

/// The same, but fails if the file exists.
fn private_new(path: &Path) -> std::io::Result<std::fs::File> {
    private_options().create_new(true).open(path)
}

fn private_options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;
    use crate::conformance::Subject;

    fn subject() -> Subject {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        let reopen = move |store: Box<dyn Store>| -> Box<dyn Store> {
            drop(store);
            Box::new(SqliteStore::open(directory.path()).unwrap())
        };
        Subject::new(Box::new(store), Box::new(reopen))
    }

    conformance!(subject());
}
