//! What the store refused, and that it is tried again.
//!
//! Owns what nobody else would repeat: rooms, memberships and observations. A place or a loss is not kept
//! here: its member has it, so that a full disk costs memory by members and not by what happens. **Invariant:**
//! what is forgotten is counted, and a bot whose own report it was (`started` or higher) gets an error.

use bot_protocol::code::Code;
use bot_protocol::receipt::ReceiptState;

use crate::change::Change;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::settings::CURSOR_SAVE_MS;
use crate::waiting::{Notification, Observation, RangeNotification, Waiter};

/// Observations, and positions that clients named, that are kept while the disk is full.
const OBSERVATIONS_MAX: usize = 10_000;

/// Changes that are tried at once while the store takes nothing.
const RETRIES_MAX: usize = 512;

/// The longest pause between two tries. A person who made space does not want to wait much longer.
const PAUSE_MAX_MS: u64 = 10_000;

impl Hub {
    /// How long to wait for the next try of something that is usually done after `millis`.
    pub(crate) fn patience(&self, millis: u64) -> u64 {
        if !self.refused.fails {
            return millis;
        }
        let pause = CURSOR_SAVE_MS << self.refused.tries.min(16);
        pause.min(PAUSE_MAX_MS)
    }

    /// A room that nobody but the configuration waits for is tried again, with the next save.
    pub(super) fn retry_room(&mut self, room: RoomIx) {
        self.save_after(CURSOR_SAVE_MS);
        self.refused.rooms.insert(room);
    }

    /// The same of a membership.
    pub(super) fn retry_join(&mut self, room: RoomIx, bot: BotIx) {
        self.save_after(CURSOR_SAVE_MS);
        self.refused.joins.insert((room, bot));
    }

    /// The same of a pause by a rule, and of the end of one whose time is over.
    pub(super) fn retry_pause(&mut self, change: Change) {
        self.save_after(CURSOR_SAVE_MS);
        let is_other = |it: &Change| it.pause_key() != change.pause_key();
        self.refused.pauses.retain(is_other);
        self.refused.pauses.push_back(change);
    }

    /// The same of what became of an entry, as long as there is space for it.
    pub(super) fn retry_observation(&mut self, observation: Observation, code: Code) {
        self.save_after(CURSOR_SAVE_MS);
        if self.refused.observations.len() < OBSERVATIONS_MAX {
            self.refused.observations.push_back(observation);
        } else {
            self.forget_observation(&observation, code);
        }
    }

    /// The bot may report it again. Until then the entry is known as received, which is
    /// true.
    fn forget_observation(&mut self, observation: &Observation, code: Code) {
        self.stats.forgotten += 1;
        let Some(conn) = self.world.bot(observation.notification.bot).conn else { return };
        if observation.notification.state > ReceiptState::Received
            && observation.notification.state.is_reported_by_client()
        {
            self.refuse(conn, code, observation.notification.id.as_str());
        }
    }

    /// How many changes are tried again until the store takes them: none while it works.
    pub(crate) fn refused_changes(&self) -> u64 {
        let of_members = if self.refused.fails { self.unsaved.len() + self.lossy.len() } else { 0 };
        (self.refused.len() + of_members) as u64
    }

    /// Nothing was stored.
    pub(crate) fn store_refuses(&mut self) {
        self.refused.fails = true;
    }

    /// Something was stored: what waits for that is tried at once.
    pub(crate) fn store_takes(&mut self) {
        let failed = std::mem::take(&mut self.refused.fails);
        self.refused.tries = 0;
        if failed || !self.refused.is_empty() {
            self.save_at = self.save_at.map(|_| self.now);
        }
        if failed {
            self.drops_at = self.drops_at.map(|_| self.now);
        }
    }

    /// Tries some of it again. Returns how many more changes may be tried now.
    pub(crate) fn retry_refused(&mut self) -> usize {
        self.refused.tries += u32::from(self.refused.fails);
        let mut space = RETRIES_MAX;
        while space > 0 && self.retry_next() {
            space -= 1;
        }
        if self.refused.fails { space } else { usize::MAX }
    }

    /// What was to be told with a refused place is tried as observations: only the store can tell whether
    /// the bot has reported something higher since.
    pub(crate) fn retry_notifications(&mut self, told: Vec<Notification>, code: Code) {
        for notification in told {
            let observation = self.observation(notification);
            self.retry_observation(observation, code);
        }
    }

    pub(crate) fn retry_claims(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        claims: Vec<RangeNotification>,
    ) {
        let space = OBSERVATIONS_MAX - self.refused.claims.len();
        self.stats.forgotten += claims.len().saturating_sub(space) as u64;
        let kept = claims.into_iter().take(space);
        self.refused.claims.extend(kept.map(|notification| (room, bot, notification)));
    }

    /// Tries the next one again, if there is one: rooms first, since the others are in them.
    fn retry_next(&mut self) -> bool {
        if let Some(room) = self.refused.rooms.pop_first() {
            if self.world.rooms.stays(room) && !self.world.room(room).durable {
                // Still on its way: how such a room comes stays decided.
                self.wish_for_room(room, Waiter::Configuration);
            }
        } else if let Some((room, bot)) = self.refused.joins.pop_first() {
            if self.world.rooms.stays(room) && self.world.member(room, bot).is_none() {
                self.add_member(room, bot, Waiter::Configuration);
            }
        } else if let Some(change) = self.refused.pauses.pop_front() {
            self.try_pause(change);
        } else if let Some((room, bot, claim)) = self.refused.claims.pop_front() {
            self.tell_of_claim(room, bot, vec![claim]);
        } else if let Some(observation) = self.refused.observations.pop_front() {
            if !self.world.rooms.stays(observation.notification.room) {
                // It went with its room, whose name another one may have.
                return true;
            }
            // Its place first, as when it was reported.
            let Notification { room, bot, seq, state, .. } = observation.notification;
            if state.is_reported_by_client() {
                self.repeat_received(room, bot, seq);
            }
            self.save_place(room, bot);
            self.store_observation(observation);
        } else {
            return false;
        }
        true
    }

    fn try_pause(&mut self, change: Change) {
        let Some(key) = change.pause_key() else { return };
        let Some(key) = self.world.pause_key(&key) else { return };
        match change {
            Change::Pause(line) => self.ask_for_pause(key, *line, Waiter::Nobody),
            // Unless it goes on until later, by now.
            _ => self.world.pauses.goes_on(key),
        }
    }
}
