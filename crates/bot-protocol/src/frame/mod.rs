//! Frames: the JSON objects that cross the WebSocket (`docs/protocol.md`).
//!
//! Owns the shapes of all frames and their decoding. [`client`] holds what a bot sends, [`server`]
//! what the hub sends, [`operator`] the part for those who run the hub, and [`answer`] what they are
//! answered; [`json`] is the short way for what is hot. Never gives a frame a meaning.
//!
//! Decoding looks at `type` first and then parses once into that frame's own struct: serde's tagged
//! enums would copy every field into a buffer on the way, and could not keep raw JSON raw.

pub mod answer;
pub mod audit;
mod beat;
pub mod client;
mod directory;
mod error;
pub mod json;
mod mend;
pub mod operator;
pub mod pause;
mod reason;
mod redaction;
mod refuse;
pub mod server;
mod skim;
pub mod strict;
mod survey;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use client::ClientFrame;
pub use mend::mend as readable;
pub use refuse::FrameError;
pub use server::ServerFrame;
pub use skim::Skim;
use survey::Survey;

use crate::code::Code;
use crate::depth;
use crate::limits::Limits;
use crate::work::spend;

/// JSON that is relayed exactly as it came, bounded in size and depth but not looked into.
#[derive(Clone, Debug)]
pub struct Opaque {
    json: Box<RawValue>,
    is_mended: bool,
}

impl Opaque {
    /// The JSON text.
    pub fn as_json(&self) -> &str {
        self.json.get()
    }

    /// Wraps JSON text that was checked before, as it comes from a store.
    pub fn from_json(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(|json| Self { json, is_mended: false })
    }

    /// A value of a frame that [`strict::check`] has walked over: every strict reader takes it as it is.
    fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let json = Option::<Box<RawValue>>::deserialize(deserializer)?;
        Ok(json.map(|json| Self { json, is_mended: false }))
    }

    /// The same, but such that every strict reader takes it. A hub once let in numbers and characters
    /// that JSON can write and no program can hold; they are replaced.
    #[must_use]
    pub fn readable(&self) -> Self {
        match mend::mend(self.as_json()) {
            Cow::Borrowed(text) if text == self.as_json() => self.clone(),
            mended => {
                let json = RawValue::from_string(mended.into_owned());
                Self { json: json.unwrap_or_default(), is_mended: true }
            }
        }
    }

    /// Whether something in it had to be replaced.
    pub fn is_mended(&self) -> bool {
        self.is_mended
    }
}

impl Serialize for Opaque {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self { json, is_mended: false }.readable())
    }
}

impl PartialEq for Opaque {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Opaque {}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Opaque {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Opaque".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "Any JSON, relayed as it is." })
    }
}

/// The `type` of a frame, without parsing the rest if it stands first, as it does in practice.
fn frame_type(json: &[u8]) -> Result<Cow<'_, str>, FrameError> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
    }

    if let Some(kind) = leading_type(json) {
        return Ok(Cow::Borrowed(kind));
    }
    spend(json.len());
    let head: Head<'_> = serde_json::from_slice(json).map_err(|error| {
        FrameError::new(Code::BadJson, format!("a frame is one JSON object: {error}"))
            .hint("a frame is one JSON object in one text frame, with a `type`")
    })?;
    head.kind.ok_or_else(|| {
        FrameError::new(Code::BadFrame, "field `type` is missing").hint("every frame has a `type`")
    })
}

/// The `type` if it is the object's first key and needs no unescaping.
fn leading_type(json: &[u8]) -> Option<&str> {
    let rest = after(json, b"{")?;
    let rest = after(rest, b"\"type\"")?;
    let rest = after(rest, b":")?;
    let rest = after(rest, b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    if rest[end] == b'\\' {
        return None;
    }
    std::str::from_utf8(&rest[..end]).ok()
}

fn after<'a>(json: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    json.trim_ascii_start().strip_prefix(token)
}

/// The body of a frame whose type is known.
fn decode_body<'a, T: Deserialize<'a>>(kind: &str, json: &'a [u8]) -> Result<T, FrameError> {
    spend(json.len());
    serde_json::from_slice(json).map_err(|error| refuse::broken(Some(kind), json, &error))
}

/// Bounds that are checked on the bytes, before anything that is dearer is done with them.
fn check_bytes(json: &[u8], limits: &Limits) -> Result<(), FrameError> {
    let (bytes, depth_max) = (json.len(), limits.json_depth as usize);
    if bytes > limits.wire_bytes_max() {
        return Err(too_large(bytes, limits.wire_bytes_max(), limits));
    }
    // No part of a short frame is too large.
    if bytes <= limits.meta_bytes.min(limits.frame_bytes) as usize {
        return if depth::within(json, depth_max) { Ok(()) } else { Err(too_deep(depth_max)) };
    }
    let Survey { depth, is_message, text, act, meta, .. } = Survey::of(json, depth_max);
    let frame_bytes = limits.frame_bytes as usize;
    match is_message {
        _ if depth > depth_max => Err(too_deep(depth_max)),
        // Only the text of a message may be longer than that, by its escapes.
        true => check_parts(
            [
                ("act", act, limits.meta_bytes as usize),
                ("meta", meta, limits.meta_bytes as usize),
                ("the frame", bytes - text, frame_bytes),
            ],
            limits,
        ),
        false if bytes > frame_bytes => Err(too_large(bytes, frame_bytes, limits)),
        false => Ok(()),
    }
}

fn too_deep(depth_max: usize) -> FrameError {
    let message = format!("at most {depth_max} levels are allowed");
    FrameError::new(Code::TooDeep, message).hint("flatten it, or send the inner part as a string")
}

