//! Which pauses hold.
//!
//! Owns what a stored pause, or its end, does to the table of pauses.

use bot_protocol::frame::pause::PauseLine;

use super::Effect;
use crate::pause::PauseKey;
use crate::world::{Key, Scope, World};

impl World {
    /// The pause with the indices of what it names; `None` of a room that is not there any more.
    pub(crate) fn pause_key(&mut self, key: &PauseKey) -> Option<Key> {
        let room = match &key.room {
            Some(room) => Some(self.named_room_ix(room)?),
            None => None,
        };
        let bot = key.bot.as_ref().map(|bot| self.intern_bot(bot));
        Some(Key { scope: Scope { room, bot }, by: key.by })
    }

    pub(super) fn paused(&mut self, line: PauseLine) -> Effect {
        let Some(key) = self.pause_key(&PauseKey::of(&line)) else { return Effect::Nothing };
        self.pauses.insert(key, line);
        Effect::Paused(key)
    }

    pub(super) fn resumed(&mut self, key: &PauseKey) -> Effect {
        let Some(key) = self.pause_key(key) else { return Effect::Nothing };
        Effect::Resumed { key, ended: self.pauses.remove(key) }
    }

    /// Takes over a pause of an earlier start, unless it is of a room or of a bot that is there no more.
    pub(crate) fn restore_pause(&mut self, line: PauseLine) {
        let is_of_room = line.room.as_ref().is_none_or(|room| self.room_ix(room).is_some());
        let bot = line.bot.as_ref().map(|bot| self.intern_bot(bot));
        if is_of_room
            && bot.is_none_or(|bot| self.is_own(bot, line.since))
            && let Some(key) = self.pause_key(&PauseKey::of(&line))
        {
            self.pauses.insert(key, line);
        }
    }

    /// The pauses within a scope end with its room, or with its bot.
    pub(crate) fn forget_pauses(&mut self, scope: Scope) {
        for key in self.pauses.within(scope, None, usize::MAX) {
            self.pauses.remove(key);
        }
    }

    /// The name of a pause in the store.
    pub(crate) fn named_pause(&self, key: Key) -> PauseKey {
        let Key { scope: Scope { room, bot }, by } = key;
        let room = room.map(|room| self.room(room).name.clone());
        let bot = bot.map(|bot| self.bot(bot).id.clone());
        PauseKey { room, bot, by }
    }
}
