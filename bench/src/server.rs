//! One running server: started on its core, ready, stopped by its process id.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::{self, Cores};

const READY: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How a server says that it accepts connections.
#[derive(Debug)]
pub enum Readiness {
    /// A line `listening ws://ADDR:PORT` on its output.
    Line,
    /// It accepts at this address, which it was told.
    Accepts(SocketAddr),
    /// A file `nats-server_PID.ports` in its folder, with the addresses of this kind.
    Ports(&'static str),
}

/// What to start.
#[derive(Debug)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// See [`Readiness`].
    pub ready: Readiness,
}

/// A process that is ended when this goes away.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its process id.
    pub pid: Pid,
    /// Where it accepts connections.
    pub address: SocketAddr,
    /// How long it took from its start until it was ready.
    pub took: Duration,
    log: PathBuf,
}

impl Server {
    /// Starts a server in `dir` (its output goes to files there) and waits until it is ready.
    pub fn start(launch: &Launch, dir: &Path, cores: Cores) -> Result<Self> {
        let [program, arguments @ ..] = launch.command.as_slice() else {
            bail!("nothing to start")
        };
        let (out, log) = (dir.join("stdout.log"), dir.join("stderr.log"));
        process::pin(cores.server)?;
        let start = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("start `{program}`"));
        process::pin(cores.generator)?;
        let child = child?;
        let pid = Pid::from_child(&child);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, pid, address, took: Duration::ZERO, log };
        server.address = server.wait_ready(&launch.ready, &out)?;
        server.took = start.elapsed();
        Ok(server)
    }

    fn wait_ready(&mut self, ready: &Readiness, out: &Path) -> Result<SocketAddr> {
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            let address = match ready {
                Readiness::Line => announced(&fs::read_to_string(out)?),
                Readiness::Accepts(address) => TcpStream::connect(address).ok().map(|_| *address),
                Readiness::Ports(kind) => {
                    let file = out.with_file_name(format!("nats-server_{}.ports", self.pid));
                    fs::read(file).ok().and_then(|ports| in_ports(&ports, kind))
                }
            };
            if let Some(address) = address {
                return Ok(address);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it was ready ({status}): {}", self.last_words());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("the server was not ready within {} s: {}", READY.as_secs(), self.last_words())
    }

    /// The end of what it wrote to its error output.
    pub fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(600)..]).into_owned();
        tail.trim().replace('\n', " | ")
    }

    /// Asks it to end and waits. Ending by force is an error.
    pub fn stop(mut self) -> Result<()> {
        kill_process(self.pid, Signal::TERM)?;
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err(anyhow!("the server did not end within {} s of SIGTERM", STOP.as_secs()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Nothing is left to do when either fails: the process is gone or not ours any more.
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

fn announced(output: &str) -> Option<SocketAddr> {
    let (line, _) = output.split_once("listening ws://")?.1.split_once('\n')?;
    line.trim_end_matches('/').trim().parse().ok()
}

fn in_ports(ports: &[u8], kind: &str) -> Option<SocketAddr> {
    let ports: serde_json::Value = serde_json::from_slice(ports).ok()?;
    ports[kind][0].as_str()?.split_once("://")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_line_announces_the_address() {
        let check = |output: &str, expected: Option<u16>| {
            assert_eq!(announced(output).map(|address| address.port()), expected, "{output:?}");
        };
        check("", None);
        check("listening ws://127.0.0.1:80", None);
        check("listening ws://127.0.0.1:8080\n", Some(8080));
        check("hello\nlistening ws://127.0.0.1:8080\nmore", Some(8080));
    }
}
