//! One thing after the other: what connections say is handled in fair turns.
//!
//! Owns how long a turn lasts and what is paid for it: the time that reading a frame takes and all that
//! follows at once. `fair` says whose turn it is. While others wait, a payer that took more than its share is
//! not read on any of its connections; that is counted, and logged once per connection.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use bot_hub_core::access::network_of;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::Slowed;
use bot_protocol::name::BotId;

use super::encode::Form;
use super::fair::{Cost, Payer};
use super::{Engine, INTENTS_MAX, Meter};
use crate::door::{ConnId, Intent, RawFrame};

/// How long one connection is served while others wait, in nanoseconds: hundreds of usual frames.
const QUANTUM_NS: u64 = 500_000;

/// How long anybody is served before the engine looks what the store and the clock have to say.
const TURN_NS: u64 = 5_000_000;

/// Counts every reading as a microsecond: without a clock, everything costs the same.
pub(super) fn even_meter() -> Meter {
    let readings = Cell::new(0);
    Rc::new(move || {
        readings.set(readings.get() + 1_000);
        readings.get()
    })
}

impl Engine {
    /// Charges connections for the time that handling their frames takes.
    pub fn charge_for_time(&mut self) {
        let started = Instant::now();
        let nanos = move || u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.meter = Rc::new(nanos);
    }

    /// How much more may wait here.
    pub(super) fn space(&self) -> usize {
        INTENTS_MAX.saturating_sub(self.fair.len()).max(1)
    }

    pub(super) fn takes_more(&self) -> bool {
        self.keeps_up() && self.fair.len() < INTENTS_MAX
    }

    pub(super) fn has_more_to_serve(&self) -> bool {
        self.keeps_up() && !self.fair.is_empty()
    }

    /// Something has come in.
    pub(super) fn line_up(&mut self, intent: Intent) {
        let conn = match &intent {
            Intent::Opened { conn, peer, .. } => {
                self.fair.bill(*conn, Payer::Stranger(network_of(*peer)));
                *conn
            }
            Intent::Frames { conn, .. }
            | Intent::Written { conn, .. }
            | Intent::Proven { conn, .. }
            | Intent::Closed { conn, .. } => *conn,
            Intent::Ask(_) => return self.intent(intent),
        };
        self.fair.push(conn, intent);
        self.pace(self.fair.payer(conn));
    }

    /// A bot pays for what this connection says from now on.
    pub(super) fn bill(&mut self, conn: ConnId, bot: &BotId) {
        let before = self.fair.payer(conn);
        // What holds for the strangers at its address holds for it no longer.
        let is_slowed = self.fair.bill(conn, Payer::Bot(bot.clone()));
        self.slow(conn, is_slowed);
        self.pace(before);
        self.pace(self.fair.payer(conn));
    }

    /// Handles what waits, fairly, for one turn.
    pub(super) fn serve(&mut self) {
        let began = (self.meter)();
        while self.keeps_up()
            && let Some((conn, intent)) = self.fair.pop()
        {
            self.serve_one(conn, intent);
            if (self.meter)().saturating_sub(began) >= TURN_NS {
                break;
            }
        }
    }

    fn serve_one(&mut self, conn: ConnId, intent: Intent) {
        let began = (self.meter)();
        let took = |engine: &Self| (engine.meter)().saturating_sub(began);
        let is_over = matches!(intent, Intent::Closed { .. });
        let mut rest = None;
        match intent {
            Intent::Frames { conn, frames } => {
                let mut frames = frames.into_iter();
                self.frames(conn, &mut frames, |engine| {
                    let payer = engine.fair.payer(conn);
                    took(engine) < QUANTUM_NS || !engine.fair.has_others(payer.as_ref())
                });
                let frames: Vec<RawFrame> = frames.collect();
                // Nobody is left to hear the answers of a connection that is gone.
                let is_left = !frames.is_empty() && self.peers.contains_key(&conn);
                rest = is_left.then_some(Intent::Frames { conn, frames });
            }
            intent => self.intent(intent),
        }
        self.fair.charge(conn, took(self).max(1));
        let payer = self.fair.payer(conn);
        if is_over {
            self.fair.forget(conn);
        } else if let Some(rest) = rest {
            self.fair.put_back(conn, rest);
        }
        self.pace(payer);
    }

    /// Reads the connections of a payer, or leaves them alone while it is far ahead.
    fn pace(&mut self, payer: Option<Payer>) {
        let Some(payer) = payer else { return };
        let now = (self.meter)();
        let Some((is_ahead, connections)) = self.fair.pace(&payer, now) else { return };
        for conn in connections {
            self.slow(conn, is_ahead);
        }
    }

    /// Whether a bot was slowed down, and by what.
    pub(super) fn slowed(&self, bot: &BotId) -> Option<Slowed> {
        let Cost { spent, times, slowed_for } = self.fair.cost(&Payer::Bot(bot.clone()));
        let slowed = Slowed { times, ms: slowed_for / 1_000_000, busy_ms: spent / 1_000_000 };
        (times > 0).then_some(slowed)
    }

    /// A `pong` tells its bot why it waits. Seed clients get what they always got.
    pub(super) fn tell_cost(&self, conn: ConnId, frame: &mut ServerFrame) {
        let ServerFrame::Pong(pong) = frame else { return };
        let known = self.peers.get(&conn).and_then(|peer| peer.known.as_ref());
        let known = known.filter(|known| known.form != Form::Seed);
        pong.slowed = known.and_then(|known| self.slowed(&known.pass.bot));
    }

    fn slow(&mut self, conn: ConnId, is_ahead: bool) {
        let has_others = self.fair.has_others(self.fair.payer(conn).as_ref());
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.outbox.slow(is_ahead);
        if let Some(since) = peer.slowed_since.take() {
            self.metrics.slowed_for += since.elapsed();
        }
        // A payer that is alone waits for nobody but itself.
        if !is_ahead || !has_others {
            return;
        }
        peer.slowed_since = Some(Instant::now());
        self.metrics.slowed += 1;
        if !std::mem::replace(&mut peer.was_slowed, true) {
            let bot = peer.known.as_ref().map_or("-", |known| known.pass.bot.as_str());
            tracing::info!(bot, "a bot says more than its share: it waits while others do");
        }
    }
}

#[cfg(test)]
mod tests;
