//! What there is to see: rooms, bots, and what was said.
//!
//! Owns visibility. A bot sees the rooms that are open or its own, the bots that share a room with it,
//! and the log of rooms that it is a member of; an operator sees everything.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::{History, Rooms, Who};
use bot_protocol::frame::server::{
    BotDirectory, BotInfo, Delivery, HistoryPage, RoomDirectory, RoomInfo,
};
use bot_protocol::name::RoomName;
use bot_protocol::right::Right;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use crate::change::{Page, Query, Span};
use crate::entry::Entry;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;
use crate::rules::pages::{Part, Visit, smallest};
use crate::settings::PAGE_BYTES_MAX;
use crate::waiting::{Ask, Way};

impl Hub {
    pub(crate) fn may_see(&self, room: RoomIx, bot: BotIx) -> bool {
        let known = self.world.room(room);
        self.world.member(room, bot).is_some()
            || (!known.closed
                && known.name.direct_pair().is_none()
                && !self.world.bot(bot).standing.guest)
    }

    pub(crate) fn rooms(&mut self, conn: ConnId, wish: &Rooms) {
        let Some(state) = self.conn(conn) else { return };
        let bot = state.bot;
        let page = Part::new(wish.after.as_ref(), wish.limit);
        let (rooms, next) = page.cut(self.visible_rooms(bot, &page));
        let rooms = rooms.into_iter().map(|room| self.room_info(room, bot)).collect();
        self.send(conn, ServerFrame::Rooms(RoomDirectory { rooms, next }));
    }

    /// What may be on a page of the rooms that a bot sees, in any order, and one more.
    fn visible_rooms(&self, bot: BotIx, page: &Part<'_>) -> Vec<(&RoomName, RoomIx)> {
        let count = page.limit + 1;
        if self.is_operator(bot) {
            return self.world.shelves.rooms(page.from(), count);
        }
        let is_guest = self.world.bot(bot).standing.guest;
        let own = self.own_rooms(bot);
        if is_guest {
            return own;
        }
        let mut rooms = self.world.shelves.open(page.from(), count);
        let is_shelved = |room| {
            let state = self.world.room(room);
            !state.closed && state.name.direct_pair().is_none()
        };
        rooms.extend(own.into_iter().filter(|&(_, room)| !is_shelved(room)));
        rooms
    }

    /// The rooms that a bot is a member of, in the order of joining.
    fn own_rooms(&self, bot: BotIx) -> Vec<(&RoomName, RoomIx)> {
        let rooms = self.world.bot(bot).room_list.iter();
        rooms.map(|&room| (&self.world.room(room).name, room)).collect()
    }

    pub(crate) fn room_info(&self, room: RoomIx, bot: BotIx) -> RoomInfo {
        let known = self.world.room(room);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        RoomInfo {
            room: known.name.clone(),
            members: count(known.members.len()),
            online: known.online,
            head: known.head,
            member: self.world.member(room, bot).is_some(),
            closed: known.closed,
            paused: self.pause_seen_by(room, bot),
        }
    }

    pub(crate) fn who(&mut self, conn: ConnId, wish: &Who) {
        let Some(state) = self.conn(conn) else { return };
        let (asker, operator) = (state.bot, self.is_operator(state.bot));
        let page = Part::new(wish.after.as_ref(), wish.limit);
        let (bots, next) = match &wish.room {
            None if operator => {
                self.fitting(page.cut(self.world.shelves.bots(page.from(), page.limit + 1)))
            }
            None => self.acquaintances(asker, &page),
            Some(name) => match self.world.room_ix(name) {
                Some(room) if operator || self.may_see(room, asker) => {
                    let members = self.named_members(room).into_iter();
                    self.fitting(page.cut(members.map(|(id, member)| (id, member.bot)).collect()))
                }
                _ => {
                    let error = self.no_such_room(name, asker);
                    return self.send_error(conn, error.about("who"));
                }
            },
        };
        let bots = bots.into_iter().map(|bot| self.directory_line(bot, conn)).collect();
        self.send(conn, ServerFrame::Who(BotDirectory { room: wish.room.clone(), bots, next }));
    }

    /// A page of those who share a room with a bot: room by room, since to find who comes next by name
    /// would take a look at all of them. Each is on one page once.
    fn acquaintances(&self, asker: BotIx, page: &Part<'_>) -> (Vec<BotIx>, Option<SmolStr>) {
        let mut rooms = self.own_rooms(asker);
        rooms.retain(|(name, _)| page.begins_with(name));
        smallest(&mut rooms, page.limit + 1);
        let rooms: Vec<RoomIx> = rooms.into_iter().map(|(_, room)| room).collect();
        let mut found = FxHashSet::default();
        let next = self.walk(page, &rooms, |visit| match visit {
            Visit::Member(_, member) if found.insert(member.bot) => self.lines_of(member.bot),
            Visit::Room(_) | Visit::Member(..) => 0,
        });
        let mut bots: Vec<BotIx> = found.into_iter().collect();
        bots.sort_unstable_by(|&one, &other| self.bot_id(one).cmp(self.bot_id(other)));
        (bots, next)
    }

