//! An act: what one bot says to another, as typed fields.
//!
//! Owns the vocabulary (kinds, keys, statuses, priorities). Never knows how it is written down.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Depth;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// All of them, in the order of the specification.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value that is written exactly so.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What kind of act it is.
    Kind {
        /// Asks another bot to do something.
        Request = "REQUEST",
        /// Answers a REQUEST, a CLARIFY or a HANDOFF.
        Response = "RESPONSE",
        /// Asks back for what is missing.
        Clarify = "CLARIFY",
        /// Passes a request on to another bot.
        Handoff = "HANDOFF",
        /// Tells everybody something.
        Broadcast = "BROADCAST",
    }
}

words! {
    /// How far a RESPONSE got.
    Status {
        /// It is done.
        Done = "done",
        /// Some of it is done, and there may be more to come.
        Partial = "partial",
        /// It will not be done.
        Failed = "failed",
    }
}

words! {
    /// How urgent a request is.
    Priority {
        /// When there is time.
        Low = "low",
        /// In turn.
        Normal = "normal",
        /// Before others.
        High = "high",
    }
}

words! {
    /// The fields that the format knows, in the order in which they are written.
    Key {
        /// Who says it.
        From = "From",
        /// Which conversation it belongs to.
        RequestId = "RequestId",
        /// What is to be done.
        Task = "Task",
        /// How far it got.
        Status = "Status",
        /// What came of it.
        Result = "Result",
        /// What is unclear.
        Question = "Question",
        /// What everybody should know.
        Message = "Message",
        /// What helps to understand it.
        Context = "Context",
        /// How deep the conversation is.
        Depth = "Depth",
        /// Whom to answer.
        Callback = "Callback",
        /// How urgent it is.
        Priority = "Priority",
    }
}

impl Key {
    /// The key that `word` spells, whatever its case.
    pub fn from_word(word: &str) -> Option<Self> {
        let key = match word.len() {
            4 if word.as_bytes()[0] | 0x20 == b'f' => Self::From,
            4 => Self::Task,
            5 => Self::Depth,
            6 if word.as_bytes()[0] | 0x20 == b's' => Self::Status,
            6 => Self::Result,
            7 if word.as_bytes()[0] | 0x20 == b'm' => Self::Message,
            7 => Self::Context,
            8 if word.as_bytes()[0] | 0x20 == b'q' => Self::Question,
            8 if word.as_bytes()[0] | 0x20 == b'c' => Self::Callback,
            8 => Self::Priority,
            9 => Self::RequestId,
            _ => return None,
        };
        word.eq_ignore_ascii_case(key.as_str()).then_some(key)
    }

    /// The name of the field in JavaScript and JSON: `requestId` for `RequestId`.
    pub fn json_name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::RequestId => "requestId",
            Self::Task => "task",
            Self::Status => "status",
            Self::Result => "result",
            Self::Question => "question",
            Self::Message => "message",
            Self::Context => "context",
            Self::Depth => "depth",
            Self::Callback => "callback",
            Self::Priority => "priority",
        }
    }
}

impl Kind {
    /// The field that an act of this kind cannot do without; a RESPONSE may have `Status` instead.
    pub const fn body(self) -> Key {
        match self {
            Self::Request | Self::Handoff => Key::Task,
            Self::Response => Key::Result,
            Self::Clarify => Key::Question,
            Self::Broadcast => Key::Message,
        }
    }
}

/// A field that the format does not know, under its lower-cased key.
pub type Meta<'a> = (Cow<'a, str>, Cow<'a, str>);

