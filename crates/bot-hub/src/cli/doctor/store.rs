//! The store: can it be opened, and is its content intact?
//!
//! Owns these findings. Never repairs a store.

use std::ops::ControlFlow;
use std::path::Path;

use super::Patient;
use super::finding::Findings;
use crate::cli::out::counted;
use crate::cli::progress::during;
use bot_hub_store::sqlite::{Astray, Rescue, astray, forms, look, obstacle, verify};

/// The consequence where the store cannot even be opened for reading.
const UNOPENED: &str = "a hub cannot open it either";

/// How many damaged items are printed one by one; the others are counted.
const TOLD_MAX: usize = 10;

pub(super) fn examine(patient: &Patient<'_>, findings: &mut Findings) {
    let Some(dir) = patient.dir.as_deref() else { return };
    if is_in_place(patient, dir, findings).is_break() {
        return;
    }
    form(dir, findings);
    if dir.join("hub.db").exists() {
        content(patient, dir, findings);
    }
}

/// Checks that the database file is where it should be, before it is opened.
fn is_in_place(patient: &Patient<'_>, dir: &Path, findings: &mut Findings) -> ControlFlow<()> {
    if let Some(astray) = patient.running.as_ref().and_then(|hub| astray(dir, hub.pid)) {
        let why = "it is lost with the end of the hub";
        findings.problem("store", astray_words(&astray), why, saved(&astray));
        return ControlFlow::Break(());
    }
    if let Some(obstacle) = obstacle(dir) {
        let (what, next) = obstacle.split_once("\nhint: ").unwrap_or((&obstacle, ""));
        findings.problem("store", what, "no hub starts on it", next);
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}

/// Says what is wrong with the files that a running hub writes to.
pub(in crate::cli) fn astray_words(astray: &Astray) -> String {
    let file = astray.file.display();
    match astray.is_gone {
        true => format!("`{file}` is gone, and the hub goes on writing to it"),
        false => format!("`{file}` is another file than the hub writes to"),
    }
}

/// How to rescue what a hub writes to a file that nobody can find any more.
fn saved(astray: &Astray) -> String {
    let (open, log) = match &astray.rescue {
        Rescue::Stop => return saved_by_stop(),
        Rescue::Copy { open_as: None, .. } => {
            return "put the file back that was there when the hub was started, before it ends"
                .to_owned();
        }
        Rescue::Copy { open_as: Some(open), log } => (open.display(), log.display()),
    };
    format!(
        "before it ends: mkdir -m 700 SAVED; cp '{log}' SAVED/hub.db-wal; cp '{open}' SAVED/hub.db; \
         bot-hub verify --data SAVED"
    )
}

/// The advice where only the write-ahead log is missing.
pub(in crate::cli) fn saved_by_stop() -> String {
    "end the hub in order, before anything else: bot-hub stop; it then writes all of it into `hub.db`"
        .to_owned()
}

/// Reports a store of an earlier form, which is not an error.
fn form(dir: &Path, findings: &mut Findings) {
    if let Some((found, newest)) = forms(dir).filter(|(found, newest)| found < newest) {
        let what =
            format!("`hub.db` has form {found}; a hub of this program changes it to {newest}");
        let why = "an older program made it, and may run on it";
        let next = format!("start the hub again; it makes a copy first, hub.db.schema-{found}");
        findings.note("store", what, why, next);
    }
}

fn content(patient: &Patient<'_>, dir: &Path, findings: &mut Findings) {
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
            Err(error) => findings.problem("store", error.to_string(), UNOPENED, restore),
        }
        return;
    }
    match look(dir) {
        Ok(found) => {
            let rooms = found.snapshot.rooms.iter().filter(|it| it.room.direct_pair().is_none());
            let rooms = counted(rooms.count() as u64, "room");
            let what = format!("opens, {rooms}; messages not checked (--deep)");
            findings.fine("store", what);
        }
        Err(error) => {
            let error = error.to_string();
            match error.contains("is damaged") {
                true => findings.problem("store", error, UNOPENED, restore),
                // A backup helps against damage, not against other errors.
                false => findings.problem(
                    "store",
                    error,
                    UNOPENED,
                    "see what the message names; nothing says that the store itself is damaged",
                ),
            }
        }
    }
}
