//! What to say about a frame that is refused before it has a meaning.
//!
//! Owns the error of decoding: which field, which message, and what to do about it. Never decides what
//! is wrong: the parsers do.

use serde::Deserialize;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::skim::Skim;
use crate::code::Code;
use crate::limits::Limits;
use crate::name::{BotId, RoomName};

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// The refusal to answer with.
    pub code: Code,
    /// What exactly is wrong, for the person who wrote the client.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The id or the type of the frame, as far as it could be read.
    pub reference: Option<SmolStr>,
}

impl FrameError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, reference: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the frame, whose bytes these are, unless it is named already.
    pub(super) fn in_frame(mut self, json: &[u8]) -> Self {
        self.reference = self.reference.or_else(|| Skim::of(json).reference());
        self
    }

    pub(super) fn about(mut self, reference: &str) -> Self {
        // An attacker's megabyte must not come back as an echo.
        self.reference = Some(SmolStr::from_iter(reference.chars().take(64)));
        self
    }

    /// A frame of which the door kept nothing but what `skim` noticed, because it is so large.
    pub fn too_large(bytes: usize, skim: &Skim, limits: &Limits) -> Self {
        let message = format!("the frame has {bytes} bytes or more");
        Self { reference: skim.reference(), ..Self::new(Code::TooLarge, message) }
            .hint(bounds(limits))
    }

    /// A frame that might be taken another time: too many large ones were arriving.
    pub fn too_many_large(skim: &Skim) -> Self {
        let message = "too many large frames are arriving at once";
        Self { reference: skim.reference(), ..Self::new(Code::Overloaded, message) }
            .hint("send it again in a moment; shorter texts are always taken")
    }
}

/// What a frame may hold.
pub(super) fn bounds(limits: &Limits) -> String {
    let Limits { text_bytes, meta_bytes, frame_bytes, .. } = limits;
    format!(
        "a text has at most {text_bytes} bytes, `act` and `meta` {meta_bytes} each, and everything \
         {frame_bytes}: say it in several messages"
    )
}

/// Where and why a parser stopped, with the field's name.
pub(super) fn broken(kind: Option<&str>, json: &[u8], error: &serde_json::Error) -> FrameError {
    let code = if is_json(json) { Code::BadFrame } else { Code::BadJson };
    let text = error.to_string();
    let names_field = text.starts_with("missing field") || text.starts_with("duplicate field");
    let field = if names_field || code == Code::BadJson { None } else { field_at(json, error) };
    let place = match (kind, &field) {
        (Some(kind), Some(field)) => format!("in `{kind}`, field `{field}`: "),
        (Some(kind), None) => format!("in `{kind}`: "),
        (None, Some(field)) => format!("in field `{field}`: "),
        (None, None) => String::new(),
    };
    let hint = hint(json, field.as_deref(), &text, code);
    FrameError::new(code, place + &text).hint(hint).in_frame(json)
}

/// Whether it keeps to the grammar, whatever its values are worth.
fn is_json(json: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(json).is_ok()
}

/// The field of the frame that was being read when the parser stopped.
fn field_at(json: &[u8], error: &serde_json::Error) -> Option<SmolStr> {
    let lines = json.split_inclusive(|byte| *byte == b'\n');
    let above: usize = lines.take(error.line().checked_sub(1)?).map(<[u8]>::len).sum();
    let skim = Skim::of(&json[..(above + error.column()).min(json.len())]);
    Some(SmolStr::new(skim.key())).filter(|key| !key.is_empty())
}

fn hint(json: &[u8], field: Option<&str>, problem: &str, code: Code) -> String {
    if let Some(meant) = field.and_then(|field| meant(json, field)) {
        return meant;
    }
    let about = |word: &str| problem.contains(word);
    if about("number out of range") {
        "numbers have to fit into a double: send this one as a string".to_owned()
    } else if about("surrogate") || about("hex escape") {
        "half of a character: was a text cut in the middle of an emoji?".to_owned()
    } else if about("duplicate field") {
        "name every field once".to_owned()
    } else if code == Code::BadJson {
        "a frame is one JSON object in one text frame".to_owned()
    } else {
        "docs/protocol.md and docs/frames.schema.json say what each frame holds".to_owned()
    }
}

/// What somebody meant who wrote a name as people write it.
fn meant(json: &[u8], field: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Names<'a> {
        #[serde(borrow)]
        room: Option<&'a RawValue>,
        #[serde(borrow)]
        to: Option<&'a RawValue>,
        #[serde(borrow)]
        from: Option<&'a RawValue>,
    }
    const GRAMMAR: &str =
        "a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit";
    if !matches!(field, "room" | "to" | "from") {
        return None;
    }
    let names: Names<'_> = serde_json::from_slice(json).ok()?;
    let raw = match field {
        "room" => names.room,
        "to" => names.to,
        "from" => names.from,
        _ => None,
    }?;
    let text: String = serde_json::from_str(raw.get()).ok()?;
    let is_room = |name: &str| RoomName::new(name).ok();
    let is_bot = |name: &str| BotId::new(name).ok();
    let plain = text.trim().trim_start_matches(['#', '@']).replace(' ', "-");
    Some(match (field, text.trim().chars().next()) {
        ("room", Some('@')) if is_bot(&plain).is_some() => {
            format!("`{plain}` is a bot's name then: did you mean \"to\": \"{plain}\"?")
        }
        ("to" | "from", Some('#')) if is_room(&plain).is_some() => {
            format!("`{plain}` is a room's name then: did you mean \"room\": \"{plain}\"?")
        }
        ("room", _) if is_room(&plain).is_some() => format!("did you mean `{plain}`?"),
        (_, _) if is_bot(&plain).is_some() => format!("did you mean `{plain}`?"),
        _ => GRAMMAR.to_owned(),
    })
}
