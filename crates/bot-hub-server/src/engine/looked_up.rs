//! Records that were looked up while the hub runs.
//!
//! Owns what each look-up is for. A page is bounded by the store's driver; whoever needs more asks again.

use std::collections::VecDeque;

use super::Engine;
use super::audit::Listing;
use bot_hub_store::StoreError;
use bot_hub_store::driver::Question;
use bot_hub_store::record::{RecordPage, RecordQuery};

/// What a look-up is for.
#[derive(Debug)]
pub(super) enum Wanted {
    /// An operator lists acts.
    Acts(Box<Listing>),
    /// The oldest acts may be over.
    OldestActs,
}

/// Look-ups that the store owes an answer to. It answers them in their order.
pub(super) type LookedUp = VecDeque<Wanted>;

impl Engine {
    pub(super) fn look_up(&mut self, query: RecordQuery, wanted: Wanted) {
        self.looked_up.push_back(wanted);
        // The order says which one it is.
        self.ask(Question::Records(query), 0);
    }

    pub(super) fn records_read(&mut self, page: Result<RecordPage, StoreError>) {
        match self.looked_up.pop_front() {
            Some(Wanted::Acts(listing)) => self.acts_read(*listing, page),
            Some(Wanted::OldestActs) => self.oldest_acts_read(page),
            None => {}
        }
    }
}
