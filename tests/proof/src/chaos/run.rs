//! One run from the first join to the verdict.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bot_hub_proof::chance::Chance;
use bot_hub_proof::process::{Hub, Launch};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::Plan;
use crate::book::SharedBook;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::faults::{intrude, torment_clock, torment_disk, torment_hub, torment_receivers};
use crate::proxy::{self, Sky};
use crate::report::{Outcome, Report};
use crate::senders::{Plain, Sender, as_client, as_plain};
use crate::words::now_us;

/// How long everybody may take to get in before the faults begin.
const GETS_IN: Duration = Duration::from_secs(60);
/// How long everything may take to arrive after the faults have ended.
const SETTLES: Duration = Duration::from_secs(120);
/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(250);
/// Silence after which the hub gives up a peer, as it is told below.
const DEAD: Duration = Duration::from_secs(5);

/// The hub's settings: the defaults, but quicker to notice that somebody is gone.
const SETTINGS: &str = r#""timeouts": {"ping": "2s", "dead": "5s", "writeStall": "3s"}"#;
const FORGETFUL: &str = r#", "store": {"kind": "memory"}"#;

/// Runs the plan; prints the report. Whether every promise was kept.
pub async fn run(plan: &Plan) -> Result<bool> {
    let seed = plan.seed.unwrap_or_else(|| now_us() % 1_000_000);
    let mut chance = Chance::new(seed);
    let mut scene = Scene::new(plan)?;
    eprintln!("seed {seed}, {} s; the hub is at {}", plan.seconds, scene.hub.url);
    scene.let_in(plan, &mut chance).await?;
    eprintln!("everybody is in; the weather turns bad");
    let book = scene.book.clone();
    let report = Report { seed, seconds: plan.seconds, ..Report::default() };
    let report = scene.torment(plan, &mut chance, report).await?;
    let outcome = Outcome::new(report, &book);
    println!("{}", serde_json::to_string_pretty(&outcome.json())?);
    eprintln!("{outcome}");
    Ok(outcome.is_clean())
}

/// Everything that is there before something goes wrong.
struct Scene {
    home: tempfile::TempDir,
    launch: Launch,
    hub: Hub,
    disk: Result<Disk>,
    clock: Result<Clock>,
    bad: watch::Sender<bool>,
    sky: Sky,
    book: SharedBook,
    receivers: Receivers,
    /// Receivers are stopped and killed by two hands, each with its own.
    halves: [Vec<Receiver>; 2],
    saying: Vec<Saying>,
    stop: Arc<AtomicBool>,
}

fn names(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{what}{at}")).collect()
}

/// Everybody is in two rooms.
fn rooms_of(at: usize, rooms: usize) -> Vec<String> {
    let mut all = vec![format!("room{}", at % rooms), format!("room{}", (at + 1) % rooms)];
    all.dedup();
    all
}