fn too_large(bytes: usize, bytes_max: usize, limits: &Limits) -> FrameError {
    let message = format!("{bytes} bytes, at most {bytes_max} are allowed");
    FrameError::new(Code::TooLarge, message).hint(refuse::bounds(limits))
}

/// Refuses the first part that is too large: its name, its bytes, and how many it may have.
fn check_parts<const N: usize>(
    parts: [(&str, usize, usize); N],
    limits: &Limits,
) -> Result<(), FrameError> {
    let over = parts.into_iter().find(|(_, bytes, bytes_max)| bytes > bytes_max);
    let Some((what, bytes, bytes_max)) = over else { return Ok(()) };
    let message = format!("`{what}` has {bytes} bytes, at most {bytes_max} are allowed");
    Err(FrameError::new(Code::TooLarge, message).hint(refuse::bounds(limits)))
}

/// Defines an enum of frames: one variant per type, its wire name and its struct.
macro_rules! frames {
    ($(#[$doc:meta])* $enum:ident { $($(#[$variant_doc:meta])* $name:literal => $variant:ident($body:ty),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum $enum {
            $($(#[$variant_doc])* #[serde(rename = $name)] $variant($body),)*
        }

        impl $enum {
            /// The frame's `type` on the wire.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Every `type` of this direction.
            pub const KINDS: &[&str] = &[$($name,)*];

            fn decode_as(kind: &str, json: &[u8]) -> Result<Option<Self>, crate::frame::FrameError> {
                match kind {
                    $($name => crate::frame::decode_body(kind, json).map(Self::$variant).map(Some),)*
                    _ => Ok(None),
                }
            }

            /// The frame as JSON text.
            ///
            /// # Panics
            ///
            /// Never: frames hold nothing that JSON cannot express.
            pub fn encode(&self) -> String {
                serde_json::to_string(self).expect("a frame is made of strings, numbers and lists")
            }
        }
    };
}
pub(crate) use frames;

#[cfg(test)]
mod tests {
    use super::*;

    fn client(json: &str) -> Result<ClientFrame, (u16, String, Option<String>)> {
        ClientFrame::decode(json.as_bytes(), &Limits::default()).map_err(|error| {
            (error.code.number(), error.message, error.reference.map(String::from))
        })
    }

    fn check_refusal(json: &str, code: u16, message: &str, reference: Option<&str>) {
        let (found, text, about) = client(json).expect_err(json);
        assert_eq!((found, about.as_deref()), (code, reference), "{text}");
        assert!(text.contains(message), "{text:?} lacks {message:?}");
    }

    /// What a client sends comes out of decode and encode again, in canonical form.
    fn check_client(json: &str, canonical: &str) {
        assert_eq!(client(json).expect(json).encode(), canonical);
    }

    #[test]
    fn the_seeds_frames_are_read() {
        check_client(r#"{"type":"auth","token":"abc123"}"#, r#"{"type":"auth","token":"abc123"}"#);
        check_client(r#"{ "type" : "join", "room" : "Lab" }"#, r#"{"type":"join","room":"lab"}"#);
        check_client(
            r#"{"room":"lab","text":"hi \u00e9","type":"message"}"#,
            r#"{"type":"message","room":"lab","text":"hi é"}"#,
        );
    }

    #[test]
    fn raw_json_is_relayed_as_it_came() {
        let json = r#"{"type":"message","room":"lab","text":"x","meta":{"b": 1.0,  "a":[]}}"#;
        check_client(json, json);
    }

    #[test]
    fn a_refusal_says_what_and_where() {
        check_refusal("", 1001, "EOF", None);
        check_refusal("[]", 1001, "one JSON object", None);
        check_refusal("{}", 1004, "`type` is missing", None);
        check_refusal(r#"{"type":"jion"}"#, 1002, "`jion` is none of auth, join", Some("jion"));
        check_refusal(r#"{"type":"join"}"#, 1004, "missing field `room`", Some("join"));
        check_refusal(r#"{"type":"join","room":"a b"}"#, 1004, "` ` at position 1", Some("join"));
        check_refusal(r#"{"type":"join","room":"a""#, 1001, "EOF", Some("join"));
        check_refusal(
            r#"{"type":"message","text":"x"}"#,
            1004,
            "either `room` or `to`",
            Some("message"),
        );
        check_refusal(
            r#"{"type":"receipt","room":"lab","id":"x","state":"delivered"}"#,
            1004,
            "only the hub",
            Some("x"),
        );
        check_refusal(
            r#"{"type":"join","room":"a","room":"b"}"#,
            1004,
            "duplicate field `room`",
            Some("join"),
        );
    }

    #[test]
    fn what_is_relayed_is_bounded_too() {
        let deep = format!(
            r#"{{"type":"message","room":"lab","text":"x","meta":{}{}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        );
        check_refusal(&deep, 1005, "at most 32 levels", Some("message"));
        let wide = format!(
            r#"{{"type":"message","id":"m1","room":"lab","text":"{}"}}"#,
            "x".repeat(140_000)
        );
        check_refusal(&wide, 1003, "`text` has 140000 bytes", Some("m1"));
        check_refusal(&" ".repeat(300_000), 1003, "300000 bytes", None);
    }

    #[test]
    fn a_client_reads_what_a_hub_writes() {
        let ack = r#"{"type":"ack","room":"lab","id":"m1","seq":7,"delivered":1,"queued":2}"#;
        let frame = ServerFrame::decode(ack.as_bytes()).unwrap().unwrap();
        assert_eq!(frame.encode(), ack);
        assert_eq!(ServerFrame::decode(br#"{"type":"from_the_future"}"#), Ok(None));
    }
}
