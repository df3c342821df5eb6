//! Why a command failed: the kind, the message, and a hint with the next step.
//!
//! Owns the exit codes and how failures are reported. Knows nothing about what commands do.

use std::fmt;
use std::io;
use std::process::ExitCode;

use bot_hub_client::{AskError, ConnectError, End, SendError, Why};
use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use serde_json::{Value, json};

use super::again::here;
use super::paint::label;
use crate::cli::visible::{escaped_json, visible};
use bot_hub_store::StoreError;

/// The documented exit codes; part of `--help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  failed
    2  wrong usage
    3  a name or id was not found, or means several things
    4  the token was not accepted
    5  refused: rights, membership or limits do not allow it
    6  waited, and the time was over
    7  the hub cannot be reached
  130  interrupted";

/// The kind of a failure; decides the exit code and the `type` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The operation did not work.
    Failed,
    /// The arguments make no sense.
    Usage,
    /// A name or id was not found, or is ambiguous.
    NotFound,
    /// The hub does not accept the token.
    Auth,
    /// The hub refused the operation.
    Refused,
    /// The time to wait was over.
    TimedOut,
    /// No hub could be reached.
    Unreachable,
    /// A person pressed ctrl-c. Without a message, nothing is printed.
    Interrupted,
    /// The reader of stdout went away (`| head`). The command ends, and it is no failure.
    Unheard,
}

impl Kind {
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Unheard => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Auth => 4,
            Self::Refused => 5,
            Self::TimedOut => 6,
            Self::Unreachable => 7,
            Self::Interrupted => 130,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Failed | Self::Unheard => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Auth => "auth",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    /// The `type` in JSON, where it says more than the kind.
    pub(super) name: Option<&'static str>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The hub's name for the error (`docs/errors.md`), if the hub refused.
    pub(super) code: Option<String>,
    /// Facts for programs, next to the message.
    pub(super) details: Option<Value>,
    /// What people read instead of message and hint.
    pub(super) listed: Option<String>,
}

impl Failure {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, name: None, message, hint: None, code: None, details: None, listed: None }
    }

    /// Sets a `type` for JSON that is more precise than the kind's.
    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Adds a list for people, printed instead of message and hint. Each of its lines names its own place.
    pub(super) fn listed(mut self, list: String) -> Self {
        self.listed = Some(list);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Prints the failure, and returns the exit code.
    pub(super) fn tell(&self, json: bool) -> ExitCode {
        if json { self.tell_as_json() } else { self.tell_as_text() }
    }

    /// Prints the failure on stdout. JSON is printed in one line, because it may end a stream.
    pub(super) fn tell_as_json(&self) -> ExitCode {
        if !self.is_silent()
            && super::out::write_line(&escaped_json(&self.to_json().to_string())).is_err()
        {
            return self.tell_as_text();
        }
        self.exit_code()
    }

    /// Prints the failure on stderr.
    pub(super) fn tell_as_text(&self) -> ExitCode {
        if !self.is_silent() {
            super::out::say(&self.to_text("error:"));
        }
        self.exit_code()
    }

    /// A person who pressed ctrl-c or stopped reading knows why it ended: then the message is empty.
    fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The exit code.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }

    /// Prints the failure on stderr as a warning; the command goes on.
    pub(super) fn warn(&self) {
        super::out::say(&self.to_text("warning:"));
    }

    /// The text for people: the message after `title`, then the hint on a line of its own.
    pub(super) fn to_text(&self, title: &str) -> String {
        if let Some(list) = &self.listed {
            return visible(list).into_owned();
        }
        let code = self.code.as_ref().map_or_else(String::new, |code| format!(" (`{code}`)"));
        let (error, hint) = (label(title), label("hint:"));
        let hint = self
            .hint
            .as_ref()
            .map_or_else(String::new, |it| format!("\n{hint} {}", visible(&here(it))));
        format!("{error} {}{code}{hint}", visible(&self.message))
    }

    /// The JSON for programs.
    pub(super) fn to_json(&self) -> Value {
        let name = self.name.unwrap_or_else(|| self.kind.name());
        let mut error = json!({ "type": name, "message": self.message });
        if let Some(hint) = &self.hint {
            error["hint"] = here(hint).into();
        }
        if let Some(code) = &self.code {
            error["code"] = code.as_str().into();
        }
        if let Some(details) = &self.details {
            error["details"] = details.clone();
        }
        json!({ "ok": false, "error": error })
    }

    /// Splits a text that contains its own `hint:` line.
    pub(super) fn told(kind: Kind, text: &str) -> Self {
        match ["\nhint: ", "\n  hint: ", "; hint: "].iter().find_map(|sign| text.split_once(sign)) {
            Some((message, hint)) => Self::new(kind, message).hint(hint),
            None => Self::new(kind, text),
        }
    }
}

/// The text for the log: without colours, and with hints as they are.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.listed, &self.hint) {
            (Some(list), _) => f.write_str(list),
            (None, Some(hint)) => write!(f, "{}\nhint: {hint}", self.message),
            (None, None) => f.write_str(&self.message),
        }
    }
}

/// The kind of a failure, by the hub's code.
fn kind_of(code: u16) -> Kind {
    let codes = [
        Code::NoSuchRoom,
        Code::NoSuchBot,
        Code::WrongKind,
        Code::NoSuchMessage,
        Code::NoSuchInvite,
    ];
    if codes.iter().any(|known| known.number() == code) {
        return Kind::NotFound;
    }
    match code {
        // The token is good; it lacks a right.
        _ if code == Code::NotAllowed.number() => Kind::Refused,
        2000..=2999 => Kind::Auth,
        3000..=4999 => Kind::Refused,
        _ => Kind::Failed,
    }
}

impl From<&ErrorFrame> for Failure {
    fn from(error: &ErrorFrame) -> Self {
        Self {
            hint: error.hint.clone(),
            code: Some(error.name.to_string()),
            ..Self::new(kind_of(error.code), &error.message)
        }
    }
}

/// An error of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::Unheard, ""),
            io::ErrorKind::StorageFull => {
                Self::new(Kind::Failed, format!("the output cannot be written: {error}"))
                    .hint("make room where it goes, and run the command again")
            }
            _ => Self::new(Kind::Failed, format!("the output cannot be written: {error}")),
        }
    }
}

impl From<Why> for Failure {
    fn from(why: Why) -> Self {
        match &why {
            Why::Refused(error) => Self::from(&**error),
            _ => Self::told(Kind::Unreachable, &why.to_string()),
        }
    }
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        match &end {
            End::Refused(error) => Self::from(&**error),
            End::Revoked => Self::told(Kind::Auth, &end.to_string()),
            _ => Self::told(Kind::Failed, &end.to_string()),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Unreachable(why) => why.into(),
            ConnectError::Ended(end) => end.into(),
            other => Self::told(Kind::Usage, &other.to_string()),
        }
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match &error {
            AskError::Refused(error) => Self::from(&**error),
            AskError::Ended(end) => end.clone().into(),
            AskError::TimedOut { .. } => Self::told(Kind::Unreachable, &error.to_string()),
            _ => Self::told(Kind::Failed, &error.to_string()),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match &error {
            SendError::Refused(error) => Self::from(&**error),
            SendError::Ended(end) => end.clone().into(),
            SendError::Invalid(_) => Self::told(Kind::Refused, &error.to_string()),
            _ => Self::told(Kind::Failed, &error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::told(Kind::Failed, &error.to_string())
    }
}
