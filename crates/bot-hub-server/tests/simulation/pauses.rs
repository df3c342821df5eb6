//! Rules and an operator let bots stand still and go on, at random.
//!
//! Owns which pauses hold, as the hub says and its store has it, and that no paused reader is handed anything.
//! Each pause ends by itself after a while, so that everything drains when it is calm.

use std::collections::BTreeSet;

use bot_hub_core::io::{ConnId, Hello, Input};
use bot_hub_core::pause::PauseKey;
use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::operator::{Operate, Operation};
use bot_protocol::frame::pause::{PauseLine, PauseRule, PauseWhy};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use super::agenda::Event;
use super::world::World;

/// The operator's connections have numbers from here on, and hear no answers.
pub(crate) const OPERATORS: u64 = 1 << 40;

/// The longest time that a pause holds.
const PAUSE_MS_MAX: u64 = 20_000;

#[derive(Debug, Default)]
pub(crate) struct Pauses {
    holds: BTreeSet<PauseKey>,
    conns: u64,
}

impl Pauses {
    /// A hub starts with what its store has.
    pub(crate) fn restore(&mut self, lines: &[PauseLine]) {
        self.holds = lines.iter().map(PauseKey::of).collect();
    }

    pub(crate) fn told(&mut self, line: &PauseLine, on: bool) {
        let key = PauseKey::of(line);
        if on {
            self.holds.insert(key)
        } else {
            self.holds.remove(&key)
        };
    }

    /// Whether nothing may be handed to this bot in this room.
    pub(crate) fn hold(&self, room: &RoomName, bot: &BotId) -> bool {
        self.holds.iter().any(|key| {
            let is_there = key.room.as_ref().is_none_or(|it| it == room);
            is_there && key.bot.as_ref().is_none_or(|it| it == bot)
        })
    }
}

impl World {
    /// Somebody pauses or resumes, or a rule pauses.
    pub(crate) fn on_pause(&mut self) {
        let Some(every) = self.plan.pause_every.filter(|_| !self.is_calm()) else { return };
        let at = self.dice.below(self.bots.len());
        let bot = Some(self.bots[at].id.clone()).filter(|_| self.dice.percent(60));
        let rooms = self.bots[at].rooms.clone();
        let room = Some(self.dice.pick(&rooms).clone()).filter(|_| self.dice.percent(60));
        let for_ms = self.dice.between(1, PAUSE_MS_MAX);
        match self.dice.below(10) {
            0..=4 => {
                let why = PauseWhy { rule: Some(PauseRule::Turns.into()), ..PauseWhy::default() };
                let until = Some(Timestamp(self.now + for_ms));
                self.hub_input(Input::RulePauses { room, bot, why, until });
            }
            5..=6 => self.operate(Operation::Pause { room, bot, for_ms: Some(for_ms) }),
            7..=8 => self.operate(Operation::Resume { room, bot, skip: false }),
            _ => self.operate(Operation::Resume { room, bot, skip: true }),
        }
        let next = self.now + self.dice.between(0, 2 * every);
        self.agenda.plan(next, Event::Pause);
    }

    fn operate(&mut self, operation: Operation) {
        self.hub.pauses.conns += 1;
        let conn = ConnId(OPERATORS + self.hub.pauses.conns);
        let hello = Hello {
            bot: BotId::new("ops").expect("a name"),
            operator: true,
            plain: false,
            side: true,
            caps: bot_hub_core::io::Caps::default(),
            resume: None,
        };
        self.trace(|_| format!("an operator: {operation:?}"));
        self.hub_input(Input::Opened { conn, hello });
        let request = Operate { reference: "r".into(), operation, why: None };
        self.hub_input(Input::Frame { conn, frame: ClientFrame::Operate(request) });
        self.hub_input(Input::Closed { conn });
    }
}
