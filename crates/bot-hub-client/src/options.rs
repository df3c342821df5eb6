//! What an application chooses, and the bounds that it need not choose.
//!
//! Owns every default, with its unit and its reason. Never prints the token.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bot_protocol::id::Position;
use bot_protocol::name::RoomName;
use bot_protocol::secret::Secret;

/// When a delivered entry counts as `received`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// As soon as the application took the event: from then on it is its own.
    #[default]
    Automatic,
    /// When the application says so with a receipt. Until then the hub delivers again after each
    /// reconnect of a new process, and stops at `limits.window_entries` unreceived entries per room.
    Manual,
}

/// What the client can do beyond the seed's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// It acknowledges what it took.
    Ack,
    /// It wants to know what became of its messages.
    Receipts,
    /// It understands one receipt for a range of its messages ([`crate::Event::Receipts`]), which is
    /// how much happens to many messages or for many recipients. Goes with `Receipts`.
    Ranges,
    /// It wants to know who comes and goes.
    Presence,
    /// It understands structured acts.
    Acts,
}

impl Cap {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Receipts => "receipts",
            Self::Ranges => "ranges",
            Self::Presence => "presence",
            Self::Acts => "acts",
        }
    }
}

/// Whom to be, where to connect, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The hub: `wss://HOST` or `ws://HOST:PORT`, with or without `/ws`.
    pub url: String,
    /// Certificates in PEM of authorities that are believed beside those of the web and of this
    /// system: for a hub whose certificate comes from a private one.
    pub ca_file: Option<PathBuf>,
    /// The bot's token.
    pub token: Secret,
    /// Name and version of the program, for people who look at the hub.
    pub client: String,
    /// What to ask for. Without `Ack`, the hub counts an entry as dealt with once it was written.
    pub caps: Vec<Cap>,
    /// A side connection: sends and asks, is delivered no messages, and does not push away the
    /// bot's main connection. For tools that act in the name of a bot that is running.
    pub side: bool,
    /// When a delivered entry counts as received.
    pub acknowledge: Acknowledge,
    /// Positions from an earlier life of this program ([`crate::Client::positions`]). The hub knows
    /// its cursors by itself; these are for noticing that its log was replaced in the meantime.
    pub positions: BTreeMap<RoomName, Position>,
    /// Messages that may wait for their `ack`; [`crate::Client::send`] waits when there are more.
    pub unacked_max: usize,
    /// Events that may wait for the application before the client stops reading.
    pub events_max: usize,
    /// How long a question waits for its answer, also while there is no connection.
    pub ask_timeout: Duration,
}

impl Options {
    /// The usual: acknowledges automatically, wants receipts and acts.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_file: None,
            token: Secret::new(token),
            client: concat!("bot-hub-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            caps: vec![Cap::Ack, Cap::Receipts, Cap::Acts],
            side: false,
            acknowledge: Acknowledge::Automatic,
            positions: BTreeMap::new(),
            unacked_max: 256,
            events_max: 1_024,
            ask_timeout: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn debug_output_hides_the_token() {
        let printed = format!("{:?}", Options::new("ws://localhost", "bh_secret"));
        assert!(!printed.contains("bh_secret"), "{printed}");
    }
}
