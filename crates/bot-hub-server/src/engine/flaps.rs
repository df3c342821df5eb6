//! Bots that connect and are closed again and again.
//!
//! Owns when the reading connections of a bot ended lately, and why, in words for people. Bounded for each
//! bot; never decides anything.

use std::collections::{BTreeMap, VecDeque};

use bot_protocol::frame::answer::Ends;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::door::ws::CloseCode;
use crate::door::{Ended, Outbox};

/// Ends that are older say nothing about now.
const LATELY_MS: u64 = 10 * 60_000;

/// So many orderly ends are no sign of anything: a bot that a timer starts each half minute has them.
const ORDERLY_MAX: usize = 20;

/// The end of a connection that the bot closed itself, with a close frame.
const ORDERLY: &str = "it hung up itself";

/// Ends remembered for each bot.
const ENDS_MAX: usize = 32;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Flaps(BTreeMap<BotId, VecDeque<(Timestamp, &'static str)>>);

impl Flaps {
    /// A reading connection of that bot is over.
    pub(super) fn ended(&mut self, bot: &BotId, why: &'static str, now: Timestamp) {
        let ends = self.0.entry(bot.clone()).or_default();
        if ends.len() == ENDS_MAX {
            ends.pop_front();
        }
        ends.push_back((now, why));
    }

    /// A bot was removed.
    pub(super) fn forget(&mut self, bot: &BotId) {
        self.0.remove(bot);
    }

    /// How often, and mostly why; `None` if that was never. Orderly ends count when they are many.
    pub(super) fn show(&self, bot: &BotId, now: Timestamp) -> Option<Ends> {
        let ends = self.0.get(bot).into_iter().flatten();
        let mut lately: Vec<_> = ends.filter(|(at, _)| now.since(*at) <= LATELY_MS).collect();
        if lately.iter().filter(|(_, why)| *why == ORDERLY).count() <= ORDERLY_MAX {
            lately.retain(|(_, why)| *why != ORDERLY);
        }
        let since = lately.first()?.0;
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (_, why) in &lately {
            *counts.entry(why).or_default() += 1;
        }
        let (&why, _) = counts.iter().max_by_key(|(_, count)| **count)?;
        Some(Ends { count: lately.len() as u64, since, why: SmolStr::new_static(why) })
    }
}

/// Why a connection ended, in words for the owner of the bot.
pub(super) fn end_of(why: Ended, outbox: &Outbox) -> &'static str {
    match why {
        Ended::ByHub => match outbox.close_code() {
            Some(CloseCode::REPLACED) => "replaced by another connection of the same bot",
            Some(CloseCode::REVOKED) => "its token or its right to be here ended",
            Some(CloseCode::TOO_SLOW) => "it did not read what waited for it",
            Some(CloseCode::RESTART) => "the hub stopped",
            _ => "the hub closed it",
        },
        Ended::ByPeer => ORDERLY,
        Ended::Lost => "the connection broke off",
        Ended::Violation => "it broke the rules of WebSocket",
        Ended::AuthTimeout => "it did not authenticate in time",
        Ended::Silent => "nothing was heard of it",
        Ended::Stalled => "it did not read what waited for it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(count: u64, since: u64, why: &str) -> Option<Ends> {
        Some(Ends { count, since: Timestamp(since), why: why.into() })
    }

    #[test]
    fn what_happened_lately_is_counted_with_the_commonest_reason() {
        let (ann, mut flaps) = (BotId::new("ann").unwrap(), Flaps::default());
        assert_eq!(flaps.show(&ann, Timestamp(0)), None);
        for (minute, why) in [(0, "old"), (11, "one"), (12, "other"), (13, "other")] {
            flaps.ended(&ann, why, Timestamp(minute * 60_000));
        }
        let shown = flaps.show(&ann, Timestamp(14 * 60_000));
        assert_eq!(shown, ends(3, 11 * 60_000, "other"));
        for _ in 0..100 {
            flaps.ended(&ann, "again", Timestamp(14 * 60_000));
        }
        let shown = flaps.show(&ann, Timestamp(14 * 60_000));
        assert_eq!(shown.map(|it| it.count), Some(ENDS_MAX as u64));
        assert_eq!(flaps.show(&ann, Timestamp(60 * 60_000)), None);
    }

    #[test]
    fn a_bot_that_hangs_up_in_order_is_told_of_only_when_it_does_so_very_often() {
        let (ann, mut flaps) = (BotId::new("ann").unwrap(), Flaps::default());
        for _ in 0..ORDERLY_MAX {
            flaps.ended(&ann, ORDERLY, Timestamp(1));
        }
        assert_eq!(flaps.show(&ann, Timestamp(2)), None);
        flaps.ended(&ann, "other", Timestamp(2));
        let shown = flaps.show(&ann, Timestamp(2));
        assert_eq!(shown, ends(1, 2, "other"));
        flaps.ended(&ann, ORDERLY, Timestamp(3));
        let shown = flaps.show(&ann, Timestamp(3));
        assert_eq!(shown, ends(22, 1, ORDERLY));
    }
}
