//! What goes wrong.
//!
//! Owns the list of faults and how often each occurs. When it is calm, nothing does, and what was
//! broken is whole again.

use super::agenda::{BotNo, Event};
use super::world::World;

impl World {
    pub(crate) fn on_fault(&mut self) {
        if self.is_calm() {
            return;
        }
        let bot = self.dice.below(self.bots.len());
        let until = self.now + self.dice.between(1, 8_000);
        match self.dice.below(20) {
            0..=5 => self.cut_somebody(bot),
            6..=7 => self.crash_hub(),
            8 => self.drain_hub(),
            9..=11 => {
                self.crash_bot(bot);
                let back_at = self.now + *self.dice.pick(&[1, 500, 5_000, 40_000]);
                self.agenda.plan(back_at, Event::BotStart(bot));
            }
            12..=13 => self.bots[bot].stalled_until = until + self.dice.between(0, 12_000),
            14 => self.bots[bot].stalled_until = until + 60_000,
            15..=16 => self.hub.full_until = until,
            17 => self.hub.slow_until = until,
            _ => self.hub.blind_until = until,
        }
        let at = self.now + self.dice.between(0, 2 * self.plan.fault_every);
        self.agenda.plan(at, Event::Fault);
    }

    fn cut_somebody(&mut self, bot: BotNo) {
        let Some(conn) = self.bots[bot].conn else { return };
        self.trace(|world| format!("{} is cut off ({conn})", world.bots[bot].id));
        let notice = [0, 20, 1_000, 70_000];
        let (hub_notices, bot_notices) = (*self.dice.pick(&notice), *self.dice.pick(&notice));
        self.cut(conn, hub_notices, bot_notices);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm_down(&mut self) {
        self.trace(|_| "calm".to_owned());
        (self.hub.full_until, self.hub.slow_until, self.hub.blind_until) = (0, 0, 0);
        self.start_hub();
        for bot in 0..self.bots.len() {
            self.bots[bot].stalled_until = 0;
            self.start_bot(bot);
        }
    }
}
