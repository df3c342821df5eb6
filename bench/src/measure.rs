//! One measurement: one workload against one freshly started system.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use rustix::process::Pid;
use serde::Serialize;

use crate::{
    dialect::Part,
    fleet::{Deaf, Fleet},
    load::{Load, Steady},
    process::{self, Cores},
    server::{Launch, Server},
    system::{Places, System},
    workload::{Kind, Pace, Rooms, Workload, visitors},
};

/// Connections under way at a time: fewer than any server's queue of connections not yet accepted holds.
const AT_ONCE: usize = 100;
/// Opening all connections of a workload may take so long.
const OPEN: Duration = Duration::from_secs(60);
/// With such texts a history is made, since that is quick.
const FILL_BYTES: usize = 4096;
/// As many in flight per room meanwhile.
const FILL_WINDOW: u64 = 32;
/// Time for a server to put its memory in order after connections came.
const SETTLE: Duration = Duration::from_secs(1);

/// What one measurement found. What a workload does not measure is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sample {
    /// Deliveries (or connections) per second.
    pub per_second: Option<f64>,
    /// CPU time of the server per delivery (or connection), in microseconds.
    pub cpu_us: Option<f64>,
    /// Messages whose confirmation came, per second.
    pub confirmed_per_second: Option<f64>,
    /// Median time from saying to hearing, in microseconds.
    pub p50_us: Option<f64>,
    /// 99 % were heard within this, in microseconds.
    pub p99_us: Option<f64>,
    /// 99 % were confirmed within this, in microseconds.
    pub ack_p99_us: Option<f64>,
    /// The longest time to a listener, in microseconds.
    pub max_us: Option<f64>,
    /// Resident memory of the server before the load, in KiB.
    pub rss_kib: Option<u64>,
    /// How much more it was at its peak, in KiB.
    pub rss_growth_kib: Option<u64>,
    /// Memory per connection, in KiB.
    pub kib_per_connection: Option<f64>,
    /// Seconds from the start of the server until it was ready, or until all clients were back.
    pub seconds: Option<f64>,
    /// Share of its core that the server used.
    pub server_busy: Option<f64>,
    /// Share of its core that the generator used. Near 1 with an idle server, the generator was the limit.
    pub generator_busy: Option<f64>,
    /// Confirmations that named fewer listeners than there were.
    pub short_acks: u64,
}

/// What all measurements share.
#[derive(Debug)]
pub struct Setting<'a> {
    /// Where programs are.
    pub places: &'a Places,
    /// A folder for the data of servers, on the disk that durable stores are measured on.
    pub scratch: &'a Path,
    /// See [`Cores`].
    pub cores: Cores,
    /// Whether the generator polls without sleeping.
    pub spin: bool,
    /// Length of the measuring phase.
    pub span: Duration,
}

/// Starts `system`, measures `workload`, stops it. Every message is checked; a wrong one is the error.
pub fn measure(setting: &Setting<'_>, system: System, workload: &Workload) -> Result<Sample> {
    let dir = setting.scratch.join(format!("{}-{}", workload.name, system.name()));
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let launch = system.prepare(setting.places, &dir, workload.kind)?;
    let probe = Probe { setting, system, launch: &launch, dir: &dir };
    let server = probe.start_filled(workload.kind)?;
    let (sample, server) = match workload.kind {
        Kind::Return(count) => probe.come_back(server, count)?,
        other => match probe.with_server(&server, other) {
            Ok(sample) => (sample, server),
            Err(error) => bail!("{error:#} (the server's last words: `{}`)", server.last_words()),
        },
    };
    server.stop()?;
    fs::remove_dir_all(&dir)?;
    Ok(sample)
}

struct Probe<'a> {
    setting: &'a Setting<'a>,
    system: System,
    launch: &'a Launch,
    dir: &'a Path,
}

