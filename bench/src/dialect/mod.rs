//! What the systems speak. A dialect opens one connection (greeting, identity, room), says how a message is
//! written, and recognises what comes back. It never keeps count and never decides what is sent.

use anyhow::Result;

use crate::text::Template;

mod mqtt;
mod nats;
mod redis;
mod seed;

pub use nats::Flavour;
pub use seed::{bot_name, token};

/// One connection's place in a workload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// Number of the bot, unique within a run.
    pub bot: usize,
    /// Room that it joins, if any.
    pub room: Option<usize>,
    /// Lane that it speaks on.
    pub says: Option<usize>,
    /// Lane that it listens to.
    pub hears: Option<usize>,
}

/// What one unit of input turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing that counts: a step of the greeting, a ping (answered already).
    Nothing,
    /// The connection is open, identified and in its room.
    Ready,
    /// The server confirmed the oldest unconfirmed message; to how many it was handed, if the dialect says so.
    Ack(Option<u32>),
    /// A message; its text starts here in the input and ends before `end`.
    Delivery {
        /// First byte of the text.
        at: usize,
        /// One past the last byte that may belong to the text.
        end: usize,
    },
}

/// The languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// JSON frames over WebSocket: the original and Bot Hub.
    Seed,
    /// NATS, see [`Flavour`].
    Nats(Flavour),
    /// Redis publish and subscribe.
    Redis,
    /// MQTT with quality of service 0.
    Mqtt,
}

/// One connection's state in its language.
#[derive(Debug)]
pub enum Dialect {
    /// See [`Tongue::Seed`].
    Seed(seed::Seed),
    /// See [`Tongue::Nats`].
    Nats(nats::Nats),
    /// See [`Tongue::Redis`].
    Redis(redis::Redis),
    /// See [`Tongue::Mqtt`].
    Mqtt(mqtt::Mqtt),
}

impl Dialect {
    /// The state of a connection that is about to open.
    pub fn new(tongue: Tongue, part: Part) -> Self {
        match tongue {
            Tongue::Seed => Self::Seed(seed::Seed::new(part)),
            Tongue::Nats(flavour) => Self::Nats(nats::Nats::new(flavour, part)),
            Tongue::Redis => Self::Redis(redis::Redis::new(part)),
            Tongue::Mqtt => Self::Mqtt(mqtt::Mqtt::new(part)),
        }
    }

    /// Appends what is said first.
    pub fn greet(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Seed(seed) => seed.greet(out),
            Self::Nats(nats) => nats.greet(out),
            Self::Redis(redis) => redis.greet(out),
            Self::Mqtt(mqtt) => mqtt.greet(out),
        }
    }

    /// Takes one unit from the input: how many bytes it had and what it was; `None` while it is incomplete.
    #[inline]
    pub fn next(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Option<(usize, Event)>> {
        match self {
            Self::Seed(seed) => seed.next(input, out),
            Self::Nats(nats) => nats.next(input, out),
            Self::Redis(redis) => redis.next(input),
            Self::Mqtt(mqtt) => mqtt.next(input, out),
        }
    }
}

impl Tongue {
    /// Whether the server confirms every message to its sender.
    pub fn acknowledges(self) -> bool {
        match self {
            Self::Seed | Self::Redis => true,
            Self::Nats(flavour) => flavour.jetstream,
            Self::Mqtt => false,
        }
    }

    /// The messages that `part` says, each with a text of `len` bytes.
    pub fn template(self, part: Part, len: usize) -> Template {
        match self {
            Self::Seed => seed::template(part, len),
            Self::Nats(flavour) => nats::template(flavour, part, len),
            Self::Redis => redis::template(part, len),
            Self::Mqtt => mqtt::template(part, len),
        }
    }
}
