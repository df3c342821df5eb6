//! The wall clock as the engine follows it.
//!
//! Owns two judgements: that the clock was set while the hub ran, and that it cannot be trusted with
//! what retention by age removes. A clock that is days ahead makes every waiting message old; so does a
//! restored backup. What is removed cannot be brought back, and waiting costs only space, so retention
//! by age waits then, for [`AGE_WAITS_MS`] at most. Removes nothing itself.

use std::time::Duration;

use bot_protocol::time::Timestamp;
use smol_str::SmolStr;
use tokio::time::Instant;

use super::Clock;
use bot_hub_store::RESTORED;

/// A difference between the clock and a steady one that is no slewing.
const JUMP_MS: u64 = 1_000;

/// Programs that slew a clock make it run at most so much faster or slower: a tenth.
const SLEW: u64 = 10;

/// Further from the newest moment that the store knows, a clock is not trusted.
const TRUSTED_MS: u64 = 24 * 3_600_000;

/// How long retention by age waits at most: a day, in which somebody sees it, and in which bots that
/// come back get what waits for them.
pub(super) const AGE_WAITS_MS: u64 = 24 * 3_600_000;

/// How often the time is written down while nobody says anything.
pub(super) const NOTE_EVERY_MS: u64 = 3_600_000;

/// What happened to the clock since it was last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Time went by.
    On,
    /// It was set, or the machine slept.
    Ahead(u64),
    /// It was set back.
    Back(u64),
}

/// Why retention by age waits, and until when at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) why: SmolStr,
    /// By the steady clock: the other one is not trusted.
    until: Instant,
    /// The newest moment that was known when it began.
    newest: Timestamp,
}

/// See the module's documentation.
pub(super) struct Timekeeper {
    clock: Clock,
    read: (Timestamp, Instant),
    /// The newest moment that the store knows.
    newest: Timestamp,
    pub(super) wait: Option<Wait>,
    noted: Timestamp,
}

impl Timekeeper {
    pub(super) fn new(clock: Clock) -> Self {
        let read = (clock(), Instant::now());
        Self { clock, read, newest: Timestamp::default(), wait: None, noted: read.0 }
    }

    /// Reads the clock.
    pub(super) fn read(&mut self) -> (Timestamp, Moved) {
        let (now, steady) = ((self.clock)(), Instant::now());
        let passed = millis(steady.duration_since(self.read.1));
        let expected = self.read.0 + passed;
        let tolerated = JUMP_MS + passed / SLEW;
        let moved = match (now.since(expected), expected.since(now)) {
            (ahead, _) if ahead > tolerated => Moved::Ahead(ahead),
            (_, back) if back > tolerated => Moved::Back(back),
            _ => Moved::On,
        };
        self.read = (now, steady);
        (now, moved)
    }

    /// How long until the clock shows a moment, if nobody sets it.
    pub(super) fn until(&self, at: Timestamp) -> Duration {
        Duration::from_millis(at.since((self.clock)()))
    }

    /// Remembers what the store knows of time, and judges the clock by it.
    pub(super) fn remember(&mut self, newest: Timestamp, age_waits: Option<Timestamp>) {
        let now = self.read.0;
        // Of an empty store nothing is known; what comes into it is of now.
        self.newest = if newest == Timestamp::default() { now } else { newest };
        let why = match age_waits {
            Some(RESTORED) => "the store was restored from a backup".into(),
            Some(_) => "an earlier start did not trust the clock".into(),
            None => return self.judge(),
        };
        let left_ms = age_waits.map_or(0, |until| until.since(now)).min(AGE_WAITS_MS);
        self.begin(why, left_ms);
    }

    /// Judges the clock anew after it was set: a wait for a clock that was wrong ends when it is right.
    pub(super) fn judge(&mut self) {
        let now = self.read.0;
        let newest = self.wait.as_ref().map_or(self.newest, |wait| wait.newest);
        let away = now.since(newest);
        if newest == Timestamp::default() {
            return;
        }
        match &self.wait {
            None if away > TRUSTED_MS => {
                let hours = away / 3_600_000;
                let why =
                    format!("the clock is {hours} hours after the newest message that is stored");
                self.begin(why.into(), AGE_WAITS_MS);
            }
            Some(wait) if wait.why.starts_with("the clock is") && away <= TRUSTED_MS => {
                self.wait = None;
            }
            _ => {}
        }
    }

    fn begin(&mut self, why: SmolStr, wait_ms: u64) {
        let until = self.read.1 + Duration::from_millis(wait_ms);
        self.wait = Some(Wait { why, until, newest: self.newest });
    }

