//! The log, its order, and what is delivered when.

use std::time::Duration;

use bot_hub_proof::peer::Peer;
use serde_json::{Value, json};

use crate::stage::{Rule, Stage, Verdict, holds, now_ms, of_room, refused, rule, same, silent};

pub const RULES: &[Rule] = &[
    rule("`seq` grows by one from 1, and `prev` names the entry before", "Position", numbers),
    rule("a bot's own entries are not delivered to it", "Position", no_echo),
    rule("all members get a room's entries in the same order", "Delivery", one_order),
    rule("the same message with the same id is stored once", "Ids", duplicate),
    rule("another message with a used id is refused", "Ids", conflict),
    rule("an id has 1 to 64 visible characters", "Ids", ids),
    rule("at most one window is delivered and not received", "Delivery", window),
    rule("redelivery starts at the cursor, on resume, with the same id", "Delivery", redelivery),
    rule("a cursor moves over a contiguous prefix only", "Delivery; Receipts", contiguous),
    rule("a delivered entry says when it was sent and how old it is", "Sense of time", time),
    rule("what waited says where it stands in the backlog", "Sense of time", backlog),
    rule(
        "what has expired is not delivered, and its sender hears of it",
        "Receipts: expired",
        expired,
    ),
    rule(
        "a message that had expired before it arrived is refused",
        "errors.md: 4004",
        expired_before,
    ),
];

/// The next entry of a room.
pub fn entry(peer: &mut Peer, room: &str) -> Result<Value, String> {
    peer.hear_where("`message`", |it| it["type"] == "message" && it["room"] == *room)
}

/// Takes responsibility for everything up to `seq`.
pub fn receive(peer: &mut Peer, room: &str, seq: &Value) -> Verdict {
    peer.say(&json!({"type": "receipt", "room": room, "seq": seq, "state": "received"}))
}

fn numbers(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let mut before = json!(0);
    for number in 1..=5 {
        same("seq of the ack", &ana.post(&room, "x")?["seq"], &json!(number))?;
        let got = entry(&mut bo, &room)?;
        same("seq", &got["seq"], &json!(number))?;
        let prev = if got["prev"].is_null() { json!(0) } else { got["prev"].clone() };
        same("prev", &prev, &before)?;
        before = got["seq"].clone();
    }
    Ok(())
}

fn no_echo(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    ana.post(&room, "x")?;
    bo.post(&room, "y")?;
    let heard = of_room(&ana.drain()?, &room);
    let mut heard = heard.iter().filter(|it| it["type"] == "message");
    let only = heard.next().ok_or("the other's message did not come")?;
    same(
        "from, seq and prev",
        &json!([only["from"], only["seq"], only["prev"]]),
        &json!([stage.bo().name, 2, 1]),
    )?;
    holds(heard.next().is_none(), || "its own message came back".to_owned())
}

fn one_order(stage: &Stage) -> Verdict {
    let room = stage.room();
    let (mut ana, mut bo) = (stage.with(stage.ana(), &["ack"])?, stage.with(stage.bo(), &["ack"])?);
    let mut cy = stage.with(stage.cy(), &["ack"])?;
    for peer in [&mut ana, &mut bo, &mut cy] {
        peer.join(&room)?;
    }
    // Both at once: nobody waits for an answer.
    for number in 0..20 {
        for peer in [&mut ana, &mut bo] {
            peer.say(&json!({"type": "message", "room": room, "text": format!("{number}")}))?;
        }
    }
    let mut seen = Vec::new();
    for seq in 1..=40_u64 {
        let got = entry(&mut cy, &room)?;
        same("seq", &got["seq"], &json!(seq))?;
        seen.push(json!([got["seq"], got["from"], got["text"]]));
    }
    let others = seen.iter().filter(|it| it[1] == json!(stage.bo().name));
    for expected in others {
        let got = entry(&mut ana, &room)?;
        same("entry", &json!([got["seq"], got["from"], got["text"]]), expected)?;
    }
    Ok(())
}

fn duplicate(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let frame = json!({"type": "message", "room": room, "text": "once", "id": stage.id(), "meta": {"a": 1}});
    let first = ana.ask(&frame, "ack")?;
    same("duplicate", &first["duplicate"], &json!(null))?;
    let again = ana.ask(&frame, "ack")?;
    same(
        "duplicate, seq and id",
        &json!([again["duplicate"], again["seq"], again["id"]]),
        &json!([true, first["seq"], first["id"]]),
    )?;
    entry(&mut bo, &room)?;
    silent(&mut bo, &room)
}

fn conflict(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    let id = stage.id();
    ana.ask(&json!({"type": "message", "room": room, "text": "one", "id": id}), "ack")?;
    let other =
        ana.ask(&json!({"type": "message", "room": room, "text": "two", "id": id}), "ack")?;
    refused(&other, 4001, "id_conflict")?;
    // Somebody else's ids are another matter.
    let mut bo = stage.with(stage.bo(), &[])?;
    bo.join(&room)?;
    let ack =
        bo.ask(&json!({"type": "message", "room": room, "text": "three", "id": id}), "ack")?;
    same("for another sender", &ack["type"], &json!("ack"))
}

