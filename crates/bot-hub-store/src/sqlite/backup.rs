//! Copies of a store, and a store from a copy.
//!
//! Owns `backup`, `restore` and the copy before a change of the schema. A copy gets its name only when
//! it is complete, on the disk and verified; nothing that was there is ever overwritten in place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::batch::put_record;
use super::belonging;
use super::clock;
use super::connect::{self, Options};
use super::error::{SqliteError, is_damage};
use super::leftovers::{
    self, SHM, SWITCHING, WAL, damaged, half_of, next_aside, replaced, suffixed,
};
use super::lock::DirectoryLock;
use super::place::copy_place;
use super::read::SqliteReader;
use super::schema;
use super::verify::{Report, verify_file};
use crate::record::Record;
use crate::{RESTORED, Reader, StoreError, random_epoch};

/// What a copy leaves to the hub on the disk that both are on, if that is a tenth of it at least.
const RESERVE_BYTES: u64 = 64 << 20;

/// A copy that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The name that it got.
    pub file: PathBuf,
    /// What is in it.
    pub report: Report,
}

/// Copies the store of a data directory into a file, also while a hub runs on it: the copy is the
/// store as it was at one moment, in its form. An existing copy is replaced when the new one is
/// complete; a file that is something else never is.
///
/// Damage does not stop a backup, since what is intact is worth keeping. But such a copy gets a name
/// beside the one that was asked for, where an earlier one may have what this one has lost.
pub fn backup(directory: &Path, target: &Path) -> Result<Copied, StoreError> {
    let place = copy_place(directory, target)?;
    let (partial, report) = made(directory, &place)?;
    let (file, place) = match report.damage.is_empty() {
        true => (target.to_path_buf(), place),
        false => (damaged(target), copy_place(directory, &damaged(&place))?),
    };
    publish(&partial.0, &place)?;
    Ok(Copied { file, report })
}

/// The same under the first of many names that nothing has, be it a copy or something else: nothing is
/// replaced. The names are asked for when the copy is complete; until then it lies beside `draft`.
pub fn backup_as_new<Names: IntoIterator<Item = PathBuf>>(
    directory: &Path,
    draft: &Path,
    names: impl FnOnce() -> Names,
) -> Result<Copied, StoreError> {
    let (partial, report) = made(directory, draft)?;
    for name in names() {
        let file = if report.damage.is_empty() { name } else { damaged(&name) };
        if publish_new(&partial.0, &file)? {
            return Ok(Copied { file, report });
        }
    }
    Err(StoreError::Failed("every name for the copy is taken".to_owned()))
}

/// The same for a caller that passes the copy on and removes it: the name does not depend on damage.
pub fn copy_through(directory: &Path, target: &Path) -> Result<Report, StoreError> {
    let place = copy_place(directory, target)?;
    let (partial, report) = made(directory, &place)?;
    publish(&partial.0, &place)?;
    Ok(report)
}

/// A copy that is complete and looked through, before it gets its name.
fn made(directory: &Path, target: &Path) -> Result<(Partial, Report), StoreError> {
    let path = connect::database(directory);
    let conn = connect::as_it_is(&path, &Options::default());
    let conn = conn.map_err(|error| error.at(&path))?;
    let reserve = if same_disk(&path, target) { RESERVE_BYTES } else { 0 };
    has_room(&conn, target, reserve)?;
    let partial = Partial::of(target)?;
    copy_pages(&conn, &partial.0)?;
    let report = verify_file(&partial.0, &Options::default())?;
    settle(&partial.0)?;
    Ok((partial, report))
}

/// A file that is removed unless it gets its name. Nobody else has it: two copies that are to have the
/// same name are made side by side.
struct Partial(PathBuf);

impl Partial {
    fn of(target: &Path) -> Result<Self, StoreError> {
        let partial = half_of(target, random_epoch()?.0);
        // A copy has everything that was said in it.
        super::private_new(&partial).map_err(|error| failed(&partial, &error))?;
        Ok(Self(partial))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        for suffix in ["", WAL, SHM] {
            // What got its name is not there any more, and what cannot be removed is removed at a start.
            drop(fs::remove_file(suffixed(&self.0, suffix)));
        }
    }
}

/// Makes a copy a data directory's store, in a new epoch: no client resumes into a log that went back
/// in time. Refuses to replace a store unless `replace`; the old one is then put aside beside it.
///
/// The report is the restored store's.
pub fn restore(copy: &Path, directory: &Path, replace: bool) -> Result<Report, StoreError> {
    restore_noting(copy, directory, replace, |_| Vec::new())
}

/// The same for a store that has these records from its beginning, beside those of the copy. They are
/// made of what can be read there.
pub fn restore_noting(
    copy: &Path,
    directory: &Path,
    replace: bool,
    note: impl FnOnce(&mut dyn Reader) -> Vec<Record>,
) -> Result<Report, StoreError> {
    super::make_directory(directory)?;
    let _lock = DirectoryLock::take(directory)?;
    let path = connect::database(directory);
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    if !replace && suffixed(&path, SWITCHING).exists() {
        leftovers::check(&path)?;
    }
    if length > 0 && !replace {
        return Err(StoreError::Failed(format!(
            "`{}` is there already; hint: restore into another directory, or ask to replace it",
            path.display()
        )));
    }
    let source = connect::as_it_is(copy, &Options::default());
    let source = source.map_err(|error| error.at(copy))?;
    has_room(&source, &path, 0)?;
    let partial = Partial::of(&path)?;
    copy_pages(&source, &partial.0)?;
    begin_life(&partial.0, note).map_err(|error| error.at(&partial.0))?;
    let report = verify_file(&partial.0, &Options::default())?;
    settle(&partial.0)?;
    // From here on a start refuses, until the new store has its name: none in between finds no store.
    let marker = suffixed(&path, SWITCHING);
    let was_interrupted = marker.exists();
    mark(&marker)?;
    put_aside(&path, was_interrupted)?;
    publish(&partial.0, &path)?;
    remove(&marker)?;
    sync_directory(&path).map_err(|error| failed(&path, &error))?;
    Ok(report)
}

