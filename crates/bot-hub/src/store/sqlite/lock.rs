//! One hub per data directory.
//!
//! Owns the lock file. The lock is the operating system's: it ends with the process, however that
//! ends, so that no stale lock has to be removed by hand.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::store::StoreError;

/// The name of the lock file in a data directory.
pub(super) const LOCK: &str = "hub.lock";

/// How often a lock that somebody has is asked for again, and after which pause.
const LOOKS: u32 = 5;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Who has the store of a data directory open for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Somebody.
    Somebody,
    /// Nobody.
    Nobody,
    /// It cannot be seen from here.
    Unknown,
}

/// Looks who has the lock, without making it.
pub(super) fn holder(directory: &Path) -> Holder {
    match File::options().write(true).open(directory.join(LOCK)) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Holder::Nobody,
            Err(TryLockError::WouldBlock) => Holder::Somebody,
            Err(TryLockError::Error(_)) => Holder::Unknown,
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Holder::Nobody,
        Err(_) => Holder::Unknown,
    }
}

/// Held as long as this value lives.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, or says who has it. Whoever only looks whether it is free has it for a moment:
    /// that is waited for.
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
