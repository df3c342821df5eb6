//! A bot's token as it stands in the configuration file.
//!
//! Owns the one value in the configuration that is a secret. Never prints it: `Debug`, `Display`
//! and `Serialize` show a redacted form, and only [`Token::reveal`] hands out the text.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Below this many characters a token can be guessed. The seed's tokens are arbitrary, so a short
/// one is warned about and not refused.
pub const TOKEN_WEAK_CHARS: usize = 16;

/// A shared secret by which a bot proves who it is. Ordinary comparison: whoever authenticates
/// strangers compares hashes, never these.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(String);

impl Token {
    /// Takes the text as it is; whether it is empty or weak is judged with the file.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Each call is a place to look at in a review.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A form that a person recognises and nobody can use; see [`redact`].
    pub fn redacted(&self) -> String {
        redact(&self.0)
    }

    /// Whether the token is shorter than [`TOKEN_WEAK_CHARS`].
    pub fn is_weak(&self) -> bool {
        is_weak(&self.0)
    }
}

/// Whether somebody could guess that token.
pub fn is_weak(token: &str) -> bool {
    token.chars().count() < TOKEN_WEAK_CHARS
}

/// Serializes a map by redacted tokens; two that look alike are numbered, so that none is lost.
pub(super) fn serialize_map<V: Serialize, S: Serializer>(
    tokens: &BTreeMap<Token, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut alike: BTreeMap<String, u32> = BTreeMap::new();
    let mut map = serializer.serialize_map(Some(tokens.len()))?;
    for (token, value) in tokens {
        let redacted = token.redacted();
        let count = alike.entry(redacted.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { redacted } else { format!("{redacted} ({count})") };
        map.serialize_entry(&name, value)?;
    }
    map.end()
}

/// At most four characters, at most a quarter of the text, and `…`. A short secret shows nothing:
/// four characters of six would be most of it.
pub fn redact(secret: &str) -> String {
    let shown = (secret.chars().count() / 4).min(4);
    let start: String =
        secret.chars().take(shown).take_while(|shown| !shown.is_control()).collect();
    format!("{start}…")
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.redacted())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Token {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Token".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "token" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: &str, expected: &str) {
        let token = Token::new(secret);
        assert_eq!(token.to_string(), expected);
        assert_eq!(format!("{token:?}"), format!("Token({expected})"));
        assert_eq!(serde_json::to_value(&token).unwrap(), expected);
    }

    #[test]
    fn a_token_prints_at_most_four_characters_and_a_quarter_of_itself() {
        check("token-for-marlbot", "toke…");
        check("abc123", "a…");
        check("abc", "…");
        check("", "…");
        check("\u{1b}[31mredredredredred", "…");
        check("ééééééééé", "éé…");
    }

    #[test]
    fn a_token_of_fewer_than_16_characters_is_weak() {
        let check = |secret: &str, expected| assert_eq!(Token::new(secret).is_weak(), expected);
        check("", true);
        check("fifteen-letters", true);
        check("sixteen--letters", false);
        check("a-token-that-nobody-guesses", false);
        check("äöüäöüäöüäöüäöü", true);
    }

    #[test]
    fn tokens_that_look_alike_are_numbered() {
        #[derive(Serialize)]
        struct Tokens(#[serde(serialize_with = "serialize_map")] BTreeMap<Token, u8>);
        let tokens = ["token-for-a-bot-1", "token-for-a-bot-2", "token-for-a-bot-3", "another-one"];
        let tokens = Tokens(tokens.into_iter().map(Token::new).zip(1..).collect());
        let shown = serde_json::to_string(&tokens).unwrap();
        assert_eq!(shown, r#"{"an…":4,"toke…":1,"toke… (2)":2,"toke… (3)":3}"#);
    }
}
