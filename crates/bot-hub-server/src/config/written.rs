//! How names, addresses and lists are described to the JSON Schema.
//!
//! Owns the stand-ins by which types from elsewhere get a `format` that [`mod@super::schema`] knows.
//! Never holds a value, [`OneOrMany`] aside.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One value or a list of them, as in `listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written<T> {
            One(T),
            Many(Vec<T>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::One(one) => Self(vec![one]),
            Written::Many(many) => Self(many),
        })
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// Lists of values that are written as they are displayed.
pub(super) mod texts {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let parsed = texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom));
        parsed.collect()
    }
}

macro_rules! text_with_format {
    ($(#[$doc:meta] $name:ident: $format:literal $(, $key:literal: $value:literal)*;)*) => {$(
        #[$doc]
        #[derive(Debug)]
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $format $(, $key: $value)* })
            }
        }
    )*};
}

text_with_format! {
    /// The name of a bot.
    BotText: "bot-id", "maxLength": 64;
    /// The name of a room.
    RoomText: "room-name";
    /// An IP address and a port.
    AddressText: "address";
    /// A web origin.
    OriginText: "origin";
    /// The name of a host in the DNS.
    DomainText: "domain";
    /// An address that begins with `https://`.
    WebAddressText: "https-address";
    /// Where the world reaches the hub.
    PublicUrlText: "public-url";
    /// An address, or a network as in `10.0.0.0/8`.
    NetworkText: "network";
}