fn mark(marker: &Path) -> Result<(), StoreError> {
    let marked = || -> std::io::Result<()> {
        super::private(marker)?.sync_all()?;
        sync_directory(marker)
    };
    marked().map_err(|error| failed(marker, &error))
}

/// Whether two files are, or will be, on the same disk.
fn same_disk(one: &Path, other: &Path) -> bool {
    let disk = |path: &Path| rustix::fs::stat(folder(path)).map(|it| it.st_dev).ok();
    disk(one) == disk(other)
}

pub(super) fn folder(file: &Path) -> &Path {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Refuses a copy that will not fit, before it takes the space that somebody else needs.
fn has_room(from: &Connection, target: &Path, reserve: u64) -> Result<(), StoreError> {
    let number = |sql| from.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or(0);
    let pages = number("PRAGMA page_count").unsigned_abs();
    let needed = pages * number("PRAGMA page_size").unsigned_abs();
    let Ok(disk) = rustix::fs::statvfs(folder(target)) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let reserve = reserve.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 10);
    if free >= needed + reserve {
        return Ok(());
    }
    let (needed, left) = (needed.div_ceil(1 << 20), free >> 20);
    let kept = match reserve.div_ceil(1 << 20) {
        0 => String::new(),
        kept => format!(", of which the hub needs {kept}"),
    };
    let target = target.display();
    Err(StoreError::Failed(format!(
        "a copy takes {needed} MiB, and {left} MiB are free for `{target}`{kept}\n\
         hint: free some space there, or let it go to another disk"
    )))
}

/// A copy of an open store, for the time before its schema changes.
pub(super) fn copy(conn: &Connection, target: &Path) -> Result<(), StoreError> {
    has_room(conn, target, 0)?;
    let partial = Partial::of(target)?;
    copy_pages(conn, &partial.0)?;
    settle(&partial.0)?;
    publish(&partial.0, target)
}

fn copy_pages(from: &Connection, partial: &Path) -> Result<(), StoreError> {
    let copied = || -> rusqlite::Result<()> {
        let mut to = Connection::open(partial)?;
        // Nobody reads it before it is complete: it needs no journal, and is synced once at the end.
        to.pragma_update(None, "journal_mode", "OFF")?;
        to.pragma_update(None, "synchronous", "OFF")?;
        // All at once: the log of changes holds the one moment that is copied, and no write restarts it.
        Backup::new(from, &mut to)?.step(-1)?;
        Ok(())
    };
    copied().map_err(|error| SqliteError::Sql(error).at(partial))
}

/// What a start does to a store of an earlier form, and another epoch.
fn begin_life(
    path: &Path,
    note: impl FnOnce(&mut dyn Reader) -> Vec<Record>,
) -> Result<(), SqliteError> {
    let conn = connect::writer(path, &Options::default())?;
    // The copy that was restored stays: it is the way back.
    schema::prepare(&conn, path, schema::STEPS, |_| Ok(()))?;
    schema::write_epoch(&conn, random_epoch()?)?;
    // What is old in it was not old to those who wait for it: they get time to take it.
    clock::write_age_waits(&conn, Some(RESTORED))?;
    let mut reader = SqliteReader::new(connect::existing(path, &Options::default())?);
    for record in note(&mut reader) {
        put_record(&conn, &record)?;
    }
    Ok(())
}

/// Moves what connections left in a log of changes into the file itself, which is a file of its own.
fn settle(path: &Path) -> Result<(), StoreError> {
    let settled = || -> rusqlite::Result<()> {
        let conn = connect::writer(path, &Options::default())?;
        match belonging::forget(&conn) {
            // What is damaged has been told, and such a copy is kept as well.
            Err(error) if is_damage(&error) => {}
            forgotten => forgotten?,
        }
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    settled().map_err(|error| SqliteError::Sql(error).at(path))
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

/// The same, unless somebody has the name already.
fn publish_new(partial: &Path, target: &Path) -> Result<bool, StoreError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(|error| failed(partial, &error))?;
    match renameat_with(CWD, partial, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => sync_directory(target).map(|()| true).map_err(|error| failed(target, &error)),
        Err(Errno::EXIST) => Ok(false),
        // Not every file system can say no; then it is looked first.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if target.symlink_metadata().is_ok() => {
            Ok(false)
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => publish(partial, target).map(|()| true),
        Err(error) => Err(failed(target, &error.into())),
    }
}

/// Renames a store with its log of changes, over nothing that was put aside before. If an earlier
/// restore was interrupted in between, its log follows the store that it belongs to.
fn put_aside(path: &Path, was_interrupted: bool) -> Result<(), StoreError> {
    let log = suffixed(path, WAL);
    let aside = match (path.exists(), replaced(path).pop()) {
        // Only a restore that was interrupted has put the file aside and left its log.
        (false, Some(earlier))
            if was_interrupted && log.exists() && !suffixed(&earlier, WAL).exists() =>
        {
            earlier
        }
        _ => next_aside(path),
    };
    rename(path, &aside)?;
    rename(&log, &suffixed(&aside, WAL))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(from, &error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn sync_directory(file: &Path) -> std::io::Result<()> {
    File::open(folder(file))?.sync_all()
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
