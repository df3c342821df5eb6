//! Connections to the database file.
//!
//! Owns the file's path and every setting of a connection, with its reason.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bot_protocol::id::Epoch;
use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::SqliteError;
use super::leftovers::{WAL, suffixed};
use super::schema;
use crate::StoreError;

/// The name of the database in a data directory.
pub(super) const DATABASE: &str = "hub.db";

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The registered name of the virtual file system below SQLite. If set, only it is used: no directory
    /// is created and no lock taken.
    pub vfs: Option<&'static str>,
    /// Skips every sync. Tests use it to show that they would notice a missing one.
    pub never_sync: bool,
    /// The size in pages of 4 KiB from which the write-ahead log is moved into the database. A larger value
    /// saves work, because a page that changed often is moved once. A smaller one keeps the start after a
    /// crash short, because the start reads the whole log: about 20 ms for the default of 16 MB.
    pub wal_pages: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { vfs: None, never_sync: false, wal_pages: 4_000 }
    }
}

/// The size to which the write-ahead log file is truncated after it had to grow: 64 MB.
const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// How long a statement waits while another process holds the file for a moment.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// The database of a data directory.
pub(super) fn database(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// The connection for writing.
pub(super) fn writer(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let conn = open(path, options, OpenFlags::SQLITE_OPEN_CREATE)?;
    // The journal mode is a property of the file. It is set first, because a busy file fails here.
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(%mode, "the file system has no write-ahead log: every commit costs more");
    }
    // FULL syncs the log with every commit. Otherwise an acknowledged message could be lost with the power.
    conn.pragma_update(None, "synchronous", if options.never_sync { "OFF" } else { "FULL" })?;
    // `checkpoint` does it and sees its errors; SQLite's automatic one would ignore a failed sync.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    // 8 MB hold the upper levels of all trees, and the leaves that are being filled.
    conn.pragma_update(None, "cache_size", -8_000)?;
    Ok(conn)
}

/// A connection that never writes. It is opened for writing all the same, because the first connection
/// after a crash has to recover the file, and SQLite allows that to writers only.
pub(super) fn reader(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let conn = open(path, options, OpenFlags::empty())?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(conn)
}

/// A connection for reading an existing store, with the current schema. Refuses a newer schema; an older
/// one is upgraded in a temporary copy that ends with the connection.
pub(super) fn existing(path: &Path, options: &Options) -> Result<Connection, SqliteError> {
    let conn = as_it_is(path, options)?;
    match schema::reads(&conn)? {
        true => Ok(conn),
        false => lifted(&conn, path),
    }
}

/// The same with the existing schema, for a caller that copies the store as it is.
pub(super) fn as_it_is(path: &Path, options: &Options) -> Result<Connection, SqliteError> {
    if options.vfs.is_none() && !path.exists() {
        let cause = format!("there is no store at `{}`", path.display());
        return Err(StoreError::Failed(cause).into());
    }
    let conn = match options.vfs.is_none() && is_read_only(path) {
        true => frozen(path)?,
        false => reader(path, options)?,
    };
    // A reader must not change the database: the log that a killed hub left is for the next hub to apply.
    if options.vfs.is_none() && has_log(path) {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    schema::check(&conn, path)?;
    Ok(conn)
}

fn has_log(path: &Path) -> bool {
    suffixed(path, WAL).metadata().is_ok_and(|it| it.len() > 0)
}

fn lifted(conn: &Connection, path: &Path) -> Result<Connection, SqliteError> {
    // A database without a name is a temporary file of this connection.
    let mut copy = Connection::open("")?;
    Backup::new(conn, &mut copy)?.step(-1)?;
    set_up(&copy)?;
    schema::prepare(&copy, path, schema::STEPS, |_| Ok(()))?;
    copy.pragma_update(None, "query_only", true)?;
    Ok(copy)
}

/// The epoch of a copy; `None` if it is no store or cannot be read.
pub(super) fn epoch_of(path: &Path) -> Option<Epoch> {
    let conn = frozen(path).ok()?;
    schema::check(&conn, path).ok()?;
    schema::read_epoch(&conn).ok()?
}

/// Whether nothing can be written there, not even the index of a write-ahead log.
pub(super) fn is_read_only(path: &Path) -> bool {
    let disk = rustix::fs::statvfs(path);
    disk.is_ok_and(|it| it.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// Opens a file that nobody can change: without locks, and without creating files beside it.
fn frozen(path: &Path) -> Result<Connection, SqliteError> {
    if has_log(path) {
        let cause = format!(
            "`{}` holds changes that can be read only where something can be written; hint: copy the whole \
             directory to another place, and name that with --data",
            suffixed(path, WAL).display()
        );
        return Err(StoreError::Failed(cause).into());
    }
    immutable(path)
}

/// Opens a database without its log, which is neither read nor changed.
pub(super) fn immutable(path: &Path) -> Result<Connection, SqliteError> {
    let escaped =
        path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?;
    set_up(&conn)?;
    Ok(conn)
}

fn open(path: &Path, options: &Options, more: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let conn = match options.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
        None => Connection::open_with_flags(path, flags)?,
    };
    set_up(&conn)?;
    Ok(conn)
}

fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    // Query plans must not depend on bound values. Otherwise SQLite would compile a statement again for
    // every new value, which costs more than most statements do.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Damage leads to an error instead of a guess.
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}
