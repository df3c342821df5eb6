//! Who is here and what they are doing. Ephemeral: nothing of it is stored.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::{BotState, Presence as Wish};
use bot_protocol::frame::server::{ErrorFrame, Presence, Typing};
use bot_protocol::name::RoomName;
use bot_protocol::right::Right;
use smol_str::SmolStr;

use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;

/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 128;

impl Hub {
    pub(crate) fn set_presence(&mut self, conn: ConnId, wish: Wish) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        if let Err(error) = self.may_set_presence(bot, wish.state) {
            return self.send_error(conn, error.about("presence"));
        }
        let note = wish.note.map(|note| note.chars().take(NOTE_CHARS_MAX).collect());
        self.announce(bot, wish.state, note);
    }

    fn may_set_presence(&self, bot: BotIx, state: BotState) -> Result<(), ErrorFrame> {
        if state == BotState::Offline {
            return Err(ErrorFrame::new(Code::BadFrame)
                .message("a connected bot is not offline")
                .hint("use `away`, or close the connection"));
        }
        if self.world.bot(bot).conn.is_none() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("a bot is offline while only side connections of it are open"));
        }
        Ok(())
    }

    /// Changes a bot's state and tells those who share a room with it and want to know.
    pub(crate) fn announce(&mut self, bot: BotIx, state: BotState, note: Option<SmolStr>) {
        let now = self.now;
        let subject = self.world.bot_mut(bot);
        if subject.state == state && subject.note == note {
            return;
        }
        (subject.state, subject.note, subject.since) = (state, note, now);
        self.tell_presence(bot, &self.world.bot(bot).room_list.clone());
    }

    /// A bot is a member of another room: those in it learn that it is here.
    pub(crate) fn announce_in(&mut self, room: RoomIx, bot: BotIx) {
        if self.world.bot(bot).conn.is_some() {
            self.tell_presence(bot, &[room]);
        }
    }

    fn tell_presence(&mut self, bot: BotIx, rooms: &[RoomIx]) {
        let subject = self.world.bot(bot);
        let (id, state, note) = (subject.id.clone(), subject.state.into(), subject.note.clone());
        let frame = Presence { bot: id, state, note, since: subject.since };
        let mut audience: Vec<ConnId> = Vec::new();
        for &room in rooms {
            let others = self.world.room(room).members.iter().filter(|member| member.bot != bot);
            audience.extend(others.filter_map(|member| self.world.bot(member.bot).conn));
        }
        audience.sort_unstable();
        audience.dedup();
        for conn in audience {
            if self.conn(conn).is_some_and(|it| it.caps.presence) {
                self.send(conn, ServerFrame::Presence(frame.clone()));
            }
        }
    }

    pub(crate) fn typing(&mut self, conn: ConnId, name: &RoomName) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        let room = self.member_room(name, bot);
        let room = match room.and_then(|room| self.needs(room, bot, Right::Post).map(|()| room)) {
            Ok(room) => room,
            Err(error) => return self.send_error(conn, error.about("typing")),
        };
        let others = self.world.room(room).members.iter().filter(|member| member.bot != bot);
        let readers: Vec<ConnId> = others.filter_map(|member| member.reader).collect();
        for reader in readers {
            if self.conn(reader).is_some_and(|it| it.caps.presence) {
                let frame = Typing { room: name.clone(), from: self.bot_id(bot).clone() };
                self.send(reader, ServerFrame::Typing(frame));
            }
        }
    }
}
