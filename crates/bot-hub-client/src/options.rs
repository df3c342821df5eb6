//! The options of a client, and their defaults.
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
    /// When the application takes the event.
    #[default]
    Automatic,
    /// When the application sends a receipt. Until then the hub delivers the entry again after each
    /// reconnect of a new process, and stops at `limits.window_entries` unreceived entries per room.
    Manual,
}

/// A capability beyond the protocol of the first relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// The client acknowledges what it received.
    Ack,
    /// The client wants receipts for its messages.
    Receipts,
    /// The client understands one receipt for a range of its messages ([`crate::Event::Receipts`]), which
    /// saves many single ones. Requires `Receipts`.
    Ranges,
    /// The client wants to know who connects and disconnects.
    Presence,
    /// The client understands structured acts.
    Acts,
    /// The client wants to know what was redacted, and by whom ([`crate::Event::Redacted`]).
    Redactions,
    /// The client wants to know when messages for it wait because of a pause ([`crate::Event::Pause`]).
    Governor,
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
            Self::Redactions => "redactions",
            Self::Governor => "governor",
        }
    }
}

/// The identity, the address, and the behaviour of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The hub: `wss://HOST` or `ws://HOST:PORT`, with or without `/ws`.
    pub url: String,
    /// Certificates in PEM of additional trusted authorities, for a hub whose certificate comes from a
    /// private one.
    pub ca_file: Option<PathBuf>,
    /// The bot's token.
    pub token: Secret,
    /// Name and version of the program; people see it at the hub.
    pub client: String,
    /// Capabilities to request. Without `Ack`, the hub counts an entry as received once it was written.
    pub caps: Vec<Cap>,
    /// A side connection sends and asks, but receives no messages and does not replace the bot's main
    /// connection. For tools that act in the name of a running bot.
    pub side: bool,
    /// When a delivered entry counts as received.
    pub acknowledge: Acknowledge,
    /// Positions saved by an earlier process of this program ([`crate::Client::positions`]). The hub has
    /// cursors of its own; these show whether its log was replaced in the meantime.
    pub positions: BTreeMap<RoomName, Position>,
    /// Messages that may wait for their `ack`; [`crate::Client::send`] waits when there are more.
    pub unacked_max: usize,
    /// Events that may wait for the application before the client stops reading.
    pub events_max: usize,
    /// How long a question waits for its answer, also while there is no connection.
    pub ask_timeout: Duration,
}

impl Options {
    /// The defaults: automatic acknowledgement, receipts and acts.
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