impl Scene {
    /// Starts the hub.
    fn new(plan: &Plan) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let bots = [names("s", plan.senders), names("r", plan.receivers)].concat();
        let settings = format!("{SETTINGS}{}", if plan.forgetful { FORGETFUL } else { "" });
        let mut launch = Launch::new(&plan.hub, home.path(), &bots, &settings);
        let disk = Disk::mount(&launch.data);
        let clock = Clock::new(plan.faketime.as_deref(), home.path());
        if let Ok(clock) = &clock {
            launch.environment = clock.environment();
        }
        let hub = Hub::start(&launch)?;
        launch.listen = hub.address();
        let (bad, is_bad) = watch::channel(false);
        let sky = Sky { hub: hub.address().parse()?, bad: is_bad, counts: Arc::default() };
        let book = SharedBook::default();
        let program = std::env::current_exe()?;
        let receivers = Receivers { program, book: book.clone(), all: Vec::new() };
        let (halves, saying, stop) = Default::default();
        Ok(Self { home, launch, hub, disk, clock, bad, sky, book, receivers, halves, saying, stop })
    }

    /// Lets everybody in, in good weather.
    async fn let_in(&mut self, plan: &Plan, chance: &mut Chance) -> Result<()> {
        let rooms = plan.rooms.max(1);
        for (at, bot) in names("r", plan.receivers).into_iter().enumerate() {
            let url = proxy::start(self.sky.clone(), chance.fork()).await?;
            let place =
                Place { bot: bot.clone(), url, rooms: rooms_of(at, rooms), seed: at % 3 == 2 };
            self.receivers.all.push(place);
            self.halves[at % 2].push(self.receivers.start(&bot)?);
        }
        self.receivers.wait_until_joined().await?;
        for (at, bot) in names("s", plan.senders).into_iter().enumerate() {
            let sender = Sender {
                bot,
                url: proxy::start(self.sky.clone(), chance.fork()).await?,
                rooms: rooms_of(at, rooms),
                rate: plan.rate,
                chance: chance.fork(),
                book: self.book.clone(),
                stop: Arc::clone(&self.stop),
            };
            self.saying.push(start_sender(at, sender));
        }
        wait_for_load(&self.book, plan.senders as u64).await
    }

    /// Lets everything go wrong for a while, then calms it down, and says what was done.
    async fn torment(self, plan: &Plan, chance: &mut Chance, mut report: Report) -> Result<Report> {
        let (over, is_over) = watch::channel(false);
        self.bad.send_replace(true);
        let url = self.hub.url.clone();
        let hub = torment_hub(self.launch.clone(), self.hub, chance.fork(), is_over.clone());
        let hub = tokio::spawn(hub);
        let mut hands = Vec::new();
        for half in self.halves {
            let hand = (self.receivers.clone(), DEAD);
            hands.push(tokio::spawn(torment_receivers(half, hand, chance.fork(), is_over.clone())));
        }
        let (disk, clock) = (split(self.disk), split(self.clock));
        (report.no_disk, report.no_clock) = (disk.1, clock.1);
        let disk = disk.0.map(|disk| {
            tokio::spawn(torment_disk(disk, self.book.clone(), chance.fork(), is_over.clone()))
        });
        let clock =
            clock.0.map(|it| tokio::spawn(torment_clock(it, chance.fork(), is_over.clone())));
        let receivers = names("r", plan.receivers);
        let intruder = tokio::spawn(intrude(url, receivers, chance.fork(), is_over.clone()));
        watch_progress(&self.book, plan.seconds).await;

        eprintln!("the weather clears up");
        over.send_replace(true);
        let mut kept_disk = None;
        if let Some(task) = disk {
            let (disk, times) = task.await??;
            (kept_disk, report.disk_fills) = (Some(disk), times);
        }
        if let Some(task) = clock {
            report.clock_jumps = task.await??;
        }
        report.intrusions = intruder.await??;
        let hub = hub.await??;
        report.hub = hub.1;
        let mut alive = Vec::new();
        for hand in hands {
            let (half, faults) = hand.await??;
            alive.extend(half);
            report.receivers.push(faults);
        }
        self.bad.send_replace(false);
        self.stop.store(true, Ordering::Relaxed);
        report.senders_gave_up = settle(self.saying, &self.book).await;
        report.network = self.sky.counts.report();
        end(hub.0, alive, &mut report).await?;
        report.verify = verify(plan, &self.launch)?;
        drop((kept_disk, self.home));
        Ok(report)
    }
}

/// Ends everybody, the hub last and in order.
async fn end(hub: Hub, receivers: Vec<Receiver>, report: &mut Report) -> Result<()> {
    if let Ok((_, peak)) = hub.memory_kib() {
        report.hub.peak_memory_kib = report.hub.peak_memory_kib.max(peak);
    }
    for mut receiver in receivers {
        receiver.kill().await?;
    }
    tokio::task::spawn_blocking(move || hub.stop()).await?
}

fn split<T>(it: Result<T>) -> (Option<T>, Option<String>) {
    match it {
        Ok(it) => (Some(it), None),
        Err(error) => (None, Some(format!("SKIPPED ({error:#})"))),
    }
}

type Saying = JoinHandle<Result<()>>;

fn start_sender(at: usize, sender: Sender) -> Saying {
    match at % 4 {
        2 => tokio::task::spawn_blocking(move || {
            as_plain(sender, Plain::Seed);
            Ok(())
        }),
        3 => tokio::task::spawn_blocking(move || {
            as_plain(sender, Plain::Twice);
            Ok(())
        }),
        _ => tokio::spawn(as_client(sender)),
    }
}

async fn wait_for_load(book: &SharedBook, senders: u64) -> Result<()> {
    let deadline = Instant::now() + GETS_IN;
    while book.open().history.acks() < senders * 3 {
        if Instant::now() > deadline {
            bail!("nothing is acknowledged, and nothing has gone wrong yet");
        }
        sleep(LOOK).await;
    }
    Ok(())
}

async fn watch_progress(book: &SharedBook, seconds: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        let left = Duration::from_secs(seconds).saturating_sub(start.elapsed());
        sleep(left.min(Duration::from_secs(10))).await;
        let book = book.open();
        let (acks, stopped) = (book.history.acks(), book.stopped.len());
        eprintln!(
            "{:>4} s: {acks} acknowledged, {stopped} receivers stand still",
            start.elapsed().as_secs()
        );
    }
}

/// Waits until senders know everything and readers have everything. Senders that did not come to an end.
async fn settle(saying: Vec<Saying>, book: &SharedBook) -> Vec<String> {
    let deadline = Instant::now() + SETTLES;
    let mut gave_up = Vec::new();
    for (at, task) in saying.into_iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout(left, task).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => gave_up.push(format!("s{at}: {error:#}")),
            Ok(Err(error)) => gave_up.push(format!("s{at}: {error}")),
            Err(_) => gave_up.push(format!("s{at}: not everything was acknowledged in time")),
        }
    }
    eprintln!("everything is said");
    let deadline = Instant::now() + SETTLES;
    while book.open().history.owed() > 0 && Instant::now() < deadline {
        sleep(LOOK * 2).await;
    }
    gave_up
}

