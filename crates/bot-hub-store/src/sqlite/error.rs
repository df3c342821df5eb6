//! What SQLite's errors mean for the hub.
//!
//! Owns this one translation. Never retries.

use std::path::Path;

use bot_protocol::name::RoomName;
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::StoreError;

/// Any error inside this backend.
#[derive(Debug)]
pub(super) enum SqliteError {
    /// An error of SQLite.
    Sql(rusqlite::Error),
    /// A write names a room that does not exist.
    NoSuchRoom(RoomName),
    /// An error in its final form.
    Store(StoreError),
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for SqliteError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SqliteError {
    /// Translates the error for the hub.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::NoSuchRoom(room) => StoreError::NoSuchRoom { room },
            Self::Sql(error) if is_full(&error) => {
                StoreError::Full { path: path.display().to_string() }
            }
            Self::Sql(error) if is_damage(&error) || is_foreign(&error) => {
                StoreError::Failed(format!(
                    "`{}` is damaged: {error}; hint: a backup has it: bot-hub restore FILE --replace",
                    path.display()
                ))
            }
            Self::Sql(error) => StoreError::Failed(format!("`{}`: {error}", path.display())),
        }
    }
}

/// Whether there was no space to write. The index of the write-ahead log grows by a system call of its own,
/// whose failure SQLite does not report as "full"; nothing was written in that case either.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else { return false };
    error.code == ErrorCode::DiskFull || error.extended_code == SQLITE_IOERR_SHMSIZE
}

/// Whether the content of the file is invalid, as opposed to an error of reading it.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => error.code == ErrorCode::DatabaseCorrupt,
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

fn is_foreign(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
}
