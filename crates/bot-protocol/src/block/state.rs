//! What the state file says: all conversations, by request id.
//!
//! Owns the content of the file and what tracking does to it. Never touches a disk; entries that
//! nobody asked for are kept letter by letter, whoever wrote them.

use std::collections::HashMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::conversation::{Conversation, Message, Warning};
use crate::time::Timestamp;

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
    entries: Vec<(String, Box<RawValue>)>,
    index: HashMap<String, usize>,
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
        let Entries(pairs) = serde_json::from_str(text)?;
        let mut state = Self::default();
        for (id, entry) in pairs {
            state.put(id, entry);
        }
        Ok(state)
    }

    /// The text of the state file: JSON with two spaces, as v0.1 writes it.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("raw JSON under string keys is JSON")
    }

    /// The conversation with this id.
    pub fn get(&self, id: &str) -> Result<Option<Conversation>, StateError> {
        self.index.get(id).map(|at| read_entry(&self.entries[*at])).transpose()
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
        self.entries.iter().filter_map(move |entry| Some((entry.0.as_str(), read(entry)?)))
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
        for (timed_out, conversation) in &late {
            let mut conversation = conversation.clone();
            let reason = format!("No response after {} minutes", timed_out.minutes);
            conversation.time_out(&reason, now);
            self.save(&timed_out.id, &conversation);
        }
        late.into_iter().map(|(timed_out, _)| timed_out).collect()
    }

    /// Forgets conversations that ended (done, failed, timeout) more than `age_ms` ago, and says
    /// how many. What is only partly done is kept, as in v0.1.
    pub fn cleanup(&mut self, age_ms: u64, now: Timestamp) -> usize {
        let is_over = |conversation: &Conversation| {
            matches!(conversation.status.as_str(), "done" | "failed" | "timeout")
                && conversation.age_ms(now).is_some_and(|age| age > age_ms)
        };
        let before = self.entries.len();
        self.entries.retain(|entry| !read_entry(entry).is_ok_and(|found| is_over(&found)));
        self.index = (0..).zip(&self.entries).map(|(at, (id, _))| (id.clone(), at)).collect();
        before - self.entries.len()
    }

    fn save(&mut self, id: &str, conversation: &Conversation) {
        // Pretty, and one level in: the text goes into the file as it is.
        let pretty = serde_json::to_string_pretty(conversation)
            .expect("strings, numbers and maps with string keys are JSON")
            .replace('\n', "\n  ");
        self.put(id.to_owned(), RawValue::from_string(pretty).expect("it was just written"));
    }

    fn put(&mut self, id: String, entry: Box<RawValue>) {
        match self.index.get(&id) {
            Some(at) => self.entries[*at].1 = entry,
            None => {
                self.index.insert(id.clone(), self.entries.len());
                self.entries.push((id, entry));
            }
        }
    }
}

fn read_entry((id, entry): &(String, Box<RawValue>)) -> Result<Conversation, StateError> {
    serde_json::from_str(entry.get()).map_err(|source| StateError::Entry { id: id.clone(), source })
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (id, entry) in &self.entries {
            map.serialize_entry(id, entry)?;
        }
        map.end()
    }
}

/// The entries in the order of the file.
struct Entries(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of conversations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        input.deserialize_map(InOrder)
    }
}