    /// Ends a wait that has lasted long enough.
    pub(super) fn end_wait(&mut self) {
        if self.wait.as_ref().is_some_and(|wait| wait.until <= self.read.1) {
            self.trust();
        }
    }

    /// From now on the clock is taken for right.
    pub(super) fn trust(&mut self) {
        self.wait = None;
        self.newest = self.read.0;
    }

    /// Until when retention by age waits, as the store writes it down.
    pub(super) fn waits_until(&self) -> Option<Timestamp> {
        let left = |wait: &Wait| millis(wait.until.duration_since(self.read.1));
        self.wait.as_ref().map(|wait| self.read.0 + left(wait))
    }

    /// Whether it is time to write the time down, and that this is done.
    pub(super) fn note(&mut self) -> Option<Timestamp> {
        let now = self.read.0;
        let is_due = now.since(self.noted) >= NOTE_EVERY_MS || now < self.noted;
        is_due.then(|| {
            self.noted = now;
            self.newest = self.newest.max(now);
            now
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    const DAY_MS: u64 = 24 * 3_600_000;

    fn keeper(at: u64) -> (Timekeeper, Rc<Cell<u64>>) {
        let shown = Rc::new(Cell::new(at));
        let clock = Rc::clone(&shown);
        (Timekeeper::new(Rc::new(move || Timestamp(clock.get()))), shown)
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_is_told_from_slewing() {
        let (mut keeper, shown) = keeper(1_000_000);
        let mut check = async |passes_ms: u64, shows: u64, expected| {
            tokio::time::advance(Duration::from_millis(passes_ms)).await;
            shown.set(shows);
            assert_eq!(keeper.read(), (Timestamp(shows), expected));
        };
        check(60_000, 1_065_900, Moved::On).await;
        check(0, 1_066_901, Moved::Ahead(1_001)).await;
        check(500, 1_067_401, Moved::On).await;
        check(0, 67_401, Moved::Back(1_000_000)).await;
        check(1_000, 68_401, Moved::On).await;
    }

    #[tokio::test(start_paused = true)]
    async fn retention_by_age_waits_for_a_clock_that_is_far_from_what_is_stored() {
        let newest = Timestamp(100 * DAY_MS);
        let waits = |at: u64, age_waits: Option<Timestamp>| {
            let mut keeper = keeper(at).0;
            keeper.remember(newest, age_waits);
            keeper.waits_until().map(|until| until.since(Timestamp(at)))
        };
        assert_eq!(waits(100 * DAY_MS, None), None);
        assert_eq!(waits(99 * DAY_MS, None), None);
        assert_eq!(waits(101 * DAY_MS, None), None);
        assert_eq!(waits(140 * DAY_MS, None), Some(DAY_MS));
        assert_eq!(waits(100 * DAY_MS, Some(RESTORED)), Some(DAY_MS));
        assert_eq!(waits(100 * DAY_MS, Some(newest + 7)), Some(7));
        assert_eq!(waits(100 * DAY_MS, Some(newest + 50 * DAY_MS)), Some(DAY_MS));
    }

    #[tokio::test(start_paused = true)]
    async fn retention_by_age_waits_also_where_nothing_was_stored_at_the_start() {
        let (mut keeper, shown) = keeper(100 * DAY_MS);
        keeper.remember(Timestamp::default(), None);
        assert_eq!(keeper.waits_until(), None);
        shown.set(140 * DAY_MS);
        assert_eq!(keeper.read().1, Moved::Ahead(40 * DAY_MS));
        keeper.judge();
        assert_eq!(keeper.waits_until(), Some(Timestamp(141 * DAY_MS)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_by_itself_or_when_the_clock_is_right() {
        let (mut ahead, shown) = keeper(140 * DAY_MS);
        ahead.remember(Timestamp(100 * DAY_MS), None);
        shown.set(100 * DAY_MS);
        assert_eq!(ahead.read().1, Moved::Back(40 * DAY_MS));
        ahead.judge();
        assert_eq!(ahead.wait, None);

        let (mut kept, shown) = keeper(140 * DAY_MS);
        kept.remember(Timestamp(100 * DAY_MS), None);
        for (passes_ms, is_over) in [(DAY_MS - 1, false), (1, true)] {
            tokio::time::advance(Duration::from_millis(passes_ms)).await;
            shown.set(shown.get() + passes_ms);
            kept.read();
            kept.end_wait();
            assert_eq!(kept.wait.is_none(), is_over);
        }
    }
}
