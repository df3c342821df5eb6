//! `bot-hub backup` and `bot-hub restore`: a copy of the store, and a store from a copy.
//!
//! Owns what is printed about them; copying is the store's. Both work on the data directory, without
//! the hub: a backup also while one runs, a restore only while none does.

use std::path::PathBuf;

use serde_json::json;

use super::Global;
use super::failure::{Failure, Kind};
use super::hub::{data_dir, store_dir};
use super::out::{Out, counted};
use super::progress::during;
use super::verify::damage_of;
use crate::server::Home;
use crate::store::StoreError;
use crate::store::sqlite::{Report, backup, restore};

/// Where to.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The copy is the store as it was at one moment, and is verified before it gets its name.\n\n\
                        Example:\n  bot-hub backup hub-$(date +%F).db"
)]
pub(super) struct Backup {
    /// The file to write; an existing one is replaced when the new one is complete
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let dir = store_dir(global)?;
        let report = during("copying", || backup(&dir, &self.file))?;
        tell(&report, &self.file.display().to_string(), "copied to", out)
    }
}

/// Where from.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The hub must not run. Bots notice that the log is another one than the one that they read.\n\n\
                        Example:\n  bot-hub restore hub-2026-11-20.db --data /var/lib/bot-hub --replace"
)]
pub(super) struct Restore {
    /// The copy that `backup` made
    file: PathBuf,
    /// Put a store that is there aside, as hub.db.replaced
    #[arg(long)]
    replace: bool,
}

impl Restore {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let dir = data_dir(global)?;
        if !self.file.is_file() {
            let message = format!("there is no file `{}`", self.file.display());
            return Err(Failure::new(Kind::NotFound, message).hint("bot-hub backup FILE makes one"));
        }
        let place = dir.display().to_string();
        let is_taken = store_dir(global).is_ok() && !self.replace;
        let restored = during("restoring", || restore(&self.file, &dir, self.replace));
        let report = restored.map_err(|error| match error {
            StoreError::InUse { .. } => in_use(&dir),
            StoreError::Failed(_) if is_taken => {
                Failure::new(Kind::Refused, format!("there is a store in `{place}` already")).hint(
                    "restore into another directory with --data, or put it aside with --replace",
                )
            }
            error => error.into(),
        })?;
        tell(&report, &place, "restored into", out)
    }
}

fn in_use(dir: &std::path::Path) -> Failure {
    let holder = Home::find_running(dir)
        .map_or_else(String::new, |(hub, _)| format!(" (pid {}, {})", hub.pid, hub.url));
    Failure::new(Kind::Refused, format!("a hub runs on `{}`{holder}", dir.display()))
        .hint("stop it first")
}

fn tell(report: &Report, place: &str, done: &str, out: Out) -> Result<(), Failure> {
    let what = format!(
        "{} in {} {done} {place}",
        counted(report.entries, "message"),
        counted(report.rooms, "room"),
    );
    if !report.damage.is_empty() {
        let damage = counted(report.damage.len() as u64, "thing");
        return Err(Failure::new(Kind::Failed, format!("{what}, but {damage} in it are damaged"))
            .hint("bot-hub verify names them")
            .details(json!({ "place": place, "damage": damage_of(report) })));
    }
    let value = json!({ "place": place, "rooms": report.rooms, "entries": report.entries });
    out.answer(&value, || what)
}
