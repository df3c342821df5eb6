//! What was left behind by a backup, a restore or an upgrade that was interrupted.
//!
//! Owns the names of such files, and what a start does about them: half of a copy is removed; a store
//! that is not where it should be stops the start, since an empty one in its place would look like a
//! loss of everything.

use std::fs;
use std::path::{Path, PathBuf};

use super::belonging;
use super::connect::{DATABASE, database};
use crate::StoreError;

/// Behind the name of a copy that is not complete.
pub(super) const PARTIAL: &str = ".partial";

/// Behind the name of a store that a restore has put aside.
pub(super) const REPLACED: &str = ".replaced";

/// There while a restore exchanges one store for another.
pub(super) const SWITCHING: &str = ".switching";

/// Behind the name of a copy in which something is damaged.
const DAMAGED: &str = ".damaged";

/// The name beside that of a copy that is whole.
pub(super) fn damaged(target: &Path) -> PathBuf {
    suffixed(target, DAMAGED)
}

/// The name that a copy would have if it were whole.
pub fn undamaged(name: &str) -> Option<&str> {
    name.strip_suffix(DAMAGED)
}

/// Behind the name of a database: its log of changes, and the index of that.
pub(super) const WAL: &str = "-wal";
pub(super) const SHM: &str = "-shm";

/// Behind the name of a copy on its way to stdout, with the number of the process that makes it.
pub(super) const PIPED: &str = ".backup-";

/// Behind the name of the copy that is made before an upgrade, with the number of its form.
pub(super) const SCHEMA: &str = ".schema-";

/// The copy on its way to stdout that this process makes.
pub fn piped(directory: &Path) -> PathBuf {
    directory.join(format!("{DATABASE}{PIPED}{}", std::process::id()))
}

/// A copy of this name that is not complete; the number is of the one who makes it.
pub(super) fn half_of(target: &Path, number: u64) -> PathBuf {
    suffixed(target, &format!(".{number:016x}{PARTIAL}"))
}

/// The name that a half was to get, if the name is a half's, or of a log beside it.
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

/// Removes halves of copies in a data directory, which nobody can be making: the caller has the lock.
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

/// Why no store can be opened, or begun, in a data directory as it is.
pub fn obstacle(directory: &Path) -> Option<String> {
    check(&database(directory)).err().map(|error| error.to_string())
}

/// Refuses a directory whose store was put aside and not replaced, is gone, or has another one's log.
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

/// The next name that nothing has which was put aside.
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
