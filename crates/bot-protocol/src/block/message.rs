//! A message as the conversations see it: who said what to whom, under which id.
//!
//! Owns its shape in JSON, which is that of a parsed act. Never checks it: what was said was said.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Act, Kind};

/// A message as conversations see it. In JSON it is the shape of a parsed act; the type is open,
/// because v0.1 tracks anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields of an act")]
pub struct Message {
    #[serde(rename = "type")]
    pub kind: String,
    pub to: String,
    pub from: String,
    pub request_id: String,
    pub task: Option<String>,
    pub result: Option<String>,
    pub question: Option<String>,
    pub message: Option<String>,
    pub status: Option<String>,
    pub depth: Option<Step>,
}

/// As much of a depth as is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// The step, from 1.
    pub current: u32,
}

impl From<&Act<'_>> for Message {
    fn from(act: &Act<'_>) -> Self {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        Self {
            kind: act.kind.as_str().to_owned(),
            to: act.to.to_string(),
            from: act.from.to_string(),
            request_id: act.request_id.to_string(),
            task: text(&act.task),
            result: text(&act.result),
            question: text(&act.question),
            message: text(&act.message),
            status: act.status.map(|status| status.as_str().to_owned()),
            depth: act.depth.map(|depth| Step { current: depth.current }),
        }
    }
}

impl Message {
    /// The first of these texts that says something, as in v0.1.
    fn first_of(texts: [&Option<String>; 4]) -> Option<String> {
        let is_full = |text: &&Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        texts.into_iter().find(is_full).cloned().flatten()
    }

    pub(super) fn subject(&self) -> Option<String> {
        Self::first_of([&self.task, &self.question, &self.message, &None])
    }

    pub(super) fn content(&self) -> Option<String> {
        Self::first_of([&self.task, &self.result, &self.question, &self.message])
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == kind.as_str()
    }
}
