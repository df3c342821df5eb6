//! Small records in their table.
//!
//! Owns the handling of damage: a damaged record is withheld and does not hide any other. Never writes.
//!
//! Kind and key share one column, `kind/key`. With two columns, SQLite compares both again in every row of
//! a range, and silently skips one whose key is damaged.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use smol_str::{SmolStr, format_smolstr};

use super::error::is_damage;
use super::names::intact;
use super::read::Unknown;
use super::rows::record_sum;
use super::sum::Sum;
use crate::record::{Record, RecordKind, RecordOrder, RecordPage, RecordQuery};

const UP: &str = "SELECT name, value, sum FROM record WHERE name >= ?1 ORDER BY name";

const DOWN: &str = "SELECT name, value, sum FROM record WHERE name < ?1 ORDER BY name DESC";

/// Reads by number, independent of the index.
const ALL: &str = "SELECT name, value, sum FROM record NOT INDEXED";

const NUMBERS: &str = "SELECT id FROM record NOT INDEXED";

const ONE: &str = "SELECT name, value, sum FROM record WHERE id = ?1";

/// The name is stored before the value, which may continue on overflow pages.
const NAME: &str = "SELECT name FROM record WHERE id = ?1";

/// The stored name of a record. A kind contains no slash, so it is unambiguous.
pub(super) fn name_of(kind: &RecordKind, key: &str) -> SmolStr {
    format_smolstr!("{}/{key}", kind.as_str())
}

/// Answers a query.
pub(super) fn page(
    conn: &Connection,
    sum: &mut Sum,
    query: &RecordQuery,
) -> rusqlite::Result<RecordPage> {
    match straight(conn, sum, query) {
        Ok(page) => Ok(page),
        Err(Unknown::Sql(error)) if !is_damage(&error) => Err(error),
        Err(_) => searched(conn, sum, query),
    }
}

/// Uses the index, from which the names are read. A damaged name in the index can mislead the look-up. The
/// damaged one is then either directly before the place that was found or on the path from there, so all of
/// these must be intact.
fn straight(conn: &Connection, sum: &mut Sum, query: &RecordQuery) -> Result<RecordPage, Unknown> {
    let (ahead, before, key) = match query.order {
        RecordOrder::Ascending => (UP, DOWN, &query.from),
        RecordOrder::Descending => (DOWN, UP, &query.to),
    };
    let place = name_of(&query.kind, key);
    let mut statement = conn.prepare_cached(before)?;
    let neighbour = statement.query_row([&*place], |row| Ok(record_row(sum, row))).optional()?;
    if matches!(neighbour, Some(Err(_))) {
        return Err(Unknown::Damaged);
    }
    let mut statement = conn.prepare_cached(ahead)?;
    let rows = statement.query_map([&*place], |row| Ok(record_row(sum, row)))?;
    let found = rows.map(|row| row?.map_err(|_| Unknown::Damaged));
    query.page(found.take_while(|it| it.as_ref().map_or(true, |record| query.holds(record))))
}

/// Scans all records.
fn searched(conn: &Connection, sum: &mut Sum, query: &RecordQuery) -> rusqlite::Result<RecordPage> {
    let mut damaged = Vec::new();
    let mut found = BTreeMap::<SmolStr, Record>::new();
    walk(conn, sum, |record| match record {
        Err(name) => damaged.push(name),
        Ok(record) if query.holds(&record) => {
            found.insert(record.key().clone(), record);
            // One record more than requested shows that there are more.
            if found.len() > query.records_max.max(1) as usize + 1 {
                match query.order {
                    RecordOrder::Ascending => drop(found.pop_last()),
                    RecordOrder::Descending => drop(found.pop_first()),
                }
            }
        }
        Ok(_) => {}
    })?;
    tracing::error!(
        damaged = damaged.len(),
        first = ?damaged.first(),
        "records or their index are damaged: what is damaged is withheld\nhint: bot-hub verify"
    );
    let found = found.into_values().map(Ok);
    let page = match query.order {
        RecordOrder::Ascending => query.page(found),
        RecordOrder::Descending => query.page(found.rev()),
    };
    page.map(|page| RecordPage { damaged, ..page })
}

/// Visits every record without comparing names. Reports the name of a damaged one, for people.
pub(super) fn walk(
    conn: &Connection,
    sum: &mut Sum,
    mut visit: impl FnMut(Result<Record, String>),
) -> rusqlite::Result<()> {
    let mut visited = 0;
    let mut statement = conn.prepare_cached(ALL)?;
    let mut rows = statement.query([])?;
    loop {
        match rows.next() {
            Ok(Some(row)) => visit(record_row(sum, row)),
            Ok(None) => return Ok(()),
            Err(error) if is_damage(&error) => break,
            Err(error) => return Err(error),
        }
        visited += 1;
    }
    drop(rows);
    // The value of a record cannot be read. From here on, each record is looked up by its number.
    let mut statement = conn.prepare_cached(NUMBERS)?;
    let numbers = statement.query_map([], |row| row.get(0))?;
    for number in numbers.skip(visited) {
        visit(single(conn, sum, number?)?);
    }
    Ok(())
}

fn single(
    conn: &Connection,
    sum: &mut Sum,
    number: i64,
) -> rusqlite::Result<Result<Record, String>> {
    let mut statement = conn.prepare_cached(ONE)?;
    let found = statement.query_row([number], |row| Ok(record_row(sum, row)));
    if let Some(record) = intact(found)? {
        return Ok(record);
    }
    let mut statement = conn.prepare_cached(NAME)?;
    let name = statement.query_row([number], |row| Ok(legible(row.get_ref(0)?)));
    Ok(Err(intact(name)?.unwrap_or_default()))
}

/// Decodes `name, value, sum`; the error is the name of a damaged record.
fn record_row(sum: &mut Sum, row: &Row<'_>) -> Result<Record, String> {
    let column = |index| row.get_ref(index).unwrap_or(ValueRef::Null);
    let mut whole = || {
        let (name, value) = (column(0).as_str().ok()?, column(1).as_blob().ok()?);
        let is_intact = record_sum(sum, name, value) == column(2).as_i64().ok()?;
        let (kind, key) = name.split_once('/').filter(|_| is_intact)?;
        Record::new(RecordKind::new(kind).ok()?, key, value).ok()
    };
    whole().ok_or_else(|| legible(column(0)))
}

/// A name in printable form, whatever its bytes are.
fn legible(name: ValueRef<'_>) -> String {
    String::from_utf8_lossy(name.as_bytes().unwrap_or_default()).escape_debug().to_string()
}
