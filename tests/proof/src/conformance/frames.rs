//! What is asked and answered, and what is refused.

use bot_hub_proof::peer::Peer;
use serde_json::json;

use crate::stage::{Rule, Stage, Verdict, holds, refused, rule, same, silent};

pub const RULES: &[Rule] = &[
    rule(
        "a frame of an unknown type is refused, and the connection lives on",
        "Frames",
        unknown_type,
    ),
    rule("what is not a JSON object is refused", "errors.md: 1001", bad_json),
    rule("a field that is missing or has the wrong shape is refused", "errors.md: 1004", bad_frame),
    rule("a frame that is nested too deeply is refused", "errors.md: 1005", too_deep),
    rule("a text above `limits.text_bytes` is refused", "errors.md: 1003", too_large),
    rule(
        "a frame that is too large is refused with its id, and the connection lives on",
        "Sizes",
        oversize,
    ),
    rule(
        "a refusal names code, name, message, retry and what it refers to",
        "errors.md",
        refusal_fields,
    ),
    rule("`ping` is answered with `pong` and its `at`", "Frames", ping),
    rule("`history` gives pages in the order of the log", "Frames: history", history),
    rule(
        "`rooms` lists the rooms that a bot may see, `who` the members of one",
        "Frames: rooms, who",
        directory,
    ),
    rule("`leave` ends a membership", "Frames: leave", leave),
    rule(
        "presence and typing are shown to those who asked, and never stored",
        "Presence and typing",
        presence,
    ),
    rule(
        "`meta`, `act`, `thread` and `reply_to` arrive as they were sent",
        "Frames: message",
        extras,
    ),
    rule("texts arrive unchanged, whatever they hold", "Frames: message", texts),
];

fn unknown_type(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    ana.say(&json!({"type": "dance"}))?;
    refused(&ana.hear()?, 1002, "unknown_type")?;
    ana.join(&stage.room()).map(drop)
}

fn bad_json(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    for text in ["", "hello", "{", "[1]", "null", "\"type\"", "{\"type\":\"ping\"} {}"] {
        ana.say_text(text)?;
        refused(&ana.hear()?, 1001, "bad_json").map_err(|why| format!("`{text}`: {why}"))?;
    }
    ana.join(&stage.room()).map(drop)
}

fn bad_frame(stage: &Stage) -> Verdict {
    let (mut ana, room) = (stage.seed(stage.ana())?, stage.room());
    ana.join(&room)?;
    for frame in [
        json!({"type": "join"}),
        json!({"type": "join", "room": 5}),
        json!({"type": "message", "room": room}),
        json!({"type": "message", "text": "nowhere"}),
        json!({"type": "message", "room": room, "to": stage.bo().name, "text": "both"}),
        json!({"type": "message", "room": room, "text": "x", "id": ""}),
        json!({"type": "message", "room": room, "text": "x", "id": "sp ace"}),
        json!({"type": "message", "room": room, "text": "x", "id": "x".repeat(65)}),
        json!({"type": "receipt", "room": room, "state": "received"}),
        json!({"type": "receipt", "room": room, "id": "x", "state": "delivered"}),
        json!({"type": "receipt", "room": room, "seq": 1, "state": "done"}),
    ] {
        ana.say(&frame)?;
        refused(&ana.hear()?, 1004, "bad_frame").map_err(|why| format!("{frame}: {why}"))?;
    }
    ana.post(&room, "still here").map(drop)
}

fn too_deep(stage: &Stage) -> Verdict {
    let (mut ana, room) = (stage.seed(stage.ana())?, stage.room());
    ana.join(&room)?;
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for field in ["meta", "nobody_knows_this"] {
        ana.say_text(&format!(
            r#"{{"type":"message","room":"{room}","text":"x","{field}":{nested}}}"#
        ))?;
        refused(&ana.hear()?, 1005, "too_deep")?;
    }
    ana.post(&room, "still here").map(drop)
}

fn limit(stage: &Stage, name: &str) -> Result<usize, String> {
    let (_, ok) = Peer::ours(&stage.url, &stage.cy().token, &json!({"caps": [], "side": true}))?;
    let limit = ok["limits"][name].as_u64().and_then(|limit| limit.try_into().ok());
    limit.ok_or_else(|| format!("no `{name}` in {ok}"))
}

fn too_large(stage: &Stage) -> Verdict {
    let bytes = limit(stage, "text_bytes")?;
    let (mut ana, room) = (stage.seed(stage.ana())?, stage.room());
    ana.join(&room)?;
    ana.say(&json!({"type": "message", "room": room, "text": "x".repeat(bytes + 1)}))?;
    refused(&ana.hear()?, 1003, "too_large")?;
    ana.post(&room, &"x".repeat(bytes)).map(drop)
}

fn oversize(stage: &Stage) -> Verdict {
    let bytes = limit(stage, "wire_bytes")?;
    let (mut ana, room, id) = (stage.seed(stage.ana())?, stage.room(), stage.id());
    ana.join(&room)?;
    ana.say(&json!({"type": "message", "id": id, "room": room, "text": "x".repeat(bytes)}))?;
    let error = ana.hear()?;
    same("ref", &error["ref"], &json!(id))?;
    refused(&error, 1003, "too_large")?;
    ana.post(&room, "and now something short").map(drop)
}

