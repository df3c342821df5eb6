//! What can be configured: one struct per section of the file.
//!
//! Owns keys, defaults, ranges and the sentence that explains each. The reference, the commented
//! file of `config init` and the JSON Schema are generated from here. Never reads a file, and never
//! holds what was made at run time: bots, rooms and tokens made later live in the store.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use bot_protocol::name::{BotId, RoomName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::public_url::PublicUrl;
use super::quantity::{ByteSize, Period};
use super::tls::Tls;
use super::token::{self, Token};
use super::written::{
    self, AddressText, BotText, NetworkText, OneOrMany, OriginText, PublicUrlText, RoomText,
};
use crate::net::Network;

/// The port of the original hub, so that a file without any setting serves its clients.
pub const PORT_DEFAULT: u16 = 18795;

/// The configuration of one hub: plain values, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// TCP port on the loopback interface; 0 lets the system choose. To be reached from other
    /// machines, say so with `listen`.
    #[schemars(extend("x-applies" = "restart"))]
    pub port: u16,
    /// Where to accept connections, as `ADDRESS:PORT`, one or a list. Wins over `port`. Without it
    /// only programs on this machine can connect (the original hub listened on every interface).
    #[schemars(
        with = "Option<OneOrMany<AddressText>>",
        extend("x-applies" = "restart"),
        example = &["127.0.0.1:18795", "[::1]:18795"]
    )]
    pub listen: Option<OneOrMany<SocketAddr>>,
    /// The address by which the world reaches the hub, `https://host` with a port if it is unusual. It
    /// stands in what the hub gives to others: invites, pages, instructions. A proxy or the hub itself
    /// has to answer there; nothing is listened on because of it.
    #[schemars(with = "Option<PublicUrlText>", example = &"https://hub.example.org")]
    pub public_url: Option<PublicUrl>,
    /// Proxies whose word is taken for who a client is (`X-Forwarded-For`) and whether it came
    /// encrypted (`X-Forwarded-Proto`), as addresses or networks. From anybody else these headers mean
    /// nothing. Without it, limits per address count everybody behind a proxy as one.
    #[schemars(
        with = "Vec<NetworkText>",
        extend("x-applies" = "new connections"),
        example = &["127.0.0.1", "10.42.0.0/16"]
    )]
    #[serde(with = "written::texts")]
    pub trust_proxies: Vec<Network>,
    /// Tokens and the bot that each belongs to. `${NAME}` inside a token is replaced by the
    /// environment variable `NAME`, so that the secret need not stand here. A bot may have several.
    /// Bots made with `bot-hub bot add` live in the store and need no entry.
    #[schemars(
        with = "BTreeMap<Token, TokenEntry>",
        extend("x-key" = "token", "examples" = [{ "${MARLBOT_TOKEN}": { "botId": "marlbot" } }])
    )]
    #[serde(serialize_with = "token::serialize_map")]
    pub tokens: BTreeMap<Token, TokenEntry>,
    /// Bots that may administer the hub and read any room.
    #[schemars(with = "Vec<BotText>", example = &["marlbot"])]
    pub operators: Vec<BotId>,
    /// Rooms that exist from the start. Removing one here does not delete it.
    #[schemars(
        with = "BTreeMap<RoomText, Room>",
        extend("x-key" = "room-name", "examples" = [{
            "marlbot-pelouse": { "members": ["marlbot", "pelouse"], "retain": { "age": "90d" } }
        }])
    )]
    pub rooms: BTreeMap<RoomName, Room>,
    /// Whether a bot makes a room by joining one that does not exist, as the original hub did.
    pub create_rooms_on_join: bool,
    /// Whether a bot that came by an invite may speak directly with every bot here. Otherwise only with
    /// those that it shares a room with; bots of this file and of `bot add` are free either way.
    pub guests_reach_all: bool,
    /// Web pages (`https://host`) whose scripts may connect. The hub's own pages always
    /// may; every other page is refused. Most bots send no `Origin` and are not concerned.
    #[schemars(with = "Vec<OriginText>", example = &["https://bots.example.com"])]
    pub allowed_origins: Vec<String>,
    /// Encrypted connections without a proxy in front: `certFile` and `keyFile`, or `acme`. Without
    /// either the hub speaks plain `ws://`.
    pub tls: Tls,
    /// Where messages are kept.
    pub store: Store,
    /// How long a room keeps its entries, unless the room says otherwise. Whichever bound is
    /// reached first counts; `null` lifts one.
    pub retention: Retention,
    /// How long the hub keeps what operators did (`bot-hub audit`). Whichever bound is reached first
    /// counts; `null` lifts one.
    pub audit: Audit,
    /// Bounds on what one party can make the hub hold or do. A limit that is hit is announced;
    /// nothing is dropped silently.
    pub limits: Limits,
    /// How long the hub waits for somebody.
    pub timeouts: Timeouts,
    /// What the hub says about itself, on stderr.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: PORT_DEFAULT,
            listen: None,
            public_url: None,
            trust_proxies: Vec::new(),
            tokens: BTreeMap::new(),
            operators: Vec::new(),
            rooms: BTreeMap::new(),
            create_rooms_on_join: true,
            guests_reach_all: false,
            allowed_origins: Vec::new(),
            tls: Tls::default(),
            store: Store::default(),
            retention: Retention::default(),
            audit: Audit::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            log: Log::default(),
        }
    }
}

