//! Copies of a store, and a store from a copy.
//!
//! Owns `backup`, `restore` and the copy before a change of the schema. A copy gets its name only when
//! it is complete, on the disk and verified; nothing that was there is ever overwritten in place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::clock;
use super::connect::{self, Options};
use super::error::Trouble;
use super::lock::DirectoryLock;
use super::schema;
use super::verify::{Report, verify_file};
use crate::store::{RESTORED, StoreError, random_epoch};

/// Behind the name of a copy that is not complete.
const PARTIAL: &str = ".partial";

/// Behind the name of a store that a restore has put aside.
const REPLACED: &str = ".replaced";

/// Behind the name of a database: its log of changes, and the index of that.
const WAL: &str = "-wal";
const SHM: &str = "-shm";

/// Copies the store of a data directory into a file, also while a hub runs on it: the copy is the
/// store as it was at one moment. An existing file is replaced when the new one is complete.
///
/// The report is the copy's. Damage does not stop a backup: what is intact is worth keeping.
pub fn backup(directory: &Path, target: &Path) -> Result<Report, StoreError> {
    let path = connect::database(directory);
    let conn = connect::existing(&path, &Options::default());
    let conn = conn.map_err(|trouble| trouble.at(&path))?;
    let partial = suffixed(target, PARTIAL);
    copy_pages(&conn, &partial)?;
    let report = verify_file(&partial, &Options::default())?;
    settle(&partial)?;
    publish(&partial, target)?;
    Ok(report)
}

/// Makes a copy a data directory's store, in a new epoch: no client resumes into a log that went back
/// in time. Refuses to replace a store unless `replace`; the old one is then put aside beside it.
///
/// The report is the restored store's.
pub fn restore(copy: &Path, directory: &Path, replace: bool) -> Result<Report, StoreError> {
    super::make_directory(directory)?;
    let _lock = DirectoryLock::take(directory)?;
    let path = connect::database(directory);
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    if length > 0 && !replace {
        return Err(StoreError::Failed(format!(
            "`{}` is there already; hint: restore into another directory, or ask to replace it",
            path.display()
        )));
    }
    let partial = suffixed(&path, PARTIAL);
    let source = connect::existing(copy, &Options::default());
    let source = source.map_err(|trouble| trouble.at(copy))?;
    copy_pages(&source, &partial)?;
    begin_epoch(&partial).map_err(|trouble| trouble.at(&partial))?;
    let report = verify_file(&partial, &Options::default())?;
    settle(&partial)?;
    put_aside(&path)?;
    publish(&partial, &path)?;
    Ok(report)
}

/// A copy of an open store, for the time before its schema changes.
pub(super) fn copy(conn: &Connection, target: &Path) -> Result<(), StoreError> {
    let partial = suffixed(target, PARTIAL);
    copy_pages(conn, &partial)?;
    publish(&partial, target)
}

fn copy_pages(from: &Connection, partial: &Path) -> Result<(), StoreError> {
    remove(partial)?;
    remove(&suffixed(partial, WAL))?;
    let copied = || -> rusqlite::Result<()> {
        let mut to = Connection::open(partial)?;
        // Nobody reads it before it is complete: it needs no journal, and is synced once at the end.
        to.pragma_update(None, "journal_mode", "OFF")?;
        to.pragma_update(None, "synchronous", "OFF")?;
        // All at once: the log of changes holds the one moment that is copied, and no write restarts it.
        Backup::new(from, &mut to)?.step(-1)?;
        Ok(())
    };
    copied().map_err(|error| Trouble::Sql(error).at(partial))
}

fn begin_epoch(path: &Path) -> Result<(), Trouble> {
    let conn = connect::writer(path, &Options::default())?;
    schema::write_epoch(&conn, random_epoch()?)?;
    // What is old in it was not old to those who wait for it: they get time to take it.
    Ok(clock::write_age_waits(&conn, Some(RESTORED))?)
}

/// Moves what connections left in a log of changes into the file itself.
fn settle(path: &Path) -> Result<(), StoreError> {
    let settled = || -> rusqlite::Result<()> {
        let conn = connect::writer(path, &Options::default())?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    settled().map_err(|error| Trouble::Sql(error).at(path))
}

/// Gives a complete file its name, so that it has it also after a loss of power.
fn publish(partial: &Path, target: &Path) -> Result<(), StoreError> {
    // What is left of a file that had the name before must not be taken for a part of this one.
    remove(&suffixed(target, WAL))?;
    remove(&suffixed(target, SHM))?;
    let named = || -> std::io::Result<()> {
        File::open(partial)?.sync_all()?;
        fs::rename(partial, target)?;
        sync_directory(target)
    };
    named().map_err(|error| failed(target, &error))
}

/// Renames a store with its log of changes. The database goes first: a log without a database is
/// ignored, a database without its log may be in the middle of something.
fn put_aside(path: &Path) -> Result<(), StoreError> {
    let aside = suffixed(path, REPLACED);
    remove(&suffixed(&aside, WAL))?;
    rename(path, &aside)?;
    rename(&suffixed(path, WAL), &suffixed(&aside, WAL))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(from, &error)),
        _ => Ok(()),
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn sync_directory(file: &Path) -> std::io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full { path: path.display().to_string() },
        _ => StoreError::Failed(format!("`{}`: {error}", path.display())),
    }
}
