//! `bot-hub history`: print earlier messages.
//!
//! Owns paging through a room's log, for this command and for `tail`, and the same from a store while no
//! hub runs.

use std::path::Path;

use bot_hub_core::change::{Answer, Query, Span};
use bot_protocol::frame::client::History as Page;
use bot_protocol::frame::server::{Delivery, HistoryPage};
use bot_protocol::name::{RoomName, Target};
use serde_json::json;

use super::Global;
use super::failure::{Failure, Kind};
use super::hub::{Hub, idle_store, with_hub};
use super::out::{Out, say};
use super::target::{Destination, Directory};
use super::words;
use bot_hub_store::Reader as _;
use bot_hub_store::export::open;
use bot_hub_store::sqlite::SqliteReader;

/// How many entries one page of a store has.
const PAGE_ENTRIES: u32 = 500;
const PAGE_BYTES: u32 = 1024 * 1024;

/// How many rooms are listed to a user who named a room that does not exist.
const SHOWN_MAX: usize = 10;

/// The part of a room's log to print.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bot-hub history lab\n  bot-hub history '#lab' --after 100 --count 20 --json"
)]
pub(super) struct History {
    /// Where: #room, @bot (what was said directly between it and you), or dm:bot:bot
    room: String,
    /// How many messages at most
    #[arg(long, value_name = "COUNT", default_value = "50", value_parser = at_least_one)]
    count: usize,
    /// Only messages before this number
    #[arg(long, value_name = "SEQ", conflicts_with = "after")]
    before: Option<u64>,
    /// Only messages after this number, the oldest of them first
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
}

impl History {
    /// Reads from the hub or, while none runs, from its store as `export` does.
    pub(super) fn run_anywhere(self, global: &Global, out: Out) -> Result<(), Failure> {
        let Some(dir) = idle_store(global) else {
            return with_hub(global, async |hub| self.run(hub).await);
        };
        let page = self.read_store(&dir)?;
        say("no hub runs here: this is what its store has");
        self.tell(&page, out)
    }

    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let destination = Directory::read(hub).await?.find(&self.room)?;
        if destination == Destination::Bot(hub.me.clone()) {
            let message =
                format!("`{}` is you, and nobody speaks with itself", destination.typed());
            return Err(Failure::new(Kind::Usage, message).hint(format!(
                "what is said to you: bot-hub tail {0} --since 1d; what you and another bot said: bot-hub history \
                 @BOT",
                destination.typed()
            )));
        }
        let room = destination.room(&hub.me);
        let page = self.read(hub, &room).await?;
        self.tell(&page, hub.out)?;
        if page.entries.is_empty() && page.corrupt.is_empty() && !hub.out.json {
            say(&self.why_empty(hub, &room).await?);
        }
        Ok(())
    }

    fn tell(&self, page: &HistoryPage, out: Out) -> Result<(), Failure> {
        let value = json!({
            "room": page.room, "entries": page.entries, "has_more": page.has_more,
            "corrupt": page.corrupt,
        });
        out.answer(&value, || text(page, self.after))
    }

    /// Explains an empty page: the room is empty, or this bot may not read it.
    async fn why_empty(&self, hub: &Hub, room: &RoomName) -> Result<String, Failure> {
        let name = words::room(room.as_str());
        let known = hub.client.rooms().await?.rooms.into_iter().find(|it| it.room == *room);
        let (head, is_member) = known.map_or((0, false), |it| (it.head, it.member));
        if head == 0 {
            return Ok(format!("nothing was said in {name} yet"));
        }
        if self.before.is_some() || self.after.is_some() {
            return Ok(format!(
                "nothing is kept of {name} there; the last message has number {head}"
            ));
        }
        let kept = "what is too old for the room's rule is not kept";
        if is_member {
            return Ok(format!(
                "nothing is there for `{}` in {name}: a member reads a room from where it joined, and {kept}",
                hub.me
            ));
        }
        Ok(format!("nothing is kept in {name} any more: {kept}"))
    }

    fn read_store(&self, dir: &Path) -> Result<HistoryPage, Failure> {
        let mut reader = open(dir)?;
        let room = self.stored_room(reader.rooms()?)?;
        let (mut before, mut after) = (self.before, self.after);
        let mut all = empty(&room);
        while all.has_more && all.entries.len() < self.count {
            let missing = u32::try_from(self.count - all.entries.len()).unwrap_or(u32::MAX);
            let span = after.map_or(Span::Before(before.unwrap_or(u64::MAX)), Span::After);
            let page = stored_page(&mut reader, &room, span, missing.min(PAGE_ENTRIES))?;
            take(&mut all, page, &mut before, &mut after);
        }
        Ok(sorted(all))
    }

    /// Without a hub the user has no identity, so a direct conversation must be named in full.
    fn stored_room(&self, known: Vec<RoomName>) -> Result<RoomName, Failure> {
        if let Ok(Target::Bot(bot)) = Target::parse(&self.room) {
            let message = format!("no hub runs here, so nobody is known to speak with `@{bot}`");
            return Err(Failure::new(Kind::Usage, message)
                .hint(format!("name both: bot-hub history dm:BOT:{bot}")));
        }
        let directory = Directory { rooms: known, is_complete: true, ..Directory::default() };
        let found = directory.find(&self.room).and_then(|destination| match destination {
            Destination::Room(room) if directory.rooms.contains(&room) => Ok(room),
            _ => Err(directory.unknown(&self.room)),
        });
        found.map_err(|failure| without_hub(failure, &directory))
    }

    /// Reads as many pages from the hub as are needed.
    async fn read(&self, hub: &Hub, room: &RoomName) -> Result<HistoryPage, Failure> {
        let mut all = empty(room);
        let (mut before, mut after) = (self.before, self.after);
        while all.has_more && all.entries.len() < self.count {
            let missing = u32::try_from(self.count - all.entries.len()).unwrap_or(u32::MAX);
            let page = page(hub, room, before, after, Some(missing)).await?;
            take(&mut all, page, &mut before, &mut after);
        }
        Ok(sorted(all))
    }
}

