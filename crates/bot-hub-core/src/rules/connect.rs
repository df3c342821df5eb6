//! Connections come and go.
//!
//! Owns the rule of one reading connection per bot, and what happens to its rooms when it changes.
//! Never sees a token: whoever gets here has been authenticated.

use std::collections::VecDeque;

use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::BotState;
use bot_protocol::frame::server::{
    AuthOk, Gap, GapReason, GoingAway, GoingAwayReason, HubInfo, Membership,
};
use bot_protocol::id::Position;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Granted, Rights};
use smol_str::SmolStr;

use crate::change::Loss;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{CloseReason, ConnId, Hello, Output, Standing};
use crate::settings::{FIGHT_PAUSE_MS, FIGHT_WINDOW_MS, SLOW_PAUSE_MS, TAKEOVERS_MAX};
use crate::waiting::{About, Ask, RangeNotification};
use crate::world::{Bot, Conn, Ended, Member, Scope, Slot};

impl Hub {
    pub(crate) fn opened(&mut self, conn: ConnId, hello: Hello) {
        let bot = self.world.intern_bot(&hello.bot);
        self.world.set_exists(bot, true);
        self.world.bot_mut(bot).standing.operator = hello.operator;
        if !hello.side && self.world.bot(bot).conn.is_some_and(|present| present > conn) {
            // It was opened first, and only its `auth` came late: whoever sent it has gone on.
            return self.send_away(conn, hello.plain, CloseReason::Replaced, None);
        }
        if !hello.side && self.is_fight(bot) {
            return self.send_away(conn, hello.plain, CloseReason::Replaced, Some(FIGHT_PAUSE_MS));
        }
        self.world.conns.insert(conn, new_conn(bot, &hello));
        self.receipt_conns += usize::from(hello.caps.receipts);
        self.world.bot_mut(bot).receipt_conns += u32::from(hello.caps.receipts);
        if hello.side {
            self.world.bot_mut(bot).sides.push(conn);
        } else {
            self.take_over(conn, bot);
        }
        self.greet(conn, bot, &hello);
        self.tell_pauses(conn, bot);
        if hello.side {
            return;
        }
        for room in self.world.bot(bot).room_list.clone() {
            let name = &self.world.room(room).name;
            let position = hello.resume.as_ref().and_then(|resume| resume.get(name)).copied();
            // Nobody joins a direct conversation: it is there when it is needed.
            if hello.resume.is_some() || name.direct_pair().is_some() {
                self.attach(room, bot, conn, position);
            }
        }
        self.announce(bot, BotState::Online, None);
    }

    /// Whether two programs with one token keep taking the connection from each other.
    fn is_fight(&mut self, bot: BotIx) -> bool {
        let now = self.now;
        let bot = self.world.bot_mut(bot);
        // A clock that was set back forgives.
        bot.takeovers.retain(|&at| at <= now && now.since(at) < FIGHT_WINDOW_MS);
        bot.conn.is_some() && bot.takeovers.len() >= TAKEOVERS_MAX
    }

    fn take_over(&mut self, conn: ConnId, bot: BotIx) {
        let now = self.now;
        if let Some(old) = self.world.set_conn(bot, Some(conn)) {
            self.world.bot_mut(bot).takeovers.push_back(now);
            self.stats.replaced += 1;
            self.detach_all(bot, Ended::ByHub);
            let plain = self.forget_conn(old);
            self.send_away(old, plain, CloseReason::Replaced, None);
        }
    }

    fn greet(&mut self, conn: ConnId, bot: BotIx, hello: &Hello) {
        if hello.plain {
            return self.send(conn, ServerFrame::AuthOk(AuthOk::default()));
        }
        let rooms = self.world.bot(bot).room_list.iter();
        let rooms = rooms.filter_map(|&room| self.membership(room, bot)).collect();
        let hub = HubInfo {
            name: SmolStr::new_static("bot-hub"),
            version: self.settings.version.clone(),
        };
        let frame = AuthOk {
            bot: Some(hello.bot.clone()),
            hub: Some(hub),
            caps: Some(hello.caps.names().map(SmolStr::new_static).collect()),
            limits: Some(self.settings.limits),
            epoch: Some(self.epoch),
            now: Some(self.now),
            rooms: Some(rooms),
        };
        self.send(conn, ServerFrame::AuthOk(frame));
    }

    fn membership(&self, room: RoomIx, bot: BotIx) -> Option<Membership> {
        let member = self.world.member(room, bot)?;
        let room = self.world.room(room);
        let position = Position { epoch: room.epoch, seq: member.cursor() };
        let (name, can) = (room.name.clone(), told(member.rights));
        Some(Membership { room: name, position, head: room.head, can })
    }

