//! Merges the logs of several rooms by time.
//!
//! Owns reading each room page by page. Within a room, the order of its log is kept.

use std::collections::VecDeque;

use bot_protocol::frame::server::HistoryPage;
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;

use crate::cli::failure::Failure;
use crate::cli::history::page;
use crate::cli::hub::Hub;

/// A room whose log is read from a position on.
pub(super) struct Source {
    pub(super) room: RoomName,
    /// Pages of one entry each, with the damaged entries before it.
    waiting: VecDeque<HistoryPage>,
    read_to: u64,
    has_more: bool,
}

impl Source {
    pub(super) fn new(room: RoomName, after: u64) -> Self {
        Self { room, waiting: VecDeque::new(), read_to: after, has_more: true }
    }

    /// Reads until the next entry is available, if there is one.
    pub(super) async fn fill(&mut self, hub: &Hub) -> Result<(), Failure> {
        if !self.waiting.is_empty() || !self.has_more {
            return Ok(());
        }
        let page = page(hub, &self.room, None, Some(self.read_to), None).await?;
        let seqs = page.entries.iter().filter_map(|it| it.seq).chain(page.corrupt.iter().copied());
        let end = seqs.max().unwrap_or(self.read_to);
        self.has_more = page.has_more && end > self.read_to;
        self.read_to = end;
        self.waiting = taken_apart(page);
        Ok(())
    }

    pub(super) fn next(&mut self) -> Option<HistoryPage> {
        self.waiting.pop_front()
    }

    /// When the next entry was sent. Damaged entries come first.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.waiting
            .front()
            .map(|it| it.entries.first().and_then(|it| it.sent_at).unwrap_or_default())
    }
}

fn taken_apart(page: HistoryPage) -> VecDeque<HistoryPage> {
    let mut damaged = page.corrupt.into_iter().peekable();
    let mut parts = VecDeque::new();
    let room = page.room;
    let mut part = |entries, corrupt| {
        parts.push_back(HistoryPage { room: room.clone(), entries, has_more: true, corrupt });
    };
    for entry in page.entries {
        let seq = entry.seq.unwrap_or(0);
        let mut before = Vec::new();
        while let Some(damage) = damaged.next_if(|&damage| damage < seq) {
            before.push(damage);
        }
        part(vec![entry], before);
    }
    let rest: Vec<u64> = damaged.collect();
    if !rest.is_empty() {
        part(Vec::new(), rest);
    }
    parts
}
