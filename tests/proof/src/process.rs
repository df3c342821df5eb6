//! The hub as a process: started, watched, stopped, killed, and never left behind.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a start may take, recovery included.
const READY: Duration = Duration::from_secs(30);
/// How long an orderly end may take.
const STOP: Duration = Duration::from_secs(15);
/// How often a process is looked at that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The token of a bot.
#[must_use]
pub fn token(bot: &str) -> String {
    format!("the-token-of-{bot}-is-no-secret")
}

/// How a hub is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its configuration, as JSON.
    pub config: String,
    /// Where configuration, data and logs go.
    pub home: PathBuf,
    /// Where the data goes, if elsewhere.
    pub data: PathBuf,
    /// `ADDR:PORT`.
    pub listen: String,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// The least important kind of line that is logged.
    pub log_level: &'static str,
}

impl Launch {
    /// In `home`, on a port that the system chooses, with one [`token`] for each bot and `settings` (the inside
    /// of a JSON object, may be empty) besides.
    #[must_use]
    pub fn new(program: &Path, home: &Path, bots: &[String], settings: &str) -> Self {
        let tokens: Vec<String> = bots
            .iter()
            .map(|bot| format!("\"{}\": {{\"botId\": \"{bot}\"}}", token(bot)))
            .collect();
        let comma = if settings.is_empty() { "" } else { ", " };
        Self {
            program: program.to_owned(),
            config: format!("{{\"tokens\": {{{}}}{comma}{settings}}}", tokens.join(", ")),
            home: home.to_owned(),
            data: home.join("data"),
            listen: "127.0.0.1:0".to_owned(),
            environment: Vec::new(),
            log_level: "error",
        }
    }

    /// What it said on stderr so far, all starts together.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.join("stderr.log")
    }
}

/// A hub that runs.
#[derive(Debug)]
pub struct Hub {
    child: Child,
    /// `ws://ADDR:PORT`.
    pub url: String,
    /// From the start of the process until it said that it accepts.
    pub ready_in: Duration,
}

impl Hub {
    /// Starts it and waits until it accepts.
    pub fn start(launch: &Launch) -> Result<Self> {
        let config = launch.home.join("config.json");
        fs::write(&config, &launch.config)?;
        let log = OpenOptions::new().create(true).append(true).open(launch.log())?;
        let out = launch.home.join("stdout.log");
        let started = Instant::now();
        let mut child = Command::new(&launch.program)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(&launch.data)
            .args(["--listen", &launch.listen, "--log-level", launch.log_level])
            .envs(launch.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start `{}`", launch.program.display()))?;
        loop {
            if let Some(url) = announced(&out)? {
                return Ok(Self { child, url, ready_in: started.elapsed() });
            }
            if let Some(status) = child.try_wait()? {
                bail!("the hub ended before it was ready ({status}): {}", last_words(launch));
            }
            if started.elapsed() > READY {
                child.kill()?;
                child.wait()?;
                bail!("the hub was not ready within {} s: {}", READY.as_secs(), last_words(launch));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// `ADDR:PORT`, for another start at the same place.
    #[must_use]
    pub fn address(&self) -> String {
        self.url.trim_start_matches("ws://").to_owned()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid(), signal)?)
    }

    /// Whether it has ended by itself, and how.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL, at once.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for an orderly end.
    pub fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                let orderly = status.success() || status.signal() == Some(Signal::TERM.as_raw());
                return if orderly { Ok(()) } else { Err(anyhow!("the hub ended with {status}")) };
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err(anyhow!("the hub did not end within {} s of SIGTERM", STOP.as_secs()))
    }

    /// Resident memory in KiB: now, and the most that it ever was.
    pub fn memory_kib(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        field("VmRSS:").zip(field("VmHWM:")).context("read the hub's memory")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // SIGKILL works on stopped processes too; when it fails the process is gone.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn announced(out: &Path) -> Result<Option<String>> {
    let text = fs::read_to_string(out)?;
    let line = text.strip_prefix("listening ").and_then(|rest| rest.split_once('\n'));
    Ok(line.map(|(url, _)| url.trim().to_owned()))
}

/// The end of what it said on stderr.
#[must_use]
pub fn last_words(launch: &Launch) -> String {
    let log = fs::read(launch.log()).unwrap_or_default();
    String::from_utf8_lossy(&log[log.len().saturating_sub(800)..]).trim().replace('\n', " | ")
}
