//! The wall clock of the hub, and nobody else's: libfaketime, told through a file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Where Debian puts it, by architecture.
const LIBRARIES: &str = "/usr/lib";

/// A clock that can be set.
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
    library: PathBuf,
}

impl Clock {
    /// Finds the library.
    pub fn new(library: Option<&Path>, home: &Path) -> Result<Self> {
        let library = match library {
            Some(library) => {
                library.canonicalize().with_context(|| library.display().to_string())?
            }
            None => installed().context("libfaketime is not installed")?,
        };
        let clock = Self { file: home.join("clock"), library };
        clock.set(0)?;
        Ok(clock)
    }

    /// What the hub's environment needs.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            // The clock on the wall jumps, the one that measures periods does not.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }

    /// So many seconds before or after the true time, from about now on.
    pub fn set(&self, seconds: i64) -> Result<()> {
        // In one step: the hub must not read half a number.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(std::fs::rename(new, &self.file)?)
    }
}

fn installed() -> Option<PathBuf> {
    let folders = std::fs::read_dir(LIBRARIES).ok()?;
    let mut files = folders.flatten().map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    files.find(|file| file.exists())
}
