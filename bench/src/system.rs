//! The systems that are compared: what they speak, how each is configured and started, whether it is here.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::{
    dialect::{Flavour, Tongue, bot_name, token},
    server::{Launch, Readiness},
    workload::Kind,
};

/// One column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Bot Hub with the store in memory.
    HubMemory,
    /// Bot Hub with its default store: nothing is acknowledged before it is on disk.
    HubSqlite,
    /// The Node.js server of the first description.
    NodeOriginal,
    /// A relay in C++ on uWebSockets that keeps nothing (`native-hub/`).
    NativeHub,
    /// NATS over WebSocket, nothing stored.
    NatsWebSocket,
    /// NATS over TCP, nothing stored.
    NatsTcp,
    /// NATS with a stream on disk, written through before it confirms.
    JetStream,
    /// Redis publish and subscribe, nothing stored.
    Redis,
    /// Mosquitto, quality of service 0, nothing stored.
    Mosquitto,
}

/// All of them, in the order of the table.
pub const SYSTEMS: &[System] = &[
    System::HubMemory,
    System::HubSqlite,
    System::NodeOriginal,
    System::NativeHub,
    System::NatsWebSocket,
    System::NatsTcp,
    System::JetStream,
    System::Redis,
    System::Mosquitto,
];

/// Where programs are.
#[derive(Debug)]
pub struct Places {
    /// The `bot-hub` program.
    pub hub: PathBuf,
    /// The folder of the bench.
    pub bench: PathBuf,
}

impl Places {
    /// A peer: the one that `bench/peers` fetched, or else the one of the system.
    fn peer(&self, name: &str) -> PathBuf {
        let fetched = self.bench.join(".tools/bin").join(name);
        if fetched.exists() { fetched } else { PathBuf::from(name) }
    }
}

impl System {
    /// Name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::HubMemory => "hub-memory",
            Self::HubSqlite => "hub-sqlite",
            Self::NodeOriginal => "node-original",
            Self::NativeHub => "uwebsockets",
            Self::NatsWebSocket => "nats-ws",
            Self::NatsTcp => "nats-tcp",
            Self::JetStream => "jetstream-sync",
            Self::Redis => "redis",
            Self::Mosquitto => "mosquitto",
        }
    }

    /// What it speaks.
    pub fn tongue(self) -> Tongue {
        match self {
            Self::HubMemory | Self::HubSqlite | Self::NodeOriginal | Self::NativeHub => {
                Tongue::Seed
            }
            Self::NatsWebSocket => Tongue::Nats(Flavour { websocket: true, jetstream: false }),
            Self::NatsTcp => Tongue::Nats(Flavour { websocket: false, jetstream: false }),
            Self::JetStream => Tongue::Nats(Flavour { websocket: false, jetstream: true }),
            Self::Redis => Tongue::Redis,
            Self::Mosquitto => Tongue::Mqtt,
        }
    }

    /// Its version, or why it cannot be started here.
    pub fn version(self, places: &Places) -> Result<String> {
        match self {
            Self::HubMemory | Self::HubSqlite => said_by(&places.hub, "--version"),
            Self::NodeOriginal => {
                let path = places.bench.join("node-original/node_modules/ws/package.json");
                let package =
                    fs::read(&path).context("`ws` is not installed (`npm ci` in node-original)")?;
                let package: Value = serde_json::from_slice(&package)?;
                let node = said_by(Path::new("node"), "--version")?;
                Ok(format!("node {node}, ws {}", package["version"].as_str().unwrap_or("?")))
            }
            Self::NativeHub => said_by(&places.peer("native-hub"), "--version"),
            Self::NatsWebSocket | Self::NatsTcp | Self::JetStream => {
                said_by(&places.peer("nats-server"), "--version")
            }
            Self::Redis => {
                let said = said_by(&places.peer("redis-server"), "--version")?;
                Ok(said
                    .split_once(" sha=")
                    .map_or(said.as_str(), |(version, _)| version)
                    .to_owned())
            }
            Self::Mosquitto => said_by(&places.peer("mosquitto"), "-h"),
        }
    }

    /// Writes what it needs into `dir` (for the bots and rooms of a workload) and says how it is started.
    pub fn prepare(self, places: &Places, dir: &Path, kind: Kind) -> Result<Launch> {
        let bots = kind.bots();
        match self {
            Self::HubMemory => hub(places, dir, kind, &["--store", "memory"]),
            Self::HubSqlite => hub(places, dir, kind, &[]),
            Self::NodeOriginal => {
                let script = text(&places.bench.join("node-original/server.mjs"));
                let config = written(dir, &seed_config(bots))?;
                let command = ["node", &script, "--config", &config, "--listen", "127.0.0.1:0"];
                Ok(launch(&command, Readiness::Line))
            }
            Self::NativeHub => {
                let program = text(&places.peer("native-hub"));
                let config = written(dir, &seed_config(bots))?;
                Ok(launch(&[&program, "--config", &config], Readiness::Line))
            }
            Self::NatsWebSocket => nats(
                places,
                dir,
                "websocket",
                "websocket { host: 127.0.0.1, port: -1, no_tls: true }",
            ),
            Self::NatsTcp => nats(places, dir, "nats", ""),
            Self::JetStream => nats(
                places,
                dir,
                "nats",
                "jetstream { store_dir: \"data\", sync_interval: always }",
            ),
            Self::Redis => redis(places),
            Self::Mosquitto => mosquitto(places, dir),
        }
    }
}

