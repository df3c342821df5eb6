//! What the brain knows about inviting: who may, into which rooms, and under which name.
//!
//! Owns the answers that `access` asks for before it makes or honours an invite. Changes nothing.

use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::{Right, Rights};

use crate::access::Rooms;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};

impl Rooms for Hub {
    fn take_newcomers(&self) -> Result<(), ErrorFrame> {
        if self.draining { Err(ErrorFrame::new(Code::ShuttingDown)) } else { Ok(()) }
    }

    /// Whether a bot may invite others into these rooms, to do that there. An operator may, also into
    /// rooms that are still to be made; a member may with the right to, and passes on no right that it
    /// has not got itself.
    fn may_invite(
        &mut self,
        by: &BotId,
        is_operator: bool,
        rooms: &[RoomName],
        rights: Rights,
    ) -> Result<(), ErrorFrame> {
        if rooms.is_empty() {
            return Err(
                ErrorFrame::new(Code::BadFrame).message("an invite names a room, or several")
            );
        }
        let by = self.world.intern_bot(by);
        for name in rooms {
            if name.direct_pair().is_some() {
                return Err(ErrorFrame::new(Code::NotAllowed)
                    .message("nobody can be invited into a direct conversation"));
            }
            self.is_no_removal_under_way(name, by)?;
            match self.world.room_ix(name) {
                None if is_operator => self.may_be_made(name, by)?,
                Some(_) if is_operator => {}
                _ => self.may_pass_on(by, name, rights)?,
            }
        }
        Ok(())
    }

    /// Which of these rooms are not there yet.
    fn missing(&self, rooms: &[RoomName]) -> Vec<RoomName> {
        rooms.iter().filter(|name| self.world.room_ix(name).is_none()).cloned().collect()
    }

    /// Who is a member of one of these rooms, in the order of joining: the first so many, for there is no
    /// need of all.
    fn first_members(&self, rooms: &[RoomName], count_max: usize) -> Vec<BotId> {
        let known = rooms.iter().filter_map(|name| self.world.room_ix(name));
        let members = known.flat_map(|room| &*self.world.room(room).members);
        members.take(count_max).map(|member| self.world.bot(member.bot).id.clone()).collect()
    }

    /// Whether every one of these rooms can take one member more.
    fn have_space(&self, rooms: &[RoomName]) -> Result<(), ErrorFrame> {
        let known: Vec<RoomIx> = rooms.iter().filter_map(|name| self.world.room_ix(name)).collect();
        known.into_iter().try_for_each(|room| self.has_space_for_member(room))
    }

    /// Whether a room has that name, or is about to.
    fn names_a_room(&self, id: &BotId) -> bool {
        let name = RoomName::new(id.as_str()).ok();
        name.is_some_and(|name| self.world.coming_room_ix(&name).is_some())
    }

    /// Whether a name means somebody or something here already: a bot, a member that somebody has
    /// declared and that has not come yet, or a room. Whoever chooses a name must not become them.
    fn is_known(&self, id: &BotId) -> bool {
        let bot = self.world.bot_ix(id).map(|bot| self.world.bot(bot));
        bot.is_some_and(|bot| bot.exists || !bot.room_list.is_empty()) || self.names_a_room(id)
    }
}

impl Hub {
    fn may_be_made(&self, name: &RoomName, by: BotIx) -> Result<(), ErrorFrame> {
        let error = self.names_a_bot(name, by);
        error.map_or(Ok(()), |error| Err(error.hint("a room cannot have the name of a bot")))
    }

    fn may_pass_on(&self, by: BotIx, name: &RoomName, rights: Rights) -> Result<(), ErrorFrame> {
        // The request may have come over HTTP, where no frame can be sent: the hint names none.
        let own = "name rooms that you are a member of";
        let room = self.member_room(name, by).map_err(|error| match error.code {
            code if [Code::NotAMember, Code::NoSuchRoom].map(Code::number).contains(&code) => {
                error.hint(own)
            }
            _ => error,
        })?;
        self.needs(room, by, Right::Invite)?;
        let own = self.world.member(room, by).map_or(Rights::NONE, |member| member.rights);
        if rights.within(own) {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::NoRight)
            .message(format!("you cannot give away more than you may do in `{name}`: {own}"))
            .hint("ask for fewer rights with `can`"))
    }
}
