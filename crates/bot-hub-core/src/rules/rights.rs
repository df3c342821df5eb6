//! What a member may do in its rooms, and whom a guest may reach.
//!
//! Owns every refusal for want of a right. A *guest* is a bot that came by an invite: it knows the rooms
//! that it was let into and the bots in them, and nothing else here exists for it.

use bot_protocol::block::{self, Kind};
use bot_protocol::code::Code;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::RoomName;
use bot_protocol::right::{Right, Rights};
use serde_json::Value;

use crate::change::{Change, Loss};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::waiting::Waiter;
use crate::world::Member;

impl Hub {
    /// Whether a bot may operate the hub, as things are now.
    pub(crate) fn is_operator(&self, bot: BotIx) -> bool {
        self.world.bot(bot).standing.operator
    }

    /// Refuses what a member has no right to. An operator may do everything, everywhere.
    pub(crate) fn needs(&self, room: RoomIx, bot: BotIx, right: Right) -> Result<(), ErrorFrame> {
        let known = self.world.bot(bot);
        match self.world.member(room, bot) {
            Some(member) if !member.rights.has(right) && !known.standing.operator => {
                let name = &self.world.room(room).name;
                let enough = member.rights.with(right);
                let what = format!("you may not {} `{name}`", verb(right));
                Err(ErrorFrame::new(Code::NoRight).message(what).hint(format!(
                    "an operator can run: bot-hub room add {name} {} --can {enough}",
                    known.id
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether this message may be said in this room.
    pub(crate) fn may_speak(
        &self,
        room: RoomIx,
        bot: BotIx,
        message: &Message,
    ) -> Result<(), ErrorFrame> {
        let Some(member) = self.world.member(room, bot) else { return Ok(()) };
        if member.rights.has(Right::Post) && member.rights.has(Right::Request) {
            return Ok(());
        }
        self.needs(room, bot, Right::Post)?;
        if asks_for_work(message) { self.needs(room, bot, Right::Request) } else { Ok(()) }
    }

    /// Whether one bot may speak with another directly. Of two that are no guests everybody may, as
    /// ever. A guest needs a room that both are in, and there the right to say what it says. It may
    /// always answer an operator.
    pub(crate) fn may_address(
        &self,
        bot: BotIx,
        other: BotIx,
        message: Option<&Message>,
    ) -> Result<(), ErrorFrame> {
        let (one, another) = (self.world.bot(bot), self.world.bot(other));
        let is_free = !one.standing.guest && !another.standing.guest
            || one.standing.operator
            || another.standing.operator && self.may_know(bot, other);
        if is_free || bot == other || self.settings.guests_reach_all {
            return Ok(());
        }
        if !one.standing.guest {
            return self.shares_room(bot, other).then_some(()).ok_or_else(|| {
                ErrorFrame::new(Code::NotInvited)
                    .message(format!("`{}` is a guest, and in no room with you", another.id))
                    .hint("speak with it in a room, or let an operator make both members of one")
            });
        }
        let asks = message.is_some_and(asks_for_work);
        for (right, is_needed) in [(Right::Post, true), (Right::Request, asks)] {
            if is_needed && !self.has_where_both_are(bot, other, right) {
                return Err(ErrorFrame::new(Code::NoRight)
                    .message(format!("you lack the right to {right} where `{}` is", another.id))
                    .hint("ask whoever runs the hub; `joined` says what you may do in a room"));
            }
        }
        Ok(())
    }

    /// Whether a bot is to know that another one is here.
    pub(crate) fn may_know(&self, asker: BotIx, other: BotIx) -> bool {
        !self.world.bot(asker).standing.guest
            || self.settings.guests_reach_all
            || asker == other
            || self.shares_room(asker, other)
            || self.is_operator(other) && self.has_conversation(asker, other)
    }

    /// Whether the two have spoken directly: with a guest that an operator wrote to, for one.
    fn has_conversation(&self, one: BotIx, other: BotIx) -> bool {
        let name = RoomName::direct(self.bot_id(one), self.bot_id(other));
        let is_member = |room, bot| self.world.member(room, bot).is_some();
        let room = self.world.room_ix(&name);
        room.is_some_and(|room| is_member(room, one) && is_member(room, other))
    }

    fn shares_room(&self, one: BotIx, other: BotIx) -> bool {
        self.common_rooms(one, other).next().is_some()
    }

    fn has_where_both_are(&self, bot: BotIx, other: BotIx, right: Right) -> bool {
        let mut rooms = self.common_rooms(bot, other);
        rooms.any(|room| self.world.member(room, bot).is_some_and(|it| it.rights.has(right)))
    }

    /// Rooms of both, direct conversations aside.
    fn common_rooms(&self, one: BotIx, other: BotIx) -> impl Iterator<Item = RoomIx> {
        let rooms = self.world.bot(one).room_list.iter().copied();
        rooms.filter(move |&room| {
            self.world.member(room, other).is_some()
                && self.world.room(room).name.direct_pair().is_none()
        })
    }

    /// A guest joins no room by itself, and is not told which there are.
    pub(crate) fn may_come_uninvited(&self, bot: BotIx, name: &RoomName) -> Result<(), ErrorFrame> {
        let known = self.world.bot(bot);
        if !known.standing.guest {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::NotInvited)
            .message(format!("you are a guest here, and nobody let you into `{name}`"))
            .hint(format!("an operator can run: bot-hub room add {name} {}", known.id)))
    }

    pub(crate) fn grant(&mut self, room: RoomIx, bot: BotIx, rights: Rights, waiter: Waiter) {
        if !rights.has(Right::Read) {
            self.part(room, bot, Loss::NoRight);
        }
        let (name, id) = (self.room_name(room), self.bot_id(bot).clone());
        let change = Change::Grant { room: name, bot: id, rights };
        self.change(change, Named::member(room, bot), waiter);
    }

    /// A member ceases to read, if it did: what waits for it is not for it any more. Returns how much that
    /// was.
    pub(crate) fn reading_ended(&mut self, room: RoomIx, before: &mut Member) -> u64 {
        if !before.reads() {
            return 0;
        }
        let first_kept = self.world.room(room).first;
        for slot in before.detach() {
            self.come_back(room, before.bot, &slot, first_kept);
        }
        self.parted(room, before, Loss::NoRight)
    }

    /// It is told what it may do, and begins to read if it may.
    pub(crate) fn grant_answered(&mut self, room: RoomIx, bot: BotIx, is_told: bool) {
        if let Some(reader) = self.world.bot(bot).conn.filter(|_| is_told) {
            self.entered(reader, room, bot);
        }
    }
}

fn verb(right: Right) -> &'static str {
    match right {
        Right::Read => "read",
        Right::Post => "say anything in",
        Right::Request => "ask for work in",
        Right::Invite => "invite others into",
    }
}

/// Whether a message begins a conversation about work: as an act beside the text, or as a block in it.
/// An answer and a question back belong to a conversation that somebody else began.
fn asks_for_work(message: &Message) -> bool {
    let begins = |kind| !matches!(kind, Kind::Response | Kind::Clarify);
    let is_request = message.act.as_ref().is_some_and(|act| {
        let act: Value = serde_json::from_str(act.as_json()).unwrap_or_default();
        let kind = act["type"].as_str().unwrap_or_default().to_ascii_uppercase();
        // What cannot be read as an answer may be a request to somebody who reads it otherwise.
        Kind::parse(&kind).is_none_or(begins)
    });
    is_request || block::parse_all(&message.text).any(|act| begins(act.kind))
}
