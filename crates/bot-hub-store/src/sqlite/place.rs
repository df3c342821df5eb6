//! Where a copy of a store may be written.
//!
//! Owns which files a copy never replaces: files of a hub, anything that is no regular file, and files that
//! are no copies. Only reads.

use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::connect::{DATABASE, database};
use super::leftovers::{PARTIAL, PIPED, REPLACED, SCHEMA, SHM, SWITCHING, WAL, piped};
use super::lock::LOCK;
use crate::StoreError;

/// Why a copy may not have this path.
#[derive(Debug, thiserror::Error)]
pub enum NoPlace {
    /// It would replace a file of a hub.
    #[error("`{0}` is a file of a hub\nhint: name a file in another directory, or `-` for stdout")]
    OfHub(String),
    /// Other files do not belong in a hub's data directory; the hub even serves some of them.
    #[error(
        "`{0}` is in the data directory of a hub\nhint: name a file in another directory, or `-` for stdout"
    )]
    AtHome(String),
    /// A device, a pipe, a socket, or a link to nothing.
    #[error("`{0}` is no regular file\nhint: name a file, or `-` for stdout")]
    Irregular(String),
    /// It would replace a file that is no copy.
    #[error(
        "`{0}` is no backup, and would be lost\nhint: name another file, or move that one away first"
    )]
    Foreign(String),
}

impl From<NoPlace> for StoreError {
    fn from(no: NoPlace) -> Self {
        Self::Failed(no.to_string())
    }
}

/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The path of the copy of a data directory's store. Symbolic links are resolved.
pub fn copy_place(directory: &Path, target: &Path) -> Result<PathBuf, NoPlace> {
    let name = target.display().to_string();
    let found = match fs::symlink_metadata(target) {
        Ok(_) => Some(fs::metadata(target).map_err(|_| NoPlace::Irregular(name.clone()))?),
        Err(_) => None,
    };
    if found.as_ref().is_some_and(|it| !it.is_file()) {
        return Err(NoPlace::Irregular(name));
    }
    let real = real(target);
    let homes = homes(directory);
    if has_own_name(&real, &homes) || found.as_ref().is_some_and(|it| is_own_file(it, &homes)) {
        return Err(NoPlace::OfHub(name));
    }
    let folder = super::backup::folder(&real);
    if homes.iter().any(|home| home == folder) && real != piped(folder) {
        return Err(NoPlace::AtHome(name));
    }
    if found.is_some_and(|it| it.len() > 0) && !begins_as_a_copy(&real) {
        return Err(NoPlace::Foreign(name));
    }
    Ok(real)
}

/// A path without links, also for a file that does not exist yet.
fn real(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path).ok();
    let parent =
        || Some(fs::canonicalize(super::backup::folder(path)).ok()?.join(path.file_name()?));
    whole.or_else(parent).unwrap_or_else(|| path.to_path_buf())
}

/// The data directory, and the directory of its store if that is a link.
fn homes(directory: &Path) -> [PathBuf; 2] {
    let store = real(&database(directory));
    [real(directory), super::backup::folder(&store).to_path_buf()]
}

/// Whether a hub has, or will have, a file with this name there. The data directory of another hub is
/// recognized by its lock file.
fn has_own_name(file: &Path, homes: &[PathBuf]) -> bool {
    let folder = super::backup::folder(file);
    let is_home = homes.iter().any(|home| home == folder) || folder.join(LOCK).exists();
    // The copy on its way to stdout is stored there, under the pid of this process.
    is_home && is_own(file) && file != piped(folder)
}

fn is_own(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let of_store = name.strip_prefix(DATABASE).is_some_and(|rest| {
        let suffixes = [WAL, SHM, "-journal", PARTIAL, REPLACED, SWITCHING, SCHEMA, PIPED];
        rest.is_empty() || suffixes.iter().any(|it| rest.starts_with(it))
    });
    of_store || [LOCK, "hub.json", "operator.token"].contains(&&*name)
}

/// Whether it is one of the hub's files under another name.
fn is_own_file(it: &Metadata, homes: &[PathBuf]) -> bool {
    let files = homes.iter().filter_map(|home| fs::read_dir(home).ok()).flatten().flatten();
    files.map(|file| file.path()).filter(|file| is_own(file)).any(|file| {
        fs::metadata(file).is_ok_and(|own| (own.dev(), own.ino()) == (it.dev(), it.ino()))
    })
}

/// Whether a file may be a store.
pub fn begins_as_a_copy(file: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && begin == *MAGIC
}
