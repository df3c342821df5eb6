//! Acts in JSON: the shape that v0.1 gave its callers.
//!
//! Owns the names of the fields there. Never checks an act; `build` does.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Act, BuildError, Depth, Kind, Meta, Priority, Status, request_id};

/// `act` as v0.1's `parse` returned it: every known field, `null` where there is none, the unknown
/// ones in `meta`, and the whole text in `raw`.
pub fn to_json(act: &Act<'_>, raw: &str) -> String {
    let shape = ActJson {
        kind: act.kind,
        to: &act.to,
        from: &act.from,
        request_id: &act.request_id,
        task: act.task.as_deref(),
        result: act.result.as_deref(),
        context: act.context.as_deref(),
        depth: act.depth,
        callback: act.callback.as_deref(),
        priority: act.priority,
        status: act.status,
        question: act.question.as_deref(),
        message: act.message.as_deref(),
        meta: Pairs(&act.meta),
        raw,
    };
    serde_json::to_string(&shape).expect("strings, numbers and maps with string keys are JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActJson<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    to: &'a str,
    from: &'a str,
    request_id: &'a str,
    task: Option<&'a str>,
    result: Option<&'a str>,
    context: Option<&'a str>,
    depth: Option<Depth>,
    callback: Option<&'a str>,
    priority: Option<Priority>,
    status: Option<Status>,
    question: Option<&'a str>,
    message: Option<&'a str>,
    meta: Pairs<'a>,
    raw: &'a str,
}

struct Pairs<'a>(&'a [Meta<'a>]);

impl Serialize for Pairs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// An act that somebody wants to send: what is missing gets its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft<'a> {
    /// `REQUEST`, `RESPONSE`, …
    #[serde(rename = "type")]
    pub kind: Kind,
    /// To whom; BROADCAST goes to `all` whatever stands here.
    pub to: Option<Cow<'a, str>>,
    /// By whom.
    pub from: Option<Cow<'a, str>>,
    /// The conversation; REQUEST and BROADCAST make one up.
    pub request_id: Option<Cow<'a, str>>,
    /// REQUEST, HANDOFF.
    pub task: Option<Cow<'a, str>>,
    /// `done`, `partial`, `failed`.
    pub status: Option<Cow<'a, str>>,
    /// RESPONSE.
    pub result: Option<Cow<'a, str>>,
    /// CLARIFY.
    pub question: Option<Cow<'a, str>>,
    /// BROADCAST.
    pub message: Option<Cow<'a, str>>,
    /// Background.
    pub context: Option<Cow<'a, str>>,
    /// Where the conversation is; `1/5` when absent.
    pub depth: Option<DraftDepth>,
    /// Whom to answer.
    pub callback: Option<Cow<'a, str>>,
    /// `low`, `normal`, `high`.
    pub priority: Option<Cow<'a, str>>,
    /// Fields that the format does not know.
    #[serde(default, deserialize_with = "pairs")]
    pub meta: Vec<Meta<'a>>,
}

/// A map in the order of the text; `null` is an empty one.
fn pairs<'de, 'a, D: Deserializer<'de>>(input: D) -> Result<Vec<Meta<'a>>, D::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<Meta<'static>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of strings")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, String>()? {
                pairs.push((key.into(), value.into()));
            }
            Ok(pairs)
        }
    }

    input.deserialize_any(Pairs)
}

/// A depth in either notation.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum DraftDepth {
    /// `{"current": 1, "max": 5}`
    Numbers(Depth),
    /// `"1/5"`
    Text(String),
}

impl<'a> Draft<'a> {
    /// The act, with defaults for what is missing. `random` is for a request id.
    pub fn into_act(self, random: [u8; 6]) -> Result<Act<'a>, BuildError> {
        let kind = self.kind;
        let to = if kind == Kind::Broadcast { "all".into() } else { self.to.unwrap_or_default() };
        let from = self.from.unwrap_or_default();
        let makes_id = matches!(kind, Kind::Request | Kind::Broadcast) && !from.is_empty();
        let request_id = match full(self.request_id) {
            None if makes_id => request_id(&from, random).into(),
            given => given.unwrap_or_default(),
        };
        Ok(Act {
            task: full(self.task),
            status: one_of(self.status, Status::parse, "status", "done, partial or failed")?,
            result: full(self.result),
            question: full(self.question),
            message: full(self.message),
            context: full(self.context),
            depth: Some(self.depth.map_or(Ok(Depth::default()), DraftDepth::read)?),
            callback: full(self.callback),
            priority: one_of(self.priority, Priority::parse, "priority", "low, normal or high")?,
            meta: self.meta,
            ..Act::empty(kind, to, from, request_id)
        })
    }
}

/// An empty text is none, as in v0.1.
fn full(text: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    text.filter(|text| !text.is_empty())
}

impl DraftDepth {
    fn read(self) -> Result<Depth, BuildError> {
        match self {
            Self::Numbers(depth) => Ok(depth),
            Self::Text(text) => Depth::parse(&text).ok_or(BuildError::NotOneOf(
                text,
                "depth",
                "two numbers like 1/5",
            )),
        }
    }
}

fn one_of<T>(
    word: Option<Cow<'_, str>>,
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
    choice: &'static str,
) -> Result<Option<T>, BuildError> {
    let Some(word) = full(word) else { return Ok(None) };
    parse(&word).map(Some).ok_or_else(|| BuildError::NotOneOf(word.into_owned(), what, choice))
}
