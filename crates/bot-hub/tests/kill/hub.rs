//! The real binary, as a process that can be killed.
//!
//! Owns its life: started on a data directory, ready when it says so, killed without warning, and
//! never left behind.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Another binary than the one that was built for this test, to measure a release build.
fn binary() -> PathBuf {
    std::env::var_os("BOT_HUB_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_bot-hub").into(), Into::into)
}

#[derive(Debug)]
pub(crate) struct Hub {
    child: Child,
    pub(crate) url: String,
    /// From the start of the process to the line that says that it accepts.
    pub(crate) ready_in: Duration,
}

impl Hub {
    /// Starts on `dir`, which holds `hub.json5` too, and waits until it accepts.
    pub(crate) fn start(dir: &Path, listen: &str) -> Self {
        let log = dir.join("stderr.log");
        let stderr = OpenOptions::new().create(true).append(true).open(&log);
        let started = Instant::now();
        let mut child = Command::new(binary())
            .arg("serve")
            .arg("--config")
            .arg(dir.join("config.json"))
            .arg("--data")
            .arg(dir.join("data"))
            .args(["--listen", listen, "--log-level", "error"])
            .stdout(Stdio::piped())
            .stderr(stderr.expect("a temporary file"))
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("stdout is text");
        let ready_in = started.elapsed();
        let url = line.trim().strip_prefix("listening ").map(str::to_owned);
        let url = url.unwrap_or_else(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("no address on stdout: `{line}`\n{said}")
        });
        Self { child, url, ready_in }
    }

    /// `ADDR:PORT`, for another start at the same place.
    pub(crate) fn address(&self) -> String {
        self.url.trim_start_matches("ws://").to_owned()
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may be dead already; whatever it is, it is waited for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.end();
    }
}

/// A directory with a configuration for these bots, each with `token-NAME`.
pub(crate) fn home(bots: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let tokens: Vec<String> =
        bots.iter().map(|bot| format!("\"token-{bot}\": {{\"botId\": \"{bot}\"}}")).collect();
    let config = format!("{{\"tokens\": {{{}}}}}", tokens.join(", "));
    std::fs::write(dir.path().join("config.json"), config).expect("a temporary file");
    dir
}
