//! Names, targets and what a bot may see.

use serde_json::json;

use crate::stage::{Rule, Stage, Verdict, holds, refused, rule, same};

pub const RULES: &[Rule] = &[
    rule("names are compared without case", "Names", case),
    rule("a name that is not one is refused", "Names", bad_names),
    rule(
        "a bot's name is no room and a room's name no bot, and the hint says what was meant",
        "Names",
        wrong_kind,
    ),
    rule("an unknown room or bot is refused, never guessed", "Names", unknown),
    rule(
        "a direct message goes to `dm:<a>:<b>`, and an answer into that room works",
        "Names",
        direct,
    ),
    rule("a bot that is not a member reads nothing of a room", "Visibility", outsiders),
];

fn case(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    ana.say(&json!({"type": "message", "room": room.to_uppercase(), "text": "loud"}))?;
    same("room", &ana.hear_type("ack")?["room"], &json!(room))?;
    same("room", &bo.hear_type("message")?["room"], &json!(room))
}

fn bad_names(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    let long = "x".repeat(65);
    for name in
        ["", "-x", ".x", "_x", "a b", "a/b", "ä", "\u{430}na", "a:b", "a\n", "a\u{200b}", &long]
    {
        let answer = ana.ask(&json!({"type": "join", "room": name}), "joined")?;
        same("answer", &answer["type"], &json!("error"))
            .map_err(|why| format!("{name:?}: {why}"))?;
    }
    Ok(())
}

fn wrong_kind(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    let bo = &stage.bo().name;
    let answer = ana.ask(&json!({"type": "message", "room": bo, "text": "x"}), "ack")?;
    refused(&answer, 3004, "wrong_kind")?;
    let hint = answer["hint"].as_str().unwrap_or_default();
    holds(hint.contains("to") && hint.contains(bo), || {
        format!("the hint does not help: {answer}")
    })?;
    refused(
        &ana.ask(&json!({"type": "message", "to": room, "text": "x"}), "ack")?,
        3004,
        "wrong_kind",
    )
}

fn unknown(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    let room = stage.room();
    refused(
        &ana.ask(&json!({"type": "message", "room": room, "text": "x"}), "ack")?,
        3001,
        "no_such_room",
    )?;
    refused(
        &ana.ask(&json!({"type": "message", "to": room, "text": "x"}), "ack")?,
        3002,
        "no_such_bot",
    )
}

fn direct(stage: &Stage) -> Verdict {
    let mut ana = stage.with(stage.ana(), &["ack"])?;
    let mut bo = stage.with(stage.bo(), &["ack"])?;
    let room = format!("dm:{}:{}", stage.ana().name, stage.bo().name);
    ana.say(&json!({"type": "message", "to": stage.bo().name, "text": "between us"}))?;
    same("room", &ana.hear_type("ack")?["room"], &json!(room))?;
    let heard =
        bo.hear_where("`message`", |it| it["type"] == "message" && it["text"] == "between us")?;
    same(
        "room and from",
        &json!([heard["room"], heard["from"]]),
        &json!([room, stage.ana().name]),
    )?;
    bo.say(&json!({"type": "receipt", "room": room, "seq": heard["seq"], "state": "received"}))?;
    bo.post(&room, "back to you")?;
    let answer =
        ana.hear_where("`message`", |it| it["type"] == "message" && it["text"] == "back to you")?;
    ana.say(&json!({"type": "receipt", "room": room, "seq": answer["seq"], "state": "received"}))?;
    let mut cy = stage.seed(stage.cy())?;
    let refusal = cy.ask(&json!({"type": "history", "room": room}), "history")?;
    same("for others", &refusal["type"], &json!("error"))
}

fn outsiders(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    ana.post(&room, "inside")?;
    let mut cy = stage.with(stage.cy(), &["ack"])?;
    refused(&cy.ask(&json!({"type": "history", "room": room}), "history")?, 3003, "not_a_member")?;
    refused(
        &cy.ask(&json!({"type": "message", "room": room, "text": "x"}), "ack")?,
        3003,
        "not_a_member",
    )
}
