//! Nobody is told.

use bot_hub_core::change::Outcome;
use bot_hub_core::entry::Entry;
use bot_hub_store::Write;
use bot_protocol::frame::ClientFrame;
use bot_protocol::name::BotId;

use crate::config::Environment;

/// Takes no note of anything.
#[derive(Debug, Default)]
pub struct Traces {}

/// Sends nothing.
#[derive(Debug)]
pub struct Exporter {}

impl Exporter {
    /// Starts nothing.
    pub fn start(_: &Environment) -> (Traces, Self) {
        (Traces {}, Self {})
    }

    /// There is nothing left to send.
    #[expect(clippy::unused_async, reason = "the exporter of the feature `otel` waits here")]
    pub async fn end(self) {}
}

impl Traces {
    pub(in crate::engine) fn heard(&self, _: Option<&BotId>, _: &ClientFrame) {}

    pub(in crate::engine) fn submitted(&self, _: &[Write]) {}

    pub(in crate::engine) fn committed(&self, _: &[Outcome]) {}

    pub(in crate::engine) fn refused(&self) {}

    pub(in crate::engine) fn handed_over(&self, _: &Entry, _: usize) {}
}
