//! The hub's log, on stderr.
//!
//! Owns the form (text for people, one JSON object per line for machines), the level, which may change at
//! run time, and three guarantees for every line: it contains no recognizable secret ([`mod@redact`]), many
//! connections cannot flood it ([`flood`]), and logging never waits for a reader ([`outlet`]).

mod flood;
mod outlet;
mod redact;

use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::OnceLock;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use self::flood::Flood;
use self::outlet::Outlet;
pub use self::redact::redact;
use crate::config::{Log, LogFormat, LogLevel};

/// How often suppressed lines are reported.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How long the end of the hub waits for a reader of its last lines.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// The pause before writing again to a stderr in non-blocking mode.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// The one log of the process.
struct Started {
    as_text: bool,
    level: reload::Handle<LevelFilter, Registry>,
    flood: Flood,
    outlet: Outlet,
}

static STARTED: OnceLock<Started> = OnceLock::new();

/// Starts the log of this process. A second hub in it uses the log of the first.
pub fn start(log: &Log) -> io::Result<()> {
    if STARTED.get().is_some() {
        return Ok(());
    }
    let (level, handle) = reload::Layer::new(filter(log.level));
    let flood = Flood::default();
    let outlet = Outlet::start(outlet::BYTES_MAX, Stderr, tell_dropped)?;
    let lines = tracing_subscriber::registry().with(level).with(flood.clone());
    let as_text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let queue = outlet.clone();
    let layer = fmt::layer().with_writer(move || Line(queue.clone()));
    let started = if as_text {
        lines.with(layer.with_target(false).with_ansi(io::stderr().is_terminal())).try_init()
    } else {
        lines.with(layer.json().flatten_event(true)).try_init()
    };
    if started.is_ok() {
        drop(STARTED.set(Started { as_text, level: handle, flood, outlet }));
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

/// Prints a text for people on stderr, in order with the log lines and without waiting.
pub fn say(text: &str) {
    match STARTED.get() {
        Some(started) => started.outlet.put(format!("{text}\n").into_bytes()),
        None => drop(writeln!(io::stderr(), "{text}")),
    }
}

/// How many lines nobody read in time since the start.
pub fn dropped() -> u64 {
    STARTED.get().map_or(0, |started| started.outlet.dropped())
}

/// Waits until all lines are written, but not longer than the hub may take to end.
pub fn finish() {
    if let Some(started) = STARTED.get() {
        started.outlet.settle(FINISH_WITHIN);
    }
}

fn tell_dropped(lines: u64) {
    tracing::warn!(lines, "lines of the log were dropped: nobody read them in time");
}

/// The default panic hook writes to stderr itself and would wait for its reader.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    let trace = std::backtrace::Backtrace::capture();
    let is_traced = trace.status() == std::backtrace::BacktraceStatus::Captured;
    let trace = if is_traced { format!("\n{trace}") } else { String::new() };
    tracing::error!("{info}{trace}");
}

/// Whether stderr is for people and not for a machine. Also true before the log is started.
pub fn is_for_people() -> bool {
    STARTED.get().is_none_or(|started| started.as_text)
}

/// Changes how much is logged from now on.
pub fn set_level(level: LogLevel) {
    if let Some(started) = STARTED.get() {
        // Fails only without a subscriber, and then there is no log.
        drop(started.level.reload(filter(level)));
    }
}

/// Reports suppressed lines at intervals. Never ends; drop it to stop.
pub async fn tell_left_out() {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        tell_left_out_now();
    }
}

/// Reports the lines suppressed since the last report.
pub fn tell_left_out_now() {
    let left_out = STARTED.get().map(|started| started.flood.left_out());
    for (like, count) in left_out.into_iter().flatten() {
        tracing::warn!(left_out = count, like, "more lines like this were left out");
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// One line on its way to the queue.
struct Line(Outlet);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.put(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// stderr without the lock of the standard library: a thread that waits for a reader must not hold a lock
/// that others need.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let clean = redact(&String::from_utf8_lossy(line)).into_owned();
        let mut rest = clean.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(io::stderr().as_fd(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(rustix::io::Errno::INTR) => {}
                // Another program on the same terminal may have set non-blocking mode.
                Err(rustix::io::Errno::AGAIN) => std::thread::sleep(TRY_AGAIN),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