    /// A connection begins to read a room: what waited is flushed, in order.
    pub(crate) fn attach(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        conn: ConnId,
        position: Option<Position>,
    ) {
        if !self.world.member(room, bot).is_some_and(Member::reads) {
            return;
        }
        let known = self.world.room(room);
        let (head, epoch) = (known.head, known.epoch);
        // While the end of the membership is being stored, what it reports changes nothing.
        let counts = !known.is_going() && !self.is_parting(room, bot);
        let known = position.filter(|it| it.epoch == epoch && counts).map(|it| it.seq);
        if position.is_some_and(|it| it.epoch != epoch) {
            self.tell_epoch(room, bot, conn);
        }
        let proves = self.conn(conn).is_some_and(Conn::proves);
        let now = self.now;
        let Some(member) = self.world.member_mut(room, bot) else { return };
        member.turn_to(proves, now);
        if member.meaning.is_due() || member.ahead.is_due() {
            // What the last reader did must not be saved as if this one had done it.
            self.save_place(room, bot);
        }
        // Its position may lie behind losses that the store does not know.
        self.save_losses(room, bot);
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let received = member.attach(conn, head, known);
        // Whether it read what was never written to its socket, only the client knows.
        let written = member.delivered();
        let notification = |(after, to): (u64, u64)| RangeNotification {
            after,
            to: to.min(written),
            about: About::reached(bot, ReceiptState::Received),
        };
        self.note_place(room, bot);
        if !proves {
            self.tell_of_claim(room, bot, received.into_iter().map(notification).collect());
        }
        self.pump(room, bot);
    }

    /// The client remembers a log that this hub does not have.
    fn tell_epoch(&mut self, room: RoomIx, bot: BotIx, conn: ConnId) {
        let Some(member) = self.world.member(room, bot) else { return };
        let next = member.cursor() + 1;
        let name = self.world.room(room).name.clone();
        let gap = Gap {
            room: name,
            from_seq: next,
            to_seq: next - 1,
            lost: 0,
            reason: GapReason::Epoch.into(),
        };
        self.send(conn, ServerFrame::Gap(gap));
    }

    /// Returns whether it was a seed client's.
    pub(crate) fn closed(&mut self, conn: ConnId, how: Ended) -> bool {
        let Some(state) = self.conn(conn) else { return false };
        let bot = state.bot;
        let reads = self.world.bot(bot).conn == Some(conn);
        if reads {
            self.detach_all(bot, how);
            self.world.set_conn(bot, None);
        }
        let plain = self.forget_conn(conn);
        self.world.bot_mut(bot).last_seen = Some(self.now);
        if reads {
            self.announce(bot, BotState::Offline, None);
        }
        plain
    }

    /// Returns whether it was a seed client's.
    fn forget_conn(&mut self, conn: ConnId) -> bool {
        let Some(state) = self.world.conns.remove(&conn) else { return false };
        self.receipt_conns -= usize::from(state.caps.receipts);
        self.world.bot_mut(state.bot).receipt_conns -= u32::from(state.caps.receipts);
        self.world.bot_mut(state.bot).sides.retain(|&side| side != conn);
        if state.watching {
            self.observers.retain(|&observer| observer != conn);
            for room in state.watched {
                self.world.room_mut(room).observers.retain(|&observer| observer != conn);
            }
        }
        state.plain
    }

    fn detach_all(&mut self, bot: BotIx, how: Ended) {
        for at in 0..self.world.bot(bot).room_list.len() {
            self.detach(self.world.bot(bot).room_list[at], bot, how);
        }
    }

    /// What a reader did not receive waits in the log again, unless its time is over.
    pub(crate) fn detach(&mut self, room: RoomIx, bot: BotIx, how: Ended) {
        let first_kept = self.world.room(room).first;
        let attempts_max = self.settings.redeliveries_max;
        let Some(member) = self.world.member_mut(room, bot) else { return };
        for (at, slot) in member.detach().into_iter().enumerate() {
            if self.come_back(room, bot, &slot, first_kept)
                && at == 0
                && how == Ended::Alone
                && self.is_poison(room, bot, &slot, attempts_max)
            {
                self.give_up(room, bot, &slot);
            }
        }
    }

    /// What was on its way comes back. Returns whether it waits in the log again.
    pub(crate) fn come_back(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        slot: &Slot,
        first_kept: u64,
    ) -> bool {
        let removed = (slot.seq < first_kept).then_some(Loss::Retention);
        match slot.lost.or(removed) {
            Some(Loss::Expired) => self.expired(room, bot, slot),
            Some(why) => self.lost_in_flight(room, bot, slot, why),
            None => return true,
        }
        false
    }

    /// Whether too many connections ended on that entry.
    fn is_poison(&mut self, room: RoomIx, bot: BotIx, slot: &Slot, attempts_max: u32) -> bool {
        let Some(member) = self.world.member_mut(room, bot) else { return false };
        // A client that cannot acknowledge cannot refuse either: nothing of its is ever dead.
        if slot.state < ReceiptState::Delivered || member.meaning.proves() {
            return false;
        }
        member.attempts += 1;
        member.attempts > attempts_max
    }

