//! Who comes in, and on what terms.

use bot_hub_proof::peer::Peer;
use bot_hub_proof::wire::Socket;
use serde_json::json;

use crate::stage::{Rule, Stage, Verdict, holds, refused, rule, same, silent};

pub const RULES: &[Rule] = &[
    rule("`auth` is the first frame", "Connecting", auth_first),
    rule(
        "a token that is not known is refused and the connection closed with 4002",
        "Connecting; errors.md",
        bad_token,
    ),
    rule("the token may come in the upgrade request", "Connecting", bearer),
    rule("a token in the URL is refused", "Connecting", token_in_url),
    rule("`auth_ok` says who, which hub, caps, limits, epoch and time", "Connecting", auth_ok),
    rule("unknown caps are not granted", "Connecting", unknown_caps),
    rule("authenticating twice is refused and changes nothing", "errors.md: 2007", auth_twice),
    rule("who somebody is comes from its token, whatever `auth` claims", "Connecting", claims),
    rule("`resume` takes up all memberships without a `join`", "Connecting", resume),
    rule("`resume` from a position delivers what comes after it", "Connecting", resume_from),
    rule(
        "a position of another epoch is answered with a `gap` of reason `epoch`",
        "Connecting",
        other_epoch,
    ),
    rule("a side connection sends, is delivered nothing and replaces nobody", "Connecting", side),
    rule(
        "a newer connection replaces the older, which is told",
        "One bot, one reading connection",
        replaced,
    ),
    rule(
        "programs that fight over one token are slowed down",
        "One bot, one reading connection",
        fight,
    ),
];

fn auth_first(stage: &Stage) -> Verdict {
    let mut peer = Peer::open(&stage.url)?;
    peer.say(&json!({"type": "join", "room": stage.room()}))?;
    refused(&peer.hear()?, 2002, "not_authenticated")?;
    peer.say(&json!({"type": "auth", "token": stage.ana().token}))?;
    same("then", &peer.hear()?["type"], &json!("auth_ok"))
}

fn bad_token(stage: &Stage) -> Verdict {
    let mut peer = Peer::open(&stage.url)?;
    peer.say(&json!({"type": "auth", "token": "nobody-has-this-one"}))?;
    refused(&peer.hear()?, 2001, "bad_token")?;
    same("close", &json!(peer.hear_close()?), &json!(4002))
}

fn upgraded(stage: &Stage, path: &str, headers: &str) -> Result<(Peer, String), String> {
    let mut socket = Socket::dial(&stage.url).map_err(|error| error.to_string())?;
    let head = socket.upgrade(path, headers).map_err(|error| error.to_string())?;
    Ok((Peer { socket, answers_pings: true }, head))
}

fn bearer(stage: &Stage) -> Verdict {
    let header = format!("Authorization: Bearer {}\r\n", stage.ana().token);
    let (mut peer, head) = upgraded(stage, "/", &header)?;
    holds(head.starts_with("HTTP/1.1 101"), || head.clone())?;
    peer.say(&json!({"type": "auth", "caps": []}))?;
    same("bot", &peer.hear_type("auth_ok")?["bot"], &json!(stage.ana().name))
}

fn token_in_url(stage: &Stage) -> Verdict {
    let (_, head) = upgraded(stage, &format!("/?token={}", stage.ana().token), "")?;
    holds(head.starts_with("HTTP/1.1 4"), || format!("answered with {head}"))?;
    holds(!head.contains(&stage.ana().token), || "the answer repeats the token".to_owned())
}

fn auth_ok(stage: &Stage) -> Verdict {
    let (_, ok) = Peer::ours(
        &stage.url,
        &stage.ana().token,
        &json!({"client": "conformance/1", "caps": ["ack"]}),
    )?;
    same("bot", &ok["bot"], &json!(stage.ana().name))?;
    same("caps", &ok["caps"], &json!(["ack"]))?;
    for (key, is_there) in [
        ("hub.name", ok["hub"]["name"].is_string()),
        ("hub.version", ok["hub"]["version"].is_string()),
        ("limits.frame_bytes", ok["limits"]["frame_bytes"].is_u64()),
        ("epoch", ok["epoch"].is_string()),
        ("now", ok["now"].is_u64()),
        ("rooms", ok["rooms"].is_array()),
    ] {
        holds(is_there, || format!("`{key}` is missing in {ok}"))?;
    }
    Ok(())
}

fn unknown_caps(stage: &Stage) -> Verdict {
    let caps = json!({"caps": ["ack", "telepathy", "receipts"]});
    let (_, ok) = Peer::ours(&stage.url, &stage.ana().token, &caps)?;
    same("caps", &ok["caps"], &json!(["ack", "receipts"]))
}

fn auth_twice(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    let again = ana.ask(&json!({"type": "auth", "token": stage.bo().token}), "auth_ok")?;
    refused(&again, 2007, "already_authenticated")?;
    let room = stage.room();
    let mut cy = stage.seed(stage.cy())?;
    cy.join(&room)?;
    same("members", &ana.join(&room)?["members"], &json!([stage.cy().name]))?;
    ana.post(&room, "who am I?")?;
    same("from", &cy.hear_type("message")?["from"], &json!(stage.ana().name))
}

