//! JSON Schema of the words that are strings with a grammar.
//!
//! Owns the patterns; the frames themselves derive their schema. Only with the feature `schema`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::id::{Epoch, MessageId};
use crate::line::{OneLine, Skill};
use crate::name::{BotId, RoomName};

macro_rules! string_schema {
    ($type:ty, $name:literal, $pattern:literal, $doc:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $doc })
            }
        }
    };
}

string_schema!(
    BotId,
    "BotId",
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    "A bot's name, compared without case."
);
string_schema!(
    RoomName,
    "RoomName",
    "^(dm:[A-Za-z0-9][A-Za-z0-9._-]{0,63}:)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    "A room's name, compared without case; `dm:<a>:<b>` for two bots."
);
string_schema!(MessageId, "MessageId", "^[!-~]{1,64}$", "1 to 64 visible ASCII characters.");
string_schema!(Epoch, "Epoch", "^[0-9a-f]{1,16}$", "One life of the hub's store.");
string_schema!(
    OneLine,
    "OneLine",
    "^[^\\x00-\\x1f\\x7f-\\x9f]{0,280}$",
    "At most 280 characters on one line."
);
string_schema!(Skill, "Skill", "^[a-z0-9-]{1,32}$", "One word for what a bot can do.");
