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
use bot_protocol::right::Rights;

use crate::change::{Change, Loss};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::ConnId;
use crate::rules::Declared;
use crate::rules::connect::told;
use crate::waiting::Waiter;
use crate::world::{Conn, Member};

impl Hub {
    pub(crate) fn join(&mut self, conn: ConnId, name: &RoomName) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        if let Some(room) = self.world.room_ix(name)
            && self.world.member(room, bot).is_some()
        {
            return self.joined(conn, room, bot);
        }
        if let Err(error) = self.enter(conn, bot, name) {
            self.send_error(conn, error.about("join"));
        }
    }

    fn enter(&mut self, conn: ConnId, bot: BotIx, name: &RoomName) -> Result<(), ErrorFrame> {
        self.takes_changes()?;
        self.is_no_removal_under_way(name, bot)?;
        let room = match self.other_of_pair(name, bot)? {
            Some(other) => {
                self.may_address(bot, other, None)?;
                self.has_space_for_direct(bot, other)?;
                self.ensure_direct(bot, other, Waiter::Client(conn))
            }
            None => {
                self.may_come_uninvited(bot, name)?;
                self.may_join(bot, name)?;
                if !self.world.has_room(name) {
                    self.world.bot_mut(bot).rooms_made += 1;
                }
                let room = self.ensure_open_room(name);
                self.add_member(room, bot, Waiter::Client(conn));
                room
            }
        };
        debug_assert!(self.world.member(room, bot).is_none(), "members are answered at once");
        Ok(())
    }

    /// Whom a bot speaks with in that room, if it is a direct conversation.
    pub(crate) fn other_of_pair(
        &self,
        name: &RoomName,
        bot: BotIx,
    ) -> Result<Option<BotIx>, ErrorFrame> {
        self.may_name(name, bot)?;
        let Some((first, second)) = name.direct_pair() else { return Ok(None) };
        let other = if first == *self.bot_id(bot) { second } else { first };
        self.find_bot(&other, bot).map(Some)
    }

    /// A stranger to a direct conversation does not even learn whether there is one.
    fn may_name(&self, name: &RoomName, bot: BotIx) -> Result<(), ErrorFrame> {
        let id = self.bot_id(bot);
        match name.direct_pair() {
            Some((first, second)) if first != *id && second != *id => {
                Err(ErrorFrame::new(Code::NotAllowed)
                    .message("a direct conversation has two members: its name says which"))
            }
            _ => Ok(()),
        }
    }

    fn may_join(&self, bot: BotIx, name: &RoomName) -> Result<(), ErrorFrame> {
        match self.world.coming_room_ix(name) {
            None => self.may_create(bot, name)?,
            // Whom the configuration declares is as good as a member, also before the store knows it.
            Some(room) if self.world.room(room).expected.contains(&bot) => return Ok(()),
            Some(room) if self.world.room(room).closed => {
                let id = self.bot_id(bot);
                let hint = format!("an operator can run: bot-hub room add {name} {id}");
                return Err(ErrorFrame::new(Code::RoomClosed).hint(hint));
            }
            Some(room) => self.has_space_for_member(room)?,
        }
        let limit = self.settings.limits.rooms_per_bot as usize;
        let rooms = self.world.bot(bot).room_list.iter();
        let rooms = rooms.filter(|&&room| self.world.room(room).name.direct_pair().is_none());
        if rooms.count() + self.world.bot(bot).joining >= limit {
            return Err(ErrorFrame::new(Code::TooManyRooms).hint("limits.rooms_per_bot"));
        }
        Ok(())
    }

    fn may_create(&self, bot: BotIx, name: &RoomName) -> Result<(), ErrorFrame> {
        if let Some(error) = self.names_a_bot(name, bot) {
            return Err(error);
        }
        if !self.settings.create_rooms_on_join {
            return Err(self.no_such_room(name, bot));
        }
        if self.world.has_room(name) {
            // It is on its way to the store.
            return Ok(());
        }
        self.has_disk_space(bot)?;
        let made_max = self.settings.limits.rooms_made_per_bot.unwrap_or(u32::MAX);
        if self.world.bot(bot).rooms_made >= made_max && !self.is_operator(bot) {
            return Err(ErrorFrame::new(Code::TooManyRooms)
                .message(format!("this bot has made {made_max} rooms, as many as it may"))
                .hint("limits.roomsMadePerBot; an operator can run: bot-hub room create ROOM"));
        }
        self.has_space_for_room()
    }

    /// Whether the hub takes another room.
    pub(crate) fn has_space_for_room(&self) -> Result<(), ErrorFrame> {
        let rooms_max = self.settings.limits.rooms_max.unwrap_or(u32::MAX);
        if self.world.rooms.len() < rooms_max as usize {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::TooManyRooms)
            .message(format!("the hub has {rooms_max} rooms, as many as it may"))
            .hint("an operator can raise `limits.roomsMax`"))
    }

    pub(crate) fn has_space_for_member(&self, room: RoomIx) -> Result<(), ErrorFrame> {
        let room = self.world.room(room);
        if room.members.len() + room.joining >= self.settings.limits.members_per_room as usize {
            return Err(ErrorFrame::new(Code::RoomFull).hint("limits.members_per_room"));
        }
        Ok(())
    }

    fn ensure_open_room(&mut self, name: &RoomName) -> RoomIx {
        let closed = false;
        self.ensure_room(name, closed)
    }

    fn ensure_closed_room(&mut self, name: &RoomName) -> RoomIx {
        let closed = true;
        self.ensure_room(name, closed)
    }

    /// The room's index; asks the store to make it unless it is known to be there. Until that is
    /// committed, every change of the room is preceded by the wish to make it: changes of one turn
    /// are stored together or not at all.
    pub(crate) fn ensure_room(&mut self, name: &RoomName, closed: bool) -> RoomIx {
        let room = self.world.intern_room(name);
        if !self.world.room(room).durable {
            // The change that follows in the same batch is refused too, and its sender is told.
            self.make_room(room, closed, Waiter::Another);
        }
        room
    }

    /// Asks the store for a room. The store makes it as the first who asked wanted it, and so does this.
    pub(crate) fn make_room(&mut self, room: RoomIx, closed: bool, waiter: Waiter) {
        let known = self.world.room(room);
        if !known.durable && known.making == 0 {
            self.world.set_closed(room, closed);
        }
        self.world.room_mut(room).making += 1;
        self.wish_for_room(room, waiter);
    }

    /// The same again for a room that is counted among those on their way.
    pub(crate) fn wish_for_room(&mut self, room: RoomIx, waiter: Waiter) {
        let state = self.world.room(room);
        let change = Change::CreateRoom { room: state.name.clone(), closed: state.closed };
        self.change(change, Named::room(room), waiter);
    }

    pub(crate) fn add_member(&mut self, room: RoomIx, bot: BotIx, waiter: Waiter) {
        self.world.joining(room, bot, 1);
        let change = Change::Join { room: self.room_name(room), bot: self.bot_id(bot).clone() };
        self.change(change, Named::member(room, bot), waiter);
    }

    /// Whether two bots speak with each other already, or may begin to.
    pub(crate) fn has_space_for_direct(&self, one: BotIx, other: BotIx) -> Result<(), ErrorFrame> {
        let name = RoomName::direct(self.bot_id(one), self.bot_id(other));
        if self.world.has_room(&name) { Ok(()) } else { self.has_space_for_room() }
    }

    /// The room of a direct conversation, with both its members.
    pub(crate) fn ensure_direct(&mut self, one: BotIx, other: BotIx, waiter: Waiter) -> RoomIx {
        let name = RoomName::direct(self.bot_id(one), self.bot_id(other));
        let room = self.ensure_closed_room(&name);
        if other != one && self.world.member(room, other).is_none() {
            self.add_member(room, other, Waiter::Another);
        }
        if self.world.member(room, one).is_none() {
            self.add_member(room, one, waiter);
        }
        room
    }

    /// A bot comes by an invite. The invite has made its rooms, unless the disk was full.
    pub(crate) fn let_in(&mut self, id: &BotId, rooms: &[RoomName], rights: Rights) {
        let bot = self.world.intern_bot(id);
        for name in rooms {
            let room = self.ensure_closed_room(name);
            if self.world.member(room, bot).is_none() {
                self.add_member(room, bot, Waiter::Another);
            }
            self.grant(room, bot, rights, Waiter::Another);
        }
    }

    /// A bot is a member, and was none before if it `is_new`.
    pub(crate) fn join_answered(&mut self, room: RoomIx, bot: BotIx, is_new: bool, waiter: Waiter) {
        if is_new {
            self.announce_in(room, bot);
        }
        if let Waiter::Client(conn) = waiter {
            return self.joined(conn, room, bot);
        }
        if is_new && let Some(reader) = self.world.bot(bot).conn {
            self.entered(reader, room, bot);
        }
        self.confirm(waiter);
    }

    /// Somebody else made this connected bot a member.
    pub(crate) fn entered(&mut self, reader: ConnId, room: RoomIx, bot: BotIx) {
        if self.world.room(room).name.direct_pair().is_some() {
            // Nobody joins a direct conversation: it is there when it is needed.
            self.attach(room, bot, reader, None);
        } else if self.conn(reader).is_some_and(|state| !state.plain) {
            self.joined(reader, room, bot);
        }
    }

    /// Answers `join`, then flushes what waited.
    fn joined(&mut self, conn: ConnId, room: RoomIx, bot: BotIx) {
        let Some(Conn { plain, side, .. }) = self.conn(conn) else { return };
        let (plain, side) = (*plain, *side);
        let Some(member) = self.world.member(room, bot) else { return };
        let (seq, reads) = (member.cursor(), member.reader == Some(conn));
        let can = told(member.rights);
        let others = self.world.room(room).members.iter().filter(|member| member.bot != bot);
        let connected = others.filter(|member| self.world.bot(member.bot).conn.is_some());
        let mut members: Vec<_> = connected.map(|member| self.bot_id(member.bot).clone()).collect();
        members.sort_unstable();
        let frame = Joined {
            room: self.room_name(room),
            members,
            position: (!plain).then_some(Position { epoch: self.world.room(room).epoch, seq }),
            policy: (!plain).then_some(Policy { closed: self.world.room(room).closed, can }),
        };
        self.send(conn, ServerFrame::Joined(frame));
        self.tell_pauses_in(conn, room, bot);
        if !side && !reads {
            self.attach(room, bot, conn, None);
        }
    }

    pub(crate) fn leave(&mut self, conn: ConnId, name: &RoomName) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        let room = self.takes_changes().and_then(|()| self.member_room(name, bot));
        match room {
            Ok(room) => self.end_membership(room, bot, Loss::Left, Waiter::Client(conn)),
            Err(error) => self.send_error(conn, error.about("leave")),
        }
    }

    pub(crate) fn end_membership(&mut self, room: RoomIx, bot: BotIx, why: Loss, waiter: Waiter) {
        self.part(room, bot, why);
        let (name, id) = (self.room_name(room), self.bot_id(bot).clone());
        let change = Change::Leave { room: name, bot: id, why };
        self.change(change, Named::member(room, bot), waiter);
    }

    /// A bot is no member any more, if it was one.
    pub(crate) fn leave_answered(
        &mut self,
        room: RoomIx,
        mut left: Option<Box<Member>>,
        why: Loss,
        waiter: Waiter,
    ) {
        let reader = left.as_ref().and_then(|member| member.reader);
        let dropped = left.as_mut().map_or(0, |member| self.parted(room, member, why));
        let (asker, reason) = Self::why_parted(why, &waiter);
        // A seed client does not know the frame: it learns when it speaks there again.
        let reader = reader.filter(|it| self.conn(*it).is_some_and(|conn| !conn.plain));
        for conn in asker.into_iter().chain(reader.filter(|it| Some(*it) != asker)) {
            let is_plain = self.conn(conn).is_some_and(|it| it.plain);
            let is_told = Some(conn) == asker && dropped > 0 && !is_plain;
            let told = is_told.then_some(dropped);
            let frame = Left { room: self.room_name(room), reason: reason.clone(), dropped: told };
            self.send(conn, ServerFrame::Left(frame));
        }
        self.confirm_parting(waiter, dropped);
    }

    pub(crate) fn room_declared(
        &mut self,
        name: &RoomName,
        members: &[BotId],
        closed: bool,
        retain: Option<Retention>,
    ) {
        if self.world.going_room_ix(name).is_some() {
            // It is made again as soon as it is gone.
            let (room, members) = (name.clone(), members.to_vec());
            return self.declared_late.push(Declared { room, members, closed, retain });
        }
        let room = self.world.intern_room(name);
        self.note_declared(room);
        if !self.world.room(room).durable {
            let is_declared = std::mem::replace(&mut self.world.room_mut(room).is_declared, true);
            self.world.declaring += usize::from(!is_declared);
            self.make_room(room, closed, Waiter::Configuration);
        }
        self.world.set_closed(room, closed);
        if retain.is_some() {
            self.world.room_mut(room).retain = retain;
        }
        for id in members {
            let bot = self.world.intern_bot(id);
            if self.world.member(room, bot).is_none()
                && self.world.room_mut(room).expected.insert(bot)
            {
                self.world.declaring += 1;
                self.add_member(room, bot, Waiter::Configuration);
            }
        }
    }

    /// The room with that name, if the bot is a member of it.
    pub(crate) fn member_room(&self, name: &RoomName, bot: BotIx) -> Result<RoomIx, ErrorFrame> {
        self.may_name(name, bot)?;
        let Some(room) = self.world.room_ix(name) else {
            return Err(self.no_such_room(name, bot));
        };
        if self.world.member(room, bot).is_some() {
            return Ok(room);
        }
        if self.world.bot(bot).standing.guest {
            // Whether there is such a room is nothing for a guest to know.
            return Err(self.no_such_room(name, bot));
        }
        Err(ErrorFrame::new(Code::NotAMember)
            .message(format!("you are not a member of `{name}`"))
            .hint(format!("send {{\"type\":\"join\",\"room\":\"{name}\"}} first")))
    }

    /// A hub that is about to stop makes no new changes for anybody.
    pub(crate) fn takes_changes(&self) -> Result<(), ErrorFrame> {
        if self.draining { Err(ErrorFrame::new(Code::ShuttingDown)) } else { Ok(()) }
    }
}
