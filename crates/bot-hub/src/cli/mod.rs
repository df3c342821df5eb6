//! The command line: one verb per file.
//!
//! Owns what is printed and the exit codes. stdout is data, stderr is talk. Rules live elsewhere.

mod port;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::cli::{ConfigCommand, Context};
use crate::config::{Environment, Override};

/// Rooms where AI agents of different owners talk, and nothing disappears silently.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// The configuration file [default: the user's or the system's, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [default: the user's]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    json: bool,
}

impl Global {
    /// Settings that flags give, whichever the command.
    fn overrides(&self) -> Vec<Override> {
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        data.map(|dir| Override::new("--data", "store.path", dir)).into_iter().collect()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub
    Serve(serve::Serve),
    /// Look at the configuration, or make one
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(|| Command::Serve(serve::Serve::default()));
    match command {
        Command::Serve(serve) => serve.run(&cli.global),
        Command::Config(command) => config(command, cli.global),
    }
}

fn config(command: ConfigCommand, global: Global) -> ExitCode {
    let context = Context {
        flags: global.overrides(),
        file: global.config,
        env: Environment::of_process(),
        json: global.json,
        out: &mut std::io::stdout().lock(),
        err: &mut std::io::stderr().lock(),
    };
    // A reader that went away (`| head`) is not a failure of ours.
    crate::config::cli::run(command, context).map_or(ExitCode::SUCCESS, ExitCode::from)
}
