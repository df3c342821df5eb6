//! `bot-hub serve`: run the hub, and report its start and end.
//!
//! Owns the messages about the start, or about why it failed: as text for people, or as log lines where the
//! log is for machines, so that a log collector has to parse only one format.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::again::here;
use super::failure::{Failure, Kind};
use super::out::{Out, counted, write_line};
use super::{Global, port};
use bot_hub_server::config::{
    ConfigErrors, Environment, Loaded, Log, Override, Problem, Source, Sources, config_file, load,
};
use bot_hub_server::log::say;
use bot_hub_server::server::{Home, ServeError, Server, addresses};
use bot_hub_store::StoreError;

/// Threads that read files for HTTP and look up names of hosts. Strangers decide how many would be started
/// otherwise, up to hundreds.
const FILE_THREADS: usize = 16;

/// Options of `serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Serve {
    /// Where to accept connections; port 0 lets the system choose. Can be given more than once
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<String>,
    /// Where messages are kept: `sqlite`, or `memory` for trying things out
    #[arg(long, value_name = "KIND")]
    store: Option<String>,
    /// How much is logged: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Take the clock for right: remove what is too old, though the store is restored or long unused
    #[arg(long)]
    trust_clock: bool,
}

/// An invalid option is wrong usage; an invalid file is a failure.
impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        let is_usage = errors.errors.iter().all(is_of_a_flag);
        let text = errors.to_string();
        let failure = Self::told(if is_usage { Kind::Usage } else { Kind::Failed }, &text);
        failure.listed(text)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Config(errors) => errors.into(),
            other => Self::told(Kind::Failed, &other.to_string()),
        }
    }
}

/// The failure for a system call that failed during the start.
fn cannot_start(error: std::io::Error) -> Failure {
    Failure::new(Kind::Failed, format!("cannot start: {error}"))
}

/// Reports why the hub does not run: as JSON, as a log line, or as text.
fn tell(failure: &Failure, json: bool) -> ExitCode {
    if json {
        return failure.tell_as_json();
    }
    // The log settings of an invalid configuration are unknown, so the defaults are used.
    drop(bot_hub_server::log::start(&Log::default()));
    if bot_hub_server::log::is_for_people() {
        say(&failure.to_text("error:"));
    } else {
        tracing::error!("{failure}");
    }
    failure.exit_code()
}

fn is_of_a_flag(problem: &Problem) -> bool {
    matches!(problem.origin.source, Source::Flag(_))
}

fn warn(warnings: &[Problem]) {
    for warning in warnings {
        if bot_hub_server::log::is_for_people() {
            say(&format!("warning: {warning}"));
        } else {
            tracing::warn!("{warning}");
        }
    }
}

/// Writes the last log lines when the hub ends, even after a panic.
struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        bot_hub_server::log::finish();
    }
}

impl Serve {
    pub(super) fn run(self, global: &Global) -> ExitCode {
        let _last = LastLines;
        match self.serve(global) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => tell(&failure, global.json),
        }
    }

    fn serve(self, global: &Global) -> Result<(), Failure> {
        let started = Instant::now();
        let env = Environment::of_process();
        let file = config_file(global.config.clone(), &env);
        let sources = Sources { file, env, flags: self.overrides(global) };
        let loaded = load(&sources)?;
        bot_hub_server::log::start(&loaded.config.log).map_err(cannot_start)?;
        warn(&loaded.warnings);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().max_blocking_threads(FILE_THREADS).build();
        let runtime = runtime.map_err(cannot_start)?;
        let how = How { started, trusts_clock: self.trust_clock, out: Out { json: global.json } };
        runtime.block_on(serve(loaded, sources, how))
    }

    fn overrides(&self, global: &Global) -> Vec<Override> {
        let mut overrides = global.overrides();
        if !self.listen.is_empty() {
            overrides.push(Override::new("--listen", "listen", self.listen.join(",")));
        }
        if let Some(kind) = &self.store {
            overrides.push(Override::new("--store", "store.kind", kind.clone()));
        }
        if let Some(level) = &self.log_level {
            overrides.push(Override::new("--log-level", "log.level", level.clone()));
        }
        overrides
    }
}

/// Options of the command line that are no settings.
struct How {
    started: Instant,
    trusts_clock: bool,
    out: Out,
}

async fn serve(
    loaded: Loaded,
    sources: Sources,
    How { started, trusts_clock, out }: How,
) -> Result<(), Failure> {
    let mut listeners = Vec::new();
    for address in loaded.config.addresses() {
        listeners.push(bind(address).await?);
    }
    // Signal handlers are installed before the address is announced: from then on anybody may send a
    // signal.
    let (reload, reloads) = mpsc::channel(1);
    // With a handler for SIGXFSZ, a file that reaches its size limit is an error and does not kill the
    // process.
    let _file_size = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))
        .map_err(cannot_start)?;
    let ends_with_terminal = ends_with_terminal();
    let mut hangup = signal(SignalKind::hangup()).map_err(cannot_start)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_start)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_start)?;
    let shown = Shown::of(&loaded);
    let data = loaded.data_dir.clone().unwrap_or_default();
    let mut server = Server::open(loaded, sources).map_err(|error| match error {
        ServeError::Store(StoreError::InUse { .. }) => running(&data),
        error => error.into(),
    })?;
    if trusts_clock {
        server.trust_clock();
    }
    warn(server.tls().warnings());
    let bound = addresses(&listeners);
    server.announce(&bound)?;
    shown.tell(&server, &bound, started);
    announce(server.scheme(), &bound, out)?;

    let shutdown = async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                // If a reload is already waiting, it covers this request too.
                _ = hangup.recv() => match ends_with_terminal {
                    true => return tracing::info!("the terminal was closed: the hub stops"),
                    false => drop(reload.try_send(())),
                },
            }
        }
    };
    let ended = tokio::select! {
        ended = server.run(listeners, reloads, shutdown) => ended,
        () = bot_hub_server::log::tell_left_out() => Ok(()),
    };
    bot_hub_server::log::tell_left_out_now();
    Ok(ended?)
}

