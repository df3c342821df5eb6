//! Bots, lines and the hub together, and what goes wrong with them.
//!
//! Owns the faults and how often each occurs. When it is calm nothing goes wrong, and everything must
//! arrive.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bot_hub_core::io::Input;
use bot_protocol::frame::pause::{PauseRule, PauseWhy};
use bot_protocol::name::{BotId, RoomName};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until};

use crate::acts::OPERATOR;
use crate::book::{Book, Counts};
use crate::bot::{Bot, Call};
use crate::dice::Dice;
use crate::hub::{Disk, HubProcess};
use crate::plan::Plan;
use crate::wire::Line;

/// Some wall-clock time. Any will do from which a jump back stays positive.
const WALL: u64 = 1_800_000_000_000;
/// So long nothing may happen before everything is drained. The longest wait is a peer that has to
/// notice by silence that a line is dead (66 s), then a backoff (30 s) and a fight (15 s).
const DRAINED_WITHIN: Duration = Duration::from_secs(240);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) violation: Option<String>,
    pub(crate) counts: Counts,
}

struct Somebody {
    bot: Rc<Bot>,
    process: RefCell<Vec<JoinHandle<()>>>,
    lives: Cell<u64>,
    line: RefCell<Option<Line>>,
}

struct World {
    seed: u64,
    plan: Rc<Plan>,
    dice: RefCell<Dice>,
    book: Arc<Mutex<Book>>,
    hub: tokio::sync::Mutex<HubProcess>,
    bots: Vec<Somebody>,
    started: Instant,
    calm_at: Instant,
    /// How far the wall clock is off, in milliseconds.
    skew: Cell<u64>,
    /// What was ever paused.
    paused: RefCell<Vec<Paused>>,
    traces: bool,
}

/// A room and a bot; all of them where one is missing.
type Paused = (Option<RoomName>, Option<BotId>);

/// Runs a seed to its end, in virtual time.
pub(crate) fn run(seed: u64, traces: bool) -> Run {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(LocalSet::new().run_until(async move {
        let world = Rc::new(World::new(seed, traces));
        Rc::clone(&world).play().await;
        let book = world.book.lock().expect("no panic");
        Run { violation: book.violation.clone(), counts: book.counts }
    }))
}

