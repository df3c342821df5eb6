//! A storm: thousands of bots lose their hub at the same moment, and come back.
//!
//! Owns the bots, which are real clients, and the hub that is taken from them. Each of them must get what was stored
//! while it was away, all of it, once and in order. How long that takes is measured, and no condition.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::{Client, Event, Events, Options};
use bot_hub_proof::peer::Failure;
use bot_hub_proof::process::{Hub, Launch, last_words, token};
use rustix::process::{Resource, getrlimit};
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use crate::honest::Honest;
use crate::stage::{Case, Damage, Deed, Figures, Waits, Watch, ms, percentile};

pub const CASES: &[Case] = &[
    case("everybody's hub is killed, and started again", |program, waits| {
        storm(program, waits, End::Killed)
    }),
    case("everybody's hub is restarted in order", |program, waits| {
        storm(program, waits, End::Stopped)
    }),
];

const fn case(name: &'static str, life: fn(&Path, Waits) -> Result<Figures>) -> Case {
    let limit =
        "clients that wait for a random time, `limits.unauthenticatedMax`; the log is the buffer";
    // Before it is a hub with all of them in it; newcomers may find the entrance full.
    let (growth_mib_max, may_refuse, log_level) = (48, true, "error");
    Case { name, limit, growth_mib_max, may_refuse, log_level, deed: Deed::Life(life) }
}

/// So many rooms share the bots; the first bot of a room speaks, the others hear.
const ROOMS: usize = 100;
/// Messages in each room before its hub is gone.
const BEFORE: u64 = 10;
/// And one after it: who has heard it and all before it is back.
const ALL: u64 = BEFORE + 1;
/// Open files of this process, and of the hub, for everything but the bots.
const SPARE: u64 = 300;
/// Bots that connect for the first time at once; those that come back do so as they like.
const AT_ONCE: usize = 64;
/// Longer than any of it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at something that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How the hub goes.
#[derive(Clone, Copy)]
enum End {
    Killed,
    Stopped,
}

/// How far it is. Speakers wait for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// They come.
    Gathering,
    /// All are there.
    Before,
    /// The hub is there again.
    After,
}

/// What all bots write down.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// Bots that are in their room.
    joined: usize,
    /// Speakers whose messages before the end were acknowledged.
    spoken: usize,
    /// When each bot had all that it should have.
    complete: Vec<Instant>,
    /// What should not be.
    wrong: Vec<String>,
}

