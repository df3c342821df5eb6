//! Backups of a store, and restoring them.
//!
//! Owns `backup`, `restore`, and the copy before a schema change. A copy gets its name only after it is
//! complete, synced and verified; no existing file is overwritten in place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use bot_protocol::name::BotId;
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
use super::renamed;
use super::schema;
use super::verify::{Report, verify_file};
use crate::record::Record;
use crate::{RESTORED, Reader, StoreError, random_epoch};

/// The free space that a backup leaves to a hub on the same disk; on a small disk a tenth of it.
const RESERVE_BYTES: u64 = 64 << 20;

/// A finished copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its final name.
    pub file: PathBuf,
    /// What the verification of the copy found.
    pub report: Report,
}

/// Copies the store of a data directory into a file, also while a hub runs on it. The copy is a consistent
/// snapshot with the store's schema. An existing copy is replaced only after the new one is complete; a
/// file that is no copy is never replaced.
///
/// Damage does not stop a backup, because the intact part is worth keeping. A damaged copy gets another
/// name beside the requested one, so that it cannot replace an earlier intact copy.
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

/// Makes a copy under the first name that no file has, so nothing is replaced. The names are requested
/// after the copy is complete; until then it is stored beside `draft`.
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

/// Makes a copy for a caller that forwards and then removes it, so its name does not depend on damage.
pub fn copy_through(directory: &Path, target: &Path) -> Result<Report, StoreError> {
    let place = copy_place(directory, target)?;
    let (partial, report) = made(directory, &place)?;
    publish(&partial.0, &place)?;
    Ok(report)
}

/// Makes a complete and verified copy that has no final name yet.
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

/// A temporary file that is removed unless it gets its final name. Its name is unique, so two backups with
/// the same target can run at once.
struct Partial(PathBuf);

impl Partial {
    fn of(target: &Path) -> Result<Self, StoreError> {
        let partial = half_of(target, random_epoch()?.0);
        // A copy contains all messages, so it is readable only by its owner.
        super::private_new(&partial).map_err(|error| failed(&partial, &error))?;
        Ok(Self(partial))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        for suffix in ["", WAL, SHM] {
            // A renamed file does not exist under this name any more. If removing fails, the next start
            // removes it.
            drop(fs::remove_file(suffixed(&self.0, suffix)));
        }
    }
}

/// What becomes of a store that is in the place of a restored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is restored.
    Keep,
    /// It gets another name.
    PutAside,
}

/// What became of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the verification of the restored store found.
    pub report: Report,
    /// Bots of the copy that are not in it: they were removed since, and others have their names.
    pub ended: Vec<BotId>,
}

/// Makes a copy the store of a data directory. The store gets a new epoch, so that no client resumes with
/// positions from a log that went back in time.
///
/// Returns the report about the restored store.
pub fn restore(copy: &Path, directory: &Path, existing: Existing) -> Result<Report, StoreError> {
    restore_noting(copy, directory, existing, |_| Vec::new()).map(|restored| restored.report)
}

/// The same for a store that has these records from its beginning, beside those of the copy. They are
/// made of what can be read there.
pub fn restore_noting(
    copy: &Path,
    directory: &Path,
    existing: Existing,
    note: impl FnOnce(&mut dyn Reader) -> Vec<Record>,
) -> Result<Restored, StoreError> {
    super::make_directory(directory)?;
    let _lock = DirectoryLock::take(directory)?;
    let path = connect::database(directory);
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    if existing == Existing::Keep && suffixed(&path, SWITCHING).exists() {
        leftovers::check(&path)?;
    }
    if length > 0 && existing == Existing::Keep {
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
    let ended = begin_life(&partial.0, &path, note).map_err(|error| error.at(&partial.0))?;
    let report = verify_file(&partial.0, &Options::default())?;
    settle(&partial.0)?;
    // From here on the hub refuses to start until the new store has its name; otherwise it would find no
    // store in between and create an empty one.
    let marker = suffixed(&path, SWITCHING);
    let was_interrupted = marker.exists();
    mark(&marker)?;
    put_aside(&path, was_interrupted)?;
    publish(&partial.0, &path)?;
    remove(&marker)?;
    sync_directory(&path).map_err(|error| failed(&path, &error))?;
    Ok(Restored { report, ended })
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

/// Refuses a copy that will not fit, before it uses up space that others need.
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

/// Copies an open store before its schema changes.
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
        // The file is not read before it is complete, so it needs no journal, and one sync at the end is
        // enough.
        to.pragma_update(None, "journal_mode", "OFF")?;
        to.pragma_update(None, "synchronous", "OFF")?;
        // Copies in one step: the write-ahead log then keeps the snapshot, and no write restarts the copy.
        Backup::new(from, &mut to)?.step(-1)?;
        Ok(())
    };
    copied().map_err(|error| SqliteError::Sql(error).at(partial))
}

