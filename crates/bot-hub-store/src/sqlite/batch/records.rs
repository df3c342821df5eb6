//! Small records: one statement each.
//!
//! Owns their writes. Never looks into a value.

use bot_hub_core::change::Outcome;

use super::Batch;
use crate::record::{Record, RecordWrite};
use crate::sqlite::error::SqliteError;
use crate::sqlite::records::name_of;
use crate::sqlite::rows::record_sum;

/// An existing row is changed in place, so its entry in the index stays.
const PUT: &str = "INSERT INTO record (name, value, sum) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum";

const ADD: &str = "INSERT INTO record (name, value, sum) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO NOTHING";

const REMOVE: &str = "DELETE FROM record WHERE name = ?1";

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

    fn insert_record(&mut self, sql: &str, record: &Record) -> rusqlite::Result<usize> {
        let name = name_of(record.kind(), record.key());
        let sum = record_sum(self.sum, &name, record.value());
        self.conn.prepare_cached(sql)?.execute((name.as_str(), record.value(), sum))
    }
}
