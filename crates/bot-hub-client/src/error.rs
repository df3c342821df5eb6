//! Errors: one enum per operation, each with a hint for the next step.
//!
//! Owns the sentences for people. Never contains a token.

use bot_protocol::frame::FrameError;
use bot_protocol::frame::server::{ErrorFrame, GoingAwayReason};
use bot_protocol::word::Open;

/// Why there is no connection at the moment. The client reconnects by itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// No connection could be made.
    #[error("the hub cannot be reached: {0}\nhint: is it running, and is the address right?")]
    Unreachable(String),
    /// The connection could not be encrypted, or the hub did not prove its identity. The client tries
    /// again, because certificates are renewed.
    #[error("no secure connection to the hub: {problem}\nhint: {hint}")]
    NotSecure {
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: String,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The hub closed it.
    #[error("the hub closed the connection (code {code}): {reason}")]
    Closed {
        /// The WebSocket close code.
        code: u16,
        /// What the hub said about it.
        reason: String,
    },
    /// The hub announced the end of the connection.
    #[error("the hub ended the connection: {}", going_away(.0))]
    GoingAway(Open<GoingAwayReason>),
    /// The hub refused the connection for now.
    #[error("the hub refused the connection for now: {}", refusal(.0))]
    Refused(Box<ErrorFrame>),
    /// The hub was silent for so long that the connection must be dead.
    #[error("nothing was heard from the hub for {0} ms")]
    Silent(u64),
    /// The hub sent something that is no frame. Skipping it could lose a message.
    #[error("the hub sent something that is no frame: {0}")]
    BadFrame(String),
    /// More unreceived entries than a client can be expected to hold.
    #[error("the hub delivered more unreceived entries than this client holds")]
    TooManyUnreceived,
}

/// Why the client has ended and does not reconnect by itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// The application closed it.
    #[error("the client was closed")]
    Closed,
    /// Another connection of the same bot took over.
    #[error(
        "another connection of this bot took over\n\
         hint: does a second process use the same token?"
    )]
    Replaced,
    /// The bot was disabled or removed, or its token was revoked.
    #[error(
        "this bot was disabled or removed, or its token was revoked\n\
         hint: ask the hub's operator for a new token"
    )]
    Revoked,
    /// The hub closed the connection and named no time to return.
    #[error("the hub sent this client away for good: {}", going_away(.0))]
    SentAway(Open<GoingAwayReason>),
    /// The hub refused the authentication.
    #[error("the hub refused the authentication: {}", refusal(.0))]
    Refused(Box<ErrorFrame>),
}

/// Why [`crate::Client::connect`] gave up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is not valid.
    #[error(
        "`{url}` is no address of a hub: {problem}\nhint: it looks like `ws://127.0.0.1:18795` or `wss://hub.example.com`"
    )]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The certificates of a private authority cannot be read.
    #[error(
        "the file of authorities `{path}` cannot be used: {problem}\n\
         hint: it holds certificates in PEM, beginning with `-----BEGIN CERTIFICATE-----`"
    )]
    BadCaFile {
        /// Which file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address is `wss://`, but the feature `tls` is off.
    #[error(
        "`{0}` needs TLS, which this build of the client leaves out\n\
         hint: build it with the feature `tls`"
    )]
    NoTls(String),
    /// The first attempt failed.
    #[error(transparent)]
    Unreachable(#[from] Why),
    /// The hub refused.
    #[error(transparent)]
    Ended(#[from] End),
}

/// Why a message was not stored, or why that is unknown.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The hub refused it; it was not stored.
    #[error("the hub refused the message: {}", refusal(.0))]
    Refused(Box<ErrorFrame>),
    /// The hub would refuse it; it was not sent.
    #[error("the message cannot be sent: {0}")]
    Invalid(#[from] FrameError),
    /// A message with this id is already being sent.
    #[error("a message with that id is on its way\nhint: give every message an id of its own")]
    InFlight,
    /// As many messages as allowed wait for their `ack`.
    #[error("too many messages wait for the hub's acknowledgement\nhint: wait for some of them")]
    Full,
    /// The client ended before the `ack`. If the message was sent, it may have been stored.
    #[error(transparent)]
    Ended(#[from] End),
}

/// Why a question got no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The hub refused.
    #[error("the hub refused: {}", refusal(.0))]
    Refused(Box<ErrorFrame>),
    /// No answer in time.
    #[error("the hub did not answer `{kind}` within {ms} ms\nhint: is it reachable?")]
    TimedOut {
        /// The frame's type.
        kind: &'static str,
        /// How long was waited.
        ms: u64,
    },
    /// The connection was lost before the answer to an `operate` came; it is not repeated by itself.
    #[error(
        "the connection was lost before the answer: whether it was done is not known\n\
         hint: look, and then repeat it if necessary"
    )]
    Lost,
    /// Too many questions are waiting.
    #[error("too many questions wait for an answer\nhint: wait for some of them")]
    Full,
    /// The answer was of another kind than the question.
    #[error("the hub answered `{asked}` with `{answered}`")]
    Mismatch {
        /// The question's type.
        asked: &'static str,
        /// The answer's type.
        answered: &'static str,
    },
    /// The hub named the same page twice, so the pages would never end.
    #[error(
        "the hub's pages of `{asked}` never end\nhint: ask for single pages, and tell whoever runs the hub"
    )]
    EndlessPages {
        /// The question's type.
        asked: &'static str,
    },
    /// The hub answered, and this program cannot read it.
    #[error(
        "the hub's answer cannot be read: {0}\n\
         hint: the hub may be newer than this program: update it"
    )]
    Unreadable(String),
    /// The client is over.
    #[error(transparent)]
    Ended(#[from] End),
}

/// Why something without an answer was not sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TellError {
    /// The hub would refuse it.
    #[error("this cannot be sent: {0}")]
    Invalid(#[from] FrameError),
    /// The client is over.
    #[error(transparent)]
    Ended(#[from] End),
}

/// A refusal as text for people.
fn refusal(error: &ErrorFrame) -> String {
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("{} (`{}`, {}){hint}", error.message, error.name, error.code)
}

fn going_away(reason: &Open<GoingAwayReason>) -> String {
    let Some(known) = reason.known() else { return format!("`{reason}`") };
    match known {
        GoingAwayReason::Replaced => "a newer connection of this bot took over",
        GoingAwayReason::Revoked => "the bot was disabled or removed, or its token revoked",
        GoingAwayReason::Shutdown => "the hub restarts or stops",
        GoingAwayReason::TooSlow => "this client does not read what it is sent",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use bot_protocol::code::Code;

    use super::*;

    #[test]
    fn a_refusal_names_the_cause_and_the_next_step() {
        let error = ErrorFrame::new(Code::NoSuchRoom).hint("did you mean `lab`?");
        assert_eq!(
            SendError::Refused(Box::new(error)).to_string(),
            "the hub refused the message: there is no such room (`no_such_room`, 3001)\n\
             hint: did you mean `lab`?"
        );
    }
}
