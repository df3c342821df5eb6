//! Follows rooms and reports every message that was missed.
//!
//! Owns the number of the last message shown, per room. Live messages on an operator's connection are
//! compared with it: a gap is read from the log, and what the log no longer has is reported. After a
//! reconnect the log is read from that number on, so live messages that were missed do not matter.

use std::collections::BTreeMap;
use std::time::Duration;

use bot_hub_client::{AskError, Event};
use bot_protocol::frame::answer::Ask;
use bot_protocol::frame::server::{AuthOk, Delivery, Gap, GapReason, HistoryPage};
use bot_protocol::id::Epoch;
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;

use super::merge::Source;
use super::{Next, Scope, Sink};
use crate::cli::failure::{Failure, Kind};
use crate::cli::history::page;
use crate::cli::hub::Hub;
use crate::cli::out::say;
use crate::cli::words::visible;

/// How often a connection without the right to observe reads the log, and how often a lost connection
/// checks the data directory.
const POLL: Duration = Duration::from_secs(1);

pub(super) struct Follow<'a> {
    hub: &'a mut Hub,
    scope: Scope,
    sink: Sink,
    /// The last message that was handled, per room.
    shown: BTreeMap<RoomName, u64>,
    epoch: Option<Epoch>,
    /// Where to begin; used up when the rooms are read for the first time.
    since: Option<Timestamp>,
    has_begun: bool,
    /// We may not observe, so the log is read at intervals.
    polls: bool,
    /// The connection is lost and the client reconnects.
    is_away: bool,
}

/// A reason to act.
enum Wake {
    Event(Event),
    Tick,
}

impl<'a> Follow<'a> {
    pub(super) fn new(hub: &'a mut Hub, scope: Scope, sink: Sink) -> Self {
        let shown = BTreeMap::new();
        Self {
            hub,
            scope,
            sink,
            shown,
            epoch: None,
            since: None,
            has_begun: false,
            polls: false,
            is_away: false,
        }
    }

