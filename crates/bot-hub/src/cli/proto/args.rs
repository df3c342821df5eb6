//! The command line of `bot-hub proto`.
//!
//! Owns words, defaults and help. Never does anything.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

/// Read, write and track bot-protocol blocks
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit codes: 0 ok, 1 not as it should be, 2 usage, 3 nothing found, \
    5 refused for its depth, 6 something timed out.")]
pub struct ProtoArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// The state file [default: ~/.openclaw/workspace/bot-protocol-state.json]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BOT_PROTOCOL_STATE",
        hide_env_values = true
    )]
    pub state: Option<PathBuf>,
}

/// One thing to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Show the fields of the first block in a text
    Parse(Input),
    /// Write a block, from options or from JSON
    Build(Box<BuildArgs>),
    /// Say everything that is wrong or odd about a block
    Lint(Inputs),
    /// Divide a block into parts that a platform accepts, or join them again
    Split(SplitArgs),
    /// Record a block in the state file
    Track(Input),
    /// List the conversations in the state file
    List(ListArgs),
    /// Show one conversation
    Show {
        /// Its RequestId
        id: String,
    },
    /// Mark conversations that nobody answered in time; exit code 6 if there are any
    Timeouts,
    /// Forget conversations that ended long ago
    Cleanup {
        /// How long ago, like 90s, 45m, 24h or 7d
        #[arg(long, value_name = "AGE", default_value = "24h", value_parser = duration)]
        older_than: Duration,
    },
}

/// One text.
#[derive(Clone, Debug, Args)]
pub struct Input {
    /// The text; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
}

/// Several texts.
#[derive(Clone, Debug, Args)]
pub struct Inputs {
    /// The texts; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub files: Vec<PathBuf>,
}

/// An act to write.
#[derive(Clone, Debug, Args)]
pub struct BuildArgs {
    /// request, response, clarify, handoff or broadcast; without it, JSON is read
    pub kind: Option<String>,
    /// Read the act as JSON from this file
    #[arg(long, value_name = "FILE", default_value = "-", conflicts_with = "kind")]
    pub input: PathBuf,
    /// Whom it is for
    #[arg(long)]
    pub to: Option<String>,
    /// Who sends it
    #[arg(long)]
    pub from: Option<String>,
    /// The conversation; requests and broadcasts make one up
    #[arg(long, visible_alias = "id")]
    pub request_id: Option<String>,
    /// What is to be done (request, handoff)
    #[arg(long)]
    pub task: Option<String>,
    /// done, partial or failed (response)
    #[arg(long)]
    pub status: Option<String>,
    /// What came of it (response)
    #[arg(long)]
    pub result: Option<String>,
    /// What is unclear (clarify)
    #[arg(long)]
    pub question: Option<String>,
    /// What everybody should know (broadcast)
    #[arg(long)]
    pub message: Option<String>,
    /// What helps to understand it
    #[arg(long)]
    pub context: Option<String>,
    /// Where the conversation is, like 2/5
    #[arg(long, value_name = "N/MAX")]
    pub depth: Option<String>,
    /// Whom to answer
    #[arg(long)]
    pub callback: Option<String>,
    /// low, normal or high
    #[arg(long)]
    pub priority: Option<String>,
    /// A field of your own, as key=value
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub meta: Vec<(String, String)>,
}

/// How to divide.
#[derive(Clone, Debug, Args)]
pub struct SplitArgs {
    /// The texts; `-` is standard input
    #[command(flatten)]
    pub inputs: Inputs,
    /// The longest part: discord, telegram, slack, or a number of UTF-16 units
    #[arg(long, default_value = "discord", value_parser = limit)]
    pub limit: usize,
    /// Join parts, in any order, from all texts
    #[arg(long, conflicts_with = "limit")]
    pub join: bool,
}

/// What a conversation can be.
const STATUSES: [&str; 6] = ["open", "clarifying", "done", "partial", "failed", "timeout"];

/// Which conversations.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// open, clarifying, done, partial, failed or timeout
    #[arg(long, value_parser = STATUSES, hide_possible_values = true)]
    pub status: Option<String>,
    /// Who asked
    #[arg(long)]
    pub from: Option<String>,
    /// Who was asked
    #[arg(long)]
    pub to: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected `key=value`")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// What the platforms allow in one message.
fn limit(text: &str) -> Result<usize, String> {
    match text {
        "discord" => Ok(2000),
        "telegram" => Ok(4096),
        "slack" => Ok(4000),
        _ => text.parse().map_err(|_| "expected discord, telegram, slack or a number".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number and s, m, h or d, like 24h".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}
