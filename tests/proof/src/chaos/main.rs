//! `bot-hub-chaos`: real clients, a real hub, and everything that can go wrong between them.
//!
//! ```text
//! bot-hub-chaos --hub target/debug/bot-hub --seconds 600 --seed 7
//! ```
//!
//! Senders run here; every receiver is a process of its own, so that a stopped one is really stopped. Each client
//! reaches the hub through a proxy of its own that delays, trickles, cuts in the middle of a frame and falls silent.
//! Meanwhile the hub is killed, stopped and restarted, its disk fills up and its clock jumps. In the end everything
//! calms down, and the history is judged. stdout is a report in JSON; stderr tells what happens; the exit code is 0 if
//! every promise was kept, 1 if not, 2 if the run itself went wrong.

mod book;
mod clock;
mod disk;
mod faults;
#[path = "../../../../crates/bot-hub/tests/kill/judge.rs"]
mod judge;
mod proxy;
mod receiver;
mod report;
mod run;
mod senders;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Real clients, a real hub, and everything that can go wrong between them.
#[derive(Debug, Parser)]
#[command(name = "bot-hub-chaos")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    plan: Plan,
}

/// What is to be done, and to whom.
#[derive(Clone, Debug, clap::Args)]
pub struct Plan {
    /// The program to torture.
    #[arg(long, value_name = "PROGRAM", default_value = "target/debug/bot-hub")]
    pub hub: PathBuf,
    /// How long load and faults last; what follows until everything has arrived comes on top.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Decides all faults; by default another one each time.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Bots that say something.
    #[arg(long, default_value_t = 8)]
    pub senders: usize,
    /// Bots that read, each in a process of its own.
    #[arg(long, default_value_t = 8)]
    pub receivers: usize,
    /// Rooms; everybody is in two of them.
    #[arg(long, default_value_t = 4)]
    pub rooms: usize,
    /// Messages per second that each sender tries to say.
    #[arg(long, default_value_t = 15)]
    pub rate: u64,
    /// Keep nothing on disk: a control, in which the judge must find losses.
    #[arg(long)]
    pub forgetful: bool,
    /// libfaketime, for clocks that jump [default: where Debian puts it].
    #[arg(long, value_name = "FILE")]
    pub faketime: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One receiver; started by the program itself.
    #[command(hide = true)]
    Receiver(receiver::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let outcome = match arguments.role {
            Some(Role::Receiver(arguments)) => {
                runtime.block_on(receiver::run(arguments)).map(|()| true)
            }
            None => runtime.block_on(until_interrupted(&arguments.plan)),
        };
        // Ends the hub and the receivers with their tasks. A plain sender that did not come to its end
        // has been reported, and is not waited for.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("bot-hub-chaos: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whoever interrupts the run leaves no hub and no receiver behind: both end with what owns them.
async fn until_interrupted(plan: &Plan) -> anyhow::Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = run::run(plan) => outcome,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        _ = terminated.recv() => anyhow::bail!("interrupted"),
    }
}
