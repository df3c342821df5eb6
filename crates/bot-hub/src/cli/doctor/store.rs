//! The store: can it be opened, and is it as it was written?

use super::Patient;
use super::finding::Findings;
use crate::cli::out::counted;
use crate::cli::progress::during;
use crate::store::sqlite::{look, verify};

/// Damage that is told one by one; the rest is counted.
const TOLD_MAX: usize = 10;

pub(super) fn examine(patient: &Patient<'_>, findings: &mut Findings) {
    let Some(dir) = patient.dir.as_deref().filter(|dir| dir.join("hub.db").exists()) else {
        return;
    };
    let restore = "restore a backup beside it: bot-hub restore FILE --data ANOTHER-DIR";
    let why = "what is damaged is withheld, never delivered";
    if patient.options.deep {
        match during("verifying", || verify(dir)) {
            Ok(report) if report.damage.is_empty() => {
                let intact = counted(report.entries, "message");
                findings.fine("store", format!("{intact}, every checksum and link is right"));
            }
            Ok(report) => {
                for it in report.damage.iter().take(TOLD_MAX) {
                    findings.problem("store", it.to_string(), why, restore);
                }
                let untold = report.damage.len().saturating_sub(TOLD_MAX) as u64;
                if untold > 0 {
                    let what = format!("and {} more", counted(untold, "damaged thing"));
                    findings.problem("store", what, why, "bot-hub verify names all of them");
                }
            }
            Err(error) => findings.problem("store", error.to_string(), why, restore),
        }
        return;
    }
    match look(dir) {
        Ok(found) => {
            let rooms = counted(found.snapshot.rooms.len() as u64, "room");
            let what = format!("opens, {rooms}; messages not checked (--deep)");
            findings.fine("store", what);
        }
        Err(error) => {
            let error = error.to_string();
            match error.contains("is damaged") {
                true => findings.problem("store", error, why, restore),
                // A backup mends damage, and nothing else.
                false => findings.problem(
                    "store",
                    error,
                    "a hub cannot open it either",
                    "see what the message names; nothing says that the store itself is damaged",
                ),
            }
        }
    }
}
