//! How many bytes a bot has said within a day.
//!
//! Owns the arithmetic of one rolling day, in steps of an hour. Never refuses anything: `rules::quota` does.

use std::collections::VecDeque;

use bot_protocol::time::Timestamp;

const HOUR_MS: u64 = 3_600_000;

/// An hour counts until so many more are over: what was said in it is a day old by then.
const HOURS: u64 = 24;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Number of the hour and bytes, oldest first; hours without a message are left out.
    hours: VecDeque<(u64, u64)>,
}

impl Said {
    /// Counts a message.
    pub(crate) fn add(&mut self, now: Timestamp, bytes: u64) {
        let hour = self.begin(now);
        match self.hours.back_mut() {
            Some((newest, sum)) if *newest == hour => *sum = sum.saturating_add(bytes),
            _ => self.hours.push_back((hour, bytes)),
        }
    }

    /// The message was not stored after all.
    pub(crate) fn take_back(&mut self, mut bytes: u64) {
        for (_, sum) in self.hours.iter_mut().rev() {
            let taken = bytes.min(*sum);
            (*sum, bytes) = (*sum - taken, bytes - taken);
        }
    }

    /// Bytes of the last day.
    pub(crate) fn bytes(&self, now: Timestamp) -> u64 {
        let hour = hour_of(now);
        let counted = self.hours.iter().filter(|(at, _)| at + HOURS >= hour);
        counted.fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// How long until at most `bytes_max` are left of what was said by now.
    pub(crate) fn wait_ms(&self, now: Timestamp, bytes_max: u64) -> u64 {
        let mut left = self.bytes(now);
        for (at, bytes) in &self.hours {
            if left <= bytes_max {
                break;
            }
            if at + HOURS >= hour_of(now) {
                left -= bytes;
            }
            if left <= bytes_max {
                return Timestamp((at + HOURS + 1) * HOUR_MS).since(now);
            }
        }
        0
    }

    /// Forgets what is older than a day. After a clock was set back, what was said in hours that are still to
    /// come counts as said now: it must not count for longer than a day.
    pub(crate) fn begin(&mut self, now: Timestamp) -> u64 {
        let hour = hour_of(now);
        while self.hours.front().is_some_and(|(at, _)| at + HOURS < hour) {
            self.hours.pop_front();
        }
        let mut early = 0;
        while let Some((_, bytes)) = self.hours.pop_back_if(|(at, _)| *at > hour) {
            early += bytes;
        }
        if early > 0 {
            self.hours.push_back((hour, early));
        }
        hour
    }
}

fn hour_of(now: Timestamp) -> u64 {
    now.0 / HOUR_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u64) -> Timestamp {
        Timestamp(hour * HOUR_MS + 60_000)
    }

    #[test]
    fn what_was_said_counts_for_a_day() {
        let mut said = Said::default();
        said.add(at(100), 5);
        said.add(at(100), 2);
        said.add(at(110), 3);
        for (hour, expected) in [(110, 10), (124, 10), (125, 3), (134, 3), (135, 0)] {
            assert_eq!(said.bytes(at(hour)), expected, "hour {hour}");
        }
        said.take_back(6);
        assert_eq!(said.bytes(at(111)), 4, "an hour may have begun before a message was refused");
        said.begin(at(124));
        assert_eq!(said.bytes(at(124)), 4, "not a day old yet");
    }

    #[test]
    fn the_wait_is_until_enough_of_it_is_a_day_old() {
        let mut said = Said::default();
        said.add(at(100), 5);
        said.add(at(110), 3);
        let hours = |bytes_max| said.wait_ms(at(111), bytes_max).div_ceil(HOUR_MS);
        assert_eq!(hours(8), 0);
        assert_eq!(hours(7), 14);
        assert_eq!(hours(3), 14);
        assert_eq!(hours(2), 24);
        assert_eq!(said.wait_ms(at(130), 2).div_ceil(HOUR_MS), 5, "the older hour is over");
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_silences_nobody_for_a_year() {
        let mut said = Said::default();
        said.add(at(9_000), 5);
        said.begin(at(100));
        assert_eq!(said.bytes(at(100)), 5);
        assert_eq!(said.wait_ms(at(100), 0).div_ceil(HOUR_MS), 25);
        assert_eq!(said.bytes(at(125)), 0);
    }
}
