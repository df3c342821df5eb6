//! What survives when the hub is ended without warning. These rules restart it.

use serde_json::json;

use crate::delivery::{entry, receive};
use crate::stage::{Rule, Stage, Verdict, holds, rule, same};

/// A rule that restarts the hub.
const fn restarting(
    name: &'static str,
    paragraph: &'static str,
    check: fn(&Stage) -> Verdict,
) -> Rule {
    Rule { restarts: true, ..rule(name, paragraph, check) }
}

pub const RULES: &[Rule] = &[
    restarting("what was acknowledged survives", "Durability", acknowledged),
    restarting("ids are remembered, so that a repeated message is stored once", "Ids", ids),
    restarting("memberships and cursors survive", "The seed: membership; Receipts", cursors),
    restarting("the epoch stays, for the log is the same", "Position", epoch),
    restarting("`status` answers, also after a crash", "Receipts: status", status),
];

fn acknowledged(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    for number in 1..=50 {
        ana.post(&room, &format!("m{number}"))?;
    }
    stage.restart()?;
    let (mut ana, _) = stage.back(stage.ana(), &["ack"], &json!({}))?;
    let page =
        ana.ask(&json!({"type": "history", "room": room, "after": 0, "limit": 100}), "history")?;
    let texts: Vec<_> =
        page["entries"].as_array().into_iter().flatten().map(|it| it["text"].clone()).collect();
    let expected: Vec<_> = (1..=50).map(|number| json!(format!("m{number}"))).collect();
    same("the log", &json!(texts), &json!(expected))
}

fn ids(stage: &Stage) -> Verdict {
    let (mut ana, _bo, room) = stage.pair()?;
    let frame = json!({"type": "message", "room": room, "text": "once", "id": stage.id()});
    let first = ana.ask(&frame, "ack")?;
    stage.restart()?;
    let (mut ana, _) = stage.back(stage.ana(), &["ack"], &json!({}))?;
    let again = ana.ask(&frame, "ack")?;
    same(
        "duplicate and seq",
        &json!([again["duplicate"], again["seq"]]),
        &json!([true, first["seq"]]),
    )
}

fn cursors(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    for text in ["one", "two"] {
        ana.post(&room, text)?;
    }
    let one = entry(&mut bo, &room)?;
    receive(&mut bo, &room, &one["seq"])?;
    bo.drain()?;
    // A cursor is saved every 200 ms.
    std::thread::sleep(std::time::Duration::from_secs(1));
    stage.restart()?;
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    same("first", &entry(&mut bo, &room)?["text"], &json!("two"))
}

fn epoch(stage: &Stage) -> Verdict {
    let (_, before) = stage.back(stage.ana(), &["ack"], &json!({}))?;
    stage.restart()?;
    let (_, after) = stage.back(stage.ana(), &["ack"], &json!({}))?;
    same("epoch", &after["epoch"], &before["epoch"])
}

fn status(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    let id = ana.post(&room, "did it arrive?")?["id"].clone();
    stage.restart()?;
    let (mut ana, _) = stage.back(stage.ana(), &["ack", "receipts"], &json!({}))?;
    let report = ana.ask(&json!({"type": "status", "id": id}), "status")?;
    let state = report["recipients"][0]["state"].clone();
    holds(state == "stored" || state == "delivered", || format!("{report}"))
}
