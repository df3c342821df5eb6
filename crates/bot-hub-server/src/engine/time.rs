//! What follows for the hub from what the clock does.
//!
//! Owns who is told. What the clock did is judged by [`super::timekeeper`].

use bot_hub_core::io::Input;
use bot_protocol::time::Timestamp;

use super::timekeeper::{AGE_WAITS_MS, Moved};
use super::{Engine, Owner};
use bot_hub_store::Write;

impl Engine {
    /// Remembers the newest moment that the store knows, and until when retention by age was to wait.
    pub fn remember_time(&mut self, newest: Timestamp, age_waits: Option<Timestamp>) {
        self.time.remember(newest, age_waits);
        let behind = newest.since(self.now);
        if behind > 1_000 {
            tracing::warn!(
                behind_s = behind / 1_000,
                "the clock is behind the newest message that is stored; new messages get the time of that one \
                 until the clock is there\nhint: see whether it is right: date; timedatectl"
            );
        }
        self.tell_wait();
    }

    /// Reads the clock, once for everything that is done now.
    pub(super) fn begin_turn(&mut self) {
        let (now, moved) = self.time.read();
        self.now = now;
        self.mind_disk();
        let (by, way) = match moved {
            Moved::On => return,
            Moved::Ahead(by) => (by, "ahead"),
            Moved::Back(by) => (by, "back"),
        };
        self.metrics.clock_jumps += 1;
        tracing::warn!(by_s = by / 1_000, way, "the clock was set, or the machine slept");
        let waited = self.time.wait.is_some();
        self.time.judge();
        if self.time.wait.is_some() != waited {
            self.tell_wait();
        }
        // Its timers move with the clock.
        self.input(Input::Tick);
    }

    /// What the time brings, besides what the brain waits for.
    pub(super) fn keep_time(&mut self) {
        if self.time.wait.is_some() {
            self.time.end_wait();
            if self.time.wait.is_none() {
                self.tell_wait();
            }
        }
        if let Some(now) = self.time.note() {
            self.write(vec![Write::Clock(now)], Owner::Unattended);
        }
    }

    /// Whether retention by age waits: for the brain, the log and the next start.
    fn tell_wait(&mut self) {
        let why = self.time.wait.as_ref().map(|wait| wait.why.clone());
        match &why {
            Some(why) => tracing::warn!(
                %why,
                at_most_h = AGE_WAITS_MS / 3_600_000,
                "nothing is removed because of its age for now\nhint: if the clock is right, this ends by \
                 itself; at once with: bot-hub serve --trust-clock"
            ),
            None if self.age_waits => tracing::info!("what is too old is removed again"),
            None => return,
        }
        self.age_waits = why.is_some();
        self.input(Input::AgeWaits(why));
        self.flush_brain();
        let until = self.time.waits_until();
        self.write(vec![Write::AgeWaits(until)], Owner::Unattended);
    }

    /// The operator vouches for the clock.
    pub fn trust_clock(&mut self) {
        self.time.trust();
        self.age_waits = true;
        self.tell_wait();
    }
}
