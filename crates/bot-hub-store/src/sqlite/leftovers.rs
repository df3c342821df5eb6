//! Files that an interrupted backup, restore or upgrade left behind.
//!
//! Owns the names of such files, and what a start does about them. Partial copies are removed. A store that
//! was moved away stops the start, because an empty one in its place would look as if everything was lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::belonging;
use super::connect::{DATABASE, database};
use crate::StoreError;

/// The suffix of an incomplete copy.
pub(super) const PARTIAL: &str = ".partial";

/// The suffix of a store that a restore has put aside.
pub(super) const REPLACED: &str = ".replaced";

/// The suffix of the marker that exists while a restore replaces the store.
pub(super) const SWITCHING: &str = ".switching";

/// The suffix of a copy with damage.
const DAMAGED: &str = ".damaged";

/// The name for a damaged copy, beside that of an intact one.
pub(super) fn damaged(target: &Path) -> PathBuf {
    suffixed(target, DAMAGED)
}

/// The name that a damaged copy would have if it were intact.
pub fn undamaged(name: &str) -> Option<&str> {
    name.strip_suffix(DAMAGED)
}

/// The suffixes of the write-ahead log and of its index.
pub(super) const WAL: &str = "-wal";
pub(super) const SHM: &str = "-shm";

/// The suffix of a copy on its way to stdout, before the pid of its process.
pub(super) const PIPED: &str = ".backup-";

/// The suffix of the copy that is made before an upgrade, before the number of its schema.
pub(super) const SCHEMA: &str = ".schema-";

/// The path for this process's copy on its way to stdout.
pub fn piped(directory: &Path) -> PathBuf {
    directory.join(format!("{DATABASE}{PIPED}{}", std::process::id()))
}

/// The path of an incomplete copy; the number identifies its process.
pub(super) fn half_of(target: &Path, number: u64) -> PathBuf {
    suffixed(target, &format!(".{number:016x}{PARTIAL}"))
}

/// The final name of an incomplete copy, from its name or from that of a log beside it.
pub fn whole_of(half: &str) -> Option<&str> {
    let bare = half.strip_suffix(WAL).or_else(|| half.strip_suffix(SHM)).unwrap_or(half);
    let bare = bare.strip_suffix(PARTIAL)?;
    let is_number = |it: &str| it.len() == 16 && it.bytes().all(|digit| digit.is_ascii_hexdigit());
    match bare.rsplit_once('.') {
        Some((whole, number)) if is_number(number) => Some(whole),
        _ => Some(bare),
    }
}

pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes incomplete copies from a data directory. The caller holds the lock, so nobody is writing them.
pub(super) fn clear(directory: &Path) {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    for name in files.filter_map(|file| file.file_name().into_string().ok()) {
        let Some(rest) = name.strip_prefix(DATABASE) else { continue };
        let is_of_the_dead = || {
            let pid = rest.strip_prefix(PIPED).and_then(|rest| rest.split(['-', '.']).next());
            pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
        };
        if rest.contains(PARTIAL) && !rest.contains(PIPED) || is_of_the_dead() {
            match fs::remove_file(directory.join(&name)) {
                Ok(()) => tracing::warn!(name, "half of a copy was left behind; it is removed"),
                Err(error) => tracing::warn!(name, %error, "half of a copy cannot be removed"),
            }
        }
    }
}

/// Why no store can be opened or created in a data directory.
pub fn obstacle(directory: &Path) -> Option<String> {
    check(&database(directory)).err().map(|error| error.to_string())
}

/// Refuses a directory whose store was put aside and not replaced, is missing, or has the log of another
/// one.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    let marker = suffixed(path, SWITCHING);
    let log = suffixed(path, WAL);
    if !marker.exists() && !path.exists() && log.metadata().is_ok_and(|it| it.len() > 0) {
        return Err(StoreError::Failed(format!(
            "`{}` is gone, and `{}` holds what was written to it last\n\
             hint: put it back in its place; without it only a backup helps: bot-hub restore FILE puts the log \
             aside",
            path.display(),
            log.display()
        )));
    }
    let is_there = path.metadata().is_ok_and(|it| it.len() > 0);
    let aside: Vec<PathBuf> = replaced(path);
    if !marker.exists() && (is_there || aside.is_empty()) {
        return belonging::check(path);
    }
    let newest = aside.last().map_or_else(String::new, |aside| {
        format!(
            ", or take back what was there before: mv '{}' '{}' (and the same with {WAL}, if it is there), \
             rm -f '{}'",
            aside.display(),
            path.display(),
            marker.display()
        )
    });
    Err(StoreError::Failed(format!(
        "a restore into `{}` was interrupted\n\
         hint: restore again, with `bot-hub restore FILE --replace`{newest}",
        path.with_file_name("").display()
    )))
}

/// Stores that were put aside, the newest last.
pub(super) fn replaced(path: &Path) -> Vec<PathBuf> {
    (1..).map(|number| aside(path, number)).take_while(|aside| aside.exists()).collect()
}

/// The next unused name for a store that is put aside.
pub(super) fn next_aside(path: &Path) -> PathBuf {
    let is_free = |aside: &PathBuf| !aside.exists() && !suffixed(aside, WAL).exists();
    (1..).map(|number| aside(path, number)).find(is_free).expect("numbers do not end")
}

fn aside(path: &Path, number: usize) -> PathBuf {
    match number {
        1 => suffixed(path, REPLACED),
        more => suffixed(path, &format!("{REPLACED}-{more}")),
    }
}
