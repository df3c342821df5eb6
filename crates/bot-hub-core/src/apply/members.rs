//! Which rooms there are, and who is in them.

use bot_protocol::name::RoomName;
use bot_protocol::right::{Right, Rights};

use super::Effect;
use crate::change::Outcome;
use crate::index::{BotIx, Named, RoomIx};
use crate::world::{Member, World};

impl World {
    /// The store makes a room as the first who asked wanted it, and so does this. The configuration may
    /// declare it otherwise.
    pub(super) fn room_made(&mut self, room: RoomIx, closed: bool, outcome: &Outcome) -> Effect {
        if let Outcome::Made { epoch } = *outcome {
            self.room_mut(room).epoch = epoch;
        }
        let known = self.room(room);
        if !known.durable && !known.is_declared {
            self.set_closed(room, closed);
        }
        self.room_is_stored(room);
        Effect::Made
    }

    pub(super) fn room_removed(
        &mut self,
        named: Named,
        name: &RoomName,
        outcome: &Outcome,
    ) -> Effect {
        let room = named.room.or_else(|| self.coming_room_ix(name));
        let (Some(room), &Outcome::RoomRemoved { remains }) = (room, outcome) else {
            return Effect::Nothing;
        };
        Effect::RoomRemoved { room, members: self.remove_room(room), remains }
    }

    /// The store knows the room.
    fn room_is_stored(&mut self, room: RoomIx) {
        self.room_is_there(room);
        let was_declared = std::mem::take(&mut self.room_mut(room).is_declared);
        self.declaring -= usize::from(was_declared);
    }

    pub(super) fn member_joined(&mut self, room: RoomIx, bot: BotIx) -> Effect {
        // A room that has a member is there.
        self.room_is_stored(room);
        self.expects_no_more(room, bot);
        let is_new = self.member(room, bot).is_none();
        if is_new {
            let head = self.room(room).head;
            self.insert_member(room, Member::new(bot, head, head));
        }
        Effect::Joined { room, bot, is_new }
    }

    /// One that begins or ceases to read is where the room's head is, as if it had joined just now.
    pub(super) fn member_granted(&mut self, room: RoomIx, bot: BotIx, rights: Rights) -> Effect {
        let head = self.room(room).head;
        let Some(member) = self.member_mut(room, bot) else {
            return Effect::Granted { room, bot, before: None, is_told: false };
        };
        let turns = member.reads() != rights.has(Right::Read);
        let is_told = member.reader.is_some() || turns;
        let begun = || Member::new(bot, head, head);
        let before = turns.then(|| Box::new(std::mem::replace(member, begun())));
        member.rights = rights;
        Effect::Granted { room, bot, before, is_told }
    }
}