impl Config {
    /// Where to accept connections: `listen`, or `port` on the loopback interface. Never empty.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.listen {
            Some(listen) => listen.0.clone(),
            None => vec![SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))],
        }
    }

    /// The address by which the world reaches the hub, if somebody said so.
    pub fn public_url(&self) -> Option<&PublicUrl> {
        self.public_url.as_ref()
    }

    /// What a room keeps: its own `retain`, filled up from `retention`.
    pub fn retention_of(&self, room: &RoomName) -> Retention {
        match self.rooms.get(room) {
            Some(room) => room.retain.over(&self.retention),
            None => self.retention.clone(),
        }
    }
}

/// The bot behind a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenEntry {
    /// The name of the bot that owns the token.
    #[schemars(with = "BotText")]
    pub bot_id: BotId,
    /// Refuses the token without forgetting whose it was.
    #[serde(default)]
    pub disabled: bool,
}

/// A room that exists from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Room {
    /// Bots that are made members at the start. Members who joined by themselves stay.
    #[schemars(with = "Vec<BotText>")]
    pub members: Vec<BotId>,
    /// What this room keeps; a bound that is not given is taken from `retention`.
    pub retain: Retain,
    /// Whether any bot may join; otherwise only the members listed here and those whom an operator
    /// adds.
    pub open: bool,
}

/// A room's own bounds: each may be given, lifted, or left to `retention`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Retain {
    /// Entries older than this go.
    #[schemars(with = "Option<Period>")]
    #[serde(skip_serializing_if = "Keep::is_inherited")]
    pub age: Keep<Period>,
    /// The newest so many entries stay.
    #[schemars(with = "Option<u64>", range(min = 1))]
    #[serde(skip_serializing_if = "Keep::is_inherited")]
    pub entries: Keep<u64>,
    /// The newest entries stay, up to this many bytes of text and metadata.
    #[schemars(with = "Option<ByteSize>")]
    #[serde(skip_serializing_if = "Keep::is_inherited")]
    pub bytes: Keep<ByteSize>,
}

impl Retain {
    fn over(&self, base: &Retention) -> Retention {
        Retention {
            age: self.age.or(base.age),
            entries: self.entries.or(base.entries),
            bytes: self.bytes.or(base.bytes),
        }
    }
}

/// One bound of a room: absent, `null` or a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep<T> {
    /// Not given: the hub's `retention` decides.
    #[default]
    Inherited,
    /// `null`: this bound does not exist for the room.
    Everything,
    /// The bound.
    AtMost(T),
}

impl<T: Copy> Keep<T> {
    /// Whether nothing was said.
    pub fn is_inherited(&self) -> bool {
        matches!(self, Self::Inherited)
    }

    fn or(self, base: Option<T>) -> Option<T> {
        match self {
            Self::Inherited => base,
            Self::Everything => None,
            Self::AtMost(bound) => Some(bound),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keep<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bound = Option::deserialize(deserializer)?;
        Ok(bound.map_or(Self::Everything, Self::AtMost))
    }
}

impl<T: Serialize> Serialize for Keep<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AtMost(bound) => bound.serialize(serializer),
            Self::Inherited | Self::Everything => serializer.serialize_none(),
        }
    }
}