/// One message of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// What kind of act.
    pub kind: Kind,
    /// To whom: one word, `all` for everybody.
    pub to: Cow<'a, str>,
    /// By whom, as the text claims. Over a hub, the connection knows better.
    pub from: Cow<'a, str>,
    /// The conversation.
    pub request_id: Cow<'a, str>,
    /// REQUEST, HANDOFF: what is to be done.
    pub task: Option<Cow<'a, str>>,
    /// RESPONSE: how far it got.
    pub status: Option<Status>,
    /// RESPONSE: what came of it.
    pub result: Option<Cow<'a, str>>,
    /// CLARIFY: what is unclear.
    pub question: Option<Cow<'a, str>>,
    /// BROADCAST: what everybody should know.
    pub message: Option<Cow<'a, str>>,
    /// What helps to understand it.
    pub context: Option<Cow<'a, str>>,
    /// How deep the conversation is.
    pub depth: Option<Depth>,
    /// Whom to answer, if not the sender.
    pub callback: Option<Cow<'a, str>>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Fields that the format does not know: keys of `a-z`, each once, in the order of the block.
    pub meta: Vec<Meta<'a>>,
}

impl<'a> Act<'a> {
    /// An act with its body (task, result, question or message) and the default depth.
    pub fn new(
        kind: Kind,
        to: impl Into<Cow<'a, str>>,
        from: impl Into<Cow<'a, str>>,
        request_id: impl Into<Cow<'a, str>>,
        body: impl Into<Cow<'a, str>>,
    ) -> Self {
        let mut act = Self {
            depth: Some(Depth::default()),
            ..Self::empty(kind, to.into(), from.into(), request_id.into())
        };
        *act.body_mut() = Some(body.into());
        act
    }

    /// An act without any of the optional fields.
    pub(super) fn empty(
        kind: Kind,
        to: Cow<'a, str>,
        from: Cow<'a, str>,
        request_id: Cow<'a, str>,
    ) -> Self {
        Self {
            kind,
            to,
            from,
            request_id,
            task: None,
            status: None,
            result: None,
            question: None,
            message: None,
            context: None,
            depth: None,
            callback: None,
            priority: None,
            meta: Vec::new(),
        }
    }

    /// The field that says what the act is about.
    pub fn body(&self) -> Option<&str> {
        self.text(self.kind.body())
    }

    pub(super) fn body_mut(&mut self) -> &mut Option<Cow<'a, str>> {
        self.text_mut(self.kind.body()).expect("the body of every kind is a text field")
    }

    /// A text field by its key; `None` also for the keys that are not text.
    pub fn text(&self, key: Key) -> Option<&str> {
        match key {
            Key::From => Some(&self.from),
            Key::RequestId => Some(&self.request_id),
            Key::Task => self.task.as_deref(),
            Key::Result => self.result.as_deref(),
            Key::Question => self.question.as_deref(),
            Key::Message => self.message.as_deref(),
            Key::Context => self.context.as_deref(),
            Key::Callback => self.callback.as_deref(),
            Key::Status | Key::Depth | Key::Priority => None,
        }
    }

    /// An optional text field by its key.
    pub(super) fn text_mut(&mut self, key: Key) -> Option<&mut Option<Cow<'a, str>>> {
        match key {
            Key::Task => Some(&mut self.task),
            Key::Result => Some(&mut self.result),
            Key::Question => Some(&mut self.question),
            Key::Message => Some(&mut self.message),
            Key::Context => Some(&mut self.context),
            Key::Callback => Some(&mut self.callback),
            Key::From | Key::RequestId | Key::Status | Key::Depth | Key::Priority => None,
        }
    }

    /// Applies `change` to every text of the act.
    pub(super) fn map<'b>(self, change: impl Fn(Cow<'a, str>) -> Cow<'b, str>) -> Act<'b> {
        Act {
            kind: self.kind,
            to: change(self.to),
            from: change(self.from),
            request_id: change(self.request_id),
            task: self.task.map(&change),
            status: self.status,
            result: self.result.map(&change),
            question: self.question.map(&change),
            message: self.message.map(&change),
            context: self.context.map(&change),
            depth: self.depth,
            callback: self.callback.map(&change),
            priority: self.priority,
            meta: self.meta.into_iter().map(|(key, value)| (change(key), change(value))).collect(),
        }
    }

    /// The same act, borrowing nothing.
    pub fn into_owned(self) -> Act<'static> {
        self.map(|text| Cow::Owned(text.into_owned()))
    }
}
