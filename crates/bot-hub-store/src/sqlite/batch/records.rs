//! Small records: one statement each.
//!
//! Owns their writes. Never looks into a value.

use bot_hub_core::change::Outcome;
use rusqlite::Connection;

use super::Batch;
use crate::record::{Record, RecordQuery, RecordWrite};
use crate::sqlite::error::SqliteError;
use crate::sqlite::records::name_of;
use crate::sqlite::rows::record_sum;
use crate::sqlite::sum::Sum;

/// An existing row is changed in place, so its entry in the index stays.
const PUT: &str = "INSERT INTO record (name, value, sum) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum";

const ADD: &str = "INSERT INTO record (name, value, sum) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO NOTHING";

const REMOVE: &str = "DELETE FROM record WHERE name = ?1";

const REMOVE_ALL: &str = "DELETE FROM record WHERE name >= ?1 AND name < ?2";

impl Batch<'_> {
    pub(super) fn record(&mut self, write: &RecordWrite) -> Result<Outcome, SqliteError> {
        let rows = match write {
            RecordWrite::Put(record) => self.insert_record(PUT, record)?,
            RecordWrite::Add(record) => self.insert_record(ADD, record)?,
            RecordWrite::Remove(kind, key) => {
                let mut statement = self.conn.prepare_cached(REMOVE)?;
                statement.execute([name_of(kind, key).as_str()])?;
                return Ok(Outcome::Done);
            }
        };
        Ok(if rows == 0 { Outcome::Conflict } else { Outcome::Done })
    }

    /// Removes every record that a query includes.
    pub(super) fn forget_records(&self, query: &RecordQuery) -> rusqlite::Result<()> {
        let name = |key: &str| name_of(&query.kind, key);
        let (from, to) = (name(&query.from), name(&query.to));
        self.conn.prepare_cached(REMOVE_ALL)?.execute((from.as_str(), to.as_str())).map(drop)
    }

    fn insert_record(&mut self, sql: &str, record: &Record) -> rusqlite::Result<usize> {
        insert(self.conn, self.sum, sql, record)
    }
}

fn insert(conn: &Connection, sum: &mut Sum, sql: &str, record: &Record) -> rusqlite::Result<usize> {
    let name = name_of(record.kind(), record.key());
    let sum = record_sum(sum, &name, record.value());
    conn.prepare_cached(sql)?.execute((name.as_str(), record.value(), sum))
}

/// Writes a record into a store that nobody has open.
pub(in crate::sqlite) fn put_record(conn: &Connection, record: &Record) -> rusqlite::Result<()> {
    insert(conn, &mut Sum::default(), PUT, record).map(drop)
}
