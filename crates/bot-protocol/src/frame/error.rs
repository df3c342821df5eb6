//! `error`: the frame by which the hub refuses something.
//!
//! Owns its fields, and how a code becomes one. Never decides that something is refused.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::FrameError;
use crate::code::{Code, Retry};
use crate::word::Open;

/// `error`: a refusal. The connection lives on unless a close follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorFrame {
    /// The stable number (`docs/errors.md`).
    pub code: u16,
    /// The stable name.
    pub name: SmolStr,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the same request may be tried again.
    pub retry: Open<Retry>,
    /// With `later`: not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The `id` or the type of the frame that failed.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<SmolStr>,
}

impl ErrorFrame {
    /// A refusal with the code's own sentence.
    pub fn new(code: Code) -> Self {
        Self {
            code: code.number(),
            name: SmolStr::new_static(code.name()),
            message: code.sentence().to_owned(),
            hint: None,
            retry: code.retry().into(),
            retry_after_ms: None,
            reference: None,
        }
    }

    /// Says more exactly what happened.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Says what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the same request may be tried again unchanged. A hub that names a time means it, by
    /// whatever word.
    pub fn is_for_now(&self) -> bool {
        match self.retry.known() {
            Some(retry) => retry == Retry::Later,
            None => self.retry_after_ms.is_some(),
        }
    }

    /// Names the frame that failed.
    pub fn about(mut self, reference: impl Into<SmolStr>) -> Self {
        self.reference = Some(reference.into());
        self
    }
}

impl From<FrameError> for ErrorFrame {
    fn from(error: FrameError) -> Self {
        let FrameError { code, message, hint, reference } = error;
        Self { hint, reference, ..Self::new(code).message(message) }
    }
}
