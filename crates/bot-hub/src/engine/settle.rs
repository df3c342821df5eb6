//! Writes and look-ups on their way to the store, and what becomes of them.
//!
//! Owns who waits for which submission. Submissions are answered in their order, so the queue needs no
//! keys.

use std::time::Instant;

use bot_hub_core::change::{Outcome, Query};
use bot_hub_core::io::{Input, Ticket};
use bot_protocol::code::Code;

use super::{Engine, Owner, Submitted, Todo};
use crate::store::driver::{StoreEvent, Unsent};
use crate::store::{StoreError, Write};

impl Engine {
    pub(super) fn query(&mut self, ticket: Ticket, query: Query) {
        self.unsettled += 1;
        self.unasked.push_back((query, ticket));
        self.send_waiting();
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
            let writes = std::mem::replace(&mut self.batch, next);
            self.write(writes, Owner::Brain);
        }
    }

    pub(super) fn write(&mut self, writes: Vec<Write>, owner: Owner) {
        self.life.submitted(&writes);
        self.submissions += 1;
        self.unsettled += writes.len();
        self.submitted.push_back(Submitted { owner, writes: writes.len(), at: Instant::now() });
        self.unsent.push_back((writes, self.submissions));
        self.send_waiting();
        self.work();
    }

    /// Hands over what waits, as far as the store's queues have room. What is left goes with the next
    /// answer; how much that can be is bounded by [`super::UNSETTLED_MAX`].
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
            match self.driver.ask(query, ticket.0) {
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
            StoreEvent::Dead(error) => self.store_error = Some(error),
        }
        self.send_waiting();
    }

    fn committed(&mut self, outcomes: Vec<Outcome>) {
        let Some(submitted) = self.submitted.pop_front() else { return };
        self.unsettled -= submitted.writes;
        self.life.committed(&outcomes);
        self.metrics.committed(submitted.at.elapsed());
        if std::mem::take(&mut self.metrics.store_is_full) {
            tracing::info!("the store has space again");
        }
        match submitted.owner {
            Owner::Brain => self.input(Input::Committed { outcomes }),
            Owner::Account(promise) => self.account_settled(*promise),
            Owner::Invite(promise) => self.invite_settled(*promise),
            Owner::Claim(claim) => {
                self.claim_settled(&claim);
                let outcomes = outcomes.into_iter().take(claim.changes).collect();
                self.input(Input::Committed { outcomes });
                Self::answer_claim(*claim);
            }
            Owner::Unattended => {}
        }
    }

    fn refused(&mut self, error: &StoreError) {
        let Some(submitted) = self.submitted.pop_front() else { return };
        self.unsettled -= submitted.writes;
        self.life.refused();
        self.metrics.store_refusals += 1;
        let is_full = matches!(error, StoreError::Full { .. });
        // Once per trouble: a full disk refuses every message, and logs need space too.
        if !is_full || !std::mem::replace(&mut self.metrics.store_is_full, true) {
            tracing::error!(%error, "the store refuses messages; nothing of them is acknowledged");
        }
        let code = if is_full { Code::StorageFull } else { Code::StorageFailed };
        match submitted.owner {
            Owner::Brain => self.input(Input::Refused { count: submitted.writes, code }),
            Owner::Account(promise) => self.account_refused(&promise, code),
            Owner::Invite(promise) => self.invite_refused(*promise, code),
            Owner::Claim(claim) => {
                self.input(Input::Refused { count: claim.changes, code });
                self.claim_refused(*claim, code);
            }
            Owner::Unattended => {}
        }
    }
}
