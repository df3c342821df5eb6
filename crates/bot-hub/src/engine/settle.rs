//! Writes and look-ups on their way to the store, and what becomes of them.
//!
//! Owns who waits for which submission. Submissions are answered in their order, so the queue needs no
//! keys.

use bot_hub_core::change::{Outcome, Query};
use bot_hub_core::io::{Input, Ticket};
use bot_protocol::code::Code;

use super::{Engine, Owner, Todo};
use crate::store::driver::StoreEvent;
use crate::store::{StoreError, Write};

impl Engine {
    pub(super) fn query(&mut self, ticket: Ticket, query: Query) {
        self.unsettled += 1;
        let answered = self.driver.ask(ticket.0, query);
        self.todo.extend(answered.map(Todo::Event));
    }

    /// Hands the turn's changes to the store.
    pub(super) fn submit(&mut self) {
        while !self.batch.is_empty() {
            self.flush_brain();
        }
        self.metrics.unsettled = self.unsettled;
    }

    pub(super) fn flush_brain(&mut self) {
        let writes = std::mem::take(&mut self.batch);
        if !writes.is_empty() {
            self.write(writes, Owner::Brain);
        }
    }

    pub(super) fn write(&mut self, writes: Vec<Write>, owner: Owner) {
        self.submissions += 1;
        self.unsettled += writes.len();
        self.submitted.push_back(owner);
        let settled = self.driver.submit(self.submissions, writes);
        self.todo.extend(settled.map(Todo::Event));
        self.work();
    }

    pub(super) fn store_event(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Committed { outcomes, took, .. } => {
                self.metrics.committed(took);
                self.metrics.store_is_full = false;
                self.settled(outcomes);
            }
            StoreEvent::Refused { count, error, .. } => self.refused(count, &error),
            StoreEvent::Answered { ticket, answer } => {
                self.unsettled -= 1;
                self.input(Input::Answered { ticket: Ticket(ticket), answer });
            }
            StoreEvent::Dead(error) => self.store_error = Some(error),
        }
    }

    pub(super) fn settled(&mut self, outcomes: Vec<Outcome>) {
        self.unsettled -= outcomes.len();
        match self.submitted.pop_front() {
            Some(Owner::Brain) => self.input(Input::Committed { outcomes }),
            Some(Owner::Account(promise)) => self.account_settled(*promise),
            Some(Owner::Unattended) | None => {}
        }
    }

    pub(super) fn refused(&mut self, writes: usize, error: &StoreError) {
        self.unsettled -= writes;
        self.metrics.store_refusals += 1;
        self.metrics.store_is_full = matches!(error, StoreError::Full { .. });
        tracing::error!(%error, "the store refused a batch; nothing of it was acknowledged");
        let code = match error {
            StoreError::Full { .. } => Code::StorageFull,
            _ => Code::StorageFailed,
        };
        match self.submitted.pop_front() {
            Some(Owner::Brain) => self.input(Input::Refused { count: writes, code }),
            Some(Owner::Account(promise)) => self.account_refused(&promise, code),
            Some(Owner::Unattended) | None => {}
        }
    }
}
