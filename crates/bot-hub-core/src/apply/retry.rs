//! What the store refused, and that it is tried again.
//!
//! Owns what nobody else would repeat: rooms, memberships and facts. A place or a loss is not kept here:
//! its member has it, so that a full disk costs memory by members and not by what happens. **Invariant:**
//! what is forgotten is counted, and a bot whose own report it was (`started` or higher) gets an error.

use bot_protocol::code::Code;
use bot_protocol::receipt::ReceiptState;

use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::settings::CURSOR_SAVE_MS;
use crate::waiting::{Fact, News, Notice, Pending, Waiter};

/// Facts about single entries, and news of them, that are kept while the disk is full.
const FACTS_MAX: usize = 10_000;

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

    /// The store refused something that nobody waits for: the brain tries it again, with the next
    /// save.
    pub(crate) fn retry(&mut self, pending: Pending, code: Code) {
        self.save_after(CURSOR_SAVE_MS);
        let refused = &mut self.refused;
        match pending {
            Pending::Room { room, .. } => {
                refused.rooms.insert(room);
            }
            Pending::Join { room, bot, .. } => {
                refused.joins.insert((room, bot));
            }
            Pending::Fact(fact) if refused.facts.len() < FACTS_MAX => {
                refused.facts.push_back(*fact);
            }
            Pending::Fact(fact) => self.forget_fact(&fact, code),
            _ => {}
        }
    }

    /// The bot may report it again. Until then the entry is known as received, which is
    /// true.
    fn forget_fact(&mut self, fact: &Fact, code: Code) {
        self.stats.forgotten += 1;
        let Some(conn) = self.world.bot(fact.news.bot).conn else { return };
        if fact.news.state > ReceiptState::Received && fact.news.state.is_reported_by_client() {
            self.refuse(conn, code, fact.news.id.as_str());
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

    /// Notices that were to go out with a refused place are tried as facts of their own: only the store can tell
    /// whether the bot has reported something higher since.
    pub(crate) fn retry_news(&mut self, told: Vec<News>, code: Code) {
        for news in told {
            let fact = self.fact(news);
            self.retry(Pending::Fact(Box::new(fact)), code);
        }
    }

    pub(crate) fn retry_claims(&mut self, room: RoomIx, bot: BotIx, claims: Vec<Notice>) {
        let space = FACTS_MAX - self.refused.claims.len();
        self.stats.forgotten += claims.len().saturating_sub(space) as u64;
        let kept = claims.into_iter().take(space);
        self.refused.claims.extend(kept.map(|notice| (room, bot, notice)));
    }

    /// Tries the next one again, if there is one: rooms first, since the others are in them.
    fn retry_next(&mut self) -> bool {
        if let Some(room) = self.refused.rooms.pop_first() {
            if !self.world.room(room).durable {
                // Still on its way: how such a room comes stays decided.
                self.wish_for_room(room, Waiter::Nobody);
            }
        } else if let Some((room, bot)) = self.refused.joins.pop_first() {
            if self.world.member(room, bot).is_none() {
                self.add_member(room, bot, Waiter::Nobody);
            }
        } else if let Some((room, bot, claim)) = self.refused.claims.pop_front() {
            self.tell_of_claim(room, bot, vec![claim]);
        } else if let Some(fact) = self.refused.facts.pop_front() {
            // Its place first, as when it was reported.
            self.save_place(fact.news.room, fact.news.bot);
            self.state(fact);
        } else {
            return false;
        }
        true
    }
}
