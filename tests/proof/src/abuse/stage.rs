//! One case from the start of its hub to its figures.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use bot_hub_proof::peer::{Failure, Peer};
use bot_hub_proof::process::{Hub, Launch, token};
use serde_json::json;

use crate::honest::{Experience, Honest};

/// The honest ones talk for so long before the attack, so that the memory before it is that of a hub at work.
const WARM_UP: Duration = Duration::from_millis(400);
/// How long the hub may take to give back what the attack cost.
const COOL_DOWN: Duration = Duration::from_millis(1_500);
/// `limits.sideConnectionsPerBot` by default.
const ASIDES_PER_BOT: u32 = 16;
/// Bots that mean harm: enough for every case's connections.
const EVIL_BOTS: u32 = 20;
/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(20);
/// The hub's waits in a quick run, in seconds, and the size of a storm.
const QUICK: Waits = Waits { handshake: 2, auth: 2, ping: 1, dead: 4, stall: 2, bots: 1_000 };
/// The hub's waits by default, and a storm as it should be.
const DEFAULTS: Waits =
    Waits { handshake: 10, auth: 10, ping: 25, dead: 60, stall: 10, bots: 5_000 };

/// How long the hub waits for somebody, in seconds; and how many lose it at once.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    pub handshake: u64,
    pub auth: u64,
    pub ping: u64,
    pub dead: u64,
    pub stall: u64,
    pub bots: usize,
}

impl Waits {
    /// The settings of a hub that waits so long, as the inside of a JSON object. What a bot may say in a day is no
    /// answer to harm that is over in seconds: it must not hide what is.
    pub fn settings(self) -> String {
        let Self { handshake, auth, ping, dead, stall, .. } = self;
        format!(
            r#""timeouts": {{"handshake": "{handshake}s", "auth": "{auth}s", "ping": "{ping}s", "dead": "{dead}s", "writeStall": "{stall}s"}}, "limits": {{"bytesPerBotPerDay": "1TiB"}}"#
        )
    }
}

/// A kind of harm.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is done, in words.
    pub name: &'static str,
    /// What holds against it: the setting, or why there is none.
    pub limit: &'static str,
    /// MiB by which the hub may grow meanwhile, generously.
    pub growth_mib_max: u64,
    /// Whether newcomers may be refused meanwhile.
    pub may_refuse: bool,
    /// The least important kind of line that the hub logs.
    pub log_level: &'static str,
    /// What is done.
    pub deed: Deed,
}

/// What a case does.
#[derive(Clone, Copy)]
pub enum Deed {
    /// Harm to the hub of the stage, beside its honest bots; says what came of it.
    Attack(fn(&Stage) -> Result<Damage, Failure>),
    /// Something with a hub of its own, whose life it decides about.
    Life(fn(&Path, Waits) -> Result<Figures>),
}

/// A case with the usual bound.
pub const fn case(
    name: &'static str,
    limit: &'static str,
    attack: fn(&Stage) -> Result<Damage, Failure>,
) -> Case {
    let deed = Deed::Attack(attack);
    Case { name, limit, growth_mib_max: 48, may_refuse: false, log_level: "error", deed }
}

/// What an attacker saw.
#[derive(Clone, Debug, Default)]
pub struct Damage {
    /// How hostile connections ended: code (0: cut without a word) and after what time.
    pub closed: Vec<(u16, Duration)>,
    /// What else there is to say.
    pub note: String,
}

impl Damage {
    /// Only words.
    pub fn note(note: String) -> Self {
        Self { note, ..Self::default() }
    }
}

/// What a case has at hand.
#[derive(Debug)]
pub struct Stage {
    /// Where the hub is.
    pub url: String,
    /// What it waits for.
    pub waits: Waits,
    /// How the hub was started.
    pub launch: Launch,
    /// How many connections were made beside those that read.
    pub asides: AtomicU32,
}

impl Stage {
    /// A bot that means harm, known to the hub; `e0` and so on.
    pub fn evil(&self, number: u32) -> Result<Peer, Failure> {
        Ok(Peer::ours(&self.url, &token(&format!("e{number}")), &json!({"caps": ["ack"]}))?.0)
    }

    /// A connection beside the one that reads, of one of many bots: a single one may have so many only.
    pub fn aside(&self) -> Result<Peer, Failure> {
        let bot = self.asides.fetch_add(1, Ordering::Relaxed) / ASIDES_PER_BOT % EVIL_BOTS;
        Ok(Peer::ours(&self.url, &token(&format!("e{bot}")), &json!({"caps": [], "side": true}))?.0)
    }
}

/// What a case cost.
#[derive(Clone, Debug)]
pub struct Figures {
    pub damage: Damage,
    /// KiB before, at most, and after.
    pub memory_kib: [u64; 3],
    pub experience: Experience,
}

/// Plays a case, and holds it against its conditions.
pub fn play(case: &Case, program: &Path, defaults: bool) -> Result<Figures> {
    let waits = if defaults { DEFAULTS } else { QUICK };
    let figures = match case.deed {
        Deed::Attack(attack) => beside_honest_bots(case, attack, program, waits)?,
        Deed::Life(life) => life(program, waits)?,
    };
    let refused = figures.experience.refused;
    ensure!(case.may_refuse || refused == 0, "{refused} honest newcomers were refused");
    let [before, most, _] = figures.memory_kib;
    let growth_mib = most.saturating_sub(before) >> 10;
    ensure!(growth_mib <= case.growth_mib_max, "the hub grew by {growth_mib} MiB");
    Ok(figures)
}

