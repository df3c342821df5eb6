//! One speaker and those who hear it: the window of messages in flight, and the check that every listener got
//! every message once, in order and unchanged.

use anyhow::{Result, bail};

use crate::text::{self, Template};

/// A speaker's side.
#[derive(Debug)]
pub struct Lane {
    /// Connection that speaks.
    pub speaker: usize,
    /// Lane that may say one more whenever a message of this one arrives (ping-pong).
    pub answered_by: Option<usize>,
    /// How many messages it may still say (unbounded for pipelined lanes).
    pub owed: u64,
    /// Messages said.
    pub sent: u64,
    /// Messages that the server confirmed.
    pub acked: u64,
    /// Messages that all listeners have.
    pub heard: u64,
    acknowledges: bool,
    listeners: u16,
    window: u64,
    template: Template,
    /// Per message in flight (by number modulo the size): listeners that miss it, and when it was said.
    flight: Vec<(u16, u64)>,
}

impl Lane {
    /// Nothing said yet.
    pub fn new(
        speaker: usize,
        listeners: u16,
        window: u64,
        acknowledges: bool,
        template: Template,
    ) -> Self {
        let flight = vec![(0, 0); usize::try_from(window.next_power_of_two()).unwrap_or(1)];
        Self {
            speaker,
            answered_by: None,
            owed: 0,
            sent: 0,
            acked: 0,
            heard: 0,
            acknowledges,
            listeners,
            window,
            template,
            flight,
        }
    }

    /// How many may be said now: a message is in flight until all listeners have it and the server confirmed it.
    #[inline]
    pub fn room(&self) -> u64 {
        let done = if self.acknowledges { self.heard.min(self.acked) } else { self.heard };
        (self.window - (self.sent - done)).min(self.owed)
    }

    /// Whether everything said was heard and confirmed.
    pub fn is_drained(&self) -> bool {
        self.heard == self.sent && (!self.acknowledges || self.acked == self.sent)
    }

    /// Appends the next message; `at` is the moment from which its latency counts (nanoseconds).
    #[inline]
    pub fn say(&mut self, out: &mut Vec<u8>, at: u64) {
        let slot = self.slot(self.sent);
        self.flight[slot] = (self.listeners, at);
        self.template.write(out);
        self.sent += 1;
        self.owed = self.owed.saturating_sub(1);
    }

    #[inline]
    fn slot(&self, number: u64) -> usize {
        number as usize & (self.flight.len() - 1)
    }

    /// The server confirmed the oldest unconfirmed message; returns when it was said.
    #[inline]
    pub fn confirm(&mut self) -> Result<u64> {
        if self.acked == self.sent {
            bail!(
                "lane of connection {}: confirmed {} of {}",
                self.speaker,
                self.acked + 1,
                self.sent
            );
        }
        let said = self.flight[self.slot(self.acked)].1;
        self.acked += 1;
        Ok(said)
    }

    /// A listener got message `number`; returns when it was said.
    #[inline]
    pub fn deliver(&mut self, number: u64) -> Result<u64> {
        if number >= self.sent {
            bail!("connection {} was heard before it spoke ({number})", self.speaker);
        }
        let slot = self.slot(number);
        self.flight[slot].0 -= 1;
        while self.heard < self.sent && self.flight[self.slot(self.heard)].0 == 0 {
            self.heard += 1;
        }
        Ok(self.flight[slot].1)
    }
}

/// A listener's side.
#[derive(Debug)]
pub struct Ear {
    /// Lane that it listens to.
    pub lane: usize,
    /// Number of the message that must come next.
    pub next: u64,
    expected: Vec<u8>,
}

impl Ear {
    /// Waits for the first message of `lane`.
    pub fn new(lane: usize, len: usize) -> Self {
        Self { lane, next: 0, expected: text::first(lane, len) }
    }

    /// Checks a text and returns its number. Missing, repeated, reordered and altered ones are errors.
    #[inline]
    pub fn hear(&mut self, heard: &[u8]) -> Result<u64> {
        if !heard.starts_with(&self.expected) {
            bail!("{}", self.difference(heard));
        }
        text::advance(&mut self.expected);
        self.next += 1;
        Ok(self.next - 1)
    }

    #[cold]
    fn difference(&self, heard: &[u8]) -> String {
        let same =
            self.expected.iter().zip(heard).take_while(|(wanted, got)| wanted == got).count();
        let shown = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        let (wanted, got) = (shown(&self.expected), shown(heard));
        format!("expected message `{wanted}`, got `{got}` (they differ at byte {same})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(listeners: u16) -> Lane {
        let text = text::first(0, 32);
        let mut lane = Lane::new(0, listeners, 2, true, Template::new(text, 0, None));
        lane.owed = u64::MAX;
        lane
    }

    #[test]
    fn a_message_is_in_flight_until_all_have_it_and_it_is_confirmed() {
        let mut lane = lane(2);
        lane.say(&mut Vec::new(), 10);
        lane.say(&mut Vec::new(), 20);
        assert_eq!(lane.room(), 0);
        assert_eq!(lane.deliver(0).unwrap(), 10);
        assert_eq!(lane.confirm().unwrap(), 10);
        assert_eq!(lane.room(), 0);
        assert_eq!(lane.deliver(0).unwrap(), 10);
        assert_eq!(lane.room(), 1);
        assert!(!lane.is_drained());
    }

    #[test]
    fn what_was_never_said_cannot_be_heard_or_confirmed() {
        assert!(lane(1).deliver(0).is_err());
        assert!(lane(1).confirm().is_err());
    }

    #[test]
    fn a_missing_repeated_or_altered_message_is_an_error() {
        let zero = text::first(3, 32);
        let mut one = zero.clone();
        text::advance(&mut one);
        let mut altered = zero.clone();
        altered[30] ^= 1;
        let check = |texts: [&[u8]; 2], good: bool| {
            let mut ear = Ear::new(3, 32);
            assert_eq!(texts.iter().all(|text| ear.hear(text).is_ok()), good);
        };
        check([&zero, &one], true);
        check([&zero, &zero], false);
        check([&one, &zero], false);
        check([&altered, &one], false);
    }
}
