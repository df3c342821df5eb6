//! `--exec`: run a command for each message.
//!
//! Owns the command's input and environment. The command inherits stdout and stderr, and its failure does
//! not end `tail`.

use std::io::Write as _;
use std::process::{Command, ExitStatus, Stdio};

use bot_protocol::frame::server::Delivery;

use crate::cli::failure::{Failure, Kind};
use crate::cli::out::say;

/// How many commands may answer each other in a row. Without this limit, two bots with `tail --exec` would
/// talk forever.
const HOPS_MAX: u64 = 8;

/// The environment variable that tells `send`, when a command runs it, how many automatic answers came
/// before.
pub(in crate::cli) const HOPS_VARIABLE: &str = "BOT_HUB_EXEC_HOPS";

/// The key in a message's `meta` with the same number.
pub(in crate::cli) const HOPS_KEY: &str = "exec_hops";

/// How many commands have answered each other before this message.
fn hops(message: &Delivery) -> u64 {
    let meta = message.meta.as_ref().and_then(|meta| serde_json::to_value(meta).ok());
    meta.and_then(|meta| meta.get(HOPS_KEY)?.as_u64()).unwrap_or(0)
}

/// Runs the command to its end. Messages that arrive meanwhile wait.
pub(super) async fn run(command: &str, message: &Delivery) -> Result<(), Failure> {
    let id = message.id.as_ref().map_or("-", |id| id.as_str());
    let hops = hops(message);
    if hops >= HOPS_MAX {
        say(&format!(
            "the command is not run for `{id}`: {hops} commands have answered each other up to it"
        ));
        return Ok(());
    }
    let mut prepared = Command::new("sh");
    prepared.arg("-c").arg(command).envs(fields(message)).stdin(Stdio::piped());
    prepared.env(HOPS_VARIABLE, hops.to_string());
    let text = message.text.clone();
    // Writing to the command and waiting for it both block.
    let ended = tokio::task::spawn_blocking(move || feed(&mut prepared, &text)).await;
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            return Err(Failure::new(Kind::Failed, format!("`sh` cannot be run: {error}")));
        }
        Err(error) => return Err(Failure::new(Kind::Failed, error.to_string())),
    };
    if !status.success() {
        say(&format!("the command for `{id}` failed: {status}"));
    }
    Ok(())
}

fn feed(command: &mut Command, text: &str) -> std::io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command may close its stdin without reading the text.
        drop(stdin.write_all(text.as_bytes()));
    }
    child.wait()
}

/// Fields that a message lacks are set to an empty string, so that the command sees no value from another
/// source.
fn fields(message: &Delivery) -> [(&'static str, String); 8] {
    let number = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
    let id = |id: &Option<bot_protocol::id::MessageId>| {
        id.as_ref().map_or_else(String::new, |it| it.to_string())
    };
    [
        ("BOT_HUB_ROOM", message.room.to_string()),
        ("BOT_HUB_FROM", message.from.to_string()),
        ("BOT_HUB_ID", id(&message.id)),
        ("BOT_HUB_SEQ", number(message.seq)),
        ("BOT_HUB_SENT_AT", number(message.sent_at.map(|at| at.0))),
        ("BOT_HUB_AGE_MS", number(message.age_ms)),
        ("BOT_HUB_REPLY_TO", id(&message.reply_to)),
        ("BOT_HUB_THREAD", without_nul(message.thread.as_deref().unwrap_or_default())),
    ]
}

/// Removes NUL, which an environment variable cannot hold and another bot's label may contain.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
