//! The original's exchange, to the letter.

use bot_hub_proof::peer::Peer;
use serde_json::{Value, json};

use crate::stage::{Rule, Stage, Verdict, holds, now_ms, rule, same, silent};

pub const RULES: &[Rule] = &[
    rule("the seed's exchange is answered byte for byte", "The seed: transcript", transcript),
    rule("`/ws` is the same as `/`", "first paragraph", on_ws),
    rule(
        "`members` are the other bots that are in the room and connected, sorted",
        "The seed: members",
        members,
    ),
    rule(
        "`delivered` counts the members to whom the message was handed live",
        "The seed: delivered",
        delivered,
    ),
    rule(
        "what arrives while a bot is away follows its next `joined`, in order, with its age",
        "The seed: membership",
        away,
    ),
    rule(
        "a seed client that has not joined again is sent nothing",
        "The seed: membership",
        not_before_join,
    ),
    rule("fields that nobody knows are ignored", "Frames", unknown_fields),
    rule(
        "a seed client that answers no pings gets one window, and loses nothing",
        "The seed: its cursor",
        no_pongs,
    ),
    rule("what a seed client proved is not delivered again", "The seed: its cursor", proven_once),
];

fn exchange(stage: &Stage, url: &str) -> Verdict {
    let room = stage.room();
    let exact = |peer: &mut Peer, expected: &str| {
        let found = peer.hear_text()?;
        holds(found == expected, || {
            format!("expected\n        {expected}\n        found\n        {found}")
        })
    };
    let enter = |token: &str, members: &str| -> Result<Peer, String> {
        let mut peer = Peer::open(url)?;
        peer.say_text(&format!(r#"{{"type":"auth","token":"{token}"}}"#))?;
        exact(&mut peer, r#"{"type":"auth_ok"}"#)?;
        peer.say_text(&format!(r#"{{"type":"join","room":"{room}"}}"#))?;
        exact(&mut peer, &format!(r#"{{"type":"joined","room":"{room}","members":[{members}]}}"#))?;
        Ok(peer)
    };
    let mut bo = enter(&stage.bo().token, "")?;
    let mut ana = enter(&stage.ana().token, &format!("\"{}\"", stage.bo().name))?;
    ana.say_text(&format!(r#"{{"type":"message","room":"{room}","text":"Hey, article idea?"}}"#))?;
    exact(&mut ana, &format!(r#"{{"type":"ack","room":"{room}","delivered":1}}"#))?;
    let from = &stage.ana().name;
    exact(
        &mut bo,
        &format!(
            r#"{{"type":"message","room":"{room}","from":"{from}","text":"Hey, article idea?"}}"#
        ),
    )
}

fn transcript(stage: &Stage) -> Verdict {
    exchange(stage, &stage.url)
}

fn on_ws(stage: &Stage) -> Verdict {
    exchange(stage, &format!("{}/ws", stage.url))
}

fn members(stage: &Stage) -> Verdict {
    let room = stage.room();
    let (mut cy, mut ana) = (stage.seed(stage.cy())?, stage.seed(stage.ana())?);
    cy.join(&room)?;
    ana.join(&room)?;
    let mut bo = stage.seed(stage.bo())?;
    let joined = bo.join(&room)?;
    let both = json!([stage.ana().name, stage.cy().name]);
    same("members", &joined["members"], &both)?;
    ana.leave();
    gone(&mut bo, &room, &stage.cy().name)
}

/// Joins again until the hub has noticed that only `rest` is still here.
fn gone(peer: &mut Peer, room: &str, rest: &str) -> Verdict {
    for _ in 0..200 {
        if peer.join(room)?["members"] == json!([rest]) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err("a bot that has gone is still listed".to_owned())
}

fn delivered(stage: &Stage) -> Verdict {
    let room = stage.room();
    let mut peers = [stage.seed(stage.ana())?, stage.seed(stage.bo())?, stage.seed(stage.cy())?];
    for peer in &mut peers {
        peer.join(&room)?;
    }
    let [mut ana, bo, _cy] = peers;
    same("delivered", &ana.post(&room, "two")?["delivered"], &json!(2))?;
    bo.leave();
    gone(&mut ana, &room, &stage.cy().name)?;
    same("delivered", &ana.post(&room, "one")?["delivered"], &json!(1))
}

/// A room with both as members, of whom bo has gone again.
fn bo_is_away(stage: &Stage) -> Result<(Peer, String), String> {
    let room = stage.room();
    let mut bo = stage.seed(stage.bo())?;
    bo.join(&room)?;
    bo.leave();
    let mut ana = stage.seed(stage.ana())?;
    while ana.join(&room)?["members"] != json!([]) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Ok((ana, room))
}

fn away(stage: &Stage) -> Verdict {
    let (mut ana, room) = bo_is_away(stage)?;
    let before = now_ms();
    for number in 0..20 {
        same("delivered", &ana.post(&room, &format!("m{number}"))?["delivered"], &json!(0))?;
    }
    let mut bo = stage.seed(stage.bo())?;
    bo.say(&json!({"type": "join", "room": room}))?;
    same("first", &bo.hear()?["type"], &json!("joined"))?;
    for number in 0..20 {
        let frame = bo.hear()?;
        same("text", &frame["text"], &json!(format!("m{number}")))?;
        let age = frame["age_ms"].as_u64().ok_or_else(|| format!("no `age_ms` in {frame}"))?;
        holds(age <= now_ms() - before + 1_000, || format!("`age_ms` {age} is more than its age"))?;
    }
    Ok(())
}

fn not_before_join(stage: &Stage) -> Verdict {
    let (mut ana, room) = bo_is_away(stage)?;
    ana.post(&room, "waits")?;
    let mut bo = stage.seed(stage.bo())?;
    silent(&mut bo, &room)?;
    bo.join(&room)?;
    same("text", &bo.hear_type("message")?["text"], &json!("waits"))
}

fn unknown_fields(stage: &Stage) -> Verdict {
    let (room, mut ana) = (stage.room(), stage.seed(stage.ana())?);
    ana.say(&json!({"type": "join", "room": room, "colour": "green", "deep": {"er": [1]}}))?;
    ana.hear_type("joined")?;
    ana.say(&json!({"type": "message", "room": room, "text": "x", "mood": null}))?;
    ana.hear_type("ack").map(drop)
}

/// What the hub says is its window.
fn window(stage: &Stage) -> Result<u64, String> {
    let (_, hello) = Peer::ours(&stage.url, &stage.cy().token, &json!({"caps": [], "side": true}))?;
    hello["limits"]["window_entries"].as_u64().ok_or_else(|| format!("no window in {hello}"))
}

fn texts(frames: &[Value], room: &str) -> Vec<String> {
    let of_room = frames.iter().filter(|it| it["type"] == "message" && it["room"] == room);
    of_room.filter_map(|it| it["text"].as_str().map(str::to_owned)).collect()
}

fn no_pongs(stage: &Stage) -> Verdict {
    let window = window(stage)?;
    let (mut ana, room) = bo_is_away(stage)?;
    for number in 0..window + 10 {
        ana.post(&room, &format!("m{number}"))?;
    }
    let mut deaf = stage.seed(stage.bo())?;
    deaf.answers_pings = false;
    deaf.join(&room)?;
    let mut frames = Vec::new();
    while let Some(text) = deaf.hear_for(std::time::Duration::from_millis(500))? {
        frames.push(serde_json::from_str(&text).unwrap_or_default());
    }
    let got = texts(&frames, &room).len() as u64;
    holds(got >= 1 && got <= window, || format!("{got} entries for a window of {window}"))?;
    deaf.leave();
    let mut bo = stage.seed(stage.bo())?;
    bo.join(&room)?;
    for number in 0..window + 10 {
        let frame =
            bo.hear_where("`message`", |it| it["type"] == "message" && it["room"] == room)?;
        same("text", &frame["text"], &json!(format!("m{number}")))?;
    }
    Ok(())
}

fn proven_once(stage: &Stage) -> Verdict {
    let (mut ana, room) = bo_is_away(stage)?;
    ana.post(&room, "first")?;
    let mut bo = stage.seed(stage.bo())?;
    bo.join(&room)?;
    same("text", &bo.hear_type("message")?["text"], &json!("first"))?;
    // The pong goes out before the question, and the answer comes after the hub has seen both.
    bo.hear_for(std::time::Duration::from_millis(300))?;
    bo.drain()?;
    bo.leave();
    ana.post(&room, "second")?;
    let mut bo = stage.seed(stage.bo())?;
    bo.join(&room)?;
    same("text", &bo.hear_type("message")?["text"], &json!("second"))
}