/// Adds to the failure which rooms exist, when no hub can be asked.
fn without_hub(failure: Failure, directory: &Directory) -> Failure {
    let is_general = failure.hint.as_deref().is_some_and(|it| it.starts_with("see what there is"));
    let shown = directory.rooms.iter().take(SHOWN_MAX).map(|room| words::room(room.as_str()));
    let shown: Vec<String> = shown.collect();
    match shown.is_empty() || !is_general {
        true => failure,
        false => failure.hint(format!("its store has {}", shown.join(", "))),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("is too small".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

/// A page without entries.
fn empty(room: &RoomName) -> HistoryPage {
    HistoryPage { room: room.clone(), entries: Vec::new(), has_more: true, corrupt: Vec::new() }
}

/// Adds the next page at its end of the list and moves on.
fn take(
    all: &mut HistoryPage,
    page: HistoryPage,
    before: &mut Option<u64>,
    after: &mut Option<u64>,
) {
    let from = (*before, *after);
    all.corrupt.extend(&page.corrupt);
    let seqs = || page.entries.iter().filter_map(|it| it.seq).chain(page.corrupt.clone());
    if let Some(seen) = after.as_mut() {
        *seen = seqs().max().unwrap_or(*seen);
        all.entries.extend(page.entries);
    } else {
        *before = seqs().min().or(*before);
        all.entries.splice(0..0, page.entries);
    }
    // A page that does not move the position is the last one, whatever `has_more` says.
    all.has_more = page.has_more && (*before, *after) != from;
}

fn sorted(mut all: HistoryPage) -> HistoryPage {
    all.corrupt.sort_unstable();
    all
}

/// Reads one page from a store.
fn stored_page(
    reader: &mut SqliteReader,
    room: &RoomName,
    span: Span,
    entries_max: u32,
) -> Result<HistoryPage, Failure> {
    let query = Query::Page { room: room.clone(), span, entries_max, bytes_max: PAGE_BYTES };
    let Answer::Page(page) = reader.answer(&query) else {
        let message = format!("{} cannot be read", words::room(room.as_str()));
        return Err(Failure::new(Kind::Failed, message).hint("bot-hub verify"));
    };
    Ok(HistoryPage {
        room: room.clone(),
        entries: page.entries.iter().map(bot_hub_core::delivery).collect(),
        has_more: page.more,
        corrupt: page.corrupt,
    })
}

/// Reads one page from the hub, at most as large as the hub allows.
pub(super) async fn page(
    hub: &Hub,
    room: &RoomName,
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
) -> Result<HistoryPage, Failure> {
    Ok(hub.client.history(Page { room: room.clone(), before, after, limit }).await?)
}

/// The messages as text, with a line for every gap between them.
fn text(page: &HistoryPage, after: Option<u64>) -> String {
    let seq = |entry: &Delivery| entry.seq.unwrap_or(0);
    let entries = page.entries.iter().map(|entry| (seq(entry), Some(entry)));
    let mut all: Vec<_> = entries.chain(page.corrupt.iter().map(|&seq| (seq, None))).collect();
    all.sort_by_key(|(seq, _)| *seq);
    let mut lines = Vec::new();
    let mut last = after;
    for (seq, entry) in all {
        match last.filter(|last| last + 1 < seq) {
            Some(last) if last + 2 == seq => lines.push(format!("! message {} is gone", last + 1)),
            Some(last) => lines.push(format!("! messages {} to {} are gone", last + 1, seq - 1)),
            None => {}
        }
        let damaged = || format!("! message {seq} is damaged");
        lines.push(entry.map_or_else(damaged, words::message));
        last = Some(seq);
    }
    lines.join("\n")
}
