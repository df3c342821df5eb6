//! What becomes of a message, each rung a fact.

use bot_hub_proof::peer::Peer;
use serde_json::{Value, json};

use crate::delivery::{entry, receive};
use crate::stage::{Rule, Stage, Verdict, holds, of_room, rule, same, silent};

pub const RULES: &[Rule] = &[
    rule(
        "receipts climb from `delivered` to `received` to `started` to `answered`",
        "Receipts",
        ladder,
    ),
    rule("`done`, `declined` and `failed` reach the sender with their reason", "Receipts", ends),
    rule("`received` with a `seq` stands for every entry up to it", "Receipts", prefix),
    rule("nothing is `received` before its recipient says so", "Receipts", not_before),
    rule("a seed client reaches `delivered` and no further", "Receipts; The seed", seed_recipient),
    rule("who did not ask for `receipts` gets none", "Connecting: caps", unasked),
    rule(
        "`status` says how far each recipient is, and lists every rung",
        "Receipts: status",
        status,
    ),
    rule(
        "`status` of somebody else's or an unknown message is refused",
        "Frames: status",
        foreign_status,
    ),
    rule("a queued message is never called delivered", "Receipts", queued),
];

/// The next receipt for `id` with this state.
fn receipt(peer: &mut Peer, id: &Value, state: &str) -> Result<Value, String> {
    peer.hear_where(&format!("`receipt` {state}"), |it| {
        it["type"] == "receipt" && it["id"] == *id && it["state"] == *state
    })
}

fn ladder(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let id = ana.post(&room, "question")?["id"].clone();
    entry(&mut bo, &room)?;
    let delivered = receipt(&mut ana, &id, "delivered")?;
    same("bot", &delivered["bot"], &json!(stage.bo().name))?;
    holds(delivered["at"].is_u64(), || format!("no time in {delivered}"))?;
    for state in ["received", "started"] {
        bo.say(&json!({"type": "receipt", "room": room, "id": id, "state": state}))?;
        receipt(&mut ana, &id, state)?;
    }
    let reply = stage.id();
    bo.ask(
        &json!({"type": "message", "room": room, "text": "answer", "id": reply, "reply_to": id}),
        "ack",
    )?;
    bo.say(
        &json!({"type": "receipt", "room": room, "id": id, "state": "answered", "reply": reply}),
    )?;
    same("reply", &receipt(&mut ana, &id, "answered")?["reply"], &json!(reply))
}

fn ends(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    for (state, reason) in
        [("done", None), ("declined", Some("not for me")), ("failed", Some("no model"))]
    {
        let id = ana.post(&room, state)?["id"].clone();
        entry(&mut bo, &room)?;
        let mut frame = json!({"type": "receipt", "room": room, "id": id, "state": state});
        if let Some(reason) = reason {
            frame["reason"] = json!(reason);
        }
        bo.say(&frame)?;
        same("reason", &receipt(&mut ana, &id, state)?["reason"], &json!(reason))?;
    }
    Ok(())
}

fn prefix(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ana.post(&room, "x")?["id"].clone());
        entry(&mut bo, &room)?;
    }
    receive(&mut bo, &room, &json!(3))?;
    for id in &ids {
        receipt(&mut ana, id, "received")?;
    }
    Ok(())
}

fn not_before(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let id = ana.post(&room, "x")?["id"].clone();
    entry(&mut bo, &room)?;
    receipt(&mut ana, &id, "delivered")?;
    bo.drain()?;
    let early = of_room(&ana.drain()?, &room);
    holds(early.is_empty(), || format!("nobody said so: {early:?}"))?;
    let report = ana.ask(&json!({"type": "status", "id": id}), "status")?;
    same("state", &report["recipients"][0]["state"], &json!("delivered"))
}

fn seed_recipient(stage: &Stage) -> Verdict {
    let room = stage.room();
    let mut ana = stage.with(stage.ana(), &["ack", "receipts"])?;
    let mut bo = stage.seed(stage.bo())?;
    ana.join(&room)?;
    bo.join(&room)?;
    let id = ana.post(&room, "x")?["id"].clone();
    entry(&mut bo, &room)?;
    receipt(&mut ana, &id, "delivered")?;
    bo.hear_for(std::time::Duration::from_millis(200))?;
    bo.drain()?;
    silent(&mut ana, &room)?;
    let report = ana.ask(&json!({"type": "status", "id": id}), "status")?;
    same("state", &report["recipients"][0]["state"], &json!("delivered"))
}

fn unasked(stage: &Stage) -> Verdict {
    let room = stage.room();
    let mut ana = stage.with(stage.ana(), &["ack"])?;
    let mut bo = stage.with(stage.bo(), &["ack"])?;
    ana.join(&room)?;
    bo.join(&room)?;
    ana.post(&room, "x")?;
    let got = entry(&mut bo, &room)?;
    receive(&mut bo, &room, &got["seq"])?;
    bo.drain()?;
    silent(&mut ana, &room)
}

fn status(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let mut cy = stage.with(stage.cy(), &["ack"])?;
    cy.join(&room)?;
    cy.leave();
    let id = ana.post(&room, "x")?["id"].clone();
    let got = entry(&mut bo, &room)?;
    receive(&mut bo, &room, &got["seq"])?;
    receipt(&mut ana, &id, "received")?;
    let report = ana.ask(&json!({"type": "status", "id": id}), "status")?;
    same(
        "place",
        &json!([report["room"], report["seq"], report["from"]]),
        &json!([room, 1, stage.ana().name]),
    )?;
    let of = |name: &str| {
        let all = report["recipients"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|it| it["bot"] == *name).unwrap_or_default()
    };
    same("the one who took it", &of(&stage.bo().name)["state"], &json!("received"))?;
    let steps = of(&stage.bo().name)["steps"].clone();
    let rungs: Vec<_> =
        steps.as_array().into_iter().flatten().map(|it| it["state"].clone()).collect();
    same("its steps", &json!(rungs), &json!(["stored", "delivered", "received"]))?;
    let absent = of(&stage.cy().name)["state"].clone();
    // It may have been on its way when the other hung up.
    holds(absent == "stored" || absent == "delivered", || format!("the absent one: {absent}"))
}

fn foreign_status(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let id = ana.post(&room, "x")?["id"].clone();
    for frame in [
        json!({"type": "status", "id": id}),
        json!({"type": "status", "id": id, "from": stage.ana().name}),
    ] {
        let answer = bo.ask(&frame, "status")?;
        same("answer", &answer["type"], &json!("error"))?;
    }
    let answer = ana.ask(&json!({"type": "status", "id": stage.id()}), "status")?;
    same("name", &answer["name"], &json!("no_such_message"))
}

fn queued(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    // The hub may need a moment to notice.
    while ana.join(&room)?["members"] != json!([]) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let ack = ana.post(&room, "x")?;
    same("delivered and queued", &json!([ack["delivered"], ack["queued"]]), &json!([0, 1]))?;
    silent(&mut ana, &room)?;
    let report = ana.ask(&json!({"type": "status", "id": ack["id"]}), "status")?;
    same("state", &report["recipients"][0]["state"], &json!("stored"))
}
