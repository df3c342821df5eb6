//! `bot-hub verify`: whether the store is as it was written.
//!
//! Owns how damage is told; looking for it is the store's.

use serde_json::{Value, json};

use super::Global;
use super::failure::{Failure, Kind};
use super::hub::store_dir;
use super::out::{Out, counted};
use super::progress::during;
use bot_hub_store::sqlite::{Report, verify};

pub(super) fn run(global: &Global, out: Out) -> Result<(), Failure> {
    let dir = store_dir(global)?;
    let report = during("verifying", || verify(&dir))?;
    let looked = format!(
        "{} in {}",
        counted(report.entries, "intact message"),
        counted(report.rooms, "room"),
    );
    if report.damage.is_empty() {
        let value = json!({ "rooms": report.rooms, "entries": report.entries, "damage": [] });
        return out.answer(&value, || format!("{looked}, nothing is damaged"));
    }
    if !out.json {
        let lines: Vec<String> = report.damage.iter().map(ToString::to_string).collect();
        out.text(&lines.join("\n"))?;
    }
    let count = counted(report.damage.len() as u64, "damaged thing");
    Err(Failure::new(Kind::Failed, format!("{count} beside {looked}"))
        .hint("what is damaged is never delivered; a backup may have it: bot-hub restore FILE --replace")
        .details(json!({
            "rooms": report.rooms, "entries": report.entries, "damage": damage_of(&report),
        })))
}

/// Damage, for programs.
pub(super) fn damage_of(report: &Report) -> Vec<Value> {
    let each = report.damage.iter();
    each.map(|it| json!({ "room": it.room, "seq": it.seq, "what": it.what })).collect()
}
