//! Group commit.
//!
//! Owns which submissions form one transaction, and who gets the answers. Never waits.

use std::sync::mpsc::Receiver;
use std::time::Instant;

use bot_hub_core::change::{Change, Outcome};

use super::tally::Tally;
use super::{StoreEvent, Submission, Ticket};
use crate::record::RecordWrite;
use crate::{Store, StoreError, Write};

/// A group with this many writes takes no further submission. A larger group makes a write no cheaper, and
/// its first write waits for its last.
const GROUP_WRITES_MAX: usize = 2_048;

/// The same limit in bytes of messages and records.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Submissions that are committed together.
pub(super) struct Group {
    writes: Vec<Write>,
    /// The ticket of each submission, and how many of the writes belong to it.
    parts: Vec<(Ticket, usize)>,
}

impl Group {
    /// Collects the waiting submissions, within the bounds.
    pub(super) fn gather(first: Submission, submissions: &Receiver<Submission>) -> Self {
        let mut bytes: usize = first.writes.iter().map(size).sum();
        let parts = vec![(first.ticket, first.writes.len())];
        let mut group = Self { writes: first.writes, parts };
        while group.writes.len() < GROUP_WRITES_MAX && bytes < GROUP_BYTES_MAX {
            let Ok(next) = submissions.try_recv() else { break };
            bytes += next.writes.iter().map(size).sum::<usize>();
            group.parts.push((next.ticket, next.writes.len()));
            group.writes.extend(next.writes);
        }
        group
    }

    pub(super) fn commit(self, store: &mut dyn Store, tally: &Tally) -> Vec<StoreEvent> {
        let started = Instant::now();
        let result = store.commit(&self.writes);
        tally.note(self.writes.len(), started.elapsed());
        match result {
            Ok(outcomes) => self.committed(outcomes),
            Err(error) if is_refusal(&error) => self.one_by_one(store, error),
            Err(error) => vec![StoreEvent::Dead(error)],
        }
    }

    fn committed(self, outcomes: Vec<Outcome>) -> Vec<StoreEvent> {
        let mut outcomes = outcomes.into_iter();
        let event = |(ticket, count)| StoreEvent::Committed {
            ticket,
            outcomes: outcomes.by_ref().take(count).collect(),
        };
        self.parts.into_iter().map(event).collect()
    }

    fn one_by_one(self, store: &mut dyn Store, error: StoreError) -> Vec<StoreEvent> {
        if let [(ticket, _)] = self.parts[..] {
            return vec![StoreEvent::Refused { ticket, error }];
        }
        let mut events = Vec::with_capacity(self.parts.len());
        let mut rest = &self.writes[..];
        for (ticket, count) in self.parts {
            let (own, others) = rest.split_at(count);
            rest = others;
            match store.commit(own) {
                Ok(outcomes) => events.push(StoreEvent::Committed { ticket, outcomes }),
                Err(error) if is_refusal(&error) => {
                    events.push(StoreEvent::Refused { ticket, error });
                }
                Err(error) => {
                    events.push(StoreEvent::Dead(error));
                    break;
                }
            }
        }
        events
    }
}

fn size(write: &Write) -> usize {
    match write {
        Write::Change(Change::Append(draft) | Change::WasSaid(draft)) => draft.size(),
        Write::Record(RecordWrite::Put(record) | RecordWrite::Add(record)) => record.size(),
        _ => 0,
    }
}

/// Whether the store remains usable after this error.
pub(super) fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Full { .. } | StoreError::NoSuchRoom { .. })
}
