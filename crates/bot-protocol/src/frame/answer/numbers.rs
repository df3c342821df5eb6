//! The hub in numbers.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::frame::pause::PauseLine;
use crate::id::Epoch;

/// The hub in numbers: as they are now, or counted since the hub was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct HubNumbers {
    /// Since the start: messages committed.
    pub accepted: u64,
    /// By how many milliseconds the time of the newest message is ahead of the hub's clock.
    pub ahead_ms: u64,
    /// Now: bots that the hub knows.
    pub bots: u64,
    /// Now: authenticated connections.
    pub connections: u64,
    /// Since the start: damaged entries that were withheld.
    pub corrupt: u64,
    /// Since the start: entries given up after too many redeliveries.
    pub dead: u64,
    /// Since the start: entries handed to connections.
    pub deliveries: u64,
    /// Now: bytes that the disk has left, while they are kept for receipts and operators; `null` if it has more.
    #[serde(default)]
    pub disk_left: Option<u64>,
    /// Since the start: entries that a bot will never get because of a limit, the retention or its end.
    pub dropped: u64,
    /// Now: entries kept.
    pub entries: u64,
    /// The life of the hub's store.
    pub epoch: Epoch,
    /// Since the start: entries that expired before a bot took them.
    pub expired: u64,
    /// Since the start: facts that were forgotten while the store refused them.
    pub forgotten: u64,
    /// For how many milliseconds the oldest of what waits has waited; 0 if nothing waits.
    pub oldest_waiting_ms: u64,
    /// Now: bots that are connected.
    pub online: u64,
    /// Now: pauses.
    pub pauses: u64,
    /// Since the start: entries that a client took responsibility for.
    pub received: u64,
    /// Now: changes that the store refused and that are tried again.
    pub refused_changes: u64,
    /// Why nothing is removed because of its age at the moment, for people; `null` if that goes on.
    pub retention_waits: Option<SmolStr>,
    /// Now: rooms, without direct conversations.
    pub rooms: u64,
    /// The pause that holds for everything; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<PauseLine>,
    /// Now: entries that wait for some member or are not received yet, summed over members.
    pub waiting: u64,
}
