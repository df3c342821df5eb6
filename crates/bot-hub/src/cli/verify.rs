//! `bot-hub verify`: check whether the content of the store is intact.
//!
//! Owns how damage is reported; the store looks for it.

use bot_protocol::frame::server::Redacted;
use serde_json::{Value, json};

use super::Global;
use super::failure::{Failure, Kind};
use super::hub::store_dir;
use super::out::{Out, counted};
use super::progress::during;
use super::words;
use bot_hub_store::sqlite::{Report, verify};

pub(super) fn run(global: &Global, out: Out) -> Result<(), Failure> {
    let dir = store_dir(global)?;
    let report = during("verifying", || verify(&dir))?;
    let intact = intact(&report);
    let value = json!({
        "rooms": report.rooms, "entries": report.entries, "records": report.records,
        "redacted": report.redacted, "damage": damage_of(&report),
    });
    if report.damage.is_empty() {
        return out.answer(&value, || {
            format!("{}{intact}, nothing is damaged", redacted(&report.redacted))
        });
    }
    if !out.json {
        let lines: Vec<String> = report.damage.iter().map(ToString::to_string).collect();
        out.text(&lines.join("\n"))?;
    }
    let count = counted(report.damage.len() as u64, "damaged thing");
    Err(Failure::new(Kind::Failed, format!("{count} beside {intact}"))
        .hint("what is damaged is never delivered; a backup may have it: bot-hub restore FILE --replace")
        .details(value))
}

/// A line for each redacted message.
fn redacted(all: &[Redacted]) -> String {
    let line = |it: &Redacted| {
        let (room, by) = (words::room(it.room.as_str()), words::redacted_by(&it.redacted));
        format!("{room} message {}: redacted {by}\n", it.seq)
    };
    all.iter().map(line).collect()
}

/// `5 intact messages in 2 rooms and 3 intact records (2 hold, 1 pause)`.
fn intact(report: &Report) -> String {
    let entries = counted(report.entries, "intact message");
    let rooms = counted(report.rooms, "room");
    let records = report.records.values().sum();
    if records == 0 {
        return format!("{entries} in {rooms}");
    }
    let kinds: Vec<String> =
        report.records.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let (records, kinds) = (counted(records, "intact record"), kinds.join(", "));
    format!("{entries} in {rooms} and {records} ({kinds})")
}

/// The damage as JSON.
pub(super) fn damage_of(report: &Report) -> Vec<Value> {
    let each = report.damage.iter();
    each.map(|it| json!({ "room": it.room, "seq": it.seq, "what": it.what })).collect()
}
