//! One hub per data directory.
//!
//! Owns the lock file. The operating system holds the lock and releases it when the process ends in any
//! way, so no stale lock has to be removed by hand.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::StoreError;

/// The name of the lock file in a data directory.
pub(super) const LOCK: &str = "hub.lock";

/// How often a held lock is tried again, and the pause between two tries.
const LOOKS: u32 = 5;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Which process has the store of a data directory open for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Another process.
    Somebody,
    /// No process.
    Nobody,
    /// It cannot be determined.
    Unknown,
}

/// Checks the lock without creating it. Two checks at the same moment do not disturb each other.
pub(super) fn holder(directory: &Path) -> Holder {
    match File::options().read(true).write(true).open(directory.join(LOCK)) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Holder::Nobody,
            Err(TryLockError::WouldBlock) => Holder::Somebody,
            Err(TryLockError::Error(_)) => Holder::Unknown,
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Holder::Nobody,
        Err(_) => Holder::Unknown,
    }
}

/// The lock is held as long as this value lives.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, or reports its holder. [`holder`] shares the lock for a moment while it checks; this
    /// waits until that is over.
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        for _ in 0..LOOKS {
            match Self::try_take(directory) {
                Err(StoreError::InUse { .. }) => std::thread::sleep(LOOK_EVERY),
                taken => return taken,
            }
        }
        Self::try_take(directory)
    }

    fn try_take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(LOCK);
        let name = || path.display().to_string();
        let failed = |error| StoreError::Failed(format!("`{}`: {error}", name()));
        let file = super::private(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::InUse { path: directory.display().to_string() })
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_somebody_only_looks_at_is_held_by_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let check = |expected| assert_eq!(holder(dir.path()), expected);
        check(Holder::Nobody);
        let lock = DirectoryLock::take(dir.path()).unwrap();
        check(Holder::Somebody);
        drop(lock);
        let looks = File::open(dir.path().join(LOCK)).unwrap();
        looks.lock_shared().unwrap();
        check(Holder::Nobody);
        assert!(matches!(DirectoryLock::try_take(dir.path()), Err(StoreError::InUse { .. })));
    }
}