fn claims(stage: &Stage) -> Verdict {
    let room = stage.room();
    stage.seed(stage.bo())?.join(&room)?;
    let claimed = json!({"caps": ["ack", "operator", "admin"], "bot": stage.bo().name, "botId": stage.bo().name,
        "from": stage.bo().name, "operator": true, "role": "operator", "scopes": ["*"], "rooms": [room]});
    let (mut ana, ok) = Peer::ours(&stage.url, &stage.ana().token, &claimed)?;
    same("bot", &ok["bot"], &json!(stage.ana().name))?;
    same("caps", &ok["caps"], &json!(["ack"]))?;
    let rooms = ok["rooms"].as_array().cloned().unwrap_or_default();
    let is_in = rooms.iter().any(|it| it["room"] == room);
    holds(!is_in, || format!("it is in `{room}` by its own word"))?;
    let operated =
        ana.ask(&json!({"type": "operate", "ref": "r", "do": {"bot_list": {}}}), "operated")?;
    same("operating", &operated["name"], &json!("not_allowed"))
}

fn resume(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    ana.post(&room, "waits")?;
    let (mut bo, ok) = stage.back(stage.bo(), &["ack"], &json!({}))?;
    let rooms = ok["rooms"].as_array().cloned().unwrap_or_default();
    let mine = rooms.iter().find(|it| it["room"] == room);
    let mine = mine.ok_or_else(|| format!("`{room}` is not among {rooms:?}"))?;
    same("head", &mine["head"], &json!(1))?;
    same("epoch", &mine["position"]["epoch"], &ok["epoch"])?;
    let message = bo.hear_where("`message`", |it| it["type"] == "message" && it["room"] == room)?;
    same("text", &message["text"], &json!("waits"))
}

fn resume_from(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    for text in ["one", "two", "three"] {
        ana.post(&room, text)?;
    }
    let (_, ok) = Peer::ours(&stage.url, &stage.cy().token, &json!({"caps": []}))?;
    let resume = json!({&room: {"epoch": ok["epoch"], "seq": 2}});
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &resume)?;
    let message = bo.hear_where("`message`", |it| it["type"] == "message" && it["room"] == room)?;
    same("text", &message["text"], &json!("three"))
}

fn other_epoch(stage: &Stage) -> Verdict {
    let (mut ana, bo, room) = stage.pair()?;
    bo.leave();
    ana.post(&room, "kept")?;
    let resume = json!({&room: {"epoch": "0123456789abcdef", "seq": 41}});
    let (mut bo, _) = stage.back(stage.bo(), &["ack"], &resume)?;
    let gap = bo.hear_where("`gap`", |it| it["type"] == "gap" && it["room"] == room)?;
    same("reason", &gap["reason"], &json!("epoch"))?;
    let message = bo.hear_where("`message`", |it| it["type"] == "message" && it["room"] == room)?;
    same("text", &message["text"], &json!("kept"))
}

fn side(stage: &Stage) -> Verdict {
    let (mut ana, mut bo, room) = stage.pair()?;
    let fields = json!({"caps": ["ack"], "side": true});
    let (mut aside, _) = Peer::ours(&stage.url, &stage.bo().token, &fields)?;
    ana.post(&room, "for the main one")?;
    same("text", &bo.hear_type("message")?["text"], &json!("for the main one"))?;
    silent(&mut aside, &room)?;
    aside.post(&room, "from the side")?;
    let heard = ana.hear_where("`message`", |it| it["type"] == "message" && it["room"] == room)?;
    same("from", &heard["from"], &json!(stage.bo().name))
}

fn replaced(stage: &Stage) -> Verdict {
    let mut old = stage.with(stage.ana(), &["ack"])?;
    let _new = stage.with(stage.ana(), &["ack"])?;
    let farewell = old.hear_type("going_away")?;
    same("reason", &farewell["reason"], &json!("replaced"))?;
    same("`reconnect_in_ms`", &farewell["reconnect_in_ms"], &json!(null))?;
    same("close", &json!(old.hear_close()?), &json!(4009))
}

/// Two programs that take the bot from each other in turns.
fn fight(stage: &Stage) -> Verdict {
    let (mut one, mut other): (Option<Peer>, Option<Peer>) = (None, None);
    for turn in 0..60 {
        let fighter = if turn % 2 == 0 { &mut one } else { &mut other };
        let mut peer = Peer::open(&stage.url)?;
        peer.say(&json!({"type": "auth", "token": stage.cy().token, "caps": ["ack"]}))?;
        let mut answer = peer.hear()?;
        while answer["type"] == "auth_ok" || answer["type"] == "presence" {
            // Whoever may stay is asked and answers.
            peer.say(&json!({"type": "ping"}))?;
            answer = peer.hear()?;
        }
        if answer["type"] != "pong" {
            return holds(
                answer["reconnect_in_ms"].is_u64() || answer["retry_after_ms"].is_u64(),
                || format!("sent away without a time to come back: {answer}"),
            );
        }
        *fighter = Some(peer);
    }
    Err("60 takeovers in a row, and nobody was sent away".to_owned())
}
