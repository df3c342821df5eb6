//! Whether the files that a running hub writes to are those in its data directory.
//!
//! Owns that question, which only the system can answer: it says which files a process has open. Looks
//! only. Where it says nothing, as to another user, nothing is claimed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::connect::database;
use super::leftovers::{WAL, suffixed};
use super::lock::LOCK;

/// A file that a hub writes to, and that is not in its data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// Where it should be.
    pub file: PathBuf,
    /// Whether there is none; else another one is there.
    pub is_gone: bool,
    /// What can be saved of it, and how.
    pub rescue: Rescue,
}

/// How to save what a hub writes where nobody will find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rescue {
    /// The database is the other one: both files have to be copied while the hub runs.
    Copy {
        /// Where the database that the hub writes to can still be read.
        open_as: Option<PathBuf>,
        /// Where its log of changes can still be read.
        log: PathBuf,
    },
    /// Only the log of changes is missing: when it stops in order, the hub writes all of it into the
    /// database.
    Stop,
}

/// Whether the process that runs a hub on a data directory writes to another file than is there.
pub fn astray(directory: &Path, pid: u32) -> Option<Astray> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let open: Vec<(PathBuf, (u64, u64))> =
        open.filter_map(|file| Some((file.path(), identity(&file.path())?))).collect();
    let has = |wanted: (u64, u64)| open.iter().any(|(_, found)| *found == wanted);
    // In another namespace the number is another process'.
    identity(&directory.join(LOCK)).filter(|lock| has(*lock))?;
    let database = database(directory);
    let log = suffixed(&database, WAL);
    let opened_as =
        |name: &Path| open.iter().map(|(file, _)| file).find(|file| had_name(file, name));
    let is_elsewhere = |file: &Path| !identity(file).is_some_and(has);
    if is_elsewhere(&database) {
        let open_as = opened_as(&database).cloned();
        let open_log = opened_as(&log).filter(|_| is_elsewhere(&log)).cloned();
        let log = open_log.unwrap_or(log);
        let is_gone = identity(&database).is_none();
        return Some(Astray { file: database, is_gone, rescue: Rescue::Copy { open_as, log } });
    }
    // A log that the hub has not opened yet cannot be missing.
    opened_as(&log).filter(|_| is_elsewhere(&log))?;
    let is_gone = identity(&log).is_none();
    Some(Astray { file: log, is_gone, rescue: Rescue::Stop })
}

/// The lock file that a process has open, if it is a hub's.
pub fn open_lock(pid: u32) -> Option<PathBuf> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let files = open.filter_map(|file| fs::read_link(file.path()).ok());
    files.into_iter().find(|file| file.file_name().is_some_and(|name| name == LOCK))
}

/// Which file it is, whatever its name.
fn identity(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|it| (it.dev(), it.ino()))
}

/// Whether an open file had the name of this one.
fn had_name(open: &Path, named: &Path) -> bool {
    let Ok(file) = fs::read_link(open) else { return false };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    named.file_name().is_some_and(|it| it == name)
}
