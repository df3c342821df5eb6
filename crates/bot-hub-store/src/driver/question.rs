//! What can be looked up beside the writer.
//!
//! Owns the two kinds of questions, and how long the answer to one may be. Never decides who asks.

use bot_hub_core::change::Query;

use super::{StoreEvent, Ticket};
use crate::Reader;
use crate::record::RecordQuery;

/// Something to look up.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// In the logs of rooms. → `StoreEvent::Answered`.
    Log(Query),
    /// Among the small records; a page is never longer than [`RecordQuery::bounded`] says, since others
    /// wait behind it. → `StoreEvent::Records`.
    Records(RecordQuery),
}

impl From<Query> for Question {
    fn from(query: Query) -> Self {
        Self::Log(query)
    }
}

impl From<RecordQuery> for Question {
    fn from(query: RecordQuery) -> Self {
        Self::Records(query)
    }
}

impl Question {
    pub(super) fn ask(self, reader: &mut dyn Reader, ticket: Ticket) -> StoreEvent {
        match self {
            Self::Log(query) => StoreEvent::Answered { ticket, answer: reader.answer(&query) },
            Self::Records(query) => {
                StoreEvent::Records { ticket, page: reader.records(&query.bounded()) }
            }
        }
    }
}
