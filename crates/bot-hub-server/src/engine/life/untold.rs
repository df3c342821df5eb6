//! Nobody is told.

use bot_hub_core::change::Outcome;
use bot_hub_core::entry::Entry;

use bot_hub_store::Write;

/// Takes no note of anything.
#[derive(Debug, Default)]
pub(in crate::engine) struct Life {}

impl Life {
    pub(in crate::engine) fn submitted(&self, _: &[Write]) {}

    pub(in crate::engine) fn committed(&self, _: &[Outcome]) {}

    pub(in crate::engine) fn refused(&self) {}

    pub(in crate::engine) fn handed_over(&self, _: &Entry, _: usize) {}
}