    pub(super) async fn run(mut self, since: Option<Timestamp>) -> Result<(), Failure> {
        self.since = since;
        loop {
            let step = match self.next_wake().await? {
                Wake::Event(Event::Connected(hello)) => {
                    self.is_away = false;
                    self.connected(&hello).await
                }
                Wake::Event(Event::Message(message)) => self.live(&message).await,
                Wake::Event(Event::Redacted(told)) if self.scope.has_room(&told.room) => {
                    self.sink.redacted(&told).map(|()| Next::GoOn)
                }
                Wake::Event(Event::Disconnected { why, .. }) => {
                    self.is_away = true;
                    say(&format!("not connected, trying again: {why}"));
                    Ok(Next::GoOn)
                }
                Wake::Event(Event::Unreadable { problem, .. }) => {
                    say(&format!("skipped what this program cannot read: {}", visible(&problem)));
                    Ok(Next::GoOn)
                }
                Wake::Event(Event::Left(left)) => self.room_is_gone(&left.room),
                Wake::Event(Event::Pause(pause)) => self.sink.pause(&pause).map(|()| Next::GoOn),
                Wake::Event(_) => Ok(Next::GoOn),
                Wake::Tick if self.is_away => {
                    self.hub.follow_move().await;
                    Ok(Next::GoOn)
                }
                Wake::Tick if self.polls => self.look().await,
                Wake::Tick => Ok(Next::GoOn),
            };
            match step {
                Ok(Next::GoOn) => {}
                Ok(Next::Enough) => return Ok(()),
                // The connection broke during a question, which is asked again after the reconnect.
                Err(failure) if self.has_begun && failure.kind == Kind::Unreachable => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn next_wake(&mut self) -> Result<Wake, Failure> {
        let event = self.hub.events.next();
        let event = if self.polls || self.is_away {
            match tokio::time::timeout(POLL, event).await {
                Ok(event) => event,
                Err(_) => return Ok(Wake::Tick),
            }
        } else {
            event.await
        };
        match event {
            Some(event) => Ok(Wake::Event(event)),
            None => {
                self.hub.again().await?;
                Ok(Wake::Tick)
            }
        }
    }

    async fn connected(&mut self, hello: &AuthOk) -> Result<Next, Failure> {
        if self.epoch.is_some() && self.epoch != hello.epoch {
            self.start_over()?;
        }
        self.epoch = hello.epoch;
        if self.has_begun {
            say("connected again");
        }
        // Observes before it reads the log: a message in between is seen twice instead of never.
        if self.observe().await? { self.look().await } else { Ok(Next::GoOn) }
    }

    /// The log was replaced, so the numbers of the old one mean nothing.
    fn start_over(&mut self) -> Result<(), Failure> {
        for room in self.shown.keys().cloned().collect::<Vec<_>>() {
            self.begin_anew(&room)?;
        }
        (self.has_begun, self.since) = (false, None);
        Ok(())
    }

    /// What the room has from now on is of another log.
    fn begin_anew(&mut self, room: &RoomName) -> Result<(), Failure> {
        let Some(shown) = self.shown.remove(room) else { return Ok(()) };
        let (room, from_seq, reason) = (room.clone(), shown + 1, GapReason::Epoch.into());
        self.sink.gap(&Gap { room, from_seq, to_seq: from_seq, lost: 0, reason })
    }

    /// The room was removed, or this bot was taken out of it. One that has its name later is another one.
    fn room_is_gone(&mut self, room: &RoomName) -> Result<Next, Failure> {
        if self.scope.has_room(room) && !self.polls {
            self.begin_anew(room)?;
        }
        Ok(Next::GoOn)
    }

    /// Returns whether the connection still exists.
    async fn observe(&mut self) -> Result<bool, Failure> {
        let rooms = match &self.scope {
            // A direct conversation may not exist yet, and then cannot be observed.
            Scope::Room(room) if room.direct_pair().is_none() => Some(vec![room.clone()]),
            _ => None,
        };
        match self.hub.client.ask(Ask::observe(rooms)).await {
            Ok(_) => Ok(true),
            Err(AskError::Lost) => Ok(false),
            Err(AskError::Refused(error)) => {
                let failure = Failure::from(&*error);
                self.polls = failure.kind == Kind::Refused;
                if self.polls { Ok(true) } else { Err(failure) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Compares every room with what was shown, and shows the rest.
    async fn look(&mut self) -> Result<Next, Failure> {
        let rooms = self.hub.client.rooms().await?.rooms;
        let mut behind = Vec::new();
        for room in rooms {
            if !self.scope.has_room(&room.room) || (self.polls && !room.member) {
                continue;
            }
            if !self.has_begun {
                let from = match self.since {
                    Some(since) => self.before(&room.room, since, room.head).await?,
                    None => room.head,
                };
                self.shown.insert(room.room.clone(), from);
            }
            if room.head < self.last(&room.room) {
                // It was removed and made again while nobody looked.
                self.begin_anew(&room.room)?;
            }
            if room.head > self.last(&room.room) {
                behind.push(Source::new(room.room.clone(), self.last(&room.room)));
            }
        }
        if self.catch_up(behind).await? == Next::Enough {
            return Ok(Next::Enough);
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            say(&format!("watching {}; ctrl-c ends it", self.scope.in_words()));
        }
        Ok(Next::GoOn)
    }

    fn last(&self, room: &RoomName) -> u64 {
        // A room that appeared later is new, so everything in it is shown.
        self.shown.get(room).copied().unwrap_or(0)
    }

    /// The number of the last message before a time.
    async fn before(&self, room: &RoomName, since: Timestamp, head: u64) -> Result<u64, Failure> {
        let mut first = head + 1;
        loop {
            let page = page(self.hub, room, Some(first), None, None).await?;
            let later = |entry: &&Delivery| entry.sent_at.is_some_and(|at| at >= since);
            let oldest = page.entries.iter().find(later).and_then(|entry| entry.seq);
            let whole = page.entries.first().and_then(|entry| entry.seq) == oldest;
            let is_last = oldest.is_none_or(|seq| seq >= first) || !whole || !page.has_more;
            first = oldest.unwrap_or(first);
            if is_last {
                return Ok(first.saturating_sub(1));
            }
        }
    }

    /// Shows the entries of several rooms after what was shown, ordered by time.
    async fn catch_up(&mut self, mut rooms: Vec<Source>) -> Result<Next, Failure> {
        loop {
            for room in &mut rooms {
                room.fill(self.hub).await?;
            }
            rooms.retain(|room| room.at().is_some());
            let first = rooms.iter_mut().min_by_key(|room| room.at());
            let Some((room, page)) = first.and_then(|it| Some((it.room.clone(), it.next()?)))
            else {
                return Ok(Next::GoOn);
            };
            if self.show_page(&room, page).await? == Next::Enough {
                return Ok(Next::Enough);
            }
        }
    }

    async fn show_page(&mut self, room: &RoomName, page: HistoryPage) -> Result<Next, Failure> {
        let mut damaged = page.corrupt.into_iter().peekable();
        for entry in &page.entries {
            let seq = entry.seq.unwrap_or(0);
            while let Some(damage) = damaged.next_if(|&damage| damage < seq) {
                self.missing(room, damage, damage, GapReason::Corrupt)?;
            }
            self.missing(room, self.last(room) + 1, seq.saturating_sub(1), GapReason::Retention)?;
            if self.show(entry, seq).await? == Next::Enough {
                return Ok(Next::Enough);
            }
        }
        for damage in damaged {
            self.missing(room, damage, damage, GapReason::Corrupt)?;
        }
        Ok(Next::GoOn)
    }

    /// Reports entries that cannot be shown, if there are any.
    fn missing(
        &mut self,
        room: &RoomName,
        from_seq: u64,
        to_seq: u64,
        reason: GapReason,
    ) -> Result<(), Failure> {
        if from_seq > to_seq {
            return Ok(());
        }
        let lost = to_seq - from_seq + 1;
        self.sink.gap(&Gap {
            room: room.clone(),
            from_seq,
            to_seq,
            lost,
            reason: reason.into(),
        })?;
        self.shown.insert(room.clone(), to_seq);
        Ok(())
    }

    async fn live(&mut self, message: &Delivery) -> Result<Next, Failure> {
        let (room, seq) = (&message.room, message.seq.unwrap_or(0));
        if !self.has_begun || !self.scope.has_room(room) || seq <= self.last(room) {
            return Ok(Next::GoOn);
        }
        let before = message.prev.unwrap_or(seq.saturating_sub(1));
        if before > self.last(room) {
            if self.catch_up(vec![Source::new(room.clone(), self.last(room))]).await?
                == Next::Enough
            {
                return Ok(Next::Enough);
            }
            self.missing(room, self.last(room) + 1, before, GapReason::Retention)?;
        }
        if seq <= self.last(room) { Ok(Next::GoOn) } else { self.show(message, seq).await }
    }

    async fn show(&mut self, message: &Delivery, seq: u64) -> Result<Next, Failure> {
        let next =
            if self.scope.has(message) { self.sink.message(message).await? } else { Next::GoOn };
        self.shown.insert(message.room.clone(), seq);
        Ok(next)
    }
}
