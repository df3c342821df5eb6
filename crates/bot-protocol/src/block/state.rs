//! What the state file says: all conversations, by request id.
//!
//! Owns the content of the file and what tracking does to it. Never touches a disk; entries that
//! are not asked for are kept byte for byte, whatever program wrote them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::conversation::{Conversation, Warning};
use super::message::Message;
use super::object::{Object, pretty, raw};
use crate::time::Timestamp;
use crate::work::spend;

/// How old an ended conversation must be to be cleaned away, if nobody says otherwise: a day.
pub const CLEANUP_AGE_MS_DEFAULT: u64 = 86_400_000;

/// Why a state file was not understood.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not a JSON object.
    #[error("the state is not a JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// One entry is something else than a conversation.
    #[error("the entry `{id}` is not a conversation: {source}")]
    Entry {
        /// The request id.
        id: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// All conversations, in the order in which they began.
#[derive(Debug, Default)]
pub struct State {
    entries: Object,
}

/// What tracking a message did.
#[derive(Debug)]
pub struct Tracked {
    /// The conversation afterwards.
    pub conversation: Conversation,
    /// What was odd.
    pub warning: Option<Warning>,
}

/// A conversation that nobody answered in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The conversation.
    pub id: String,
    /// Whole minutes since a party last spoke.
    pub minutes: u64,
}

/// Which conversations to list; `None` means any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields of a conversation")]
pub struct Filter {
    pub status: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Filter {
    fn admits(&self, conversation: &Conversation) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == found)
        };
        is(&self.status, &conversation.status)
            && is(&self.from, &conversation.from)
            && is(&self.to, &conversation.to)
    }
}

impl State {
    /// Reads the text of a state file.
    pub fn from_json(text: &str) -> Result<Self, StateError> {
        Ok(Self { entries: serde_json::from_str(text)? })
    }

    /// The text of the state file: JSON with two spaces, as v0.1 writes it.
    pub fn to_json(&self) -> String {
        pretty(raw(&self.entries).get())
    }

    /// The conversation with this id.
    pub fn get(&self, id: &str) -> Result<Option<Conversation>, StateError> {
        self.entry(id).map(|at| read_entry(&self.entries.0[at])).transpose()
    }

    /// Of an id that stands twice, the later counts, as in JavaScript.
    fn entry(&self, id: &str) -> Option<usize> {
        spend(self.entries.0.len());
        self.entries.0.iter().rposition(|(known, _)| known == id)
    }

    /// The conversations that `filter` admits. What is not a conversation is passed over.
    pub fn list<'a>(
        &'a self,
        filter: &'a Filter,
    ) -> impl Iterator<Item = (&'a str, Conversation)> + 'a {
        self.conversations().filter(|(_, conversation)| filter.admits(conversation))
    }

    fn conversations(&self) -> impl Iterator<Item = (&str, Conversation)> {
        let read = |entry| read_entry(entry).ok();
        self.entries.0.iter().filter_map(move |entry| Some((entry.0.as_str(), read(entry)?)))
    }

    /// Adds a message to its conversation, or opens one.
    pub fn track(&mut self, message: &Message, now: Timestamp) -> Result<Tracked, StateError> {
        let (conversation, warning) = match self.get(&message.request_id)? {
            None => (Conversation::open(message, now), None),
            Some(mut conversation) => {
                let warning = conversation.hear(message, now);
                (conversation, warning)
            }
        };
        self.save(&message.request_id, &conversation);
        Ok(Tracked { conversation, warning })
    }

    /// Stops waiting for one conversation; `None` if there is none.
    pub fn time_out(
        &mut self,
        id: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Conversation>, StateError> {
        let Some(mut conversation) = self.get(id)? else { return Ok(None) };
        conversation.time_out(reason, now);
        self.save(id, &conversation);
        Ok(Some(conversation))
    }

    /// Stops waiting for every conversation that is past its deadline.
    pub fn check_timeouts(&mut self, now: Timestamp) -> Vec<TimedOut> {
        let is_late = |conversation: &Conversation| {
            conversation.deadline().is_some_and(|deadline| now > deadline)
        };
        let late: Vec<(TimedOut, Conversation)> = self
            .conversations()
            .filter(|(_, conversation)| is_late(conversation))
            .map(|(id, conversation)| {
                let minutes = conversation.age_ms(now).unwrap_or(0) / 60_000;
                (TimedOut { id: id.to_owned(), minutes }, conversation)
            })
            .collect();
        spend(self.entries.0.len());
        // Of an id that stands twice, the later counts.
        let at: BTreeMap<String, usize> =
            self.entries.0.iter().enumerate().map(|(at, (id, _))| (id.clone(), at)).collect();
        let end = |(timed_out, mut conversation): (TimedOut, Conversation)| {
            let reason = format!("No response after {} minutes", timed_out.minutes);
            conversation.time_out(&reason, now);
            if let Some(at) = at.get(&timed_out.id) {
                self.entries.0[*at].1 = raw(&conversation);
            }
            timed_out
        };
        late.into_iter().map(end).collect()
    }

    /// Forgets conversations that ended (done, failed, timeout) more than `age_ms` ago, and says
    /// how many. What is only partly done is kept, as in v0.1.
    pub fn cleanup(&mut self, age_ms: u64, now: Timestamp) -> usize {
        let is_over = |conversation: &Conversation| {
            matches!(conversation.status.as_str(), "done" | "failed" | "timeout")
                && conversation.age_ms(now).is_some_and(|age| age > age_ms)
        };
        let before = self.entries.0.len();
        self.entries.0.retain(|entry| !read_entry(entry).is_ok_and(|found| is_over(&found)));
        before - self.entries.0.len()
    }

    fn save(&mut self, id: &str, conversation: &Conversation) {
        let entry = raw(conversation);
        match self.entry(id) {
            Some(at) => self.entries.0[at].1 = entry,
            None => self.entries.0.push((id.to_owned(), entry)),
        }
    }
}

fn read_entry((id, entry): &(String, Box<RawValue>)) -> Result<Conversation, StateError> {
    spend(entry.get().len());
    serde_json::from_str(entry.get()).map_err(|source| StateError::Entry { id: id.clone(), source })
}