/// Whether SIGHUP means that the terminal was closed, and is no request to reload: the process has a
/// terminal and was not started with `nohup`.
fn ends_with_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let hangup = 1 << (rustix::process::Signal::HUP.as_raw() - 1);
    ignored & hangup == 0 && std::fs::File::open("/dev/tty").is_ok()
}

/// The failure if another hub uses the data directory.
fn running(data: &Path) -> Failure {
    let found = Home::find_running(data);
    let holder = found.map(|(hub, _)| format!(": pid {} at {}", hub.pid, hub.url));
    let (data, holder) = (data.display(), holder.unwrap_or_default());
    Failure::new(Kind::Failed, format!("a hub runs on `{data}` already{holder}")).hint(
        "talk to it (bot-hub status), stop it (bot-hub stop), or give this one its own --data DIR",
    )
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let help = match error.kind() {
            std::io::ErrorKind::AddrInUse => port::help(address),
            std::io::ErrorKind::PermissionDenied => {
                "\nhint: ports below 1024 need a privilege; choose another with --listen".to_owned()
            }
            _ => String::new(),
        };
        Failure::told(Kind::Failed, &format!("cannot listen on {address}: {error}{help}"))
    })
}

/// How long the start waits for a terminal that accepts no output.
const ANNOUNCE_WITHIN: Duration = Duration::from_secs(1);

/// Prints the line that programs wait for. Everything logged before is flushed to stderr first.
fn announce(scheme: &str, bound: &[SocketAddr], out: Out) -> Result<(), Failure> {
    bot_hub_server::log::finish();
    let urls: Vec<String> = bound.iter().map(|it| format!("{scheme}://{it}")).collect();
    let line = if out.json {
        let pid = std::process::id();
        json!({ "ok": true, "listening": urls, "pid": pid }).to_string()
    } else {
        let lines: Vec<String> = urls.iter().map(|url| format!("listening {url}")).collect();
        lines.join("\n")
    };
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let write = move || drop(tell.send(write_line(&line)));
    std::thread::Builder::new().name("announce".to_owned()).spawn(write).map_err(cannot_start)?;
    match told.recv_timeout(ANNOUNCE_WITHIN) {
        // The reader of stdout went away; the hub runs without it.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Ok(Err(error)) => {
            let message = format!("cannot say on stdout where the hub listens: {error}");
            Err(Failure::new(Kind::Failed, message))
        }
        Ok(Ok(())) => Ok(()),
        Err(_) => {
            tracing::warn!("nobody reads stdout, where the hub says that it listens");
            Ok(())
        }
    }
}

/// What the start reports to people.
struct Shown {
    data: String,
    config: String,
    listens_alone: bool,
    has_bots: bool,
}

impl Shown {
    fn of(loaded: &Loaded) -> Self {
        let data = match (&loaded.data_dir, loaded.config.store.kind) {
            (_, bot_hub_server::config::StoreKind::Memory) => "in memory only".to_owned(),
            (Some(dir), _) => dir.display().to_string(),
            (None, _) => "-".to_owned(),
        };
        let config = match &loaded.file {
            Some(path) => path.display().to_string(),
            None => here("none, using defaults (bot-hub config init writes one)"),
        };
        let listens_alone = loaded.config.addresses().iter().all(|it| it.ip().is_loopback());
        Self { data, config, listens_alone, has_bots: !loaded.config.tokens.is_empty() }
    }

    fn tell(&self, server: &Server, bound: &[SocketAddr], started: Instant) {
        if bot_hub_server::log::is_for_people() {
            self.print(server, bound, started);
        } else {
            self.log(server, bound, started);
        }
    }

    fn log(&self, server: &Server, bound: &[SocketAddr], started: Instant) {
        let opened = &server.opened;
        let listening: Vec<String> =
            bound.iter().map(|address| format!("{}://{address}", server.scheme())).collect();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            data = self.data,
            config = self.config,
            listening = listening.join(" "),
            tls = server.tls().summary(),
            is_new = opened.is_new,
            bots = opened.bots,
            rooms = opened.rooms,
            messages = opened.entries,
            ready_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "the hub is ready"
        );
    }

    fn print(&self, server: &Server, bound: &[SocketAddr], started: Instant) {
        let opened = &server.opened;
        let found = if opened.is_new {
            "created".to_owned()
        } else {
            format!(
                "opened ({}, {}, {})",
                counted(opened.bots as u64, "bot"),
                counted(opened.rooms as u64, "room"),
                counted(opened.entries, "message"),
            )
        };
        say(&format!("Bot Hub {} · one place where bots talk\n", env!("CARGO_PKG_VERSION")));
        say(&format!("  data       {}  {found}", self.data));
        say(&format!("  config     {}", self.config));
        for address in bound {
            let reach = if self.listens_alone {
                "  loopback only; --listen 0.0.0.0:18795 to share"
            } else {
                ""
            };
            say(&format!("  listening  {}://{address}{reach}", server.scheme()));
        }
        if let Some(certificate) = server.tls().summary() {
            say(&format!("  tls        {certificate}"));
        }
        if opened.bots == 0 && !self.has_bots {
            say(&here(
                "\nNext, in another terminal: give a bot a way in\n  bot-hub bot add marlbot",
            ));
        }
        say(&format!("\nready in {} ms", started.elapsed().as_millis()));
    }
}
