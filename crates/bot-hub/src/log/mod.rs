//! What the hub says about itself, on stderr.
//!
//! Owns the form (text for people, one JSON object per line for machines), the level, which may change
//! while the hub runs, and two promises that hold for every line, whoever writes it: no secret that can
//! be recognised stands in it ([`mod@redact`]), and no flood of connections becomes a flood of lines
//! ([`flood`]). What is logged is decided where it happens.

mod flood;
mod redact;

use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use self::flood::Flood;
pub use self::redact::redact;
use crate::config::{Log, LogFormat, LogLevel};

/// How often it is said what was left out.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The one log of the process.
struct Started {
    as_text: bool,
    level: reload::Handle<LevelFilter, Registry>,
    flood: Flood,
}

static STARTED: OnceLock<Started> = OnceLock::new();

/// Starts the log of this process. A second hub in it uses the log of the first.
pub fn start(log: &Log) {
    let (level, handle) = reload::Layer::new(filter(log.level));
    let flood = Flood::default();
    let lines = tracing_subscriber::registry().with(level).with(flood.clone());
    let as_text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let layer = fmt::layer().with_writer(|| Stderr);
    let started = if as_text {
        lines.with(layer.with_target(false).with_ansi(io::stderr().is_terminal())).try_init()
    } else {
        lines.with(layer.json().flatten_event(true)).try_init()
    };
    if started.is_ok() {
        drop(STARTED.set(Started { as_text, level: handle, flood }));
    }
}

/// Whether stderr is read by people, and not line by line by a machine. A log that was not started yet is.
pub fn is_for_people() -> bool {
    STARTED.get().is_none_or(|started| started.as_text)
}

/// Changes how much is logged from now on.
pub fn set_level(level: LogLevel) {
    if let Some(started) = STARTED.get() {
        // Fails only without a subscriber, and then nobody reads the log.
        drop(started.level.reload(filter(level)));
    }
}

/// Says from time to time how many lines were left out. Never ends; to be dropped.
pub async fn tell_left_out() {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        tell_left_out_now();
    }
}

/// Says how many lines were left out since it was said last.
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

/// stderr, one whole line at a time.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(redact(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
