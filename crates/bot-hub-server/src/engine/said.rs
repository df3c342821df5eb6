//! A frame as the door hands it over: bytes into which nobody has looked.
//!
//! Owns the step from there to a frame. The engine takes it when it is the sender's turn, so that reading
//! is paid for like everything else that a frame costs. Never decides what a frame means.

use bot_protocol::frame::{ClientFrame, FrameError};
use bot_protocol::limits::Limits;

use crate::door::ws::{Refusal, Skipped};

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// One message.
    Text(Box<str>),
    /// One that was too large to be held.
    Skipped(Skipped),
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Said {
    pub(super) fn decode(&self, limits: &Limits) -> Result<ClientFrame, FrameError> {
        match self {
            Self::Text(text) => ClientFrame::decode_text(text, limits),
            Self::Skipped(Skipped { why: Refusal::TooLarge, bytes, skim }) => {
                Err(FrameError::too_large(*bytes, skim, limits))
            }
            Self::Skipped(Skipped { why: Refusal::NoRoom, skim, .. }) => {
                Err(FrameError::too_many_large(skim))
            }
        }
    }
}
