//! Whether the file that a running hub writes to is the one in its data directory.
//!
//! Owns that question, which only the system can answer: it says which files a process has open. Looks
//! only. Where it says nothing, as to another user, nothing is claimed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::connect::{DATABASE, database};
use super::leftovers::{WAL, suffixed};
use super::lock::LOCK;

/// What is wrong with where a hub writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// The database of the data directory.
    pub database: PathBuf,
    /// Whether there is none; else another one is there.
    pub is_gone: bool,
    /// Where the one that the hub writes to can still be read, as long as the hub runs.
    pub open_as: Option<PathBuf>,
    /// Its log of changes.
    pub log: PathBuf,
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
    let here = identity(&database);
    if here.is_some_and(has) {
        return None;
    }
    let open_as = open.into_iter().map(|(file, _)| file).find(|file| is_database(file));
    let log = suffixed(&database, WAL);
    Some(Astray { database, is_gone: here.is_none(), open_as, log })
}

/// Which file it is, whatever its name.
fn identity(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|it| (it.dev(), it.ino()))
}

/// Whether an open file had the database's name.
fn is_database(open: &Path) -> bool {
    let Ok(file) = fs::read_link(open) else { return false };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.strip_suffix(" (deleted)").unwrap_or(&name) == DATABASE
}