/// What `bot-hub verify` says of the store, if there is one.
fn verify(plan: &Plan, launch: &Launch) -> Result<Option<String>> {
    if plan.forgetful {
        return Ok(None);
    }
    let output = std::process::Command::new(&plan.hub)
        .arg("verify")
        .arg("--data")
        .arg(&launch.data)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let failed = if output.status.success() { "" } else { "FAILED " };
    Ok(Some(format!("{failed}{said}")))
}

/// Where a receiver is.
#[derive(Clone, Debug)]
struct Place {
    bot: String,
    url: String,
    rooms: Vec<String>,
    seed: bool,
}

/// How receivers are started.
#[derive(Clone, Debug)]
pub struct Receivers {
    program: PathBuf,
    book: SharedBook,
    all: Vec<Place>,
}

impl Receivers {
    /// Starts the process of one of them.
    pub fn start(&self, bot: &str) -> Result<Receiver> {
        let place = self.all.iter().find(|place| place.bot == *bot).context("no such receiver")?;
        let mut command = Command::new(&self.program);
        command.args(["receiver", "--url", &place.url, "--bot", bot]);
        for room in &place.rooms {
            command.args(["--room", room]);
        }
        if place.seed {
            command.arg("--seed");
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its stdout is piped")?).lines();
        let process = child.id().context("it was just started")?;
        tokio::spawn(listen(lines, bot.to_owned(), u64::from(process), self.book.clone()));
        Ok(Receiver { bot: bot.to_owned(), child, book: self.book.clone() })
    }

    async fn wait_until_joined(&self) -> Result<()> {
        let deadline = Instant::now() + GETS_IN;
        let wanted: usize = self.all.iter().map(|place| place.rooms.len()).sum();
        while self.book.open().history.readings() < wanted {
            if Instant::now() > deadline {
                bail!("not all receivers came in");
            }
            sleep(LOOK).await;
        }
        Ok(())
    }
}

/// The process of a receiver.
#[derive(Debug)]
pub struct Receiver {
    /// Its name.
    pub bot: String,
    child: Child,
    book: SharedBook,
}

impl Receiver {
    fn pid(&self) -> Result<Pid> {
        let id = self.child.id().context("the receiver has ended")?;
        Pid::from_raw(i32::try_from(id)?).context("a process id is not zero")
    }

    /// Stops it, and returns when every thread of it stands still.
    pub async fn stop(&self) -> Result<()> {
        let pid = self.pid()?;
        kill_process(pid, Signal::STOP)?;
        while !stands_still(pid)? {
            sleep(Duration::from_millis(1)).await;
        }
        self.book.open().stopped.insert(self.bot.clone(), now_us());
        Ok(())
    }

    /// Lets it go on.
    pub fn go_on(&self) -> Result<()> {
        self.book.open().stopped.remove(&self.bot);
        Ok(kill_process(self.pid()?, Signal::CONT)?)
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

fn stands_still(pid: Pid) -> Result<bool> {
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = std::fs::read_to_string(task?.path().join("stat"))?;
        if !stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T')) {
            return Ok(false);
        }
    }
    Ok(true)
}

type Lines = tokio::io::Lines<BufReader<tokio::process::ChildStdout>>;

/// Writes down what a receiver tells.
async fn listen(mut lines: Lines, bot: String, process: u64, book: SharedBook) {
    while let Ok(Some(line)) = lines.next_line().await {
        // The last line of one that was killed may be cut; then it has not answered for it either.
        let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
        let (room, number) =
            (said["room"].as_str().unwrap_or_default(), |key: &str| said[key].as_u64());
        match said["k"].as_str() {
            Some("joined") => book.open().history.reads(&bot, room),
            Some("saw") => {
                let key = said["key"].as_str().unwrap_or_default();
                if said["intact"] != true {
                    book.object(format!("{bot} got a changed text: `{key}`"));
                }
                let life = (process << 20) | number("life").unwrap_or(0);
                let at = number("at").unwrap_or(0);
                book.open().history.saw(&bot, life, (room, number("seq")), key, at);
            }
            Some("gap") => {
                let (from, to) = (number("from").unwrap_or(0), number("to").unwrap_or(0));
                eprintln!("{bot} is told of a gap in {room}: {from} to {to}, {}", said["why"]);
                book.open().history.gap(&bot, room, from, to);
            }
            Some("lost") => {
                eprintln!("{bot} is told that {} are lost in {room}", said["count"]);
                book.open().history.lost(&bot, room, number("count").unwrap_or(0));
            }
            _ => {}
        }
    }
}
