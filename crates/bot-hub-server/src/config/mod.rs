//! The configuration of the hub: from texts that people wrote to plain, checked values.
//!
//! Owns what can be configured, where it is read from (defaults, then the file, then `BOT_HUB_*`
//! variables, then flags), and how mistakes are told. Never writes the file (`config init` makes a
//! new one), never watches it, and never applies anything: the engine does.
//!
//! The way of a setting: [`syntax`] reads text into a tree that knows lines and columns; [`validate`]
//! judges it by the [`mod@schema`], which comes from the doc comments and types in [`settings`];
//! [`layers`] lays variables and flags over it; serde makes a [`Config`] of the result; [`meaning`]
//! judges settings against one another.

mod change;
mod format;
mod json_schema;
mod layers;
mod limits;
mod load;
mod meaning;
mod node;
mod paths;
pub(crate) mod plain;
mod problem;
mod public_url;
mod quantity;
mod reference;
mod schema;
mod settings;
mod show;
mod stamp;
mod starter;
mod syntax;
mod tls;
mod token;
mod validate;
mod variables;
mod written;

pub use change::Change;
pub use json_schema::{schema, schema_text};
pub use layers::{ENV_PREFIX, Environment, Override};
pub use limits::Limits;
pub use load::{Loaded, Sources, load, load_bytes, load_text};
pub use paths::{
    CONFIG_VARIABLE, config_file, config_home, data_dir, system_config_file, user_config_file,
};
pub use problem::{ConfigErrors, Origin, Place, Problem, Source};
pub use public_url::{PublicUrl, PublicUrlError};
pub use quantity::{ByteSize, Period, QuantityError};
pub use reference::reference;
pub use schema::Applies;
pub use settings::{
    Audit, Config, Keep, Log, LogFormat, LogLevel, PORT_DEFAULT, Retain, Retention, Room, Store,
    StoreKind, Sync, Timeouts, TokenEntry,
};
pub use show::Setting;
pub use stamp::FileStamp;
pub use starter::starter;
pub use tls::{ACME_DIRECTORY_DEFAULT, Acme, Tls};
pub use token::{TOKEN_WEAK_CHARS, Token, is_weak, redact};
pub use written::OneOrMany;
