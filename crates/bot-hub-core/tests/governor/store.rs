//! A store that keeps every log and forgets nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bot_hub_core::change::{Answer, Change, Outcome, Page, Query, Span};
use bot_hub_core::entry::{Draft, Entry};
use bot_protocol::name::RoomName;

#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<RoomName, Vec<Arc<Draft>>>);

impl Store {
    pub(crate) fn apply(&mut self, change: &Change) -> Outcome {
        match change {
            Change::Append(draft) => {
                let log = self.0.entry(draft.room.clone()).or_default();
                log.push(draft.clone());
                Outcome::Appended { seq: log.len() as u64 }
            }
            Change::WasSaid(_) => Outcome::Unsaid,
            Change::Trim { .. } => {
                Outcome::Trimmed { removed: Vec::new(), more: false, oldest_at: None }
            }
            _ => Outcome::Done,
        }
    }

    pub(crate) fn answer(&self, query: &Query) -> Answer {
        let Query::Page { room, span: Span::After(after), entries_max, .. } = query else {
            return Answer::Failed;
        };
        let log = self.0.get(room).map(Vec::as_slice).unwrap_or_default();
        let from = usize::try_from(*after).expect("few entries").min(log.len());
        let to = log.len().min(from + *entries_max as usize);
        let entry = |(at, draft): (usize, &Arc<Draft>)| Entry {
            seq: (from + at + 1) as u64,
            draft: draft.clone(),
        };
        let entries = log[from..to].iter().enumerate().map(entry).collect();
        Answer::Page(Page { entries, corrupt: Vec::new(), more: to < log.len() })
    }

    pub(crate) fn head(&self, room: &RoomName) -> u64 {
        self.0.get(room).map_or(0, |log| log.len() as u64)
    }
}
