//! A frame of every type and of every operation, and how its work may grow.

use std::collections::BTreeSet;

use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::operator::Operation;

/// How the work for a frame may grow with the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// By a page, and no further.
    Page,
    /// By a look at each member of the room, and at most at each room of the bot.
    Members,
    /// By a look at each token and membership, by the store's writer and not by the engine: an index
    /// would cost every join, and this is rare.
    Store,
    /// By something for each room of the bot, of which `rooms_per_bot` is the bound.
    Rooms,
}

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A member of nearly every room.
    Ana,
    /// An operator.
    Ops,
    /// A connection that has not authenticated.
    Newcomer,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) who: Who,
    /// What it says first, uncounted.
    pub(crate) before: String,
    pub(crate) frame: String,
    pub(crate) growth: Growth,
}

/// What is known to grow. A case on this list that is flat fails, too.
pub(crate) const NOT_FLAT_YET: &[&str] = &[
    "message (again)",
    "status",
    "status (as an operator)",
    "status (of anybody)",
    "rooms",
    "rooms (as an operator)",
    "who",
    "who (in a room)",
    "who (as an operator)",
    "operate bot_list",
    "operate room_list",
    "operate room_show",
    "operate pending",
    "operate pending (of a bot)",
    "operate hub_status",
    "operate invite_list",
    "operate bot_remove",
    "operate room_kick",
    "auth (back in all rooms)",
];