impl World {
    fn new(seed: u64, traces: bool) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Rc::new(Plan::new(&mut dice));
        let book = Arc::new(Mutex::new(Book::new(plan.may_lose())));
        let started = Instant::now();
        let calm_at = started + Duration::from_millis(plan.calm_at);
        let somebody = |name: BotId| Somebody {
            bot: Rc::new(Bot {
                name: name.to_string(),
                plan: Rc::clone(&plan),
                book: Arc::clone(&book),
                stalled_until: Cell::new(started),
                started,
                calm_at,
                traces,
            }),
            process: RefCell::default(),
            lives: Cell::new(0),
            line: RefCell::default(),
        };
        let operator = BotId::new(OPERATOR).expect("a name");
        let bots = plan.bots().into_iter().chain([operator]).map(somebody).collect();
        let hub = HubProcess::new(Rc::clone(&plan), Disk::new(Arc::clone(&book))).into();
        let dice = RefCell::new(dice);
        let skew = Cell::new(0);
        let paused = RefCell::default();
        Self { seed, plan, dice, book, hub, bots, started, calm_at, skew, paused, traces }
    }

    async fn play(self: Rc<Self>) {
        self.trace(|| format!("{:?}", self.plan));
        self.start_hub().await;
        for at in 0..self.bots.len() {
            self.start_bot(at);
        }
        while self.is_fine() {
            let wait = self.dice.borrow_mut().between(1, 2 * self.plan.fault_every);
            let next = Instant::now() + Duration::from_millis(wait);
            if next >= self.calm_at {
                break;
            }
            sleep_until(next).await;
            self.go_wrong().await;
        }
        sleep_until(self.calm_at).await;
        self.calm_down().await;
        self.drain().await;
    }

    fn counts(&self) -> Counts {
        self.book.lock().expect("no panic").counts
    }

    fn is_fine(&self) -> bool {
        self.book.lock().expect("no panic").violation.is_none()
    }

    async fn go_wrong(self: &Rc<Self>) {
        let at = self.dice.borrow_mut().below(self.bots.len());
        let name = &self.bots[at].bot.name;
        let wait = Duration::from_millis(self.dice.borrow_mut().between(1, 8_000));
        let fault = self.dice.borrow_mut().below(20);
        self.trace(|| format!("fault {fault} for {name}, {wait:?}"));
        match fault {
            0..=3 => self.cut(at, Line::cut),
            4 => self.cut(at, Line::silence),
            5 => (0..self.bots.len()).for_each(|at| self.cut(at, Line::silence)),
            6..=8 => self.kill_hub(wait).await,
            9 => self.stop_hub(wait).await,
            10..=11 => {
                self.kill_bot(at);
                let world = Rc::clone(self);
                spawn_local(async move {
                    sleep(wait).await;
                    world.start_bot(at);
                });
            }
            12..=13 => self.bots[at].bot.stalled_until.set(Instant::now() + wait * 4),
            14 => self.fill_disk(wait).await,
            15 => self.set_clock(),
            _ => self.pause_something(at, wait * 3).await,
        }
    }

    /// A rule lets one bot stand still, or all of them, in one room or in all.
    async fn pause_something(&self, at: usize, lasts: Duration) {
        let (room, bot) = {
            let mut dice = self.dice.borrow_mut();
            let room = dice.pick(&self.plan.rooms()).clone();
            let mut bots = self.plan.bots();
            // The last place is the operator's, whom nothing pauses.
            let bot = bots.swap_remove(at % bots.len());
            (Some(room).filter(|_| dice.percent(60)), Some(bot).filter(|_| dice.percent(60)))
        };
        self.paused.borrow_mut().push((room.clone(), bot.clone()));
        self.pause((room, bot), lasts).await;
    }

    async fn pause(&self, (room, bot): Paused, lasts: Duration) {
        let lasts = u64::try_from(lasts.as_millis()).expect("not so long");
        let why = PauseWhy { rule: Some(PauseRule::Turns.into()), ..PauseWhy::default() };
        let hub = self.hub.lock().await;
        let until = Some(hub.now() + lasts);
        hub.pause(Input::RulePauses { room, bot, why, until }).await;
    }

    fn cut(&self, at: usize, how: impl Fn(&Line)) {
        if let Some(line) = &*self.bots[at].line.borrow() {
            how(line);
            self.book.lock().expect("no panic").counts.cuts += 1;
        }
    }

    /// `kill -9`; or the whole machine is gone, and nobody is told.
    async fn kill_hub(self: &Rc<Self>, wait: Duration) {
        if self.dice.borrow_mut().percent(20) {
            (0..self.bots.len()).for_each(|at| self.cut(at, Line::silence));
        }
        self.hub.lock().await.kill().await;
        self.book.lock().expect("no panic").counts.kills += 1;
        self.start_hub_in(wait / 2);
    }

    async fn stop_hub(self: &Rc<Self>, wait: Duration) {
        self.hub.lock().await.stop().await;
        self.start_hub_in(wait / 2);
    }

    fn start_hub_in(self: &Rc<Self>, wait: Duration) {
        let world = Rc::clone(self);
        spawn_local(async move {
            sleep(wait).await;
            world.start_hub().await;
        });
    }

    async fn start_hub(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).expect("not so long");
        self.hub.lock().await.start(WALL + self.skew.get() + elapsed);
    }

    async fn fill_disk(self: &Rc<Self>, wait: Duration) {
        let disk = self.hub.lock().await.disk.clone();
        disk.fill(true);
        spawn_local(async move {
            sleep(wait).await;
            disk.fill(false);
        });
    }

    /// Somebody sets the wall clock, up to an hour either way; a hub notices when it starts.
    fn set_clock(&self) {
        self.skew.set(self.dice.borrow_mut().between(0, 7_200_000));
    }

    /// What is left of its client finds no line any more: the system has closed the last one.
    fn kill_bot(&self, at: usize) {
        self.bots[at].process.borrow_mut().drain(..).for_each(|task| task.abort());
        if let Some(line) = self.bots[at].line.borrow_mut().take() {
            line.cut();
        }
    }

    fn start_bot(self: &Rc<Self>, at: usize) {
        let somebody = &self.bots[at];
        if !somebody.process.borrow().is_empty() {
            return;
        }
        somebody.lives.set(somebody.lives.get() + 1);
        let (calls, called) = mpsc::unbounded_channel();
        let lines = spawn_local(Rc::clone(self).connect(at, called));
        let seed = self.seed * 1_000 + somebody.lives.get() * 10 + at as u64;
        let life = Rc::clone(&somebody.bot).live(calls, seed);
        *somebody.process.borrow_mut() = vec![lines, spawn_local(life)];
    }

    /// Answers a bot's calls for as long as its client lives.
    async fn connect(self: Rc<Self>, at: usize, mut calls: mpsc::UnboundedReceiver<Call>) {
        while let Some(answer) = calls.recv().await {
            let (line, [bot_end, hub_end]) =
                Line::new(self.plan.line, self.dice.borrow_mut().next());
            let is_taken = self.hub.lock().await.accept(hub_end);
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            // The caller may have ended meanwhile.
            drop(answer.send(if is_taken { Ok(bot_end) } else { Err(refused()) }));
            *self.bots[at].line.borrow_mut() = Some(line);
        }
    }

    async fn calm_down(self: &Rc<Self>) {
        self.trace(|| "calm".to_owned());
        self.hub.lock().await.disk.fill(false);
        self.start_hub().await;
        // A clock that was set back would let it last for longer.
        for what in self.paused.take() {
            self.pause(what, Duration::ZERO).await;
        }
        for (at, somebody) in self.bots.iter().enumerate() {
            somebody.bot.stalled_until.set(Instant::now());
            self.start_bot(at);
        }
    }

    async fn drain(&self) {
        let names: Vec<String> = self.plan.bots().iter().map(ToString::to_string).collect();
        let (mut deadline, mut before) = (Instant::now() + DRAINED_WITHIN, self.counts());
        while self.is_fine() {
            let missing = self.book.lock().expect("no panic").missing(&names);
            let Some(missing) = missing else { return };
            if self.counts() != before {
                (deadline, before) = (Instant::now() + DRAINED_WITHIN, self.counts());
            } else if Instant::now() > deadline {
                return self.book.lock().expect("no panic").object("not drained", missing);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn trace(&self, line: impl FnOnce() -> String) {
        if self.traces {
            eprintln!("{:>9} {}", self.started.elapsed().as_millis(), line());
        }
    }
}
