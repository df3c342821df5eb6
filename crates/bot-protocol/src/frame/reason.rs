//! Why entries are missing and why a connection ends, and what of all this a connection may be told.
//!
//! Owns those two lists of words, and where in a frame any list is used. Never decides who knows what.

use super::server::ServerFrame;
use crate::right::Granted;
use crate::word::words;

words! {
    /// Why entries are missing.
    pub enum GapReason {
        /// More waited than `limits.buffer_per_bot_per_room` keeps.
        BufferLimit = "buffer_limit",
        /// The room's retention removed them.
        Retention = "retention",
        /// They are damaged in the store.
        Corrupt = "corrupt",
        /// They were handed over many times and never received.
        Dead = "dead",
        /// Their `expires_at` passed.
        Expired = "expired",
        /// The client's position belongs to another life of the store; how many it missed is unknown.
        Epoch = "epoch",
    }
}

words! {
    /// Why a connection ends.
    pub enum GoingAwayReason {
        /// A newer connection of the same bot took over.
        Replaced = "replaced",
        /// The bot was disabled or removed, or its token revoked.
        Revoked = "revoked",
        /// The hub restarts or stops.
        Shutdown = "shutdown",
        /// The client does not read what it is sent.
        TooSlow = "too_slow",
    }
}

impl ServerFrame {
    /// Replaces words that the receiver does not know by the nearest older ones. `knows` says which
    /// capabilities it has.
    pub fn limit_to(&mut self, knows: impl Fn(&str) -> bool + Copy) {
        match self {
            Self::AuthOk(ok) => {
                for room in ok.rooms.iter_mut().flatten() {
                    limit_rights(&mut room.can, knows);
                }
            }
            Self::Joined(joined) => {
                if let Some(policy) = &mut joined.policy {
                    limit_rights(&mut policy.can, knows);
                }
            }
            Self::Receipt(receipt) => receipt.state.limit_to(knows),
            Self::Receipts(range) => range.state.limit_to(knows),
            Self::Presence(presence) => presence.state.limit_to(knows),
            Self::Status(report) => {
                for recipient in &mut report.recipients {
                    recipient.state.limit_to(knows);
                    recipient.steps.iter_mut().for_each(|step| step.state.limit_to(knows));
                }
            }
            Self::Who(who) => who.bots.iter_mut().for_each(|bot| bot.state.limit_to(knows)),
            Self::Gap(gap) => gap.reason.limit_to(knows),
            Self::GoingAway(going) => going.reason.limit_to(knows),
            Self::Error(error) => error.retry.limit_to(knows),
            // No words in these.
            Self::Left(_)
            | Self::Message(_)
            | Self::Ack(_)
            | Self::Typing(_)
            | Self::History(_)
            | Self::Rooms(_)
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Operated(_) => {}
        }
    }
}

fn limit_rights(can: &mut Option<Granted>, knows: impl Fn(&str) -> bool + Copy) {
    for right in can.iter_mut().flat_map(|granted| &mut granted.0) {
        right.limit_to(knows);
    }
}