fn launch(command: &[&str], ready: Readiness) -> Launch {
    Launch { command: command.iter().map(|&word| word.to_owned()).collect(), ready }
}

fn hub(places: &Places, dir: &Path, kind: Kind, more: &[&str]) -> Result<Launch> {
    let (program, data) = (text(&places.hub), text(&dir.join("data")));
    let mut config = seed_config(kind.bots());
    let room = |at| (format!("other-{at}"), json!({"open": true}));
    config["rooms"] = (0..kind.burden().rooms).map(room).collect::<Map<_, _>>().into();
    // A few bots say here in a minute what thousands say in a day.
    config["limits"] = json!({"bytesPerBotPerDay": "1TiB"});
    let config = written(dir, &config)?;
    let serve =
        [&program, "serve", "--config", &config, "--data", &data, "--listen", "127.0.0.1:0"];
    Ok(launch(&[&serve, more].concat(), Readiness::Line))
}

fn nats(places: &Places, dir: &Path, kind: &'static str, more: &str) -> Result<Launch> {
    // The default allows 64 MiB of unread messages per connection; it is far above what is in flight here.
    fs::write(
        dir.join("nats.conf"),
        format!("listen: 127.0.0.1:-1\nmax_connections: 100000\n{more}\n"),
    )?;
    let (program, folder) = (text(&places.peer("nats-server")), text(dir));
    let command = [&program, "--config", "nats.conf", "--ports_file_dir", &folder];
    Ok(launch(&command, Readiness::Ports(kind)))
}

fn redis(places: &Places) -> Result<Launch> {
    let address = free_address()?;
    let (program, port) = (text(&places.peer("redis-server")), address.port().to_string());
    let command = [
        &program,
        "--bind",
        "127.0.0.1",
        "--port",
        &port,
        "--protected-mode",
        "no",
        "--save",
        "",
        "--appendonly",
        "no",
    ];
    Ok(launch(&command, Readiness::Accepts(address)))
}

fn mosquitto(places: &Places, dir: &Path) -> Result<Launch> {
    let address = free_address()?;
    let config = format!(
        "listener {} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\n\
         max_queued_messages 0\nlog_type error\n",
        address.port()
    );
    fs::write(dir.join("mosquitto.conf"), config)?;
    let program = text(&places.peer("mosquitto"));
    Ok(launch(&[&program, "-c", "mosquitto.conf"], Readiness::Accepts(address)))
}

/// For programs that cannot take a port from the system themselves. Somebody else may take it first; the run fails then.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The configuration of the first description, with a token per bot.
fn seed_config(bots: usize) -> Value {
    let entry = |bot| (token(bot), json!({"botId": bot_name(bot)}));
    json!({"tokens": (0..bots).map(entry).collect::<Map<_, _>>()})
}

/// Writes a configuration file, and returns where it is.
fn written(dir: &Path, config: &Value) -> Result<String> {
    let path = dir.join("config.json");
    fs::write(&path, config.to_string())?;
    Ok(text(&path))
}

fn said_by(program: &Path, argument: &str) -> Result<String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .with_context(|| format!("`{}` does not start", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("?").trim().to_owned())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
