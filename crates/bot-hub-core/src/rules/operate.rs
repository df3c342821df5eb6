//! Administration of rooms.
//!
//! Owns the operations that need the brain and change something. Those about bots and tokens need
//! randomness and secrets: they are answered outside.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::answer::Answer;
use bot_protocol::frame::operator::{Operate, Operation, Retention};
use bot_protocol::frame::server::{ErrorFrame, Operated};
use bot_protocol::line::OneLine;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use smol_str::SmolStr;

use crate::change::{Change, Loss};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::{ConnId, Output};
use crate::rules::pages::Part;
use crate::waiting::{RedactWish, Waiter};

impl Hub {
    pub(crate) fn operate(&mut self, conn: ConnId, request: Operate) {
        let reference = request.reference;
        let operator = self.conn(conn).map(|state| state.bot).filter(|&bot| self.is_operator(bot));
        let Some(asker) = operator else {
            let error = ErrorFrame::new(Code::NotAllowed).hint("this needs an operator's token");
            return self.send_error(conn, error.about(reference));
        };
        let waiter = Waiter::Operator { conn, reference: reference.clone() };
        let result = match request.operation {
            Operation::RoomList(page) => Ok(self.list_rooms(&Part::of(&page)).into()),
            Operation::RoomShow { room, after, limit } => {
                let page = Part::new(after.as_ref(), limit);
                self.known_room(asker, &room).map(|room| self.show_room(room, &page).into())
            }
            Operation::Pending { bot, after, limit } => {
                Ok(self.pending_for(bot.as_ref(), &Part::new(after.as_ref(), limit)).into())
            }
            Operation::Observe { rooms } => self.watch(conn, asker, rooms).map(Answer::from),
            Operation::Redact { room: name, seq } => {
                let (reference, why) =
                    (reference.clone(), request.why.and_then(OneLine::into_text));
                let wish = |room| RedactWish { reference, room, seq, why };
                match self.redact(conn, asker, &name, wish) {
                    Ok(()) => return,
                    Err(error) => Err(error),
                }
            }
            Operation::HubStatus {} => Ok(self.numbers().into()),
            Operation::PauseList(page) => Ok(self.list_pauses(&Part::of(&page)).into()),
            // The answer comes when the change is committed.
            change => match self.alter(asker, change, request.why, waiter) {
                Ok(()) => return self.note_act(conn),
                Err(error) => Err(error),
            },
        };
        match result {
            Ok(answer) => self.operated(conn, reference, answer),
            Err(error) => self.send_error(conn, error.about(reference)),
        }
    }

    fn alter(
        &mut self,
        asker: BotIx,
        operation: Operation,
        why: Option<OneLine>,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        self.takes_changes()?;
        match operation {
            Operation::RoomCreate { room, closed } => {
                self.create_room(asker, &room, closed, waiter)
            }
            Operation::RoomAdd { room, bot, can } => self.add(asker, &room, &bot, can, waiter),
            Operation::RoomKick { room, bot } => self.kick(asker, &room, &bot, waiter),
            Operation::RoomRemove { room } => self.remove_room(asker, &room, waiter),
            Operation::RoomRetain { room, retain } => {
                self.set_retention(asker, &room, retain, waiter)
            }
            Operation::Pause { room, bot, for_ms } => {
                let why = why.and_then(OneLine::into_text);
                self.pause(asker, (room, bot), for_ms, why, waiter)
            }
            Operation::Resume { room, bot, skip } => self.resume(asker, (room, bot), skip, waiter),
            _ => Err(ErrorFrame::new(Code::UnknownType)
                .message("bots are administered by the hub's registry")),
        }
    }

    /// What was asked for is on its way, unless it was so already: then nothing changes.
    fn note_act(&mut self, conn: ConnId) {
        if matches!(self.last_output(), Some(Output::Change(_))) {
            self.output(Output::Act { conn });
        }
    }

    pub(crate) fn operated(&mut self, conn: ConnId, reference: SmolStr, answer: impl Into<Answer>) {
        let result = answer.into();
        self.send(conn, ServerFrame::Operated(Operated { reference, result }));
    }

    pub(crate) fn known_room(&self, asker: BotIx, name: &RoomName) -> Result<RoomIx, ErrorFrame> {
        self.world.room_ix(name).ok_or_else(|| self.no_such_room(name, asker))
    }

    fn create_room(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        closed: bool,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        if let Some(error) = self.names_a_bot(name, asker) {
            return Err(error.hint("a room cannot have the name of a bot"));
        }
        if name.direct_pair().is_some() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("direct conversations are made by the first message in them"));
        }
        self.is_no_removal_under_way(name, asker)?;
        match self.world.coming_room_ix(name).map(|room| self.world.room(room).closed) {
            Some(known) if known != closed => Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("room `{name}` exists, and it is {}", openness(known)))
                .hint(format!("bot-hub room show {name}"))),
            known => {
                if known.is_none() {
                    self.has_space_for_room()?;
                }
                let room = self.world.intern_room(name);
                self.make_room(room, closed, waiter);
                Ok(())
            }
        }
    }

    fn add(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        id: &BotId,
        can: Option<Rights>,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let bot = self.find_bot(id, asker)?;
        let room = self.known_room(asker, name)?;
        if let Some(member) = self.world.member(room, bot) {
            match can.filter(|can| *can != member.rights) {
                Some(can) => self.grant(room, bot, can, waiter),
                None => self.confirm(waiter),
            }
            return Ok(());
        }
        if name.direct_pair().is_some() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("a direct conversation has two members: its name says which"));
        }
        self.has_space_for_member(room)?;
        match can.filter(|can| *can != Rights::USUAL) {
            Some(can) => {
                self.add_member(room, bot, Waiter::Another);
                self.grant(room, bot, can, waiter);
            }
            None => self.add_member(room, bot, waiter),
        }
        Ok(())
    }

    fn kick(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        id: &BotId,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(asker, name)?;
        let bot = self.world.bot_ix(id).filter(|&bot| self.world.member(room, bot).is_some());
        let Some(bot) = bot else {
            return Err(ErrorFrame::new(Code::NotAMember)
                .message(format!("`{id}` is not a member of `{name}`"))
                .hint(format!("bot-hub room show {name}")));
        };
        self.end_membership(room, bot, Loss::Kicked, waiter);
        Ok(())
    }

    fn set_retention(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        retain: Retention,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(asker, name)?;
        let bounds =
            [("age_ms", retain.age_ms), ("entries", retain.entries), ("bytes", retain.bytes)];
        if let Some((bound, _)) = bounds.into_iter().find(|(_, it)| *it == Some(0)) {
            return Err(ErrorFrame::new(Code::BadFrame)
                .message(format!("a room with `{bound}` 0 would keep nothing"))
                .hint("a number from 1; without a bound leave it out, or say null"));
        }
        let change = Change::Retain { room: name.clone(), retain };
        self.change(change, Named::room(room), waiter);
        Ok(())
    }
}

fn openness(closed: bool) -> &'static str {
    if closed { "closed" } else { "open" }
}
