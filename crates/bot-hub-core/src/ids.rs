//! Ids for messages whose sender chose none.
//!
//! Owns their shape: when, then 64 bits that nobody can foresee. Never asks for randomness: whoever
//! starts the brain gives it a secret key, and the bits are what the key makes of a counter.
//!
//! A member that could name the next id could use it first, and be taken for the message that others
//! report about. The time comes first because the store's index of ids begins with the id: messages
//! of one moment then stand on one page of it.

use std::fmt;

use blake3::{Hasher, OutputReader};
use bot_protocol::id::MessageId;
use bot_protocol::time::Timestamp;

/// 50 bits of milliseconds: 35,000 years.
const TIME_DIGITS: u32 = 10;

/// 64 bits.
const CHANCE_DIGITS: u32 = 13;

/// Together 23 bytes: so many a `MessageId` holds without memory of its own.
const BYTES: usize = (TIME_DIGITS + CHANCE_DIGITS) as usize;

/// In the order of their bytes, so that a later id is a greater one.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Makes ids. The same key gives the same ids at the same times.
pub(crate) struct Ids {
    stream: OutputReader,
    /// What one step of the stream gives: enough for eight ids.
    block: [u8; 64],
    used: usize,
}

impl Ids {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let stream = Hasher::new_keyed(key).finalize_xof();
        Self { stream, block: [0; 64], used: 64 }
    }

    pub(crate) fn make(&mut self, now: Timestamp) -> MessageId {
        let chance = self.next();
        let mut text = [0; BYTES];
        let (time, rest) = text.split_at_mut(TIME_DIGITS as usize);
        write_digits(time, now.0);
        write_digits(rest, chance);
        let text = std::str::from_utf8(&text).expect("digits are ASCII");
        MessageId::new(text).expect("23 visible bytes")
    }

    fn next(&mut self) -> u64 {
        if self.used == self.block.len() {
            self.stream.fill(&mut self.block);
            self.used = 0;
        }
        let bytes = self.block[self.used..].first_chunk().expect("the block is a multiple of 8");
        self.used += 8;
        u64::from_le_bytes(*bytes)
    }
}

impl fmt::Debug for Ids {
    /// The stream would give the key away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids").finish_non_exhaustive()
    }
}

/// The lowest digits of a number, the highest of them first.
fn write_digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(number % 32) as usize];
        number /= 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_later_ones_are_greater() {
        let mut ids = Ids::new(&[7; 32]);
        let early = ids.make(Timestamp(1_790_000_000_000));
        let late = ids.make(Timestamp(1_790_000_000_001));
        assert_eq!(early.as_str().len(), BYTES);
        assert!(early < late);
    }

    #[test]
    fn only_who_has_the_key_can_tell_the_next_id() {
        let make = |key: u8| {
            let mut ids = Ids::new(&[key; 32]);
            (0..1_000).map(|_| ids.make(Timestamp(5))).collect::<Vec<_>>()
        };
        let mut all = make(1);
        assert_eq!(all, make(1), "the same inputs give the same outputs");
        // Nothing but the time is common to them, not even of two that follow each other.
        let chance = |id: &MessageId| id.as_str()[TIME_DIGITS as usize..][..4].to_owned();
        let mut starts: Vec<String> = all.iter().map(chance).collect();
        starts.sort_unstable();
        starts.dedup();
        assert!(starts.len() > 990, "{} of 1000", starts.len());
        all.extend(make(2));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2_000);
    }
}