/// Prepares a restored store: upgrades its schema and gives it a new epoch. Returns the bots that end with
/// that, because others have their names in the store that was here until now.
fn begin_life(
    path: &Path,
    present: &Path,
    note: impl FnOnce(&mut dyn Reader) -> Vec<Record>,
) -> Result<Vec<BotId>, SqliteError> {
    let conn = connect::writer(path, &Options::default())?;
    // No copy is needed before the upgrade: the backup that was restored still exists.
    schema::prepare(&conn, path, schema::STEPS, |_| Ok(()))?;
    schema::write_epoch(&conn, random_epoch()?)?;
    // Messages that are old by now were not old for the bots that wait for them, so retention by age
    // pauses.
    clock::write_age_waits(&conn, Some(RESTORED))?;
    let mut reader = SqliteReader::new(connect::existing(path, &Options::default())?);
    for record in note(&mut reader) {
        put_record(&conn, &record)?;
    }
    let ended = renamed::since(&conn, present);
    renamed::end(&conn, &ended)?;
    Ok(ended.into_iter().map(|(bot, _)| bot).collect())
}

/// Moves the content of the write-ahead log into the database file, so that it stands alone.
fn settle(path: &Path) -> Result<(), StoreError> {
    let settled = || -> rusqlite::Result<()> {
        let conn = connect::writer(path, &Options::default())?;
        match belonging::forget(&conn) {
            // Damage was reported already, and a damaged copy is kept as well.
            Err(error) if is_damage(&error) => {}
            forgotten => forgotten?,
        }
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    settled().map_err(|error| SqliteError::Sql(error).at(path))
}

/// Renames a complete file to its final name and syncs the directory, so that the name survives a loss of
/// power.
fn publish(partial: &Path, target: &Path) -> Result<(), StoreError> {
    // The write-ahead log of an earlier file with this name must not be taken for a part of this one.
    remove(&suffixed(target, WAL))?;
    remove(&suffixed(target, SHM))?;
    let named = || -> std::io::Result<()> {
        File::open(partial)?.sync_all()?;
        fs::rename(partial, target)?;
        sync_directory(target)
    };
    named().map_err(|error| failed(target, &error))
}

/// The same, unless a file with this name exists.
fn publish_new(partial: &Path, target: &Path) -> Result<bool, StoreError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(|error| failed(partial, &error))?;
    match renameat_with(CWD, partial, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => sync_directory(target).map(|()| true).map_err(|error| failed(target, &error)),
        Err(Errno::EXIST) => Ok(false),
        // Some file systems do not support this rename; there, the name is checked before.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if target.symlink_metadata().is_ok() => {
            Ok(false)
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => publish(partial, target).map(|()| true),
        Err(error) => Err(failed(target, &error.into())),
    }
}

/// Renames a store with its write-ahead log to an unused name. If an earlier restore was interrupted
/// between the two, the log follows the store that it belongs to.
fn put_aside(path: &Path, was_interrupted: bool) -> Result<(), StoreError> {
    let log = suffixed(path, WAL);
    let aside = match (path.exists(), replaced(path).pop()) {
        // An interrupted restore has renamed the file and left its log behind.
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