/// Types of frames, with what goes with `type`.
const FRAMES: &[(&str, &str, Who, Growth)] = &[
    ("auth", r#""token":"token-0""#, Who::Newcomer, Growth::Page),
    ("join", r#""room":"big""#, Who::Ana, Growth::Members),
    ("join (a mistyped room)", r#""room":"rom-7""#, Who::Newcomer, Growth::Page),
    ("leave", r#""room":"left""#, Who::Ana, Growth::Page),
    ("leave (a mistyped room)", r#""room":"rom-8""#, Who::Ana, Growth::Page),
    ("message", r#""room":"big","text":"hi","id":"n1""#, Who::Ana, Growth::Members),
    ("message (again)", r#""room":"big","text":"hi","id":"n1""#, Who::Ana, Growth::Page),
    ("message (to a bot)", r#""to":"bot-1","text":"hi","id":"n2""#, Who::Ana, Growth::Page),
    ("message (a mistyped bot)", r#""to":"bo-1","text":"hi","id":"n3""#, Who::Ana, Growth::Page),
    ("message (a mistyped room)", r#""room":"bigg","text":"hi","id":"n4""#, Who::Ana, Growth::Page),
    ("receipt", r#""room":"big","seq":1,"state":"received""#, Who::Ana, Growth::Page),
    (
        "receipt (of an entry)",
        r#""room":"big","id":"theirs-1","state":"started""#,
        Who::Ana,
        Growth::Page,
    ),
    (
        "receipt (unknown id)",
        r#""room":"big","id":"nothing","state":"started""#,
        Who::Ana,
        Growth::Page,
    ),
    ("presence", r#""state":"busy""#, Who::Ana, Growth::Members),
    ("typing", r#""room":"big""#, Who::Ana, Growth::Members),
    ("history", r#""room":"big""#, Who::Ana, Growth::Page),
    ("history (from the start)", r#""room":"big","after":0"#, Who::Ana, Growth::Page),
    ("status", r#""id":"mine""#, Who::Ana, Growth::Page),
    ("status (as an operator)", r#""id":"mine","from":"ana""#, Who::Ops, Growth::Page),
    ("status (of anybody)", r#""id":"mine""#, Who::Ops, Growth::Page),
    ("rooms", "", Who::Ana, Growth::Page),
    ("rooms (as an operator)", "", Who::Ops, Growth::Page),
    ("who", "", Who::Ana, Growth::Page),
    ("who (in a room)", r#""room":"big""#, Who::Ana, Growth::Page),
    ("who (as an operator)", "", Who::Ops, Growth::Page),
    ("ping", "", Who::Ana, Growth::Page),
    ("operate", r#""ref":"r","do":{"hub_status":{}}"#, Who::Ana, Growth::Page),
];

/// Operations, with what is in them.
const OPERATIONS: &[(&str, &str, Growth)] = &[
    ("bot_add", r#""bot":"zoe""#, Growth::Page),
    ("bot_list", "", Growth::Page),
    ("bot_show", r#""bot":"bot-1""#, Growth::Page),
    ("bot_rotate_token", r#""bot":"bot-3""#, Growth::Store),
    ("bot_prepare_token", r#""bot":"bot-3""#, Growth::Store),
    ("bot_keep_token", r#""bot":"bot-3","token_id":"00""#, Growth::Page),
    ("bot_revoke_token", r#""bot":"bot-4""#, Growth::Store),
    ("bot_disable", r#""bot":"bot-5""#, Growth::Page),
    ("bot_enable", r#""bot":"bot-5""#, Growth::Page),
    ("bot_remove", r#""bot":"bot-6""#, Growth::Store),
    ("room_list", "", Growth::Page),
    ("room_show", r#""room":"big""#, Growth::Page),
    ("room_create", r#""room":"fresh""#, Growth::Page),
    ("room_add", r#""room":"big","bot":"ops""#, Growth::Members),
    ("room_kick", r#""room":"big","bot":"bot-7""#, Growth::Page),
    ("room_retain", r#""room":"alone","retain":{"entries":5}"#, Growth::Page),
    ("pending", "", Growth::Page),
    ("pending (of a bot)", r#""bot":"bot-8""#, Growth::Page),
    ("observe", "", Growth::Page),
    ("observe (a room)", r#""rooms":["big"]"#, Growth::Page),
    ("hub_status", "", Growth::Page),
    ("invite_create", r#""name":"gus","rooms":["big"]"#, Growth::Page),
    ("invite_list", "", Growth::Page),
    ("invite_revoke", r#""id":"inv-1""#, Growth::Page),
];

/// Ana comes back on another connection: last of all, since it takes over the one before.
fn back_in_all_rooms() -> Case {
    let frame = r#"{"type":"auth","token":"ana","caps":["ack","receipts"],"resume":{}}"#.into();
    let (name, before) = ("auth (back in all rooms)".into(), String::new());
    Case { name, who: Who::Newcomer, before, frame, growth: Growth::Rooms }
}

/// Every frame and every operation, in an order in which none spoils another.
pub(crate) fn all() -> Vec<Case> {
    let frames = FRAMES.iter().map(|(name, fields, who, growth)| {
        let separator = if fields.is_empty() { "" } else { "," };
        let frame = format!(r#"{{"type":"{}"{separator}{fields}}}"#, kind(name));
        let is_known_first = *who == Who::Newcomer && kind(name) != "auth";
        let before = if is_known_first { r#"{"type":"auth","token":"token-2"}"# } else { "" };
        Case { name: (*name).into(), who: *who, before: before.into(), frame, growth: *growth }
    });
    let operations = OPERATIONS.iter().map(|(name, fields, growth)| {
        let frame =
            format!(r#"{{"type":"operate","ref":"r","do":{{"{}":{{{fields}}}}}}}"#, kind(name));
        let (name, before) = (format!("operate {name}"), String::new());
        Case { name, who: Who::Ops, before, frame, growth: *growth }
    });
    frames.chain(operations).chain([back_in_all_rooms()]).collect()
}

/// A case's type: its name without the remark.
fn kind(name: &str) -> &str {
    name.split(" (").next().unwrap()
}

/// Fails if there is a frame or an operation that no case has.
pub(crate) fn none_is_missing() {
    let frames: BTreeSet<&str> = FRAMES.iter().map(|it| kind(it.0)).collect();
    assert_eq!(frames, ClientFrame::KINDS.iter().copied().collect());
    // Serde says which ones it knows when it is asked for one that it does not.
    let error = serde_json::from_str::<Operation>(r#"{"nothing":{}}"#).unwrap_err().to_string();
    let known: BTreeSet<&str> = error.split('`').skip(3).step_by(2).collect();
    let operations: BTreeSet<&str> = OPERATIONS.iter().map(|it| kind(it.0)).collect();
    assert_eq!(operations, known, "{error}");
}
