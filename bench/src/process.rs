//! What the operating system says about a process, and on which core things run.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use rustix::{
    process::{Pid, Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

/// User and system time of all threads of a process so far.
pub fn cpu_time(pid: Pid) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).context("read the server's CPU time")?;
    // The command in parentheses may hold spaces; the fields after it are fixed: state is the first, utime the 12th.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut ticks =
        fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<u64>().ok());
    let total = ticks.next().zip(ticks.next()).context("read the server's CPU time")?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64((total.0 + total.1) as f64 / per_second as f64))
}

/// CPU time of this process so far.
pub fn own_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Resident memory in KiB: now, and the most that it ever was.
pub fn memory_kib(pid: Pid) -> Result<(u64, u64)> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).context("read the server's memory")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    field("VmRSS:").zip(field("VmHWM:")).context("read the server's memory")
}

/// The two cores of a run.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// Core of the server.
    pub server: usize,
    /// Core of the load generator.
    pub generator: usize,
}

impl Cores {
    /// The first and the last core that this process may use; the same one where there is only one.
    pub fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let server = cores.next().context("no core is allowed")?;
        Ok(Self { server, generator: cores.next_back().unwrap_or(server) })
    }
}

/// Pins the calling thread; what it starts from now on inherits the core.
pub fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("pin to core {core}"))
}

/// Raises the limit of open files as far as it goes (inherited by servers) and returns it.
pub fn raise_file_limit() -> Result<u64> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}