fn refusal_fields(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    let (id, room) = (stage.id(), stage.room());
    ana.say(&json!({"type": "message", "room": room, "text": "x", "id": id}))?;
    let error = ana.hear()?;
    holds(error["code"].is_u64() && error["name"].is_string(), || error.to_string())?;
    holds(error["message"].as_str().is_some_and(|text| text.contains(&room)), || {
        format!("the cause is missing: {error}")
    })?;
    same("retry", &error["retry"], &json!("after_fix"))?;
    same("ref", &error["ref"], &json!(id))?;
    ana.say(&json!({"type": "history", "room": room}))?;
    same("ref", &ana.hear()?["ref"], &json!("history"))
}

fn ping(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    ana.say(&json!({"type": "ping", "at": 1234}))?;
    same("answer", &ana.hear()?, &json!({"type": "pong", "at": 1234}))
}

fn history(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    for number in 1..=10 {
        ana.post(&room, &format!("m{number}"))?;
    }
    let mut page = |fields: serde_json::Value| -> Result<serde_json::Value, String> {
        let mut frame = json!({"type": "history", "room": room});
        for (key, value) in fields.as_object().into_iter().flatten() {
            frame[key] = value.clone();
        }
        let page = ana.ask(&frame, "history")?;
        let seqs: Vec<_> =
            page["entries"].as_array().into_iter().flatten().map(|it| it["seq"].clone()).collect();
        Ok(json!([seqs, page["has_more"]]))
    };
    same("newest", &page(json!({"limit": 3}))?, &json!([[8, 9, 10], true]))?;
    same("before", &page(json!({"before": 4, "limit": 2}))?, &json!([[2, 3], true]))?;
    same("after", &page(json!({"after": 7}))?, &json!([[8, 9, 10], false]))?;
    same(
        "all",
        &page(json!({"after": 0, "limit": 100}))?,
        &json!([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false]),
    )
}

fn directory(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    let rooms = ana.ask(&json!({"type": "rooms"}), "rooms")?;
    let listed =
        rooms["rooms"].as_array().is_some_and(|rooms| rooms.iter().any(|it| it["room"] == room));
    holds(listed, || format!("`{room}` is not in {rooms}"))?;
    let who = ana.ask(&json!({"type": "who", "room": room}), "who")?;
    let bots: Vec<_> =
        who["bots"].as_array().into_iter().flatten().map(|it| it["bot"].clone()).collect();
    let both = [stage.ana(), stage.bo()].iter().all(|bot| bots.contains(&json!(bot.name)));
    holds(both && !bots.contains(&json!(stage.cy().name)), || format!("{who}"))
}

fn leave(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    bo.say(&json!({"type": "leave", "room": room}))?;
    bo.hear_where("`left`", |it| it["type"] == "left" && it["room"] == room)?;
    ana.post(&room, "among ourselves")?;
    silent(&mut bo, &room)?;
    let refusal = bo.ask(&json!({"type": "message", "room": room, "text": "x"}), "ack")?;
    refused(&refusal, 3003, "not_a_member")?;
    refused(&bo.ask(&json!({"type": "history", "room": room}), "history")?, 3003, "not_a_member")
}

fn presence(stage: &Stage) -> Verdict {
    let room = stage.room();
    let mut ana = stage.with(stage.ana(), &["presence"])?;
    let mut cy = stage.with(stage.cy(), &["ack"])?;
    ana.join(&room)?;
    cy.join(&room)?;
    let mut bo = stage.with(stage.bo(), &[])?;
    bo.join(&room)?;
    let name = json!(stage.bo().name);
    bo.say(&json!({"type": "presence", "state": "busy", "note": "thinking"}))?;
    let shown = ana.hear_where("`presence`", |it| {
        it["type"] == "presence" && it["bot"] == name && it["state"] == "busy"
    })?;
    same("note", &shown["note"], &json!("thinking"))?;
    bo.say(&json!({"type": "typing", "room": room}))?;
    let shown = ana.hear_where("`typing`", |it| it["type"] == "typing" && it["room"] == room)?;
    same("from", &shown["from"], &name)?;
    silent(&mut cy, &room)?;
    let page = ana.ask(&json!({"type": "history", "room": room}), "history")?;
    same("entries", &page["entries"], &json!([]))
}

fn extras(stage: &Stage) -> Verdict {
    let room = stage.room();
    let mut ana = stage.with(stage.ana(), &["acts"])?;
    let mut bo = stage.with(stage.bo(), &["ack", "acts"])?;
    ana.join(&room)?;
    bo.join(&room)?;
    let first = ana.post(&room, "a question")?;
    let meta = json!({"n": 1.50, "big": 12_345_678_901_234_567_890_u64, "list": [null, true, "ü"]});
    let act = json!({"type": "REQUEST", "task": "look"});
    ana.say(&json!({"type": "message", "room": room, "text": "x", "meta": meta, "act": act, "thread": "t-1", "reply_to": first["id"]}))?;
    bo.hear_type("message")?;
    let got = bo.hear_type("message")?;
    same(
        "extras",
        &json!([got["meta"], got["act"], got["thread"], got["reply_to"]]),
        &json!([meta, act, "t-1", first["id"]]),
    )
}

fn texts(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    for text in [
        "",
        " ",
        "\u{0}\u{1}\u{7f}",
        "\"\\/\u{8}",
        "Zürich 🧵 \u{202e}abc",
        "\u{feff}bom",
        "\u{1F468}\u{200D}\u{1F469}",
    ] {
        let ack = ana.ask(&json!({"type": "message", "room": room, "text": text}), "ack")?;
        same("answer", &ack["type"], &json!("ack")).map_err(|why| format!("{text:?}: {why}"))?;
        same("text", &bo.hear_type("message")?["text"], &json!(text))?;
    }
    Ok(())
}