    /// Whether a bot may have another side connection; if not, how many it may have.
    pub fn has_side_space(&self, bot: &BotId) -> Result<(), u32> {
        let sides = self.world.bot_ix(bot).map_or(0, |bot| self.world.bot(bot).sides.len());
        let sides_max = self.settings.limits.side_connections_per_bot.unwrap_or(u32::MAX);
        if sides < sides_max as usize { Ok(()) } else { Err(sides_max) }
    }

    pub(crate) fn bot_added(&mut self, bot: &BotId) {
        let bot = self.world.intern_bot(bot);
        self.world.set_exists(bot, true);
    }

    /// What a bot may do is looked up in one place at every use; here is where it changes. Connections
    /// that are shown rooms to which the bot has lost its right end, so that whoever watches is told.
    pub(crate) fn set_standing(&mut self, id: &BotId, standing: Standing) {
        let bot = self.world.intern_bot(id);
        self.world.set_exists(bot, true);
        let state = self.world.bot_mut(bot);
        let before = std::mem::replace(&mut state.standing, standing);
        if before.operator && !standing.operator {
            let sides = self.world.bot(bot).sides.clone();
            let is_watching = |conn: &ConnId| self.conn(*conn).is_some_and(|it| it.watching);
            for conn in sides.into_iter().filter(is_watching).collect::<Vec<_>>() {
                self.conn_revoked(conn);
            }
        }
    }

    pub(crate) fn set_removing(&mut self, id: &BotId, removing: bool) {
        if let Some(bot) = self.world.bot_ix(id) {
            self.world.bot_mut(bot).removing = removing;
            if !removing {
                self.stays(bot);
            }
        }
    }

    pub(crate) fn bot_blocked(&mut self, bot: &BotId) {
        let Some(bot) = self.world.bot_ix(bot) else { return };
        let state = self.world.bot(bot);
        let conns: Vec<ConnId> = state.conn.iter().chain(&state.sides).copied().collect();
        for conn in conns {
            let plain = self.closed(conn, Ended::ByHub);
            self.send_away(conn, plain, CloseReason::Revoked, None);
        }
    }

    pub(crate) fn conn_revoked(&mut self, conn: ConnId) {
        if self.conn(conn).is_some() {
            let plain = self.closed(conn, Ended::ByHub);
            self.send_away(conn, plain, CloseReason::Revoked, None);
        }
    }

    pub(crate) fn bot_removed(&mut self, id: &BotId) {
        self.bot_blocked(id);
        let bot = self.world.intern_bot(id);
        for room in self.world.bot(bot).room_list.clone() {
            if let Some(mut member) = self.world.remove_member(room, bot) {
                self.parted(room, &mut member, Loss::Removed);
            }
        }
        for room in self.refused.forget(bot) {
            self.world.expects_no_more(room, bot);
        }
        self.asked
            .retain(|_, ask| !matches!(ask, Ask::Receipt { bot: asker, .. } if *asker == bot));
        self.world.forget_pauses(Scope { room: None, bot: Some(bot) });
        let ended_at = self.moment();
        self.comes_after(ended_at);
        self.world.set_exists(bot, false);
        let state = self.world.bot_mut(bot);
        let joining = state.joining;
        *state = Bot { ended_at, joining, ..Bot::new(id) };
    }

    /// Closes a connection that reads too slowly for what it asked to watch.
    pub(crate) fn too_slow(&mut self, conn: ConnId) {
        let plain = self.closed(conn, Ended::ByHub);
        self.send_away(conn, plain, CloseReason::TooSlow, Some(SLOW_PAUSE_MS));
    }

    /// The last words to a connection that the brain has forgotten, or never knew. A seed client knows
    /// no words for it, and is only closed.
    fn send_away(
        &mut self,
        conn: ConnId,
        plain: bool,
        close: CloseReason,
        reconnect_in_ms: Option<u64>,
    ) {
        let reason = match close {
            CloseReason::TooSlow => GoingAwayReason::TooSlow,
            CloseReason::Revoked => GoingAwayReason::Revoked,
            CloseReason::Replaced => GoingAwayReason::Replaced,
        };
        if !plain {
            let reason = reason.into();
            let frame = ServerFrame::GoingAway(GoingAway { reason, reconnect_in_ms });
            self.output(Output::Send { conn, frame: Box::new(frame) });
        }
        self.output(Output::Close { conn, reason: close });
    }

    /// The room's name, for frames.
    pub(crate) fn room_name(&self, room: RoomIx) -> RoomName {
        self.world.room(room).name.clone()
    }
}

/// Rights as a client is told of them: the usual ones go without saying.
pub(crate) fn told(rights: Rights) -> Option<Granted> {
    (rights != Rights::USUAL).then(|| rights.into())
}

fn new_conn(bot: BotIx, hello: &Hello) -> Conn {
    Conn {
        bot,
        plain: hello.plain,
        side: hello.side,
        watching: false,
        watched: Vec::new(),
        caps: hello.caps,
        flights: VecDeque::new(),
        landed: 0,
        written: 0,
        outstanding: 0,
        probe: None,
        starved: Vec::new(),
    }
}
