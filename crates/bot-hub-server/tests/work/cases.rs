//! A frame of every type and of every operation, and how its work may grow.

use std::collections::BTreeSet;

use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::operator::Operation;

/// How the work for a frame may grow with the hub, beyond what it costs anyway and a page of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// By a page of a list: a thousand lines (`LIST_PAGE`). A client that wants more asks again.
    List,
    /// By a look at each member of one room, of which `members_per_room` is the bound: a bot that speaks there
    /// causes as much.
    Members,
    /// By something for each room of the bot, of which `rooms_per_bot` is the bound.
    Rooms,
    /// By something for each entry that waited for a member that goes. Each is lost, and its sender is
    /// told so: the hub looks them up page by page, and other inputs come in between.
    Lost,
    /// By a look at each membership, by the store's writer and not by the engine: an index would cost
    /// every join, and a bot is seldom removed.
    Store,
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
    pub(crate) growth: &'static [Growth],
}

const FLAT: &[Growth] = &[];
const LIST: &[Growth] = &[Growth::List];
const MEMBERS: &[Growth] = &[Growth::Members];
const ROOMS: &[Growth] = &[Growth::Rooms];
/// Rooms of the bot, or members of one room, of which a page is told.
const ROOMS_LISTED: &[Growth] = &[Growth::List, Growth::Rooms];
const MEMBERS_LISTED: &[Growth] = &[Growth::List, Growth::Members];
/// A walk through rooms and their members ends after five thousand of them, and one room's more.
const WALK: &[Growth] = &[Growth::List, Growth::Members, Growth::Members, Growth::Rooms];