impl Probe<'_> {
    fn start(&self) -> Result<Server> {
        Server::start(self.launch, self.dir, self.setting.cores)
    }

    /// A server that was started with what the workload wants it to have kept.
    fn start_filled(&self, kind: Kind) -> Result<Server> {
        let (server, wanted_mib) = (self.start()?, kind.burden().stored_mib);
        let Kind::Rooms(rooms) = kind else { return Ok(server) };
        if wanted_mib == 0 {
            return Ok(server);
        }
        let rooms = Rooms { text_bytes: FILL_BYTES, window: FILL_WINDOW, ..rooms };
        let parts = rooms.parts();
        let mut fleet = Fleet::new()?;
        let tongue = self.system.tongue();
        fleet.open(server.address, tongue, &parts, AT_ONCE, Instant::now() + OPEN)?;
        let mut load = Load::new(&rooms, tongue, &parts, self.setting.spin);
        while stored_mib(&self.dir.join("data"))? < wanted_mib {
            load.run(&mut fleet, &mut None, Duration::from_secs(1))?;
        }
        load.drain(&mut fleet)?;
        // The last pongs are on their way; what they prove is not delivered again.
        rest(&mut fleet)?;
        drop(fleet);
        server.stop()?;
        self.start()
    }

    fn with_server(&self, server: &Server, kind: Kind) -> Result<Sample> {
        match kind {
            Kind::Rooms(rooms) => self.rooms(server, &rooms),
            Kind::Start => start(server),
            Kind::Idle(count) => self.idle(server, count),
            Kind::Storm(count) | Kind::Return(count) => self.storm(server, count),
        }
    }

    fn rooms(&self, server: &Server, rooms: &Rooms) -> Result<Sample> {
        let parts = rooms.parts();
        let tongue = self.system.tongue();
        let mut fleet = Fleet::new()?;
        fleet.open(server.address, tongue, &parts, AT_ONCE, Instant::now() + OPEN)?;
        let mut load = Load::new(rooms, tongue, &parts, self.setting.spin);
        let mut steady = match rooms.pace {
            Pace::Steady { per_second } => Some(Steady::new(&load, &mut fleet, per_second)?),
            Pace::Pipelined | Pace::PingPong => None,
        };
        let (rss, _) = process::memory_kib(server.pid)?;
        load.run(&mut fleet, &mut steady, (self.setting.span / 3).min(Duration::from_secs(1)))?;
        load.take_counts();
        let meter = Meter::start(server.pid)?;
        load.run(&mut fleet, &mut steady, self.setting.span)?;
        let used = meter.read()?;
        let counts = load.take_counts();
        let confirmed = counts.confirmation.total() as f64 / used.wall.as_secs_f64();
        let (_, peak) = process::memory_kib(server.pid)?;
        load.drain(&mut fleet)?;
        Ok(Sample {
            confirmed_per_second: tongue.acknowledges().then_some(confirmed),
            p50_us: counts.delivery.quantile_us(0.5),
            p99_us: counts.delivery.quantile_us(0.99),
            ack_p99_us: counts.confirmation.quantile_us(0.99),
            max_us: Some(counts.delivery.max_us()),
            rss_kib: Some(rss),
            rss_growth_kib: Some(peak.saturating_sub(rss)),
            short_acks: load.short_acks(),
            seconds: (rooms.burden.stored_mib > 0).then_some(server.took.as_secs_f64()),
            ..used.sample(counts.deliveries)
        })
    }

    /// Connections come in fifths; the last three are counted. Until then a server gives back what its start had
    /// used (some allocators do so late, and only when there is something to do) or fills it again.
    fn idle(&self, server: &Server, count: usize) -> Result<Sample> {
        let parts = visitors(count, false);
        let mut fleet = Fleet::new()?;
        let fifths = parts.chunks(count.div_ceil(5));
        let memory: Vec<u64> =
            fifths.map(|fifth| self.settled(server, &mut fleet, fifth)).collect::<Result<_>>()?;
        let [_, before, .., after] = memory[..] else { bail!("too few connections") };
        let each = after.saturating_sub(before) as f64 / (count as f64 * 3.0 / 5.0);
        Ok(Sample { rss_kib: Some(after), kib_per_connection: Some(each), ..Sample::default() })
    }

    /// Resident memory some time after `more` have connected.
    fn settled(&self, server: &Server, fleet: &mut Fleet, more: &[Part]) -> Result<u64> {
        fleet.open(server.address, self.system.tongue(), more, AT_ONCE, Instant::now() + OPEN)?;
        rest(fleet)?;
        Ok(process::memory_kib(server.pid)?.0)
    }

    fn storm(&self, server: &Server, count: usize) -> Result<Sample> {
        let mut fleet = Fleet::new()?;
        let parts = visitors(count, true);
        let meter = Meter::start(server.pid)?;
        fleet.open(server.address, self.system.tongue(), &parts, AT_ONCE, Instant::now() + OPEN)?;
        Ok(meter.read()?.sample(count as u64))
    }

    /// The first server is stopped while everybody is connected; the clock runs from the start of the second.
    fn come_back(&self, server: Server, count: usize) -> Result<(Sample, Server)> {
        let mut fleet = Fleet::new()?;
        let parts = visitors(count, true);
        let tongue = self.system.tongue();
        fleet.open(server.address, tongue, &parts, AT_ONCE, Instant::now() + OPEN)?;
        server.stop()?;
        drop(fleet);
        let start = Instant::now();
        let server = self.start()?;
        Fleet::new()?.open(server.address, tongue, &parts, AT_ONCE, Instant::now() + OPEN)?;
        let seconds = Some(start.elapsed().as_secs_f64());
        Ok((Sample { seconds, ..Sample::default() }, server))
    }
}

