//! `bot-hub redact`: take out of a room's log what a message says.
//!
//! Owns the question before it, and which copies of the store are named that still hold the text.

use std::path::{Path, PathBuf};

use bot_protocol::frame::answer::{Ask, EntryRedacted};
use bot_protocol::frame::server::{Delivery, Redacted};
use bot_protocol::name::RoomName;

use super::again::here;
use super::ask::confirm_if_somebody_is_there;
use super::audit::Why;
use super::failure::{Failure, Kind};
use super::history;
use super::hub::{Hub, store_dir};
use super::out::say;
use super::paint::label;
use super::target::{Directory, room_argument};
use super::words;
use bot_hub_store::sqlite::{copies_in, holds};

/// Which message.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Its text, thread, act and meta are gone from the log, for everybody; its number, id, sender, time and checksum
stay, so that `bot-hub verify` still finds the log whole. What readers, backups and files elsewhere hold already is
not reached. Until `bot-hub compact`, the text may still lie in unused parts of the store's files.

Examples:
  bot-hub redact lab 217 --why 'a pasted key'
  bot-hub redact lab 217 --backups /var/backups/bot-hub --yes     names the copies there that hold it")]
pub(super) struct Redact {
    /// In which room
    #[arg(value_parser = room_argument)]
    room: RoomName,
    /// Its number there, as `history --json` and `trace` print it
    seq: u64,
    /// A directory with backups: those that still hold the message are named
    #[arg(long, value_name = "DIR")]
    backups: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

impl Redact {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let Self { room, seq, backups, yes, why } = self;
        if let Some(dir) = backups.as_ref().filter(|dir| !dir.is_dir()) {
            let message = format!("`{}` is no directory", dir.display());
            return Err(Failure::new(Kind::Usage, message));
        }
        if !yes && let Some(question) = question(hub, &room, seq).await {
            confirm_if_somebody_is_there(question).await?;
        }
        let name = words::room(room.as_str());
        let (mut value, done) = match hub.ask(why.with(Ask::redact(room, seq))).await {
            Err(failure) if failure.code.as_deref() == Some("no_such_room") => {
                return Err(Directory::read(hub).await?.unknown(&name));
            }
            asked => asked?,
        };
        let EntryRedacted { again, from, id, redacted, room, seq } = done;
        let told = Redacted { room, seq, id, from, redacted };
        let copies = Copies::of(hub, backups.as_deref(), &told);
        value["copies"] = copies.held.iter().map(|file| file.display().to_string()).collect();
        hub.out.done(&value, || match again {
            true => {
                let by = words::redacted_by(&told.redacted);
                format!("message {seq} of {name} was redacted before, {by}: nothing changed")
            }
            false => format!("message {seq} of {name} is redacted; {} said it", told.from),
        })?;
        copies.tell(hub);
        if !again && !hub.out.json {
            say(&here(
                "until the store is written anew, its files may still hold the text: bot-hub stop, then bot-hub compact",
            ));
        }
        Ok(())
    }
}

/// What is asked, without the text. Nothing where the hub will refuse, or nothing changes.
async fn question(hub: &Hub, room: &RoomName, seq: u64) -> Option<String> {
    let page = history::page(hub, room, Some(seq.checked_add(1)?), None, Some(1)).await.ok()?;
    let found = page.entries.into_iter().find(|it| it.seq == Some(seq) && it.redacted.is_none())?;
    let Delivery { from, sent_at, .. } = &found;
    let at = sent_at.map_or_else(|| "-".to_owned(), words::local);
    let room = words::room(room.as_str());
    Some(format!("redact message {seq} of {room}, which {from} said at {at}? It cannot be undone."))
}

/// Copies of the store.
#[derive(Default)]
struct Copies {
    /// They still hold the message.
    held: Vec<PathBuf>,
    /// They cannot be read.
    unread: Vec<PathBuf>,
}

impl Copies {
    /// Those beside the store, if that is on this machine, and in a directory.
    fn of(hub: &Hub, backups: Option<&Path>, told: &Redacted) -> Self {
        let beside = hub.running.as_ref().and_then(|_| store_dir(hub.global()).ok());
        let directories = beside.iter().map(PathBuf::as_path).chain(backups);
        let mut copies = Self::default();
        for file in directories.flat_map(copies_in) {
            match holds(&file, told) {
                Ok(true) => copies.held.push(file),
                Ok(false) => {}
                Err(_) => copies.unread.push(file),
            }
        }
        copies
    }

    fn tell(&self, hub: &Hub) {
        let told = self.held.iter().filter(|_| !hub.out.json);
        let held = told.map(|file| (file, "still holds it: a copy of the store"));
        let unread = self.unread.iter().map(|file| (file, "cannot be read, and may hold it"));
        for (file, what) in held.chain(unread) {
            say(&format!("{} `{}` {what}", label("warning:"), file.display()));
        }
    }
}
