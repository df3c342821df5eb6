//! One hub per data directory.
//!
//! Owns the lock file. The lock is the operating system's: it ends with the process, however that
//! ends, so that no stale lock has to be removed by hand.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::store::StoreError;

/// The name of the lock file in a data directory.
pub(super) const LOCK: &str = "hub.lock";

/// Held as long as this value lives.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(LOCK);
        let name = || path.display().to_string();
        let failed = |error| StoreError::Failed(format!("`{}`: {error}", name()));
        let file = File::options().create(true).write(true).truncate(false).open(&path);
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
