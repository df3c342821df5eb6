//! What a verb has to say, and how it is said: to people, or as JSON.
//!
//! Owns the envelope, the exit codes, and that nothing from a message reaches a terminal raw.

use std::io::{self, Write};

use bot_protocol::block::{BuildError, JoinError, ParseError, SplitError, StateError};
use serde_json::{Value, json};

use super::file::FileError;
use super::lock::LockError;

/// It is not as it should be.
const FAILED: u8 = 1;
/// What was asked for does not exist.
pub(super) const NOT_FOUND: u8 = 3;
/// The depth forbids it.
const REFUSED: u8 = 5;
/// Somebody did not answer in time.
pub(super) const TIMED_OUT: u8 = 6;

/// The outcome of a verb that did its work.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// For people, and pipes.
    pub(super) text: String,
    /// For scripts: an object, to which `ok` is added.
    pub(super) json: Value,
    /// The exit code, 0 if nothing else is to be said with it.
    pub(super) code: u8,
    /// For standard error.
    pub(super) warnings: Vec<String>,
}

/// Why a verb did not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    kind: &'static str,
    message: String,
    hint: String,
    code: u8,
    /// What is worth saying all the same.
    pub(super) warnings: Vec<String>,
}

impl Failure {
    pub(super) fn new(kind: &'static str, message: String, hint: &str, code: u8) -> Self {
        Self { kind, message, hint: hint.to_owned(), code, warnings: Vec::new() }
    }

    pub(super) fn not_found(id: &str) -> Self {
        let message = format!("there is no conversation `{id}`");
        Self::new("not_found", message, "see `bot-hub proto list`", NOT_FOUND)
    }

    pub(super) fn io(what: &str, source: &io::Error) -> Self {
        Self::new("io", format!("cannot read `{what}`: {source}"), "check the file", FAILED)
    }

    pub(super) fn json(source: &serde_json::Error) -> Self {
        let hint = "for example {\"type\":\"REQUEST\",\"to\":\"b\",\"from\":\"a\",\"task\":\"…\"}";
        Self::new("bad_json", format!("the input is not an act in JSON: {source}"), hint, FAILED)
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        let problem = error.problem;
        let code = if problem.is_not_a_block() { NOT_FOUND } else { FAILED };
        Self::new(problem.name(), error.to_string(), problem.hint(), code)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let (kind, code) =
            if error.is_depth() { ("depth_refused", REFUSED) } else { ("bad_act", FAILED) };
        Self::new(kind, error.to_string(), error.hint(), code)
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
        Self::new("not_divided", error.to_string(), hint, FAILED)
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self::new("not_joined", error.to_string(), "give all parts of one message", FAILED)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::new("bad_entry", error.to_string(), "correct or remove the entry", FAILED)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let (kind, hint) = match &error {
            FileError::State(_) => ("bad_entry", "correct or remove the entry"),
            FileError::Lock(LockError::Busy { .. }) => {
                ("locked", "wait for that process, or end it")
            }
            FileError::Lock(LockError::Io { .. }) | FileError::Io { .. } => {
                ("io", "check the folder, or name another file with `--state`")
            }
            FileError::Lost(_) => ("lock_lost", "run the command again"),
        };
        Self::new(kind, error.to_string(), hint, FAILED)
    }
}

/// Says it, and returns the exit code. A reader that went away is not our failure.
pub(super) fn say(
    outcome: Result<Report, Failure>,
    json: bool,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    match try_say(outcome, json, stdout, stderr) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(_) => FAILED,
    }
}

fn try_say(
    outcome: Result<Report, Failure>,
    json: bool,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> io::Result<u8> {
    let warnings = outcome.as_ref().map_or_else(|failure| &failure.warnings, |done| &done.warnings);
    for warning in warnings {
        writeln!(stderr, "warning: {}", printable(warning))?;
    }
    let (code, object) = match outcome {
        Ok(report) => {
            let mut object = report.json;
            object["ok"] = (report.code == 0 || report.code == TIMED_OUT).into();
            if !json {
                write!(stdout, "{}", report.text)?;
            }
            (report.code, object)
        }
        Err(failure) => {
            let Failure { kind, message, hint, code, .. } = failure;
            if !json {
                let (message, hint) = (printable(&message), printable(&hint));
                writeln!(stderr, "error: {message}\nhint: {hint}")?;
            }
            let error = json!({"type": kind, "message": message, "hint": hint});
            (code, json!({"ok": false, "error": error}))
        }
    };
    if json {
        writeln!(stdout, "{object}")?;
    }
    stdout.flush()?;
    Ok(code)
}

/// What another bot wrote must not drive a terminal.
pub(super) fn printable(text: &str) -> String {
    crate::cli::visible::visible(text).into_owned()
}
