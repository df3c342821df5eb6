//! The whole: bots, network, hub, and the clock that they share.
//!
//! Owns the loop. Nothing in it waits, draws a number or reads a clock but from the seed.

use bot_hub_client::Why;
use bot_protocol::name::{BotId, RoomName};

use super::agenda::{Agenda, Conn, Event};
use super::bot::{Bot, Kept, Program};
use super::dice::Dice;
use super::history::{Counts, History};
use super::hub_side::HubSide;
use super::network::Pipe;
use super::plan::Plan;
use super::sabotage::Sabotage;

/// The time at the start: any will do, but that hubs and clients subtract from it.
const START: u64 = 1_000_000;
/// Everything must be drained so soon after the last fault. The longest wait is a peer that has to
/// notice by silence that a connection is dead (45 s), then a backoff (30 s) and a fight (15 s).
const DRAINED_WITHIN: u64 = 240_000;

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) dice: Dice,
    /// What the operator does, apart: so that it changes nothing of what else a seed stands for.
    pub(crate) operator: Dice,
    pub(crate) plan: Plan,
    pub(crate) agenda: Agenda,
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) bots: Vec<Bot>,
    pub(crate) hub: HubSide,
    pub(crate) history: History,
    traces: bool,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) violation: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) events: u64,
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Sabotage, traces: bool) -> Self {
        let mut dice = Dice::new(seed);
        let mut plan = Plan::new(&mut dice, sabotage);
        plan.calm_at += START;
        let rooms: Vec<RoomName> = (0..plan.rooms).map(|at| room(&format!("room{at}"))).collect();
        let bot = |(at, &make)| Bot {
            id: BotId::new(&format!("bot{at}")).expect("a name"),
            make,
            life: 0,
            program: None,
            conn: None,
            stalled_until: 0,
            rooms: rooms.clone(),
            kept: Kept::default(),
        };
        let bots = plan.bots.iter().enumerate().map(bot).collect();
        let history = History::new(plan.settings.limits.buffer_per_bot_per_room);
        Self {
            now: START,
            dice,
            operator: Dice::new(!seed),
            plan,
            agenda: Agenda::default(),
            pipes: Vec::new(),
            bots,
            hub: HubSide::new(),
            history,
            traces,
        }
    }

    pub(crate) fn run(mut self) -> Run {
        self.trace(|world| format!("{:?}", world.plan));
        self.begin();
        let mut events = 0;
        while self.history.violation.is_none()
            && let Some((at, event)) = self.agenda.next()
        {
            self.now = at;
            events += 1;
            if !self.happen(event) {
                break;
            }
        }
        self.history.finish();
        let (violation, counts) = (self.history.violation, self.history.counts);
        Run { violation, counts, events }
    }

    fn begin(&mut self) {
        self.start_hub();
        for bot in 0..self.bots.len() {
            let at = self.now + self.dice.between(0, 3_000);
            self.agenda.plan(at, Event::BotStart(bot));
            self.agenda.plan(at + 100, Event::Act(bot));
        }
        let first = self.now + self.dice.between(0, 2 * self.plan.fault_every);
        self.agenda.plan(first, Event::Fault);
        let first = self.now + self.operator.between(3_000, 20_000);
        self.agenda.plan(first, Event::Redact);
        self.agenda.plan(self.now + 1_000, Event::Pause);
        self.agenda.plan(self.plan.calm_at, Event::Look);
    }

    /// Whether to go on.
    fn happen(&mut self, event: Event) -> bool {
        match event {
            Event::Up(conn) => self.on_up(conn),
            Event::Down(conn) => self.on_down(conn),
            Event::Written(conn, mark) => self.hub_written(conn, mark),
            Event::HubNotices(conn) => self.hub_loses(conn),
            Event::BotNotices(conn) => {
                self.bot_loses(conn, Why::Broken("reset".to_owned()));
            }
            Event::Commit(life) => self.on_commit(life),
            Event::Settle(life, settled) => self.on_settle(life, settled),
            Event::Read(life, ticket, query) => self.on_read(life, ticket, &query),
            Event::Answer(life, ticket, answer) => self.on_answer(life, ticket, answer),
            Event::HubTick(life) => self.on_hub_tick(life),
            Event::HubStart => self.start_hub(),
            Event::BotStart(bot) => self.start_bot(bot),
            Event::Dialled(bot, life) => self.on_dialled(bot, life),
            Event::BotTick(bot, life) => self.on_bot_tick(bot, life),
            Event::Take(bot, life) => self.on_take(bot, life),
            Event::App(bot, life, input) => self.on_app(bot, life, *input),
            Event::Act(bot) => self.on_act(bot),
            Event::Redact => self.on_redact(),
            Event::Fault => self.on_fault(),
            Event::Pause => self.on_pause(),
            Event::Look => return self.on_look(),
        }
        true
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.now >= self.plan.calm_at
    }

    fn on_look(&mut self) -> bool {
        if self.now == self.plan.calm_at {
            self.calm_down();
        }
        let Some(missing) = self.missing() else { return false };
        if self.now > self.plan.calm_at + DRAINED_WITHIN {
            self.history.object("not drained", missing);
            return false;
        }
        for bot in 0..self.bots.len() {
            self.join_missing(bot);
            self.seed_joins(bot);
            self.seed_repeats(bot);
        }
        self.agenda.plan(self.now + 1_000, Event::Look);
        true
    }

    /// What is not yet as it must be in the end.
    fn missing(&self) -> Option<String> {
        for bot in &self.bots {
            let idle = match &bot.program {
                Some(Program::Link(program)) => program.is_idle(),
                Some(Program::Seed(program)) => program.is_idle(&bot.rooms),
                None => false,
            };
            let connected = bot.conn.is_some_and(|conn| self.is_usable(conn));
            if !idle || !connected {
                return Some(format!("{} is busy or cut off: {:?}", bot.id, bot.program));
            }
        }
        if self.hub.unsettled > 0 {
            return Some("the store owes answers".to_owned());
        }
        self.history.owed(self.now, |id| {
            let mut bots = self.bots.iter();
            bots.any(|bot| bot.id == *id && matches!(bot.program, Some(Program::Seed(_))))
        })
    }

    pub(crate) fn name_of(&self, conn: Conn) -> &BotId {
        &self.bots[self.pipes[conn].bot].id
    }

    /// Says what happens, when somebody wants to know.
    pub(crate) fn trace(&self, line: impl FnOnce(&Self) -> String) {
        if self.traces {
            eprintln!("{:>9} {}", self.now - START, line(self));
        }
    }
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).expect("a name")
}
