//! Checks whether a running hub writes to the files in its data directory.
//!
//! Owns this question, which only the operating system can answer: it knows the open files of a process.
//! Only reads. Where the system does not tell (about another user's process, for example), the files count
//! as in place.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::connect::database;
use super::leftovers::{WAL, suffixed};
use super::lock::LOCK;

/// A file that a hub writes to and that is no longer in its data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// The path where it should be.
    pub file: PathBuf,
    /// Whether no file is there; otherwise another file is.
    pub is_gone: bool,
    /// How its content can be rescued.
    pub rescue: Rescue,
}

/// How to rescue what a hub writes to a file without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rescue {
    /// The database was replaced: both files have to be copied while the hub runs.
    Copy {
        /// The path under which the open database can still be read.
        open_as: Option<PathBuf>,
        /// The path under which its write-ahead log can still be read.
        log: PathBuf,
    },
    /// Only the write-ahead log is missing. When the hub stops in order, it writes everything into the
    /// database.
    Stop,
}

/// Finds a file that the hub process writes to and that is not the one in the data directory.
pub fn astray(directory: &Path, pid: u32) -> Option<Astray> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let open: Vec<(PathBuf, (u64, u64))> =
        open.filter_map(|file| Some((file.path(), identity(&file.path())?))).collect();
    let has = |wanted: (u64, u64)| open.iter().any(|(_, found)| *found == wanted);
    // In another pid namespace, this number belongs to another process.
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

/// The path of the lock file that a process has open, if it is a hub.
pub fn open_lock(pid: u32) -> Option<PathBuf> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let files = open.filter_map(|file| fs::read_link(file.path()).ok());
    files.into_iter().find(|file| file.file_name().is_some_and(|name| name == LOCK))
}

/// The identity of a file, independent of its name.
fn identity(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|it| (it.dev(), it.ino()))
}

/// Whether an open file had this name.
fn had_name(open: &Path, named: &Path) -> bool {
    let Ok(file) = fs::read_link(open) else { return false };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    named.file_name().is_some_and(|it| it == name)
}
