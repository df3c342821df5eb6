//! Answers that come in pages: which page to request next.
//!
//! Owns detecting their end: a hub that names a page twice would be asked forever. Never sends a request.

use std::collections::HashSet;

use crate::error::AskError;

/// The pages of one answer that were requested.
#[derive(Debug)]
pub(crate) struct Pages<Name> {
    asked: &'static str,
    seen: HashSet<Name>,
}

impl<Name: Clone + Eq + std::hash::Hash> Pages<Name> {
    /// For the answer to a question of this type.
    pub(crate) fn of(asked: &'static str) -> Self {
        Self { asked, seen: HashSet::new() }
    }

    /// Takes the name of the next page out of a page, if there is one. Names have no meaning for the
    /// client, so a repeated name is the only sign of a circle.
    pub(crate) fn turn(&mut self, next: &mut Option<Name>) -> Result<Option<Name>, AskError> {
        let Some(next) = next.take() else { return Ok(None) };
        if self.seen.insert(next.clone()) {
            Ok(Some(next))
        } else {
            Err(AskError::EndlessPages { asked: self.asked })
        }
    }
}