    pub(crate) fn bot_info(&self, bot: BotIx) -> BotInfo {
        let known = self.world.bot(bot);
        let is_here = known.conn.is_some() || !known.sides.is_empty();
        let seen = known.last_seen.max(known.standing.last_seen);
        let last_seen = if is_here { Some(self.now) } else { seen };
        let (bot, state, note) = (known.id.clone(), known.state.into(), known.note.clone());
        BotInfo { bot, state, note, last_seen, about: None, skills: Vec::new() }
    }

    pub(crate) fn history(&mut self, conn: ConnId, wish: &History) {
        let Some(state) = self.conn(conn) else { return };
        let room = match self.world.room_ix(&wish.room).filter(|_| self.is_operator(state.bot)) {
            Some(room) => Ok(room),
            None => self
                .member_room(&wish.room, state.bot)
                .and_then(|room| self.needs(room, state.bot, Right::Read).map(|()| room)),
        };
        let room = match room {
            Ok(room) => room,
            Err(error) => return self.send_error(conn, error.about("history")),
        };
        let page_max = self.settings.limits.history_page;
        let head = self.world.room(room).head;
        let since = self.begins_for(room, conn);
        // No bound beyond the log: stores count in numbers of their own.
        let span = match (wish.after, wish.before) {
            (Some(after), _) => Span::After(after.min(head).max(since)),
            (None, before) => Span::Before(before.unwrap_or(u64::MAX).min(head + 1)),
        };
        let query = Query::Page {
            room: wish.room.clone(),
            span,
            entries_max: wish.limit.unwrap_or(page_max).clamp(1, page_max),
            bytes_max: PAGE_BYTES_MAX,
        };
        let way = match wish.after {
            Some(_) => Way::Forward { before: wish.before.unwrap_or(u64::MAX) },
            None => Way::Backward,
        };
        self.ask(query, Ask::History { conn, room, way });
    }

    pub(crate) fn history_read(&mut self, conn: ConnId, room: RoomIx, way: Way, mut page: Page) {
        let Some(acts) = self.conn(conn).map(|state| state.caps.acts) else { return };
        if !self.world.room(room).durable {
            return self.refuse(conn, Code::NoSuchRoom, "history");
        }
        let since = self.begins_for(room, conn);
        let (last, end) = match way {
            Way::Forward { before } => (before.saturating_sub(1), before),
            // Backwards the log ends where the membership begins.
            Way::Backward => (since + 1, u64::MAX),
        };
        let seqs = page.entries.iter().map(|entry| entry.seq).chain(page.corrupt.iter().copied());
        page.more &= match way {
            Way::Forward { .. } => seqs.max().is_none_or(|seq| seq < last),
            Way::Backward => seqs.min().is_none_or(|seq| seq > last),
        };
        let is_meant = |seq: u64| since < seq && seq < end;
        page.entries.retain(|entry| is_meant(entry.seq));
        page.corrupt.retain(|&seq| is_meant(seq));
        self.stats.corrupt += page.corrupt.len() as u64;
        let frame = HistoryPage {
            room: self.room_name(room),
            entries: page.entries.into_iter().map(|entry| self.read_back(entry, acts)).collect(),
            has_more: page.more,
            corrupt: page.corrupt,
        };
        self.send(conn, ServerFrame::History(frame));
    }

    /// The last entry that is not for whoever asks: a member reads from where its membership began, an
    /// operator everything.
    pub(crate) fn begins_for(&self, room: RoomIx, conn: ConnId) -> u64 {
        let asker = self.conn(conn).filter(|state| !self.is_operator(state.bot));
        let member = asker.and_then(|state| self.world.member(room, state.bot));
        member.map_or(0, |member| member.since)
    }

    fn read_back(&self, entry: Entry, acts: bool) -> Delivery {
        let mut delivery = delivery(&entry);
        delivery.age_ms = Some(self.now.since(entry.draft.sent_at));
        if !acts {
            delivery.act = None;
        }
        delivery
    }
}

/// An entry in its full form on the wire.
pub fn delivery(entry: &Entry) -> Delivery {
    let draft = &entry.draft;
    let extras = draft.extras.as_deref();
    Delivery {
        room: draft.room.clone(),
        from: draft.from.clone(),
        text: draft.text.as_str().into(),
        id: Some(draft.id.clone()),
        seq: Some(entry.seq),
        prev: Some(entry.seq - 1),
        sent_at: Some(draft.sent_at),
        reply_to: extras.and_then(|it| it.reply_to.clone()),
        thread: extras.and_then(|it| it.thread.as_deref().map(Into::into)),
        expires_at: draft.expires_at(),
        act: extras.and_then(|it| it.act.clone()),
        meta: extras.and_then(|it| it.meta.clone()),
        hops: None,
        redacted: draft.redaction().cloned(),
        age_ms: None,
        redelivered: false,
        backlog: None,
        lost: None,
    }
}
