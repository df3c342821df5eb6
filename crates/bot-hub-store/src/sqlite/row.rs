//! Entries as rows.
//!
//! Owns how an entry is stored in its row and how it is verified when it is read. The key of the row is
//! defined in `schema`.

use std::sync::Arc;

use bot_hub_core::entry::{Draft, Entry, Extras};
use bot_protocol::frame::Opaque;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row};

use super::names::Names;
use super::redaction;
use super::schema::{nat, seq_of};
use super::sum::{Sum, Wide};

/// The columns that [`decode`] expects, in its order.
macro_rules! entry_columns {
    () => {
        "place, sender, id, sent_at, size, proof, reply_to, thread, expires_at, act, meta, text"
    };
}
pub(super) use entry_columns;

/// An intact entry, with the checksum of what was appended and the chain link in its row.
#[derive(Debug)]
pub(super) struct Intact {
    pub(super) entry: Entry,
    pub(super) sum: Wide,
    pub(super) chain: Wide,
}

/// The checksum of an entry and its chain link, in one column.
pub(super) fn proof(sum: &Wide, chain: &Wide) -> [u8; 32] {
    let mut both = [0; 32];
    both[..16].copy_from_slice(sum);
    both[16..].copy_from_slice(chain);
    both
}

/// The two halves of that column.
pub(super) fn parts(proof: &[u8]) -> Option<(Wide, Wide)> {
    let (sum, chain) = proof.split_at_checked(16)?;
    Some((sum.try_into().ok()?, chain.try_into().ok()?))
}

/// The stored form of a message id: 16 bytes for a UUID, whose text has 36; otherwise the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StoredId<'a> {
    Uuid([u8; 16]),
    Text(&'a str),
}

/// The positions of the hyphens in a UUID.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl<'a> StoredId<'a> {
    pub(super) fn of(id: &'a MessageId) -> Self {
        let text = id.as_str();
        packed(text.as_bytes()).map_or(Self::Text(text), Self::Uuid)
    }

    /// Reads an id from a column; `None` if the value is invalid.
    pub(super) fn read(value: ValueRef<'_>) -> Option<MessageId> {
        match value {
            ValueRef::Text(text) => MessageId::new(str::from_utf8(text).ok()?).ok(),
            ValueRef::Blob(bytes) => MessageId::new(&unpacked(bytes.try_into().ok()?)).ok(),
            _ => None,
        }
    }
}

impl ToSql for StoredId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Uuid(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// Packs only the spelling that [`unpacked`] writes, so that an id is returned exactly as it was sent.
fn packed(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0; 16];
    let mut digits = 0;
    for (at, &byte) in text.iter().enumerate() {
        if HYPHENS.contains(&at) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        bytes[digits / 2] |= digit << (if digits % 2 == 0 { 4 } else { 0 });
        digits += 1;
    }
    Some(bytes)
}

fn unpacked(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).expect("four bits are one digit"));
        }
    }
    text
}

/// The entry of a row, if it is bit by bit the one that was appended, or what a redaction left of it.
pub(super) fn decode(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    room: &RoomName,
    row: &Row<'_>,
) -> rusqlite::Result<Option<Intact>> {
    let sender = match number(row, 1) {
        Some(sender) => names.name(conn, sender)?,
        None => None,
    };
    let Some(read) = sender.and_then(|sender| read(room, sender, row)) else { return Ok(None) };
    let Read { seq, size, draft, sum: expected, chain } = read;
    if sum.entry(seq, size, &draft) == expected {
        let entry = Entry { seq, draft: Arc::new(draft) };
        return Ok(Some(Intact { entry, sum: expected, chain }));
    }
    if size > 0 {
        return Ok(None);
    }
    // Only now: nearly no entry is redacted, and none that matches its checksum is.
    let left =
        redaction::left_of(conn, names, sum, row.get(0)?, &draft, &proof(&expected, &chain))?;
    Ok(left.map(|left| {
        let entry = Entry { seq, draft: Arc::new(left) };
        Intact { entry, sum: expected, chain }
    }))
}

/// A row as it was read, unchecked.
struct Read {
    seq: u64,
    size: u64,
    draft: Draft,
    sum: Wide,
    chain: Wide,
}

fn read(room: &RoomName, from: BotId, row: &Row<'_>) -> Option<Read> {
    let draft = Draft {
        room: room.clone(),
        from,
        id: StoredId::read(row.get_ref(2).ok()?)?,
        text: text(row, 11)?.to_owned(),
        sent_at: Timestamp(nat(number(row, 3)?)),
        extras: extras(row)?,
    };
    let (sum, chain) = parts(row.get_ref(5).ok()?.as_blob().ok()?)?;
    Some(Read { seq: seq_of(number(row, 0)?), size: nat(number(row, 4)?), draft, sum, chain })
}

fn extras(row: &Row<'_>) -> Option<Option<Box<Extras>>> {
    let opaque = |json: Option<&str>| match json {
        Some(json) => Opaque::from_json(json.to_owned()).map(Some).ok(),
        None => Some(None),
    };
    let reply_to = match maybe_text(row, 6)? {
        Some(id) => Some(MessageId::new(id).ok()?),
        None => None,
    };
    let extras = Extras {
        reply_to,
        thread: maybe_text(row, 7)?.map(str::to_owned),
        expires_at: maybe_number(row, 8)?.map(|at| Timestamp(nat(at))),
        act: opaque(maybe_text(row, 9)?)?,
        meta: opaque(maybe_text(row, 10)?)?,
        redacted: None,
    };
    Some((extras != Extras::default()).then(|| Box::new(extras)))
}

fn number(row: &Row<'_>, column: usize) -> Option<i64> {
    maybe_number(row, column)?
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Option<&'a str> {
    maybe_text(row, column)?
}

/// An optional number; `None` if the value has another type.
fn maybe_number(row: &Row<'_>, column: usize) -> Option<Option<i64>> {
    match row.get_ref(column).ok()? {
        ValueRef::Integer(number) => Some(Some(number)),
        ValueRef::Null => Some(None),
        _ => None,
    }
}

/// An optional text; `None` if the value has another type.
fn maybe_text<'a>(row: &'a Row<'_>, column: usize) -> Option<Option<&'a str>> {
    match row.get_ref(column).ok()? {
        ValueRef::Text(bytes) => str::from_utf8(bytes).ok().map(Some),
        ValueRef::Null => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_id(text: &str, is_packed: bool) {
        let id = MessageId::new(text).unwrap();
        let stored = StoredId::of(&id);
        assert_eq!(matches!(stored, StoredId::Uuid(_)), is_packed, "{text}");
        let ToSqlOutput::Borrowed(value) = stored.to_sql().unwrap() else { panic!("borrowed") };
        assert_eq!(StoredId::read(value), Some(id.clone()));
    }

    #[test]
    fn an_id_comes_back_exactly_as_it_was_sent() {
        check_id("0197c1f0-3b0a-7cc0-8000-0a0b0c0d0e0f", true);
        check_id("0197C1F0-3B0A-7CC0-8000-0A0B0C0D0E0F", false);
        check_id("0197c1f0-3b0a-7cc0-8000-0a0b0c0d0e0g", false);
        check_id("0197c1f003b0a-7cc0-8000-0a0b0c0d0e0f", false);
        check_id("0197c1f0-3b0a-7cc0-8000--a0b0c0d0e0f", false);
        check_id("m1", false);
        check_id("0123456789abcdef", false);
    }
}
