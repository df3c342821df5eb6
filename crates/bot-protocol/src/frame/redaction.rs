//! What was taken out of a room's log.
//!
//! Owns what is said in place of a redacted text, and who is told. Never decides who may redact.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::id::MessageId;
use crate::name::{BotId, RoomName};
use crate::time::Timestamp;

/// The text of a redacted entry. Clients that know no redactions show it as it is.
pub const REDACTED: &str = "[redacted]";

/// Who took out what an entry said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redaction {
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// The operator.
    pub by: BotId,
    /// Why, as the operator said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<SmolStr>,
}

/// `redacted`: what an entry said was taken out of its room's log. Whoever keeps a copy removes it there, too.
/// Only for the cap `redactions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redacted {
    /// The room.
    pub room: RoomName,
    /// The entry's number in it.
    pub seq: u64,
    /// Its id.
    pub id: MessageId,
    /// Its sender.
    pub from: BotId,
    /// Who did it, and when.
    pub redacted: Redaction,
}
