//! Writing a store anew, so that nothing is left of what was removed.
//!
//! Owns which files that is about: the database and its write-ahead log. Copies and the disk's own leftovers
//! are not reached.

use std::path::Path;

use super::connect;
use super::error::SqliteError;
use super::{SqliteStore, suffixed};
use crate::StoreError;

/// How large a store was, and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The bytes of its files before.
    pub before: u64,
    /// The same afterwards.
    pub after: u64,
}

impl SqliteStore {
    /// Writes the store anew and empties its write-ahead log: nothing that was removed or redacted is in its
    /// files any more. Takes as much space again for a while, beside the store and among the temporary files. A
    /// crash leaves the old store or the new one.
    ///
    /// # Errors
    ///
    /// There is not enough space, another process reads the store, or the medium fails. Then something of
    /// what was removed may still be there.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        if self.options.vfs.is_none() {
            // Not in memory: it is as large as the store.
            self.set("temp_store", "FILE")?;
        }
        let written = self.conn.execute_batch("VACUUM").and_then(|()| self.empty_log());
        let is_emptied = written.map_err(|error| SqliteError::Sql(error).at(&self.path))?;
        match is_emptied {
            true => Ok(()),
            false => Err(StoreError::Failed(format!(
                "`{}` is being read, and its log cannot be emptied; hint: try again in a moment",
                self.path.display()
            ))),
        }
    }

    fn set(&self, pragma: &str, value: &str) -> Result<(), StoreError> {
        let set = self.conn.pragma_update(None, pragma, value);
        set.map_err(|error| SqliteError::Sql(error).at(&self.path))
    }

    fn empty_log(&self) -> rusqlite::Result<bool> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        self.conn.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? == 0))
    }
}

/// Compacts the store of a data directory on which no hub runs.
///
/// # Errors
///
/// As [`SqliteStore::compact`]; or a hub runs there, or there is no store.
pub fn compact(directory: &Path) -> Result<Compacted, StoreError> {
    let path = connect::database(directory);
    if !path.exists() {
        return Err(StoreError::Failed(format!("there is no store at `{}`", path.display())));
    }
    let mut store = SqliteStore::open(directory)?;
    let before = bytes_of(&path);
    store.compact()?;
    drop(store);
    Ok(Compacted { before, after: bytes_of(&path) })
}

fn bytes_of(path: &Path) -> u64 {
    let files = [path.to_path_buf(), suffixed(path, super::leftovers::WAL)];
    files.iter().filter_map(|file| file.metadata().ok()).map(|it| it.len()).sum()
}
