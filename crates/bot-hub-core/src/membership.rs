//! Who is in which room.
//!
//! Owns joining, leaving, declared rooms and direct conversations. A membership outlives connections
//! and exists from the moment it is committed.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::{ErrorFrame, Joined, Left, Policy};
use bot_protocol::id::Position;
use bot_protocol::name::{BotId, RoomName};

use crate::change::Change;
use crate::hub::Hub;
use crate::io::ConnId;
use crate::member::Member;
use crate::pending::Pending;
use crate::world::{BotIx, RoomIx};

impl Hub {
    pub(crate) fn join(&mut self, conn: ConnId, name: &RoomName) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        if let Some(room) = self.world.room_ix(name)
            && self.world.member(room, bot).is_some()
        {
            return self.joined(conn, room, bot);
        }
        match self.may_join(bot, name) {
            Ok(()) => {
                let room = self.ensure_room(name, false);
                self.add_member(room, bot, Some(conn));
            }
            Err(error) => self.send_error(conn, error.about("join")),
        }
    }

    fn may_join(&self, bot: BotIx, name: &RoomName) -> Result<(), ErrorFrame> {
        if let Some((first, second)) = name.direct_pair() {
            let id = self.bot_id(bot);
            let other = if first == *id { &second } else { &first };
            if first != *id && second != *id {
                return Err(ErrorFrame::new(Code::NotAllowed)
                    .hint("a direct conversation has two members: its name says which"));
            }
            return self.find_bot(other, bot).map(|_| ());
        }
        let Some(room) = self.world.room_ix(name) else {
            return self.may_create(bot, name);
        };
        let room = self.world.room(room);
        if room.closed {
            return Err(ErrorFrame::new(Code::RoomClosed).hint(format!(
                "an operator can run: bot-hub room add {name} {}",
                self.bot_id(bot)
            )));
        }
        if room.members.len() >= self.settings.limits.members_per_room as usize {
            return Err(ErrorFrame::new(Code::RoomFull).hint("limits.members_per_room"));
        }
        self.has_space_for_room(bot)
    }

    fn may_create(&self, bot: BotIx, name: &RoomName) -> Result<(), ErrorFrame> {
        if let Some(error) = self.names_a_bot(name, bot) {
            return Err(error);
        }
        if !self.settings.create_rooms_on_join {
            return Err(self.no_such_room(name, bot));
        }
        self.has_space_for_room(bot)
    }

    fn has_space_for_room(&self, bot: BotIx) -> Result<(), ErrorFrame> {
        let rooms = self.world.bot(bot).room_list.iter();
        let rooms = rooms.filter(|&&room| self.world.room(room).name.direct_pair().is_none());
        if rooms.count() >= self.settings.limits.rooms_per_bot as usize {
            return Err(ErrorFrame::new(Code::TooManyRooms).hint("limits.rooms_per_bot"));
        }
        Ok(())
    }

    /// The room's index; asks the store to make it unless it is known to be there.
    pub(crate) fn ensure_room(&mut self, name: &RoomName, closed: bool) -> RoomIx {
        let room = self.world.intern_room(name);
        if !self.world.room(room).durable {
            self.world.room_mut(room).closed = closed;
            let change = Change::CreateRoom { room: name.clone(), closed };
            self.change(change, Pending::Room { room });
        }
        room
    }

    pub(crate) fn add_member(&mut self, room: RoomIx, bot: BotIx, conn: Option<ConnId>) {
        let change = Change::Join { room: self.room_name(room), bot: self.bot_id(bot).clone() };
        self.change(change, Pending::Join { room, bot, conn });
    }

    /// The room of a direct conversation, made on first use.
    pub(crate) fn ensure_direct(&mut self, one: BotIx, other: BotIx) -> RoomIx {
        let name = RoomName::direct(self.bot_id(one), self.bot_id(other));
        let room = self.ensure_room(&name, true);
        if self.world.member(room, one).is_none() {
            self.add_member(room, one, None);
        }
        if other != one && self.world.member(room, other).is_none() {
            self.add_member(room, other, None);
        }
        room
    }

    pub(crate) fn join_settled(&mut self, room: RoomIx, bot: BotIx, conn: Option<ConnId>) {
        if self.world.member(room, bot).is_none() {
            let head = self.world.room(room).head;
            self.world.insert_member(room, Member::new(bot, head, head));
            let direct = self.world.room(room).name.direct_pair().is_some();
            // A direct conversation is read by whoever is there; a room by whoever joins it.
            if let Some(reader) = self.world.bot(bot).conn.filter(|_| direct) {
                self.attach(room, bot, reader, None);
            }
        }
        if let Some(conn) = conn {
            self.joined(conn, room, bot);
        }
    }

    /// Answers `join`, then flushes what waited.
    fn joined(&mut self, conn: ConnId, room: RoomIx, bot: BotIx) {
        let Some(state) = self.conn(conn) else { return };
        let (plain, side) = (state.plain, state.side);
        let others = self.world.room(room).members.iter().filter(|member| member.bot != bot);
        let connected = others.filter(|member| self.world.bot(member.bot).conn.is_some());
        let mut members: Vec<_> = connected.map(|member| self.bot_id(member.bot).clone()).collect();
        members.sort_unstable();
        let seq = self.world.member(room, bot).map_or(0, Member::cursor);
        let frame = Joined {
            room: self.room_name(room),
            members,
            position: (!plain).then_some(Position { epoch: self.epoch, seq }),
            policy: (!plain).then_some(Policy { closed: self.world.room(room).closed }),
        };
        self.send(conn, ServerFrame::Joined(frame));
        let reads = self.world.member(room, bot).is_some_and(|it| it.reader == Some(conn));
        if !side && !reads {
            self.attach(room, bot, conn, None);
        }
    }

    pub(crate) fn leave(&mut self, conn: ConnId, name: &RoomName) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        match self.member_room(name, bot) {
            Ok(room) => self.end_membership(room, bot, Some(conn)),
            Err(error) => self.send_error(conn, error.about("leave")),
        }
    }

    pub(crate) fn end_membership(&mut self, room: RoomIx, bot: BotIx, conn: Option<ConnId>) {
        let change = Change::Leave { room: self.room_name(room), bot: self.bot_id(bot).clone() };
        self.change(change, Pending::Leave { room, bot, conn });
    }

    pub(crate) fn leave_settled(&mut self, room: RoomIx, bot: BotIx, conn: Option<ConnId>) {
        let Some(member) = self.world.remove_member(room, bot) else { return };
        let room = self.room_name(room);
        if let Some(conn) = conn {
            return self.send(conn, ServerFrame::Left(Left { room, reason: None }));
        }
        // A seed client does not know the frame: it learns when it speaks there again.
        let reader = member.reader.filter(|&it| self.conn(it).is_some_and(|conn| !conn.plain));
        if let Some(conn) = reader {
            let reason = Some("removed by an operator".into());
            self.send(conn, ServerFrame::Left(Left { room, reason }));
        }
    }

    pub(crate) fn room_declared(
        &mut self,
        name: &RoomName,
        members: &[BotId],
        closed: bool,
        retain: Option<Retention>,
    ) {
        let room = self.ensure_room(name, closed);
        let known = self.world.room_mut(room);
        known.closed = closed;
        if retain.is_some() {
            known.retain = retain;
        }
        for id in members {
            let bot = self.world.intern_bot(id);
            if self.world.member(room, bot).is_none() {
                self.add_member(room, bot, None);
            }
        }
    }

    /// The room with that name, if the bot is a member of it.
    pub(crate) fn member_room(&self, name: &RoomName, bot: BotIx) -> Result<RoomIx, ErrorFrame> {
        let Some(room) = self.world.room_ix(name) else {
            return Err(self.no_such_room(name, bot));
        };
        if self.world.member(room, bot).is_some() {
            return Ok(room);
        }
        Err(ErrorFrame::new(Code::NotAMember)
            .message(format!("you are not a member of `{name}`"))
            .hint(format!("send {{\"type\":\"join\",\"room\":\"{name}\"}} first")))
    }
}
