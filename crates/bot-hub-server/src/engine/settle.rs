//! Writes and look-ups on their way to the store, and what becomes of them.
//!
//! Owns who waits for which submission. Submissions are answered in their order, so the queue needs no
//! keys.

use std::time::Instant;

use bot_hub_core::change::{Change, Outcome, Query};
use bot_hub_core::io::{Input, Ticket};
use bot_protocol::code::Code;

use super::{Engine, Owner, Submitted, Todo};
use bot_hub_store::driver::{Question, StoreEvent, Unsent};
use bot_hub_store::record::RecordWrite;
use bot_hub_store::{StoreError, Write};

impl Engine {
    pub(super) fn query(&mut self, ticket: Ticket, query: Query) {
        self.ask(query.into(), ticket.0);
    }

    pub(super) fn ask(&mut self, question: Question, ticket: u64) {
        self.unsettled += 1;
        self.unasked.push_back((question, ticket));
        self.send_waiting();
        self.work();
    }

    /// Hands the turn's changes to the store.
    pub(super) fn submit(&mut self) {
        while !self.batch.is_empty() {
            self.flush_brain();
        }
        self.metrics.unsettled = self.unsettled;
    }

    pub(super) fn flush_brain(&mut self) {
        if !self.batch.is_empty() {
            // The next turn will write about as much.
            let next = Vec::with_capacity(self.batch.len());
            let mut writes = std::mem::replace(&mut self.batch, next);
            let changes = writes.len();
            writes.extend(self.audit.take_due());
            self.write(writes, Owner::Brain { changes });
        }
    }

    pub(super) fn write(&mut self, writes: Vec<Write>, owner: Owner) {
        self.traces.submitted(&writes);
        self.submissions += 1;
        let bytes = bytes_of(&writes);
        self.unsettled += writes.len();
        self.unsettled_bytes += bytes;
        self.reserve.wrote(bytes as u64);
        let submitted = Submitted { owner, writes: writes.len(), bytes, at: Instant::now() };
        self.submitted.push_back(submitted);
        self.unsent.push_back((writes, self.submissions));
        self.send_waiting();
        self.work();
    }

    /// Hands over what waits, as far as the store's queues have room. What is left goes with the next
    /// answer; how much that can be is bounded by [`super::UNSETTLED_MAX`] and its like in bytes.
    fn send_waiting(&mut self) {
        while let Some((writes, ticket)) = self.unsent.pop_front() {
            match self.driver.submit(writes, ticket) {
                Ok(event) => self.todo.extend(event.map(Todo::Event)),
                Err(Unsent::Busy(writes)) => {
                    self.unsent.push_front((writes, ticket));
                    break;
                }
                // `Dead` is on its way and says why.
                Err(Unsent::Dead) => break,
            }
        }
        while let Some((query, ticket)) = self.unasked.pop_front() {
            match self.driver.ask(query, ticket) {
                Ok(event) => self.todo.extend(event.map(Todo::Event)),
                Err(Unsent::Busy(query)) => {
                    self.unasked.push_front((query, ticket));
                    break;
                }
                Err(Unsent::Dead) => break,
            }
        }
    }

    pub(super) fn store_event(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Committed { outcomes, .. } => self.committed(outcomes),
            StoreEvent::Refused { error, .. } => self.refused(&error),
            StoreEvent::Answered { ticket, answer } => {
                self.unsettled -= 1;
                self.input(Input::Answered { ticket: Ticket(ticket), answer });
            }
            StoreEvent::Records { page, .. } => {
                self.unsettled -= 1;
                self.records_read(page);
            }
            StoreEvent::Dead(error) => self.store_error = Some(error),
        }
        self.tell_declarers();
        self.send_waiting();
    }

    /// The oldest submission, which the store has answered.
    fn next_settled(&mut self) -> Option<Submitted> {
        let submitted = self.submitted.pop_front()?;
        self.unsettled -= submitted.writes;
        self.unsettled_bytes -= submitted.bytes;
        Some(submitted)
    }

    fn committed(&mut self, outcomes: Vec<Outcome>) {
        let Some(submitted) = self.next_settled() else { return };
        self.traces.committed(&outcomes);
        self.metrics.committed(submitted.at.elapsed());
        let has_space_again = std::mem::take(&mut self.metrics.store_is_full);
        match submitted.owner {
            Owner::Brain { changes } => {
                let mut outcomes = outcomes;
                outcomes.truncate(changes);
                self.input(Input::Committed { outcomes });
            }
            Owner::Access(decided) => self.decided_settled(*decided, outcomes),
            Owner::Profile(promise) => self.profile_settled(*promise),
            Owner::Swept(swept) => self.acts_swept(swept),
            Owner::Act(_) | Owner::Unattended => {}
        }
        if has_space_again {
            tracing::info!("the store has space again");
            self.record_declared();
        }
    }

    fn refused(&mut self, error: &StoreError) {
        let Some(submitted) = self.next_settled() else { return };
        self.traces.refused();
        self.metrics.store_refusals += 1;
        let is_full = matches!(error, StoreError::Full { .. });
        // Once per trouble: a full disk refuses every message, and logs need space too.
        if !is_full || !std::mem::replace(&mut self.metrics.store_is_full, true) {
            tracing::error!(%error, "the store refuses messages; nothing of them is acknowledged");
        }
        self.refusal = Some(error.to_string());
        let code = if is_full { Code::StorageFull } else { Code::StorageFailed };
        match submitted.owner {
            Owner::Brain { changes } => self.input(Input::Refused { count: changes, code }),
            Owner::Access(decided) => self.decided_refused(*decided, code),
            Owner::Profile(promise) => self.profile_refused(*promise, code),
            Owner::Act(line) => self.act_refused(*line),
            Owner::Swept(_) => self.look_again_soon(),
            Owner::Unattended => {}
        }
    }
}

/// What the messages among writes hold in memory, nearly.
fn bytes_of(writes: &[Write]) -> usize {
    let of = |write: &Write| match write {
        Write::Change(Change::Append(draft) | Change::WasSaid(draft)) => draft.size(),
        Write::Record(RecordWrite::Put(record) | RecordWrite::Add(record)) => record.size(),
        _ => 0,
    };
    writes.iter().map(of).sum()
}