impl Book {
    fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().expect("nobody panics while writing")
    }

    /// Waits until it says so, and as long as nothing is wrong.
    async fn until(&self, what: &str, is_so: impl Fn(&Pages) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            {
                let pages = self.open();
                if let Some(first) = pages.wrong.first() {
                    bail!("{} things are wrong, as {first}", pages.wrong.len());
                }
                if is_so(&pages) {
                    return Ok(());
                }
                ensure!(
                    Instant::now() < deadline,
                    "not {what} after {} s: {} joined, {} spoken, {} complete",
                    PATIENCE.as_secs(),
                    pages.joined,
                    pages.spoken,
                    pages.complete.len()
                );
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// As many as are wanted and may have a socket, and a word about the others.
fn bots(wanted: usize) -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = usize::try_from(files.saturating_sub(SPARE)).map_or(wanted, |it| it.min(wanted));
    if count < wanted {
        println!("SKIPPED {} of {wanted} bots (no more than {files} open files)", wanted - count);
    }
    count
}

fn storm(program: &Path, waits: Waits, end: End) -> Result<Figures> {
    let count = bots(waits.bots);
    ensure!(count > ROOMS, "no storm with so few open files; hint: ulimit -n 6000");
    let home = tempfile::tempdir()?;
    let mut names: Vec<String> = (0..count).map(|number| format!("bot-{number}")).collect();
    names.extend(["hedy", "hugo", "hans"].map(str::to_owned));
    let launch = Launch::new(program, home.path(), &names, &waits.settings());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let lived = runtime.block_on(live(launch.clone(), count, end));
    // The bots are still there, and need not be waited for.
    runtime.shutdown_background();
    lived.with_context(|| format!("the hub said `{}`", last_words(&launch)))
}

async fn live(mut launch: Launch, count: usize, end: End) -> Result<Figures> {
    let first = launch.clone();
    let hub = spawn_blocking(move || Hub::start(&first)).await??;
    launch.listen = hub.address();
    let (book, phase) = (Book::default(), watch::Sender::new(Phase::Gathering));
    let entrance = Arc::new(Semaphore::new(AT_ONCE));
    for number in 0..count {
        let options = Options::new(&*hub.url, token(&format!("bot-{number}")));
        let bot = Bot { number, options, book: book.clone(), phase: phase.subscribe() };
        tokio::spawn(bot.live(Arc::clone(&entrance)));
    }
    book.until("all in their rooms", |pages| pages.joined == count).await?;
    phase.send_replace(Phase::Before);
    book.until("all acknowledged", |pages| pages.spoken == ROOMS).await?;

    // What was acknowledged a moment ago is still on its way to most of them.
    let before = hub.memory_kib()?.0;
    let hub = spawn_blocking(move || replace(hub, &launch, end)).await??;
    let start = Instant::now();
    let memory = Watch::start(Arc::clone(&hub));
    phase.send_replace(Phase::After);
    let url = hub.url.clone();
    let honest = spawn_blocking(move || come_in(&url)).await?;
    let back = book.until("all back", |pages| pages.complete.len() == count).await;
    let experience = spawn_blocking(move || honest.and_then(Honest::stop)).await?;
    let most = memory.stop();
    back?;
    let experience = experience.map_err(|why| anyhow!("an honest bot was not served: {why}"))?;
    let after = hub.memory_kib()?.0;
    let mut times: Vec<Duration> = book.open().complete.iter().map(|at| *at - start).collect();
    times.sort_unstable();
    Ok(Figures { damage: told(&times), memory_kib: [before, most.max(before), after], experience })
}

fn told(times: &[Duration]) -> Damage {
    Damage::note(format!(
        "of {} bots half back and up to date after {} ms, all after {} ms; {} messages, each once and in order",
        times.len(),
        ms(percentile(times, 50)),
        ms(percentile(times, 100)),
        (times.len() - ROOMS) as u64 * ALL
    ))
}

fn replace(hub: Hub, launch: &Launch, end: End) -> Result<Arc<Hub>> {
    match end {
        End::Killed => hub.kill()?,
        End::Stopped => hub.stop()?,
    }
    Ok(Arc::new(Hub::start(launch)?))
}

/// The honest ones come in, as soon as there is space at the entrance.
fn come_in(url: &str) -> Result<Honest, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Honest::start(url) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(LOOK_AGAIN),
            outcome => return outcome,
        }
    }
}

/// One of the many.
struct Bot {
    number: usize,
    options: Options,
    book: Book,
    phase: watch::Receiver<Phase>,
}

impl Bot {
    async fn live(self, entrance: Arc<Semaphore>) {
        let (number, book) = (self.number, self.book.clone());
        if let Err(error) = self.try_live(&entrance).await {
            book.open().wrong.push(format!("bot-{number}: {error:#}"));
        }
    }

    /// Returns when something is wrong; otherwise it goes on listening.
    async fn try_live(self, entrance: &Semaphore) -> Result<()> {
        let room = RoomName::new(&format!("room-{}", self.number % ROOMS))?;
        let permit = entrance.acquire().await?;
        let (client, mut events) = Client::connect(self.options.clone()).await?;
        client.join(room.clone()).await?;
        drop(permit);
        self.book.open().joined += 1;
        if self.number >= ROOMS {
            return self.hear(&mut events).await;
        }
        let speaking = self.speak(&client, &room);
        let (spoken, _) = tokio::join!(speaking, async { while events.next().await.is_some() {} });
        spoken
    }

    async fn speak(mut self, client: &Client, room: &RoomName) -> Result<()> {
        self.phase.wait_for(|phase| *phase >= Phase::Before).await?;
        for number in 1..=ALL {
            if number == ALL {
                self.book.open().spoken += 1;
                self.phase.wait_for(|phase| *phase == Phase::After).await?;
            }
            let (room, text) = (Some(room.clone()), format!("{room} {number}"));
            let ack = client.send(Message { room, text, ..Message::default() }).await?.await?;
            ensure!(ack.seq == Some(number), "#{number} became {:?}", ack.seq);
        }
        self.book.open().complete.push(Instant::now());
        Ok(())
    }

    async fn hear(self, events: &mut Events) -> Result<()> {
        let mut heard = 0;
        while let Some(event) = events.next().await {
            match event {
                Event::Message(message) => {
                    heard += 1;
                    let expected = format!("{} {heard}", message.room);
                    let is_next = message.seq == Some(heard) && *message.text == *expected;
                    ensure!(is_next, "`{}` came instead of #{heard}", message.text);
                    if heard == ALL {
                        self.book.open().complete.push(Instant::now());
                    }
                }
                Event::Gap(gap) => bail!("a gap: {gap:?}"),
                _ => {}
            }
        }
        bail!("the client is over")
    }
}
