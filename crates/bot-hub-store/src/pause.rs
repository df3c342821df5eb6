//! Pauses as small records.
//!
//! Owns how a change of the brain becomes a write of a record, and what a start reads. Never decides what a pause
//! means.

use bot_hub_core::change::Change;
use bot_hub_core::pause::{self, PauseKey};
use bot_protocol::frame::pause::PauseLine;
use bot_protocol::name::RoomName;

use crate::record::{Record, RecordKind, RecordPage, RecordQuery, RecordWrite};

/// The write of a pause, or of its end; `None` for every other change.
pub(crate) fn write_of(change: &Change) -> Option<RecordWrite> {
    match change {
        Change::Pause(line) => {
            let name = PauseKey::of(line).name();
            let record = Record::new(RecordKind::PAUSE, name, pause::value_of(line));
            let record = record.expect("two names fit in a key, and a reason is short");
            Some(RecordWrite::Put(record))
        }
        Change::Resume(key) => Some(RecordWrite::Remove(RecordKind::PAUSE, key.name())),
        _ => None,
    }
}

/// The records of the pauses that name a room: they end with it. No name contains a space.
pub(crate) fn of_room(room: &RoomName) -> RecordQuery {
    RecordQuery::under(RecordKind::PAUSE, &format!("{room} "))
}

/// All pauses, page by page. One that is damaged does not hold, and its name is in the log.
pub(crate) fn load<E>(
    mut page: impl FnMut(&RecordQuery) -> Result<RecordPage, E>,
) -> Result<Vec<PauseLine>, E> {
    let mut lines = Vec::new();
    let mut next = Some(RecordQuery::all(RecordKind::PAUSE));
    while let Some(query) = next {
        let RecordPage { records, damaged, next: rest } = page(&query)?;
        for record in records {
            match pause::read(record.key(), record.value()) {
                Some(line) => lines.push(line),
                None => {
                    tracing::error!(record = %record.key(), "a pause cannot be read: it does not hold");
                }
            }
        }
        for record in damaged.iter().filter(|record| record.starts_with("pause/")) {
            tracing::error!(%record, "a pause is damaged: it does not hold\nhint: see bot-hub pauses");
        }
        next = rest;
    }
    Ok(lines)
}
