//! Answers about pauses.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::frame::pause::PauseLine;

/// A page of the pauses: those of everything first, then of bots in all rooms, then room by room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PauseList {
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
    /// The pauses.
    pub pauses: Vec<PauseLine>,
}

/// Pauses have ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resumed {
    /// How many pauses ended. None, if there was none of what was named.
    pub ended: u64,
    /// A wider pause that still holds there: it ends by itself, or by a wider `resume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<PauseLine>,
    /// How many messages are settled as `declined`, summed over members.
    #[serde(default)]
    pub skipped: u64,
}
