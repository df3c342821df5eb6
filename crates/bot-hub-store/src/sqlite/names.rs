//! Numbers for the names of bots.
//!
//! Owns the table `name` and its cache. A number is never used twice.

use bot_protocol::name::BotId;
use rusqlite::{Connection, OptionalExtension};
use rustc_hash::FxHashMap;

use super::error::is_damage;

/// The cached part of the table, in both directions.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: FxHashMap<BotId, i64>,
    names: FxHashMap<i64, BotId>,
}

impl Names {
    /// Reads the whole table. A damaged row is left out, and its damage is found when it is looked up.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut names = Self::default();
        let mut statement = conn.prepare("SELECT id, name FROM name ORDER BY id")?;
        let mut rows = statement.query([])?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) if is_damage(&error) => break,
                Err(error) => return Err(error),
            };
            let Some(text) = intact(row.get::<_, String>(1))? else { continue };
            if let Ok(name) = BotId::new(&text) {
                names.names.insert(row.get(0)?, name);
            }
        }
        Ok(names)
    }

    /// The number of a name, if it has one.
    pub(super) fn number(
        &mut self,
        conn: &Connection,
        name: &BotId,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(Some(*number));
        }
        let mut statement = conn.prepare_cached("SELECT id FROM name WHERE name = ?1")?;
        let number = statement.query_row([name.as_str()], |row| row.get(0)).optional()?;
        if let Some(number) = number {
            self.numbers.insert(name.clone(), number);
        }
        Ok(number)
    }

    /// The number of a name; a new name gets one now.
    pub(super) fn number_or_new(
        &mut self,
        conn: &Connection,
        name: &BotId,
    ) -> rusqlite::Result<i64> {
        if let Some(number) = self.number(conn, name)? {
            return Ok(number);
        }
        conn.prepare_cached("INSERT INTO name (name) VALUES (?1)")?.execute([name.as_str()])?;
        let number = conn.last_insert_rowid();
        self.numbers.insert(name.clone(), number);
        Ok(number)
    }

    /// The name of a number; `None` if the table does not have it, which means damage.
    pub(super) fn name(
        &mut self,
        conn: &Connection,
        number: i64,
    ) -> rusqlite::Result<Option<BotId>> {
        if let Some(name) = self.names.get(&number) {
            return Ok(Some(name.clone()));
        }
        let mut statement = conn.prepare_cached("SELECT name FROM name WHERE id = ?1")?;
        let text = statement.query_row([number], |row| row.get::<_, String>(0));
        let name = intact(text)?.and_then(|text| BotId::new(&text).ok());
        if let Some(name) = &name {
            self.names.insert(number, name.clone());
        }
        Ok(name)
    }
}

/// The result of a look-up of one row. Neither an absent row nor a damaged one is an error here.
pub(super) fn intact<T>(found: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match found.optional() {
        Err(error) if is_damage(&error) => Ok(None),
        other => other,
    }
}
