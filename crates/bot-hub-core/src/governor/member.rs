//! One bot in one room, since it first spoke there.
//!
//! Owns what it has answered already, how fast it is, and whether it keeps to a clock of its own.

use std::collections::VecDeque;

use bot_protocol::time::Timestamp;

use super::day::{DAY_MS, Day};
use super::pace::{Pace, is_about};
use super::rules::ConversationId;

/// So many entries that it named are remembered; older ones of persons count as answered.
const NAMED_MAX: usize = 64;

/// An answer has so many messages more at most: who works off what had waited says one for each.
const TURN_MESSAGES_MAX: u8 = 8;

/// What it says so soon after its last message belongs to the same turn, if nothing came in between.
const SAME_TURN_MS: u64 = 20_000;

/// **Bound:** 64 named entries, two days, and no more.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Member {
    /// Up to here nothing is new to it.
    pub(super) answered_to: u64,
    /// Entries up to here came late, at that time, and not when they were committed.
    pub(super) late: Option<(u64, Timestamp)>,
    /// The entry that it has begun to work on.
    pub(super) started: Option<u64>,
    /// Entries that it named as a cause.
    pub(super) named: VecDeque<u64>,
    /// Messages of persons up to here count as answered.
    pub(super) named_to: u64,
    /// When it last spoke.
    pub(super) spoke_at: Option<Timestamp>,
    /// In which conversation, and how far from its beginning.
    pub(super) spoke_in: (ConversationId, u16),
    /// When its last turn began.
    pub(super) turn_at: Option<Timestamp>,
    /// Messages of that turn that were not counted.
    pub(super) turn_messages: u8,
    /// From a delivery to its answer.
    pub(super) latencies: Pace,
    /// From one turn to the next.
    pub(super) gaps: Pace,
    pub(super) day: Day,
    /// The part of the day that was warned of.
    pub(super) day_warned: u8,
    /// Messages whose cause cannot be what it says it is.
    pub(super) unproven: Day,
    /// So much more than the day's limit is allowed, since a person resumed it.
    pub(super) day_granted: u32,
    pub(super) pause: Option<Box<Pause>>,
    /// When a rule paused it last.
    pub(super) tripped_at: Option<Timestamp>,
    /// When it was released because it kept its pace: until a day later all of its messages count.
    pub(super) released_at: Option<Timestamp>,
    pub(super) clock: Option<Clock>,
}

/// Why and since when it is paused.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pause {
    /// All that were paused at once share it.
    pub(super) trip: u64,
    pub(super) conversation: ConversationId,
    /// When it ends by itself.
    pub(super) until: Option<Timestamp>,
    /// From then on what it says is no answer to what it was handed before.
    pub(super) settled_at: Timestamp,
    /// What was usual from one turn to the next, before.
    pub(super) pace: Option<u64>,
    /// When it last spoke of itself.
    pub(super) spoke_at: Option<Timestamp>,
}

/// It speaks at a fixed pace, whatever is delivered to it: that was seen while nothing was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Clock {
    pub(super) period_ms: u64,
    /// When it last spoke by it.
    pub(super) at: Timestamp,
    /// Until then this is believed.
    pub(super) until: Timestamp,
}

/// What a message of a bot that is paused shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing.
    None,
    /// It keeps about its pace.
    Pace,
    /// It keeps to a clock, as it did before the pause.
    Clock { period_ms: u64 },
}

impl Member {
    /// When an entry reached it.
    pub(super) fn reached_at(&self, seq: u64, committed_at: Timestamp) -> Timestamp {
        match self.late {
            Some((to, at)) if seq <= to => at,
            _ => committed_at,
        }
    }

    /// Entries after the first number up to the second one were handed over only now, or once more.
    pub(super) fn hand_late(&mut self, now: Timestamp, after: u64, to: u64) {
        self.answered_to = self.answered_to.min(after);
        self.late = Some((to, now));
    }

    /// Whether it has named an entry before.
    pub(super) fn has_named(&self, seq: u64) -> bool {
        self.named.contains(&seq)
    }

    /// Whether a person's entry was answered by name before.
    pub(super) fn has_answered(&self, seq: u64) -> bool {
        seq <= self.named_to || self.has_named(seq)
    }

    pub(super) fn name(&mut self, seq: u64) {
        if self.named.len() == NAMED_MAX
            && let Some(oldest) = self.named.pop_front()
        {
            self.named_to = self.named_to.max(oldest);
        }
        self.named.push_back(seq);
    }

    /// Whether what it says now belongs to what it said last, if nothing has reached it in between.
    pub(super) fn goes_on(&self, now: Timestamp) -> bool {
        self.spoke_at.is_some_and(|at| now.since(at) < SAME_TURN_MS)
    }

    /// Whether its answer has grown so long that it answers more than one entry.
    pub(super) fn is_verbose(&self) -> bool {
        self.spoke_in.1 > 0 && self.turn_messages >= TURN_MESSAGES_MAX
    }

    /// Whether it speaks now because its clock says so. Once it speaks at another time this is over.
    pub(super) fn keeps_clock(&self, now: Timestamp) -> bool {
        let Some(clock) = self.clock.as_ref().filter(|it| now < it.until) else { return false };
        let (gap, period) = (now.since(clock.at), clock.period_ms.max(1));
        let beats = (gap + period / 2) / period;
        beats > 0 && gap.abs_diff(beats * period) <= period / 10
    }

    /// Whether a clock is believed to make it speak: then a pause would stop nothing.
    pub(super) fn has_clock(&self, now: Timestamp) -> bool {
        self.clock.as_ref().is_some_and(|it| now < it.until)
    }

    /// Whether it was released within a day.
    pub(super) fn is_released(&self, now: Timestamp) -> bool {
        self.released_at.is_some_and(|at| now.since(at) < DAY_MS)
    }

    /// It has spoken though nothing has reached it, while it is paused.
    pub(super) fn probe(&mut self, now: Timestamp) -> Proof {
        let released = self.is_released(now);
        let Some(pause) = self.pause.as_mut() else { return Proof::None };
        let Some(pace) = pause.pace.filter(|_| !released) else { return Proof::None };
        if now < pause.settled_at {
            return Proof::None;
        }
        let gap = pause.spoke_at.map(|at| now.since(at));
        if gap.is_some_and(|gap| gap < pace / 2) {
            // It goes on with what it said just now.
            return Proof::None;
        }
        pause.spoke_at = Some(now);
        if gap.is_none_or(|gap| gap > 3 * pace) {
            return Proof::None;
        }
        match self.gaps.regular() {
            Some(period_ms) if gap.is_some_and(|gap| is_about(gap, period_ms)) => {
                Proof::Clock { period_ms }
            }
            _ => Proof::Pace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_persons_that_it_answered_the_oldest_stay_answered() {
        let mut member = Member::default();
        (1..=70).for_each(|seq| member.name(seq * 2));
        assert!(member.has_answered(2) && member.has_answered(140));
        assert!(!member.has_answered(141));
        assert_eq!(member.named.len(), NAMED_MAX);
    }

    #[test]
    fn a_clock_may_miss_a_beat_and_is_not_what_comes_in_between() {
        let at = Timestamp(1_000_000);
        let clock = Clock { period_ms: 60_000, at, until: at + DAY_MS };
        let member = Member { clock: Some(clock), ..Member::default() };
        for (seconds, keeps) in [
            (0, false),
            (20, false),
            (55, true),
            (65, true),
            (70, false),
            (120, true),
            (90_000, false),
        ] {
            assert_eq!(member.keeps_clock(at + seconds * 1_000), keeps, "{seconds}");
        }
    }
}
