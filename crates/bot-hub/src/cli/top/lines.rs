//! Samples as text for pipes, and as JSON.
//!
//! Owns the columns. Takes no sample itself.

use bot_protocol::frame::answer::HubNumbers;
use serde_json::{Value, json};

use super::commits::Took;
use super::sample::{Bot, Room, Sample};
use super::view::View;
use crate::cli::out::{counted, table};
use crate::cli::words::period;

/// The header above the lines.
pub(super) const HEAD: &str =
    "ONLINE  WAITING    OLDEST  ACCEPTED/S  DELIVERED/S  RECEIVED/S  COMMIT";

/// One sample in one line, with the rates since the previous one.
pub(super) fn line(sample: &Sample, before: Option<&Sample>) -> String {
    let numbers = &sample.numbers;
    let rates = before.map(|before| sample.rates(before));
    let rate = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
    format!(
        "{:>6}  {:>7}  {:>8}  {:>10}  {:>11}  {:>10}  {:>6}",
        numbers.online,
        numbers.waiting,
        period(numbers.oldest_waiting_ms),
        rate(rates.map(|it| it.accepted)),
        rate(rates.map(|it| it.delivered)),
        rate(rates.map(|it| it.received)),
        commit(sample, before),
    )
}

/// How long the commits since the previous sample took.
pub(super) fn commit(sample: &Sample, before: Option<&Sample>) -> String {
    let took = took(sample, before);
    took.map_or_else(|| "-".to_owned(), |took| format!("{:.1} ms", took.mean_ms))
}

fn took(sample: &Sample, before: Option<&Sample>) -> Option<Took> {
    sample.commits.as_ref()?.since(before?.commits.as_ref()?)
}

/// The whole sample as tables.
pub(super) fn whole(sample: &Sample, view: &View) -> String {
    let it = &sample.numbers;
    let head = format!(
        "Bot Hub {} at {}\n{} of {} online, {}, {}\n{}\n{} accepted, {} delivered, {} received, {} dropped since the start",
        sample.version,
        sample.url,
        it.online,
        counted(it.bots, "bot"),
        counted(it.connections, "connection"),
        counted(it.rooms, "room"),
        waiting(it),
        it.accepted,
        it.deliveries,
        it.received,
        it.dropped,
    );
    let bots: Vec<_> = view.bots(sample).into_iter().map(bot_cells).collect();
    let rooms: Vec<_> = view.rooms(sample).into_iter().map(|room| room_cells(room, None)).collect();
    let parts = [head, table(BOT_HEAD, &bots), table(ROOM_HEAD, &rooms)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// `3 messages wait, the oldest for 5 min`.
pub(super) fn waiting(it: &HubNumbers) -> String {
    if it.waiting == 0 {
        return "nothing waits".to_owned();
    }
    let verb = if it.waiting == 1 { "waits" } else { "wait" };
    let messages = counted(it.waiting, "message");
    format!("{messages} {verb}, the oldest for {}", period(it.oldest_waiting_ms))
}

pub(super) const BOT_HEAD: [&str; 7] =
    ["bot", "state", "waiting", "oldest", "seen", "client", "why"];

pub(super) fn bot_cells(bot: &Bot) -> [String; 7] {
    let seen = match bot.seen_ms {
        None => "never".to_owned(),
        Some(0) => "now".to_owned(),
        Some(ms) => format!("{} ago", period(ms)),
    };
    [
        bot.name.clone(),
        match (bot.online, bot.slowed) {
            (true, 0) => "online".to_owned(),
            (true, times) => format!("slowed {times}×"),
            (false, _) => "offline".to_owned(),
        },
        bot.waiting.to_string(),
        if bot.waiting == 0 { "-".to_owned() } else { period(bot.oldest_ms) },
        seen,
        bot.client.clone(),
        bot.why.clone(),
    ]
}

pub(super) const ROOM_HEAD: [&str; 6] =
    ["room", "members", "online", "messages", "waiting", "per s"];

pub(super) fn room_cells(room: &Room, rate: Option<f64>) -> [String; 6] {
    [
        room.name.clone(),
        room.members.to_string(),
        room.online.to_string(),
        room.entries.to_string(),
        room.waiting.to_string(),
        rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
    ]
}

pub(super) fn to_json(sample: &Sample, before: Option<&Sample>) -> Value {
    let it = &sample.numbers;
    let rates = before.map(|before| sample.rates(before)).map(|it| {
        json!({ "accepted": it.accepted, "delivered": it.delivered, "received": it.received, "dropped": it.dropped })
    });
    let bots = sample.bots.iter().map(|bot| {
        json!({
            "bot": bot.name, "online": bot.online, "slowed": bot.slowed, "client": bot.client, "waiting": bot.waiting,
            "oldest_ms": bot.oldest_ms, "why": bot.why, "seen_ms": bot.seen_ms,
        })
    });
    let rooms = sample.rooms.iter().map(|room| {
        json!({
            "room": room.name, "members": room.members, "online": room.online,
            "messages": room.entries, "waiting": room.waiting,
            "per_second": before.and_then(|before| sample.room_rate(before, room)),
        })
    });
    json!({
        "ok": true, "url": sample.url, "version": sample.version,
        "online": it.online, "connections": it.connections, "waiting": it.waiting,
        "oldest_waiting_ms": it.oldest_waiting_ms, "per_second": rates,
        "commit_ms": took(sample, before).map(|took| took.mean_ms),
        "bots": bots.collect::<Vec<_>>(), "rooms": rooms.collect::<Vec<_>>(),
    })
}