/// How long a room keeps its entries; `None` lifts a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Retention {
    /// Entries older than this go.
    pub age: Option<Period>,
    /// The newest so many entries stay.
    #[schemars(range(min = 1))]
    pub entries: Option<u64>,
    /// The newest entries stay, up to this many bytes of text and metadata.
    pub bytes: Option<ByteSize>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: Some(Period::days(30)),
            entries: Some(100_000),
            bytes: Some(ByteSize::mib(256)),
        }
    }
}

/// How long the hub keeps what operators did; `None` lifts a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Audit {
    /// Records older than this go.
    pub age: Option<Period>,
    /// The newest so many records stay.
    #[schemars(range(min = 1))]
    pub entries: Option<u64>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { age: Some(Period::days(400)), entries: Some(100_000) }
    }
}

/// Where messages are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Store {
    /// `sqlite` keeps everything in the data directory; `memory` forgets it when the hub stops, and
    /// keeps the newest 1,000 entries and 1 MiB of a room at most.
    #[schemars(extend("x-applies" = "restart"))]
    pub kind: StoreKind,
    /// The data directory. `null` is the user's own (`$XDG_DATA_HOME/bot-hub`, by default
    /// `~/.local/share/bot-hub`), or `$STATE_DIRECTORY` of a systemd service. A relative path counts
    /// from the folder of the configuration file; `~/` is the home directory.
    #[schemars(with = "Option<PathBuf>", extend("format" = "path", "x-applies" = "restart"))]
    pub path: Option<PathBuf>,
    /// When a message counts as stored: `full` waits until the disk has it, so that an acknowledged
    /// message survives a power cut.
    #[schemars(extend("x-applies" = "restart"))]
    pub sync: Sync,
}

/// The backend of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StoreKind {
    /// One SQLite file in the data directory.
    #[default]
    Sqlite,
    /// Nothing survives the process: for trying things out, and for tests.
    Memory,
}

/// When a commit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Sync {
    /// After fsync. There is no weaker choice: an acknowledgement has one meaning.
    #[default]
    Full,
}

/// How long the hub waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeouts {
    /// From the first byte of a connection, or of a later request over it, to the complete request and its
    /// answer.
    #[schemars(extend("x-applies" = "new connections"))]
    pub handshake: Period,
    /// From the WebSocket upgrade to the `auth` frame. As long as the handshake: a bot that starts
    /// up may stall between opening its socket and its first word, and `limits.unauthenticatedMax`
    /// already bounds what waiting costs.
    #[schemars(extend("x-applies" = "new connections"))]
    pub auth: Period,
    /// Silence after which the hub sends a WebSocket ping. Shorter than the 30 s after which many
    /// proxies and home routers forget a quiet connection.
    #[schemars(extend("x-applies" = "new connections"))]
    pub ping: Period,
    /// Silence after which a peer counts as gone, its pongs included. More than two pings, so that
    /// one lost packet does not cut a connection.
    #[schemars(extend("x-applies" = "new connections"))]
    pub dead: Period,
    /// How long a peer may leave its socket full before it is cut off; it resumes where it was.
    #[schemars(extend("x-applies" = "new connections"))]
    pub write_stall: Period,
    /// After SIGTERM: how long connections may take to end before the hub leaves without them.
    pub drain: Period,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Period::seconds(10),
            auth: Period::seconds(10),
            ping: Period::seconds(25),
            dead: Period::seconds(60),
            write_stall: Period::seconds(10),
            drain: Period::seconds(5),
        }
    }
}

/// What the hub says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Log {
    /// `text` for people, `json` with one object per line for machines; `auto` is `text` on a
    /// terminal and `json` elsewhere.
    #[schemars(extend("x-applies" = "restart"))]
    pub format: LogFormat,
    /// The least important kind of line that is written.
    pub level: LogLevel,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines: one object per line.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogLevel {
    /// What went wrong and needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// Why it happened.
    Debug,
    /// Every step.
    Trace,
}