fn ids(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    for id in ["!", "~", &"x".repeat(64)] {
        let id = format!("{}{id}", &stage.id()[..0]);
        let ack =
            ana.ask(&json!({"type": "message", "room": room, "text": "x", "id": id}), "ack")?;
        same("id", &ack["id"], &json!(id))?;
    }
    Ok(())
}

fn window(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    let (_, ok) = Peer::ours(&stage.url, &stage.cy().token, &json!({"caps": [], "side": true}))?;
    let window = ok["limits"]["window_entries"].as_u64().ok_or("no `window_entries`")?;
    for _ in 0..window + 5 {
        ana.post(&room, "x")?;
    }
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    let mut last = json!(0);
    for _ in 0..window {
        last = entry(&mut bo, &room)?["seq"].clone();
    }
    let more = bo.hear_for(Duration::from_millis(300))?.filter(|text| text.contains(&room));
    holds(more.is_none(), || format!("more than {window} without a receipt: {more:?}"))?;
    receive(&mut bo, &room, &last)?;
    for _ in 0..5 {
        last = entry(&mut bo, &room)?["seq"].clone();
    }
    same("last", &last, &json!(window + 5))?;
    receive(&mut bo, &room, &last)
}

fn redelivery(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    for text in ["one", "two", "three"] {
        ana.post(&room, text)?;
    }
    let one = entry(&mut bo, &room)?;
    let two = entry(&mut bo, &room)?;
    receive(&mut bo, &room, &one["seq"])?;
    silent_about_messages(&mut bo, &room, 1)?;
    bo.leave();
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    let again = entry(&mut bo, &room)?;
    same(
        "id, seq and redelivered",
        &json!([again["id"], again["seq"], again["redelivered"]]),
        &json!([two["id"], two["seq"], true]),
    )?;
    same("then", &entry(&mut bo, &room)?["text"], &json!("three"))
}

/// At most so many entries are on their way, and none comes twice while connected.
fn silent_about_messages(peer: &mut Peer, room: &str, max: usize) -> Verdict {
    let frames = of_room(&peer.drain()?, room);
    holds(frames.len() <= max, || format!("at most {max} more, but {frames:?}"))
}

fn contiguous(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    for text in ["one", "two", "three"] {
        ana.post(&room, text)?;
    }
    entry(&mut bo, &room)?;
    let two = entry(&mut bo, &room)?;
    entry(&mut bo, &room)?;
    bo.say(&json!({"type": "receipt", "room": room, "id": two["id"], "state": "received"}))?;
    bo.drain()?;
    bo.leave();
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    same("first again", &entry(&mut bo, &room)?["text"], &json!("one"))
}

fn time(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let before = now_ms();
    ana.post(&room, "x")?;
    let got = entry(&mut bo, &room)?;
    let sent = got["sent_at"].as_u64().ok_or_else(|| format!("no `sent_at` in {got}"))?;
    holds(got["age_ms"].as_u64().is_some_and(|age| age < 60_000), || {
        format!("no sensible `age_ms` in {got}")
    })?;
    // A hub on another machine has another clock.
    holds(sent.abs_diff(before) < 86_400_000, || format!("`sent_at` {sent} is no time of today"))
}

fn backlog(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    for text in ["one", "two", "three"] {
        ana.post(&room, text)?;
    }
    std::thread::sleep(Duration::from_millis(30));
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    for index in 1..=3 {
        let got = entry(&mut bo, &room)?;
        same("backlog", &got["backlog"], &json!({"index": index, "total": 3}))?;
        holds(got["age_ms"].as_u64() >= Some(20), || format!("`age_ms` is too small in {got}"))?;
    }
    Ok(())
}

fn expired(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    let (_, ok) = Peer::ours(&stage.url, &stage.cy().token, &json!({"caps": [], "side": true}))?;
    let at = ok["now"].as_u64().ok_or("no `now`")? + 1_500;
    let id = stage.id();
    let frame =
        json!({"type": "message", "room": room, "text": "soon", "id": id, "expires_at": at});
    same("answer", &ana.ask(&frame, "ack")?["type"], &json!("ack"))?;
    let is_expired =
        |it: &Value| it["type"] == "receipt" && it["id"] == id && it["state"] == "expired";
    same("bot", &ana.hear_where("`receipt` expired", is_expired)?["bot"], &json!(stage.bo().name))?;
    ana.post(&room, "later")?;
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    same("first", &entry(&mut bo, &room)?["text"], &json!("later"))
}

fn expired_before(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    let answer =
        ana.ask(&json!({"type": "message", "room": room, "text": "x", "expires_at": 1000}), "ack")?;
    refused(&answer, 4004, "expired")
}
