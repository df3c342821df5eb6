//! The data directory: who can read it, who uses it, leftover files, and free space.
//!
//! Owns these findings, and their fixes. Never removes a message.

use std::path::Path;

use super::Patient;
use super::finding::{Findings, Level};
use super::settings::private;
use crate::cli::words::size;
use bot_hub_server::config::StoreKind;
use bot_hub_server::server::{Home, store_space};
use bot_hub_store::sqlite::{is_in_use, obstacle, while_unused};

/// With less free space than this the disk is full within days.
const FREE_LOW_BYTES: u64 = 1 << 30;

/// With less free space than this the disk is full within minutes.
const FREE_NONE_BYTES: u64 = 100 << 20;

/// Files that only a running hub has; without one they are leftovers.
const LEFT_BEHIND: [&str; 2] = ["hub.json", "operator.token"];

pub(super) fn examine(patient: &mut Patient<'_>, findings: &mut Findings) {
    let in_memory =
        patient.loaded.as_ref().is_some_and(|it| it.config.store.kind == StoreKind::Memory);
    if in_memory {
        let why = "everything is forgotten when the hub stops";
        return findings.note("data", "the store is in memory", why, "set `store.kind`: sqlite");
    }
    let Some(dir) = patient.dir.clone() else {
        let why = "a hub makes it when it starts for the first time";
        return findings.note("data", "there is no data directory", why, "bot-hub serve");
    };
    findings.fine("data", format!("`{}`", dir.display()));
    if rustix::fs::access(&dir, rustix::fs::Access::WRITE_OK).is_err() {
        let what = format!("nothing can be written in `{}`", dir.display());
        let why = "a hub cannot run there; verify, export and backup can";
        findings.problem("data", what, why, "mount it for writing, or give this user the right");
    }
    private(&dir, "what bots say to each other lies there", findings);
    for name in ["hub.db", "hub.db-wal", "operator.token"] {
        private(
            &dir.join(name),
            "whoever reads it knows what was said, or can run the hub",
            findings,
        );
    }
    if !is_in_use(&dir) {
        stale(patient, &dir, findings);
    }
    space(&dir, findings);
    leftovers(&dir, findings);
}

/// A hub that was killed leaves its files behind.
fn stale(patient: &mut Patient<'_>, dir: &Path, findings: &mut Findings) {
    let found: Vec<&str> = LEFT_BEHIND.into_iter().filter(|name| dir.join(name).exists()).collect();
    if found.is_empty() {
        return;
    }
    // The leftover file claims that a hub runs, and none does.
    patient.running = None;
    let of = match Home::original_of(dir) {
        Some(original) => format!("the hub of `{}`, of which this is a copy", original.display()),
        None => "a hub that was killed".to_owned(),
    };
    let what = format!("{} of {of}: no hub runs here", found.join(" and "));
    let why = "the command line looks there for the hub, and finds nobody";
    let next = "bot-hub doctor --fix, or start the hub again: bot-hub serve".to_owned();
    findings.mend(Level::Warning, "data", what, (why, next), || {
        let removal = while_unused(dir, || {
            found.iter().try_for_each(|name| std::fs::remove_file(dir.join(name)))
        });
        let removed = removal.map_err(|error| error.to_string())?;
        removed.map_err(|error| error.to_string())?;
        Ok(format!("{} removed; a hub writes new ones when it starts", found.join(" and ")))
    });
}

fn space(dir: &Path, findings: &mut Findings) {
    let Some(space) = store_space(dir) else { return };
    let used = space.bytes + space.log_bytes;
    let what = format!("{} used, {} free", size(used), size(space.free_bytes));
    let why = "on a full disk the hub refuses messages; a backup needs as much again";
    let next = "make room, or keep less: bot-hub room list, bot-hub room retain";
    if space.free_bytes < FREE_NONE_BYTES {
        // What retention removes leaves free pages inside the file; the file does not get smaller.
        let next = "make the disk larger, or free it of other files; to keep less needs space, too";
        findings.problem("disk", what, why, next);
    } else if space.free_bytes < FREE_LOW_BYTES.max(used) {
        findings.warning("disk", what, why, next);
    } else {
        findings.fine("disk", what);
    }
}

/// Files that backups, restores and upgrades moved aside or left unfinished.
fn leftovers(dir: &Path, findings: &mut Findings) {
    let next = match dir.join("hub.db").exists() && obstacle(dir).is_none() {
        true => "remove it once you are sure that you do not need it",
        false => "leave it where it is: it may be all that there is (see `store`)",
    };
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    for file in names {
        let name = file.file_name().to_string_lossy().into_owned();
        let kept = [".partial", ".replaced", ".switching"].iter().any(|part| name.contains(part))
            || name.starts_with("hub.db.schema-");
        if kept && let Ok(metadata) = file.metadata() {
            let what = format!("`{name}` ({})", size(metadata.len()));
            let why = "a restore or an upgrade left it, so that there is a way back";
            findings.note("data", what, why, next);
        }
    }
}
