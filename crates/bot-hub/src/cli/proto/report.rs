//! The result of a `proto` verb, and how it is printed: as text or as JSON.
//!
//! Owns the names and hints of errors about blocks and the state file. [`failure`](crate::cli::failure)
//! owns how a failure is reported.

use std::io::{self, Write};

use bot_protocol::block::{BuildError, JoinError, ParseError, SplitError, StateError};
use serde_json::Value;

use super::file::FileError;
use super::lock::LockError;
use crate::cli::failure::{Failure, Kind};

/// The result of a verb that succeeded.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The text for people and pipes.
    pub(super) text: String,
    /// The object for scripts; `ok` is added to it.
    pub(super) json: Value,
    /// The exit code; it may be other than 0 although the verb succeeded.
    pub(super) code: u8,
    /// Lines for stderr.
    pub(super) warnings: Vec<String>,
}

pub(super) fn not_found(id: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no conversation `{id}`"))
        .hint("see `bot-hub proto list`")
}

pub(super) fn unreadable(what: &str, source: &io::Error) -> Failure {
    let message = format!("cannot read `{what}`: {source}");
    Failure::new(Kind::Failed, message).named("io").hint("check the file")
}

pub(super) fn not_an_act(source: &serde_json::Error) -> Failure {
    let hint = "for example {\"type\":\"REQUEST\",\"to\":\"b\",\"from\":\"a\",\"task\":\"…\"}";
    let message = format!("the input is not an act in JSON: {source}");
    Failure::new(Kind::Failed, message).named("bad_json").hint(hint)
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        let problem = error.problem;
        let kind = if problem.is_not_a_block() { Kind::NotFound } else { Kind::Failed };
        Self::new(kind, error.to_string()).named(problem.name()).hint(problem.hint())
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let (kind, name) = if error.is_depth() {
            (Kind::Refused, "depth_refused")
        } else {
            (Kind::Failed, "bad_act")
        };
        Self::new(kind, error.to_string()).named(name).hint(error.hint())
    }
}

impl From<SplitError> for Failure {
    fn from(error: SplitError) -> Self {
        let hint = match &error {
            SplitError::Build(error) => return error.clone().into(),
            SplitError::TooSmall { .. } => "raise `--limit`",
            SplitError::TooMany => "raise `--limit`, or send a link",
            SplitError::IsPart => "join the parts first",
        };
        Self::new(Kind::Failed, error.to_string()).named("not_divided").hint(hint)
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        let hint = "give all parts of one message";
        Self::new(Kind::Failed, error.to_string()).named("not_joined").hint(hint)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let hint = "correct or remove the entry";
        Self::new(Kind::Failed, error.to_string()).named("bad_entry").hint(hint)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let (name, hint) = match &error {
            FileError::State(_) => ("bad_entry", "correct or remove the entry"),
            FileError::Lock(LockError::Busy { .. }) => {
                ("locked", "wait for that process, or end it")
            }
            FileError::Lock(LockError::Io { .. }) | FileError::Io { .. } => {
                ("io", "check the folder, or name another file with `--state`")
            }
            FileError::Lost(_) => ("lock_lost", "run the command again"),
        };
        Self::new(Kind::Failed, error.to_string()).named(name).hint(hint)
    }
}

/// Prints the result of a verb, and returns the exit code.
pub(super) fn print(
    report: Report,
    json: bool,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> io::Result<u8> {
    warn(&report.warnings, stderr)?;
    let mut object = report.json;
    object["ok"] = (report.code == 0 || report.code == Kind::TimedOut.exit_code()).into();
    if json {
        writeln!(stdout, "{object}")?;
    } else {
        write!(stdout, "{}", report.text)?;
    }
    stdout.flush()?;
    Ok(report.code)
}

pub(super) fn warn(warnings: &[String], stderr: &mut dyn Write) -> io::Result<()> {
    warnings.iter().try_for_each(|it| writeln!(stderr, "warning: {}", printable(it)))
}

/// Escapes what other bots wrote, so that it cannot control the terminal.
pub(super) fn printable(text: &str) -> String {
    crate::cli::visible::visible(text).into_owned()
}
