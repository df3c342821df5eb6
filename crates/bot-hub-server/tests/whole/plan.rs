//! What a seed decides before anything happens.
//!
//! Owns the ranges that seeds are drawn from: small limits and frequent faults, since what is rare in
//! a good hub must be common here.

use bot_hub_core::settings::Settings;
use bot_protocol::frame::operator::Retention;
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, RoomName};

use crate::dice::Dice;
use crate::wire::Kind;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) bot_count: u64,
    pub(crate) room_count: u64,
    pub(crate) settings: Settings,
    pub(crate) line: Kind,
    /// Milliseconds until nothing goes wrong any more, and everything must drain.
    pub(crate) calm_at: u64,
    /// Milliseconds between two faults, on average.
    pub(crate) fault_every: u64,
    /// Milliseconds between two messages of a bot, on average.
    pub(crate) say_every: u64,
    /// The longest text.
    pub(crate) text_max: u64,
}

impl Plan {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            bot_count: dice.between(2, 4),
            room_count: dice.between(1, 2),
            settings: settings(dice),
            line: Kind {
                delay_max: *dice.pick(&[0, 5, 50, 800]),
                piece_max: *dice.pick(&[7, 200, 4_096, 65_536]),
                buffer_max: *dice.pick(&[300, 4_096, 65_536]),
            },
            calm_at: 1_000 * dice.between(10, 60),
            fault_every: dice.between(700, 8_000),
            say_every: dice.between(300, 4_000),
            text_max: *dice.pick(&[10, 10, 200, 2_000]),
        }
    }

    /// Whether something may be lost at all.
    pub(crate) fn may_lose(&self) -> bool {
        let retention = &self.settings.retention;
        self.settings.limits.buffer_per_bot_per_room.is_some()
            || retention.entries.is_some()
            || retention.age_ms.is_some()
    }

    pub(crate) fn bots(&self) -> Vec<BotId> {
        (0..self.bot_count).map(|at| BotId::new(&format!("bot{at}")).expect("a name")).collect()
    }

    /// The bot that may redact what others say.
    pub(crate) fn operator(&self) -> BotId {
        BotId::new("bot0").expect("a name")
    }

    pub(crate) fn rooms(&self) -> Vec<RoomName> {
        let name = |at| RoomName::new(&format!("room{at}")).expect("a name");
        (0..self.room_count).map(name).collect()
    }
}

fn settings(dice: &mut Dice) -> Settings {
    let limits = Limits {
        window_entries: *dice.pick(&[1, 2, 8, 64]),
        buffer_per_bot_per_room: *dice.pick(&[None, None, None, Some(2)]),
        ..Limits::default()
    };
    let retention = Retention {
        age_ms: *dice.pick(&[None, None, None, Some(20_000)]),
        entries: *dice.pick(&[None, None, None, Some(10)]),
        bytes: None,
    };
    let outstanding_bytes_max = *dice.pick(&[1, 400, 256 * 1024]);
    Settings { limits, retention, outstanding_bytes_max, ..Settings::default() }
}