fn beside_honest_bots(
    case: &Case,
    attack: fn(&Stage) -> Result<Damage, Failure>,
    program: &Path,
    waits: Waits,
) -> Result<Figures> {
    let home = tempfile::tempdir()?;
    let evil = (0..EVIL_BOTS).map(|bot| format!("e{bot}"));
    let bots: Vec<String> =
        ["hedy", "hugo", "hans"].map(str::to_owned).into_iter().chain(evil).collect();
    let mut launch = Launch::new(program, home.path(), &bots, &waits.settings());
    launch.log_level = case.log_level;
    let hub = Arc::new(Hub::start(&launch)?);
    let stage = Stage { url: hub.url.clone(), waits, launch, asides: AtomicU32::new(0) };
    let wrong = |why: Failure| anyhow!(why);

    let honest = Honest::start(&stage.url).map_err(wrong)?;
    std::thread::sleep(WARM_UP);
    let before = hub.memory_kib()?.0;
    let watch = Watch::start(Arc::clone(&hub));
    let attacked = attack(&stage);
    std::thread::sleep(COOL_DOWN);
    let most = watch.stop();
    let after = hub.memory_kib();
    let experience = honest.stop().map_err(|why| anyhow!("an honest bot was not served: {why}"));
    let damage = attacked.map_err(wrong)?;
    let (experience, after) = (experience?, after?.0);
    hub.signal(rustix::process::Signal::TERM)?;
    Ok(Figures { damage, memory_kib: [before, most.max(before), after], experience })
}

/// Looks at the hub's memory until it is stopped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    work: std::thread::JoinHandle<()>,
}

impl Watch {
    pub fn start(hub: Arc<Hub>) -> Self {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (until, max) = (Arc::clone(&stop), Arc::clone(&most));
        let work = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                if let Ok((now, _)) = hub.memory_kib() {
                    max.fetch_max(now, Ordering::Relaxed);
                }
                std::thread::sleep(SAMPLE);
            }
        });
        Self { stop, most, work }
    }

    /// The most that it saw, in KiB.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        // It has nothing to panic about; if it did, the most that it saw still counts.
        drop(self.work.join());
        self.most.load(Ordering::Relaxed)
    }
}

/// The value below which this share of what is sorted lies.
pub fn percentile(sorted: &[Duration], share: usize) -> Duration {
    let at = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

/// Milliseconds, as a table has them.
pub fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

impl Figures {
    /// How hostile connections ended, in words.
    pub fn endings(&self) -> String {
        let mut codes: Vec<u16> = self.damage.closed.iter().map(|end| end.0).collect();
        codes.sort_unstable();
        codes.dedup();
        let mut times: Vec<Duration> = self.damage.closed.iter().map(|end| end.1).collect();
        times.sort_unstable();
        let words: Vec<String> = codes
            .iter()
            .map(|code| if *code == 0 { "cut".to_owned() } else { code.to_string() })
            .collect();
        match (times.first(), times.last()) {
            (Some(first), Some(last)) if times.len() > 1 => {
                format!(
                    "{} × {} after {}–{} ms",
                    times.len(),
                    words.join(", "),
                    ms(*first),
                    ms(*last)
                )
            }
            (Some(only), _) => format!("{} after {} ms", words.join(", "), ms(*only)),
            _ => String::new(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, most, after] = self.memory_kib.map(|kib| kib as f64 / 1_024.0);
        let Experience { delivery, connect, refused } = &self.experience;
        write!(
            f,
            "{} {}; memory {before:.1} → {most:.1} → {after:.1} MiB; ",
            self.endings(),
            self.damage.note
        )?;
        write!(
            f,
            "honest p50 {} p99 {} ms, ",
            ms(percentile(delivery, 50)),
            ms(percentile(delivery, 99))
        )?;
        write!(f, "connect p99 {} ms, {refused} refused", ms(percentile(connect, 99)))
    }
}

/// Waits until the hub ends each of these; how and when, counted from `start`.
pub fn endings(
    peers: Vec<Peer>,
    start: Instant,
    within: Duration,
) -> Result<Vec<(u16, Duration)>, Failure> {
    let count = peers.len();
    let deadline = Instant::now() + within;
    let mut closed = Vec::new();
    for (at, mut peer) in peers.into_iter().enumerate() {
        let left =
            deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(10));
        let Some((code, when)) = peer.socket.hear_end(left) else {
            return Err(format!(
                "{} of {count} are still open after {} s",
                count - at,
                within.as_secs()
            ));
        };
        closed.push((code, when - start));
    }
    Ok(closed)
}

/// Fails unless every connection was closed with one of these codes.
pub fn expect_codes(closed: &[(u16, Duration)], codes: &[u16]) -> Result<(), Failure> {
    match closed.iter().find(|(code, _)| !codes.contains(code)) {
        None => Ok(()),
        Some((code, _)) => Err(format!("closed with {code} instead of one of {codes:?}")),
    }
}