/// Lets things calm down, with connections that answer what they have to.
fn rest(fleet: &mut Fleet) -> Result<()> {
    let end = Instant::now() + SETTLE;
    while Instant::now() < end {
        fleet.turn(Duration::from_millis(50), &mut Deaf)?;
    }
    Ok(())
}

/// What files of a folder take, in MiB.
fn stored_mib(folder: &Path) -> Result<u64> {
    let sizes = fs::read_dir(folder)?.map(|file| Ok(file?.metadata()?.len()));
    Ok(sizes.sum::<Result<u64>>()? >> 20)
}

fn start(server: &Server) -> Result<Sample> {
    std::thread::sleep(SETTLE);
    let (rss, _) = process::memory_kib(server.pid)?;
    let seconds = Some(server.took.as_secs_f64());
    Ok(Sample { seconds, rss_kib: Some(rss), ..Sample::default() })
}

/// Wall and CPU time of a stretch.
struct Meter {
    pid: Pid,
    wall: Instant,
    server: Duration,
    generator: Duration,
}

struct Used {
    wall: Duration,
    server: Duration,
    generator: Duration,
}

impl Meter {
    fn start(pid: Pid) -> Result<Self> {
        let (server, generator) = (process::cpu_time(pid)?, process::own_cpu_time());
        Ok(Self { pid, wall: Instant::now(), server, generator })
    }

    fn read(&self) -> Result<Used> {
        Ok(Used {
            wall: self.wall.elapsed(),
            server: process::cpu_time(self.pid)?.saturating_sub(self.server),
            generator: process::own_cpu_time().saturating_sub(self.generator),
        })
    }
}

impl Used {
    fn sample(&self, count: u64) -> Sample {
        let wall = self.wall.as_secs_f64();
        Sample {
            per_second: Some(count as f64 / wall),
            cpu_us: (count > 0).then(|| self.server.as_secs_f64() * 1e6 / count as f64),
            server_busy: Some(self.server.as_secs_f64() / wall),
            generator_busy: Some(self.generator.as_secs_f64() / wall),
            ..Sample::default()
        }
    }
}
