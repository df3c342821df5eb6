//! The bodies of the fuzz targets: bytes in, a panic if something does not hold.
//!
//! The properties of blocks are those of `crates/bot-protocol/tests/format`, so that a test and a fuzzer never disagree about
//! what must hold; the rest is in `hub`.

#[path = "../../crates/bot-protocol/tests/format/common/mod.rs"]
mod common;
/// What `link_source` finds at `crate::config` where it is at home.
mod config {
    pub(crate) use bot_hub_server::config::PublicUrl;
}
/// Private to the hub, and the same source here: tokens and codes.
#[allow(dead_code, reason = "the engine uses all of it")]
#[path = "../../crates/bot-hub-server/src/engine/credential.rs"]
mod credential_source;
/// What `forwarded_source` finds at `crate::net` and `crate::door` where it is at home.
mod net {
    pub(crate) use bot_hub_server::net::Network;
}
mod door {
    /// What carries a connection.
    #[allow(dead_code, reason = "the door makes all of them")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Carrier {
        Plain,
        Tls,
        PlainBesideTls,
    }
}
/// Private to the hub's door, and the same source here.
#[allow(dead_code, reason = "the door uses all of it")]
#[path = "../../crates/bot-hub-server/src/door/http/forwarded.rs"]
mod forwarded_source;
mod grow;
mod hub;
mod invites;
mod readers;
/// Private to `bot-hub join`, and the same source here.
#[path = "../../crates/bot-hub/src/cli/join/link.rs"]
mod link_source;

use common::properties::{any_act, any_state, any_text};

pub use hub::{client_frame, config, forwarded, public_url, resume, server_frame, websocket};
pub use invites::{code, invite_link};
pub use readers::readers;

/// What a target does with an input.
pub type Body = fn(&[u8]);

/// All targets.
pub const TARGETS: &[(&str, Body)] = &[
    ("parse", parse),
    ("build_parse", build_parse),
    ("state_file", state_file),
    ("client_frame", client_frame),
    ("server_frame", server_frame),
    ("resume", resume),
    ("config", config),
    ("forwarded", forwarded),
    ("websocket", websocket),
    ("readers", readers),
    ("public_url", public_url),
    ("invite_link", invite_link),
    ("code", code),
];

/// Any text is read, or refused at a place inside it.
pub fn parse(data: &[u8]) {
    any_text(&String::from_utf8_lossy(data));
}

/// Any act comes back from its block, through platforms and in parts, and forges no field.
pub fn build_parse(data: &[u8]) {
    any_act(data);
}

/// Any state file is read or refused, and keeps what is not touched.
pub fn state_file(data: &[u8]) {
    any_state(&String::from_utf8_lossy(data));
}

/// Bytes that a seed makes, for runs without a fuzzer.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    common::bytes(seed, len)
}