/// Types of frames, with what goes with `type`.
const FRAMES: &[(&str, &str, Who, &[Growth])] = &[
    ("auth", r#""token":"token-0""#, Who::Newcomer, FLAT),
    ("join", r#""room":"big""#, Who::Ana, MEMBERS),
    ("join (a mistyped room)", r#""room":"rom-7""#, Who::Newcomer, FLAT),
    ("leave", r#""room":"left""#, Who::Ana, FLAT),
    ("leave (a mistyped room)", r#""room":"rom-8""#, Who::Ana, FLAT),
    ("message", r#""room":"big","text":"hi","id":"n1""#, Who::Ana, MEMBERS),
    ("message (again)", r#""room":"big","text":"hi","id":"n1""#, Who::Ana, MEMBERS),
    ("message (to a bot)", r#""to":"bot-1","text":"hi","id":"n2""#, Who::Ana, FLAT),
    ("message (a mistyped bot)", r#""to":"bo-1","text":"hi","id":"n3""#, Who::Ana, FLAT),
    ("message (a mistyped room)", r#""room":"bigg","text":"hi","id":"n4""#, Who::Ana, FLAT),
    ("receipt", r#""room":"big","seq":1,"state":"received""#, Who::Ana, FLAT),
    ("receipt (of an entry)", r#""room":"big","id":"theirs-1","state":"started""#, Who::Ana, FLAT),
    ("receipt (unknown id)", r#""room":"big","id":"nothing","state":"started""#, Who::Ana, FLAT),
    ("presence", r#""state":"busy""#, Who::Ana, MEMBERS),
    ("typing", r#""room":"big""#, Who::Ana, MEMBERS),
    ("history", r#""room":"big""#, Who::Ana, FLAT),
    ("history (from the start)", r#""room":"big","after":0"#, Who::Ana, FLAT),
    ("status", r#""id":"mine""#, Who::Ana, LIST),
    ("status (as an operator)", r#""id":"mine","from":"ana""#, Who::Ops, LIST),
    ("status (of anybody)", r#""id":"mine""#, Who::Ops, LIST),
    ("rooms", "", Who::Ana, ROOMS_LISTED),
    ("rooms (a page of few)", r#""limit":3,"after":"room-1""#, Who::Ana, ROOMS_LISTED),
    ("rooms (as an operator)", "", Who::Ops, LIST),
    ("who", "", Who::Ana, WALK),
    ("who (further on)", r#""after":"big""#, Who::Ana, WALK),
    ("who (in a room)", r#""room":"big""#, Who::Ana, MEMBERS_LISTED),
    ("who (as an operator)", "", Who::Ops, LIST),
    ("operate", r#""ref":"r","do":{"hub_status":{}}"#, Who::Ana, FLAT),
];

/// Operations, with what is in them.
const OPERATIONS: &[(&str, &str, &[Growth])] = &[
    // First: a bot that is removed would lose all that waits for it there.
    ("room_remove", r#""room":"gone""#, &[Growth::Members, Growth::Lost]),
    ("bot_add", r#""bot":"zoe""#, FLAT),
    ("bot_list", "", LIST),
    ("bot_show", r#""bot":"bot-1""#, FLAT),
    ("bot_rotate_token", r#""bot":"bot-3""#, FLAT),
    ("bot_prepare_token", r#""bot":"bot-3""#, FLAT),
    ("bot_keep_token", r#""bot":"bot-3","token_id":"00""#, FLAT),
    ("bot_revoke_token", r#""bot":"bot-4""#, FLAT),
    ("bot_disable", r#""bot":"bot-5""#, FLAT),
    ("bot_enable", r#""bot":"bot-5""#, FLAT),
    ("bot_set", r#""bot":"bot-5","about":"mends what breaks""#, FLAT),
    ("bot_remove", r#""bot":"bot-6""#, &[Growth::Lost, Growth::Rooms, Growth::Store]),
    ("room_list", "", WALK),
    ("room_show", r#""room":"big""#, MEMBERS_LISTED),
    ("room_create", r#""room":"fresh""#, FLAT),
    ("room_add", r#""room":"big","bot":"ops""#, MEMBERS),
    ("room_kick", r#""room":"big","bot":"bot-7""#, &[Growth::Lost]),
    ("room_retain", r#""room":"alone","retain":{"entries":5}"#, FLAT),
    ("redact", r#""room":"big","seq":1"#, MEMBERS),
    ("redact (what is not there)", r#""room":"big","seq":9000000"#, FLAT),
    ("pending", "", WALK),
    ("pending (further on)", r#""after":"big""#, WALK),
    ("pending (of a bot)", r#""bot":"bot-8""#, ROOMS_LISTED),
    ("observe", "", FLAT),
    ("observe (a room)", r#""rooms":["big"]"#, FLAT),
    ("hub_status", "", FLAT),
    ("invite_create", r#""name":"gus","rooms":["big"]"#, FLAT),
    ("invite_list", "", LIST),
    ("invite_revoke", r#""id":"inv-1""#, FLAT),
    ("audit", "", FLAT),
    ("pause", r#""room":"big""#, FLAT),
    ("pause (a bot)", r#""bot":"ana""#, FLAT),
    ("pause (a member)", r#""room":"big","bot":"bot-9""#, FLAT),
    ("pause (everything)", "", FLAT),
    ("pause_list", "", LIST),
    ("resume", r#""room":"big""#, FLAT),
    ("resume (and skip)", r#""bot":"ana","skip":true"#, FLAT),
    ("resume (everything)", "", FLAT),
];

/// What nobody says over a bot's connection, in this order after all else.
pub(crate) const OTHERS: &[(&str, &[Growth])] = &[
    ("healthz", FLAT),
    ("metrics", FLAT),
    ("an operator that watches goes", FLAT),
    ("a reload", FLAT),
];

/// Ana comes back on another connection: last of all, since it takes over the one before.
fn back_in_all_rooms() -> Case {
    let frame = r#"{"type":"auth","token":"ana","caps":["ack","receipts"],"resume":{}}"#.into();
    let (name, before) = ("auth (back in all rooms)".into(), String::new());
    Case { name, who: Who::Newcomer, before, frame, growth: ROOMS }
}

/// Every frame that clients send, as an example.
const EXAMPLES: &str = include_str!("../../../../tests/frames/frames.txt");

/// A type of frame that `FRAMES` does not have: its first example, whose work may not grow.
fn example(kind: &str) -> Case {
    let start = format!(r#"> {{"type":"{kind}""#);
    let line = EXAMPLES.lines().find(|line| line.starts_with(&start)).expect(kind);
    let (name, before, frame) = (kind.into(), String::new(), line[2..].into());
    Case { name, who: Who::Ana, before, frame, growth: FLAT }
}

/// Every frame and every operation, in an order in which none spoils another.
pub(crate) fn all() -> Vec<Case> {
    let frames = FRAMES.iter().map(|(name, fields, who, growth)| {
        let separator = if fields.is_empty() { "" } else { "," };
        let frame = format!(r#"{{"type":"{}"{separator}{fields}}}"#, kind(name));
        let is_known_first = *who == Who::Newcomer && kind(name) != "auth";
        let before = if is_known_first { r#"{"type":"auth","token":"token-2"}"# } else { "" };
        Case { name: (*name).into(), who: *who, before: before.into(), frame, growth }
    });
    let operations = OPERATIONS.iter().map(|(name, fields, growth)| {
        let frame =
            format!(r#"{{"type":"operate","ref":"r","do":{{"{}":{{{fields}}}}}}}"#, kind(name));
        let (name, before) = (format!("operate {name}"), String::new());
        Case { name, who: Who::Ops, before, frame, growth }
    });
    let examples = ClientFrame::KINDS.iter().copied().filter(|it| !is_case(it)).map(example);
    frames.chain(examples).chain(operations).chain([back_in_all_rooms()]).collect()
}

/// A case's type: its name without the remark.
fn kind(name: &str) -> &str {
    name.split(" (").next().unwrap()
}

fn is_case(frame: &str) -> bool {
    FRAMES.iter().any(|it| kind(it.0) == frame)
}

/// Fails if there is an operation that no case has, or a case of nothing that there is.
pub(crate) fn none_is_missing() {
    assert!(FRAMES.iter().all(|it| ClientFrame::KINDS.contains(&kind(it.0))));
    // Serde says which ones it knows when it is asked for one that it does not.
    let error = serde_json::from_str::<Operation>(r#"{"nothing":{}}"#).unwrap_err().to_string();
    let known: BTreeSet<&str> = error.split('`').skip(3).step_by(2).collect();
    let operations: BTreeSet<&str> = OPERATIONS.iter().map(|it| kind(it.0)).collect();
    assert_eq!(operations, known, "{error}");
}
