//! What a seed decides before anything happens.
//!
//! Owns the ranges that seeds are drawn from: small limits and frequent faults, since what is rare in
//! a good hub must be common here.

use bot_hub_core::settings::Settings;
use bot_protocol::frame::operator::Retention;
use bot_protocol::limits::Limits;

use super::dice::Dice;
use super::sabotage::Sabotage;

/// Which program a bot runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    /// The client of this project.
    Link,
    /// A client of the seed's protocol.
    Seed,
    /// Sometimes the one, sometimes the other.
    Mixed,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) bots: Vec<Make>,
    pub(crate) rooms: usize,
    pub(crate) settings: Settings,
    /// From then on nothing goes wrong, and everything must drain.
    pub(crate) calm_at: u64,
    /// Milliseconds between two faults, on average.
    pub(crate) fault_every: u64,
    /// Milliseconds between two acts of a bot, on average.
    pub(crate) act_every: u64,
    /// Milliseconds between two acts about pauses, on average; `None` where nothing is ever paused.
    pub(crate) pause_every: Option<u64>,
    /// The longest delay of a frame.
    pub(crate) delay_max: u64,
    /// Frames that the kernels hold between hub and bot.
    pub(crate) wire_max: usize,
    /// Messages of a hundred that expire.
    pub(crate) expiring_percent: u64,
    /// Frames cross the wire as JSON.
    pub(crate) json: bool,
    pub(crate) sabotage: Sabotage,
}

impl Plan {
    pub(crate) fn new(dice: &mut Dice, sabotage: Sabotage) -> Self {
        let makes = [Make::Link, Make::Link, Make::Link, Make::Seed, Make::Mixed];
        let bots = dice.between(2, 5);
        Self {
            bots: (0..bots).map(|_| *dice.pick(&makes)).collect(),
            rooms: dice.pick(&[1, 1, 2, 3]).to_owned(),
            settings: settings(dice),
            calm_at: 1_000 * dice.between(20, 140),
            fault_every: dice.between(700, 8_000),
            act_every: dice.between(400, 6_000),
            pause_every: *dice.pick(&[None, None, Some(15_000), Some(4_000)]),
            delay_max: *dice.pick(&[1, 5, 50, 800]),
            wire_max: *dice.pick(&[1, 3, 16, 64]),
            expiring_percent: *dice.pick(&[0, 0, 10, 40]),
            json: dice.percent(10),
            sabotage,
        }
    }
}

fn settings(dice: &mut Dice) -> Settings {
    let limits = Limits {
        window_entries: *dice.pick(&[1, 2, 4, 8, 64]),
        buffer_per_bot_per_room: *dice.pick(&[None, None, Some(1), Some(3), Some(8)]),
        ..Limits::default()
    };
    let retention = Retention {
        age_ms: *dice.pick(&[None, None, Some(5_000), Some(40_000)]),
        entries: *dice.pick(&[None, None, None, Some(1), Some(10), Some(40)]),
        bytes: *dice.pick(&[None, None, None, Some(200)]),
    };
    Settings {
        limits,
        retention,
        outstanding_bytes_max: *dice.pick(&[1, 60, 400, 256 * 1024]),
        redeliveries_max: *dice.pick(&[1, 2, 10, 10]),
        ..Settings::default()
    }
}
