//! `bot-hub-abuse`: peers that mean harm, against the real hub, while honest bots go on talking.
//!
//! ```text
//! bot-hub-abuse --hub target/debug/bot-hub [--defaults] [--write docs/reliability.md]
//! ```
//!
//! Each case gets a hub of its own and a pair of honest bots that say something every few milliseconds. It is held
//! against conditions (closed with the right code, memory bounded, honest bots served), never against timings; what it
//! cost is measured and printed. The last line is `N passed, N failed`.

mod crowd;
mod frames;
mod honest;
mod requests;
mod rooms;
mod stage;
mod storm;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use stage::{Case, play};
use table::Table;

/// Peers that mean harm, against the real hub.
#[derive(Debug, Parser)]
#[command(name = "bot-hub-abuse")]
struct Arguments {
    /// The program to abuse.
    #[arg(long, value_name = "PROGRAM", default_value = "target/debug/bot-hub")]
    hub: PathBuf,
    /// Wait as long as the hub does by default; otherwise its timeouts are shortened.
    #[arg(long)]
    defaults: bool,
    /// Only the cases whose name contains this.
    #[arg(long, value_name = "PART", default_value = "")]
    only: String,
    /// Put the table into this file, between `<!-- abuse -->` and `<!-- end of abuse -->`.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn cases() -> Vec<Case> {
    [crowd::CASES, requests::CASES, frames::CASES, rooms::CASES, storm::CASES].concat()
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut table = Table::default();
    let (mut passed, mut failed) = (0, 0);
    for case in cases().iter().filter(|case| case.name.contains(&arguments.only)) {
        match play(case, &arguments.hub, arguments.defaults) {
            Ok(figures) => {
                println!("ok      {}: {figures}", case.name);
                table.add(case, &figures);
                passed += 1;
            }
            Err(error) => {
                println!("FAILED  {}: {error:#}", case.name);
                failed += 1;
            }
        }
    }
    if let Some(file) = &arguments.write
        && let Err(error) = table.write(file)
    {
        eprintln!("bot-hub-abuse: {error:#}");
        return ExitCode::from(2);
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}
