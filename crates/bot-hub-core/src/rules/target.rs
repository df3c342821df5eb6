//! Names that do not lead anywhere, and what was probably meant.
//!
//! Owns the sentences about wrong targets. Nothing is ever guessed: a wrong name is refused, with a
//! suggestion.

use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::suggest::alike;

use crate::hub::Hub;
use crate::index::BotIx;

/// Names compared for one suggestion: a refusal must not cost more than the frame that caused it, and a
/// comparison costs as much as the two names are long, multiplied.
const CANDIDATES_MAX: usize = 500;

/// Suggestions that one bot gets within [`SUGGESTIONS_MS`]. Who makes more mistakes is a program, and is
/// refused without one.
const SUGGESTIONS_MAX: u32 = 20;

/// See [`SUGGESTIONS_MAX`].
const SUGGESTIONS_MS: u64 = 10_000;

impl Hub {
    /// The refusal for a room that does not exist.
    pub(crate) fn no_such_room(&self, name: &RoomName, asker: BotIx) -> ErrorFrame {
        if let Some(error) = self.names_a_bot(name, asker) {
            return error;
        }
        if let Err(error) = self.is_no_removal_under_way(name, asker) {
            return error;
        }
        let error = ErrorFrame::new(Code::NoSuchRoom).message(format!("there is no room `{name}`"));
        match self.similar_room(name.as_str(), asker) {
            Some(room) => error.hint(format!("did you mean room `{room}`?")),
            None if self.world.bot(asker).standing.guest => error.hint("send `rooms` to see yours"),
            None => error.hint(format!(
                "send {{\"type\":\"join\",\"room\":\"{name}\"}} to make it, or `rooms` to see what there is"
            )),
        }
    }

    /// The refusal for a bot's name in the place of a room's.
    pub(crate) fn names_a_bot(&self, name: &RoomName, asker: BotIx) -> Option<ErrorFrame> {
        let bot = BotId::new(name.as_str()).ok()?;
        self.world.existing_bot(&bot).filter(|&bot| self.may_know(asker, bot))?;
        let hint = match self.similar_room(name.as_str(), asker) {
            Some(room) => format!("did you mean `to: {bot}`, or room `{room}`?"),
            None => format!("did you mean `to: {bot}`?"),
        };
        let error = ErrorFrame::new(Code::WrongKind);
        Some(error.message(format!("`{bot}` is a bot, not a room")).hint(hint))
    }

    /// The bot with that name, or the refusal for it.
    pub(crate) fn find_bot(&self, id: &BotId, asker: BotIx) -> Result<BotIx, ErrorFrame> {
        if let Some(bot) = self.world.existing_bot(id).filter(|&bot| self.may_know(asker, bot)) {
            return Ok(bot);
        }
        let room = RoomName::new(id.as_str()).ok().and_then(|name| self.world.room_ix(&name));
        if room.is_some_and(|room| self.may_see(room, asker)) {
            return Err(ErrorFrame::new(Code::WrongKind)
                .message(format!("`{id}` is a room, not a bot"))
                .hint(format!("did you mean `room: {id}`?")));
        }
        let error = ErrorFrame::new(Code::NoSuchBot).message(format!("there is no bot `{id}`"));
        Err(match self.similar_bot(id.as_str(), asker).filter(|similar| *similar != id) {
            Some(bot) => error.hint(format!("did you mean `to: {bot}`?")),
            None => error.hint("send `who` to see the bots that share a room with you"),
        })
    }

    /// Whether another suggestion may be looked for. Counts it.
    fn may_suggest(&self, asker: BotIx) -> bool {
        let suggestions = &self.world.bot(asker).suggestions;
        let (mut since, mut count) = suggestions.get();
        if self.now.since(since) >= SUGGESTIONS_MS {
            (since, count) = (self.now, 0);
        }
        let is_free = count < SUGGESTIONS_MAX;
        suggestions.set((since, count + u32::from(is_free)));
        is_free
    }

    fn similar_room(&self, name: &str, asker: BotIx) -> Option<&RoomName> {
        if !self.may_suggest(asker) {
            return None;
        }
        let rooms = self.world.bot(asker).room_list.iter().map(|&room| self.world.room(room));
        let sees_open = !self.world.bot(asker).standing.guest;
        let open = self.world.rooms.iter().filter(|room| room.durable && !room.closed && sees_open);
        let names = rooms.chain(open).take(CANDIDATES_MAX).map(|room| &room.name);
        let names = names.filter(|it| it.direct_pair().is_none());
        alike(name, names, |it| it.as_str()).into_iter().next()
    }

    /// Only bots that share a room with the asker: a typing error must not reveal who else is here.
    fn similar_bot(&self, name: &str, asker: BotIx) -> Option<&BotId> {
        if !self.may_suggest(asker) {
            return None;
        }
        let rooms = self.world.bot(asker).room_list.iter().map(|&room| self.world.room(room));
        let members = rooms.flat_map(|room| &room.members).take(CANDIDATES_MAX);
        let names = members.map(|member| self.bot_id(member.bot));
        alike(name, names, |it| it.as_str()).into_iter().next()
    }
}
