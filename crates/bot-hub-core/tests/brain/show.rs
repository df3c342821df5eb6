//! Outputs as lines of text.

use bot_hub_core::Stats;
use bot_hub_core::change::{Change, Query, Span};
use bot_hub_core::delivery;
use bot_hub_core::entry::Entry;
use bot_hub_core::io::{Circumstances, ConnId, Output};
use bot_hub_core::pause::PauseKey;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::{AuthOk, Delivery};
use bot_protocol::id::MessageId;

/// `label` tells the name of a connection and whether it is a seed client's.
pub(crate) fn output<'a>(
    output: &Output,
    full: bool,
    label: impl Fn(&ConnId) -> (&'a str, bool),
) -> String {
    match output {
        Output::Change(it) => format!("store <- {}", change(it)),
        Output::Pause { line, on } => {
            let how = if *on { "holds" } else { "has ended" };
            format!("told: the pause of {} {how}: {}", line.subject(), line.reason())
        }
        Output::Act { conn } => format!("store <- act of {}", label(conn).0),
        Output::ActAwaits { .. } => "store ? for an act".to_owned(),
        Output::Query { query: it, .. } => format!("store ? {}", query(it)),
        Output::Send { conn, frame } if full => format!("{} <- {}", label(conn).0, frame.encode()),
        Output::Send { conn, frame } => format!("{} <- {}", label(conn).0, short(frame)),
        Output::Ack { conn, ack } => {
            format!("{} <- {}", label(conn).0, ServerFrame::Ack(ack.clone()).encode())
        }
        Output::Deliver { entry, to, circumstances } => {
            let (plain, others): (Vec<_>, Vec<_>) = to.iter().map(label).partition(|it| it.1);
            let mut lines = Vec::new();
            let names =
                |of: &[(&str, bool)]| of.iter().map(|it| it.0).collect::<Vec<_>>().join(", ");
            if !others.is_empty() {
                lines.push(format!("{} <- {}", names(&others), handed(entry, circumstances)));
            }
            if !plain.is_empty() {
                lines.push(format!("{} <- {}", names(&plain), seed_frame(entry, circumstances)));
            }
            lines.join("\n")
        }
        Output::Probe { conn, number } => format!("{} <- probe {number}", label(conn).0),
        Output::Close { conn, reason } => format!("{} <- closed: {reason:?}", label(conn).0),
    }
}

/// The frame's JSON; what `auth_ok` says is shortened to caps and places, `ROOM CURSOR/HEAD`.
fn short(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::AuthOk(AuthOk { caps: Some(caps), rooms: Some(rooms), .. }) => {
            let mut text = format!("auth_ok [{}]", caps.join(","));
            for it in rooms {
                text += &format!(" {} {}/{}", it.room, it.position.seq, it.head);
            }
            text
        }
        _ => frame.encode(),
    }
}

/// What the engine encodes for a client that asked for nothing.
fn seed_frame(entry: &Entry, circumstances: &Circumstances) -> String {
    let full = delivery(entry);
    let frame = Delivery {
        id: None,
        seq: None,
        prev: None,
        sent_at: None,
        reply_to: None,
        thread: None,
        expires_at: None,
        act: None,
        meta: None,
        redacted: None,
        age_ms: circumstances.late.then_some(circumstances.age_ms),
        lost: circumstances.lost,
        ..full
    };
    ServerFrame::Message(frame).encode()
}

fn handed(entry: &Entry, it: &Circumstances) -> String {
    let draft = &entry.draft;
    let mut text = format!("#{} {} {}: {}", draft.room, entry.seq, draft.from, draft.text);
    if !is_made_by_hub(&draft.id) {
        text += &format!(" ({})", draft.id);
    }
    if it.late {
        text += &format!(", late {}ms", it.age_ms);
    }
    if it.redelivered {
        text += ", redelivered";
    }
    if let Some((index, total)) = it.backlog {
        text += &format!(", {index} of {total}");
    }
    if let Some(lost) = it.lost {
        text += &format!(", lost {lost}");
    }
    text
}

/// Time begins anew in every transcript, so that such an id begins with zeros.
pub(crate) fn is_made_by_hub(id: &MessageId) -> bool {
    id.as_str().starts_with("0000")
}

fn change(change: &Change) -> String {
    match change {
        Change::Append(draft) => format!("append #{} {}: {}", draft.room, draft.from, draft.text),
        Change::WasSaid(draft) => {
            format!("was said? #{} {}: {}", draft.room, draft.from, draft.text)
        }
        Change::CreateRoom { room, closed: true } => format!("create #{room}, closed"),
        Change::CreateRoom { room, .. } => format!("create #{room}"),
        Change::Retain { room, retain } => format!("retain #{room} {retain:?}"),
        Change::Join { room, bot } => format!("join #{room} {bot}"),
        Change::Grant { room, bot, rights } => format!("grant #{room} {bot} {rights}"),
        Change::Leave { room, bot, .. } => format!("leave #{room} {bot}"),
        Change::Cursor { room, bot, seq, state, .. } => {
            format!("cursor #{room} {bot} {seq} {state}")
        }
        Change::Delivered { room, bot, seq, .. } => format!("delivered #{room} {bot} {seq}"),
        Change::Receipt(it) => format!("receipt #{} {} {} {}", it.room, it.seq, it.bot, it.state),
        Change::Drop { room, bot, range, .. } => {
            format!("drop #{room} {bot} {}..{} {:?}", range.from, range.to, range.reason)
        }
        Change::Redact { room, seq, from, id, redaction } => {
            format!("redact #{room} {seq} {from} {id} by {}", redaction.by)
        }
        Change::RemoveRoom { room, why } => format!("remove #{room}, {why:?}"),
        Change::Clear { remains, .. } => format!("clear away what number {} left", remains.0),
        Change::Trim { room, .. } => format!("trim #{room}"),
        Change::Pause(line) => format!("pause {}", PauseKey::of(line).name()),
        Change::Resume(key) => format!("resume {}", key.name()),
    }
}

fn query(query: &Query) -> String {
    match query {
        Query::Page { room, span, entries_max, .. } => {
            let span = match span {
                Span::After(seq) => format!("after {seq}"),
                Span::Before(seq) => format!("before {seq}"),
            };
            format!("page #{room} {span}, at most {entries_max}")
        }
        Query::Locate { room, id, from, .. } => {
            let from = from.as_ref().map_or("anybody", |from| from.as_str());
            format!("locate #{room} {id} from {from}")
        }
        Query::Find { id, from, .. } => {
            format!("find {id} from {}", from.as_ref().map_or("anybody", |from| from.as_str()))
        }
    }
}

/// The counters that are not zero.
pub(crate) fn numbers(stats: &Stats) -> String {
    let numbers = [
        ("accepted", stats.accepted),
        ("duplicates", stats.duplicates),
        ("refused", stats.refused),
        ("deliveries", stats.deliveries),
        ("redeliveries", stats.redeliveries),
        ("received", stats.received),
        ("dropped", stats.dropped),
        ("expired", stats.expired),
        ("dead", stats.dead),
        ("corrupt", stats.corrupt),
        ("replaced", stats.replaced),
        ("forgotten", stats.forgotten),
        ("store_refusals", stats.store_refusals),
    ];
    let counted = numbers.iter().filter(|(_, number)| *number > 0);
    let counted: Vec<String> = counted.map(|(name, number)| format!("{name} {number}")).collect();
    format!("hub: {}", counted.join(", "))
}
