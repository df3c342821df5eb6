//! The systems that are compared: what they speak, how each is configured and started, whether it is here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::{
    dialect::{Tongue, bot_name, token},
    server::{Launch, Readiness},
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
}

/// All of them, in the order of the table.
pub const SYSTEMS: &[System] = &[System::HubMemory, System::HubSqlite, System::NodeOriginal];

/// Where programs are.
#[derive(Debug)]
pub struct Places {
    /// The `bot-hub` program.
    pub hub: PathBuf,
    /// The folder of the bench.
    pub bench: PathBuf,
}

impl System {
    /// Name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::HubMemory => "hub-memory",
            Self::HubSqlite => "hub-sqlite",
            Self::NodeOriginal => "node-original",
        }
    }

    /// What it speaks.
    pub fn tongue(self) -> Tongue {
        match self {
            Self::HubMemory | Self::HubSqlite | Self::NodeOriginal => Tongue::Seed,
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
        }
    }

    /// Writes what it needs into `dir` (for so many bots) and says how it is started.
    pub fn prepare(self, places: &Places, dir: &Path, bots: usize) -> Result<Launch> {
        let config = dir.join("config.json");
        fs::write(&config, seed_config(bots).to_string())?;
        let mut command: Vec<String> = match self {
            Self::HubMemory | Self::HubSqlite => {
                vec![text(&places.hub), "serve".into(), "--data".into(), text(&dir.join("data"))]
            }
            Self::NodeOriginal => {
                vec!["node".into(), text(&places.bench.join("node-original/server.mjs"))]
            }
        };
        if self == Self::HubMemory {
            command.extend(["--store".into(), "memory".into()]);
        }
        command.extend(["--config".into(), text(&config)]);
        command.extend(["--listen".into(), "127.0.0.1:0".into()]);
        Ok(Launch { command, ready: Readiness::Line })
    }
}

/// The configuration file of the first description, with a token per bot.
fn seed_config(bots: usize) -> Value {
    let entry = |bot| (token(bot), json!({"botId": bot_name(bot)}));
    json!({"tokens": (0..bots).map(entry).collect::<Map<_, _>>()})
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
