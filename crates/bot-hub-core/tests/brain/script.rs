//! The language of the transcripts.
//!
//! A transcript is its own script: a line that begins with `> ` happens, the lines below it are
//! everything that the hub did about it.
//!
//! ```text
//! open ana seed                      a connection `ana` of the bot `ana`, as the seed's client
//! open bob ack,receipts resume       with caps, taking up all memberships
//! open bob ack resume lab=3          ... from a position that it knows; `lab=old:3` of another epoch
//! open cli as bob side operator      another label, a side connection, an operator
//! ana join lab | ana leave lab
//! ana say #lab hello [id=m1] [expires=5s] [re=m0]      or `@bob`; options come last
//! bob received lab m1 | bob received lab 3             or started, answered (with reply=), done ...
//! bob status m1 [ana] | bob history lab [after=3] [before=9] [limit=2]
//! ops do {"room_list":{}}            an operation; with a reason: ops because WHY do {...}
//! ana {"type":"ping"}                any frame
//! written bob [2] | prove bob [1]    entries are on the socket; the probe came back
//! close bob | restart | drain
//! tick 5s | leap 5s                  time passes, and the hub is woken in it, or is late
//! back 5s                            the clock is set back
//! age waits WHY | age goes on        retention by age
//! disk 4096 | disk enough            so many bytes are left, or it has space
//! hold store | free store | commit [1] | refuse storage_full [1]
//! hold reads | free reads | read | answer | fail      looks up now and answers later
//! show store | show frames           also what the store is asked; every frame in full
//! quiet | brief | loud               nothing, the ends, or everything is shown
//! numbers                            what the hub counted so far
//! damage lab 3 | vanish lab 3 | set buffer 50 | bot dora | remove dora | block dora
//! removing dora | stays dora          it is to go, it stays after all
//! waiting dora | said dora            how many entries wait for it, how many bytes it said in a day
//! declare lab ana,bob [closed] | need lab
//! rule lab bob 30 [6h]               a rule pauses, here after 30 turns; `*` for all
//! profile dora WHAT IT IS FOR        with the skill `news`
//! guest dora | let in dora lab,den read,post | revoke LABEL
//! elsewhere CHANGE; CHANGE            somebody else commits these in one batch: see `elsewhere`
//! times 60 ana say #lab number {n}
//! ```

use std::collections::BTreeMap;

use bot_hub_core::io::{Caps, Hello, Input, Profile, Standing};
use bot_hub_core::settings::Settings;
use bot_protocol::code::Code;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::pause::{PauseRule, PauseWhy};
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::id::{Epoch, Position};
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, RoomName};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::{elsewhere, show};

/// Runs the `> ` lines of a transcript; returns the transcript as it really is.
pub(crate) fn run(transcript: &str) -> String {
    let mut bench = Bench::new(Settings::default());
    let mut text = String::new();
    let mut shown = usize::MAX;
    for line in transcript.lines().filter_map(|line| line.trim().strip_prefix("> ")) {
        text += &format!("> {line}\n");
        match line {
            "quiet" => shown = 0,
            "brief" => shown = 4,
            "loud" => shown = usize::MAX,
            _ if line.starts_with('#') => {}
            _ => execute(&mut bench, line),
        }
        text += &shortened(&std::mem::take(&mut bench.log), shown);
    }
    text
}

/// The lines, or the first and last of them if they are more than `shown`.
fn shortened(lines: &[String], shown: usize) -> String {
    let mut text = String::new();
    let (head, tail) = (shown / 2, lines.len().saturating_sub(shown / 2));
    for (at, line) in lines.iter().enumerate() {
        if lines.len() <= shown || ((at < head || at >= tail) && shown > 0) {
            text += &format!("{line}\n");
        } else if at == head && shown > 0 {
            text += &format!("... {} more ...\n", tail - head);
        }
    }
    text
}

/// One line.
pub(crate) fn execute(bench: &mut Bench, line: &str) {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "open" => open(bench, rest),
        "close" => bench.close(rest),
        "restart" => bench.restart(),
        "drain" => bench.input(Input::Drain),
        "tick" => bench.pass(millis(rest)),
        "back" => {
            bench.now = bench.now - millis(rest);
            bench.input(Input::Tick);
        }
        "age" => {
            let why = rest.strip_prefix("waits ").map(Into::into);
            bench.input(Input::AgeWaits(why));
        }
        "disk" => bench.input(Input::DiskLeft(rest.parse().ok())),
        "leap" => bench.now = bench.now + millis(rest),
        "written" => written(bench, rest),
        "prove" => prove(bench, rest),
        "bot" => bench.bot(bot(rest)),
        "remove" => {
            bench.bots.remove(&bot(rest));
            bench.forget(&bot(rest));
            bench.input(Input::BotRemoved(bot(rest)));
        }
        "profile" => profile(bench, rest),
        "rule" => rule(bench, rest),
        "guest" => stand(bench, rest, Standing { guest: true, ..Standing::default() }),
        "operator" => stand(bench, rest, Standing { operator: true, ..Standing::default() }),
        "plain" => stand(bench, rest, Standing::default()),
        "shut" => stand(bench, rest, Standing { shut_out: true, ..Standing::default() }),
        "removing" => {
            bench.input(Input::Removing { bot: bot(rest), removing: true });
            drop(bench.hub.partings_of(&bot(rest)));
        }
        "stays" => bench.input(Input::Removing { bot: bot(rest), removing: false }),
        "said" => bench.log.push(bench.hub.said_in_a_day(&bot(rest)).to_string()),
        "waiting" => bench.log.push(bench.hub.waiting_of(&bot(rest)).to_string()),
        "let" => let_in(bench, rest),
        "revoke" => {
            let conn = bench.peer(rest).conn;
            bench.input(Input::Revoked { conn });
        }
        "block" => bench.input(Input::BotBlocked(bot(rest))),
        "declare" => declare(bench, rest),
        "elsewhere" => elsewhere::commit(bench, rest),
        "need" => bench.input(Input::RoomNeeded { room: room(rest), closed: true }),
        "set" => set(bench, rest),
        "times" => {
            let (count, line) = rest.split_once(' ').expect("times N LINE");
            for n in 1..=count.parse::<u32>().expect("a number") {
                execute(bench, &line.replace("{n}", &n.to_string()));
            }
        }
        "read" => bench.read(),
        "numbers" => bench.log.push(show::numbers(bench.hub.stats())),
        "hold" | "free" | "show" | "commit" | "refuse" | "answer" | "fail" | "damage"
        | "vanish" => {
            store(bench, verb, rest);
        }
        label => say(bench, label, rest),
    }
}

/// A frame of a client.
fn say(bench: &mut Bench, label: &str, rest: &str) {
    let frame = frame(bench, rest);
    let json = frame.to_string();
    match ClientFrame::decode(json.as_bytes(), &Limits::default()) {
        Ok(frame) => {
            let conn = bench.peer(label).conn;
            bench.input(Input::Frame { conn, frame });
        }
        Err(error) => {
            let refusal = ServerFrame::Error(error.into());
            bench.log.push(format!("{label} <- {} (by the door)", refusal.encode()));
        }
    }
}

fn store(bench: &mut Bench, verb: &str, rest: &str) {
    let words: Vec<&str> = rest.split(' ').collect();
    let count = |at: usize| words.get(at).and_then(|it| it.parse().ok()).unwrap_or(usize::MAX);
    match (verb, words[0]) {
        ("hold" | "free", "store") => bench.holds_writes = verb == "hold",
        ("hold" | "free", "reads") => bench.holds_reads = verb == "hold",
        ("show", "store") => bench.shows_store = true,
        ("show", "frames") => bench.shows_frames = true,
        ("commit", _) => bench.commit(count(0)),
        ("refuse", code) => {
            let known = Code::ALL.iter().find(|it| it.name() == code).expect("a code");
            bench.refuse(count(1), *known);
        }
        ("answer", _) => bench.answer(false),
        ("fail", _) => bench.answer(true),
        ("damage", name) => bench.store.damage(&room(name), words[1].parse().expect("a seq")),
        ("vanish", name) => bench.store.vanish(&room(name), words[1].parse().expect("a seq")),
        _ => panic!("`{verb} {rest}`?"),
    }
    bench.serve();
}

fn open(bench: &mut Bench, rest: &str) {
    let mut words = rest.split(' ').peekable();
    let label = words.next().expect("open LABEL");
    let mut hello = Hello {
        bot: bot(label),
        operator: false,
        plain: false,
        side: false,
        caps: Caps::default(),
        resume: None,
    };
    while let Some(word) = words.next() {
        match word {
            "as" => hello.bot = bot(words.next().expect("as BOT")),
            "seed" => hello.plain = true,
            "side" => hello.side = true,
            "operator" => hello.operator = true,
            "resume" => hello.resume = Some(BTreeMap::new()),
            position if position.contains('=') => {
                let (name, position) = position.split_once('=').expect("ROOM=SEQ");
                let (epoch, seq) = match position.split_once("old:") {
                    Some((_, seq)) => (Epoch(1), seq),
                    None => (bench.hub.epoch(), position),
                };
                let position = Position { epoch, seq: seq.parse().expect("a seq") };
                hello.resume.get_or_insert_default().insert(room(name), position);
            }
            caps => hello.caps = Caps::grant(caps.split(',')),
        }
    }
    bench.open(label, hello);
}

fn written(bench: &mut Bench, rest: &str) {
    let (label, count) = rest.split_once(' ').unwrap_or((rest, ""));
    let peer = bench.peer(label);
    let (conn, deliveries) = (peer.conn, count.parse().unwrap_or(peer.handed));
    bench.input(Input::Written { conn, deliveries });
}

fn prove(bench: &mut Bench, rest: &str) {
    let (label, number) = rest.split_once(' ').unwrap_or((rest, ""));
    let peer = bench.peer(label);
    let open = peer.probe.take();
    let probe = number.parse().ok().or(open).expect("a probe");
    let conn = peer.conn;
    bench.input(Input::Proven { conn, probe });
}

fn profile(bench: &mut Bench, rest: &str) {
    let (name, about) = rest.split_once(' ').expect("profile BOT WHAT IT IS FOR");
    let profile = Profile { about: Some(about.into()), skills: vec!["news".into()] };
    bench.input(Input::Profile { bot: bot(name), profile });
}

fn rule(bench: &mut Bench, rest: &str) {
    let words: Vec<&str> = rest.split(' ').collect();
    let turns: u64 = words[2].parse().expect("a number of turns");
    let (rule, used) = (Some(PauseRule::Turns.into()), Some(turns));
    bench.input(Input::RulePauses {
        room: (words[0] != "*").then(|| room(words[0])),
        bot: (words[1] != "*").then(|| bot(words[1])),
        why: PauseWhy { rule, used, limit: used, ..PauseWhy::default() },
        until: words.get(3).map(|after| bench.now + millis(after)),
    });
}

fn stand(bench: &mut Bench, name: &str, standing: Standing) {
    bench.input(Input::Standing { bot: bot(name), standing });
}

fn let_in(bench: &mut Bench, rest: &str) {
    let words: Vec<&str> = rest.split(' ').collect();
    let ["in", name, rooms, rights] = words[..] else { panic!("let in BOT ROOMS RIGHTS") };
    let rooms = rooms.split(',').map(room).collect();
    let rights = rights.parse().expect("rights");
    bench.bot(bot(name));
    stand(bench, name, Standing { guest: true, ..Standing::default() });
    bench.input(Input::LetIn { bot: bot(name), rooms, rights });
}

fn declare(bench: &mut Bench, rest: &str) {
    let words: Vec<&str> = rest.split(' ').collect();
    let members = words.get(1).map_or(Vec::new(), |names| names.split(',').map(bot).collect());
    let closed = words.contains(&"closed");
    bench.input(Input::RoomDeclared { room: room(words[0]), members, closed, retain: None });
}

fn set(bench: &mut Bench, rest: &str) {
    let (name, value) = rest.split_once(' ').expect("set NAME VALUE");
    let number: u64 = value.parse().expect("a number");
    let small = u32::try_from(number).expect("a small number");
    let settings = &mut bench.settings;
    match name {
        "buffer" => settings.limits.buffer_per_bot_per_room = Some(small),
        "window" => settings.limits.window_entries = small,
        "day" => settings.limits.bytes_per_bot_per_day = Some(number),
        "guest_day" => settings.limits.bytes_per_guest_per_day = Some(number),
        "rooms" => settings.limits.rooms_per_bot = small,
        "made" => settings.limits.rooms_made_per_bot = Some(small),
        "all_rooms" => settings.limits.rooms_max = Some(small),
        "members" => settings.limits.members_per_room = small,
        "redeliveries" => settings.redeliveries_max = small,
        "outstanding" => settings.outstanding_bytes_max = small as usize,
        "reach" => settings.guests_reach_all = number == 1,
        "create" => settings.create_rooms_on_join = number == 1,
        "keep" => settings.retention = Retention { entries: Some(number), ..settings.retention },
        "keep_ms" => settings.retention = Retention { age_ms: Some(number), ..settings.retention },
        "keep_bytes" => {
            settings.retention = Retention { bytes: Some(number), ..settings.retention }
        }
        _ => panic!("set {name}?"),
    }
    let settings = settings.clone();
    bench.input(Input::Configured(settings));
}

/// The frame that a short verb stands for.
fn frame(bench: &Bench, line: &str) -> Value {
    if line.starts_with('{') {
        return serde_json::from_str(line).expect("JSON");
    }
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (words, options) = options(rest);
    let mut frame = json!({ "type": verb });
    match verb {
        "join" | "leave" | "typing" => frame["room"] = words[0].into(),
        "say" => {
            frame["type"] = "message".into();
            let target = words[0];
            let field = if target.starts_with('#') { "room" } else { "to" };
            frame[field] = target[1..].into();
            frame["text"] = words[1..].join(" ").into();
        }
        "do" => {
            let operation: Value = serde_json::from_str(rest).expect("an operation as JSON");
            return json!({ "type": "operate", "ref": "r1", "do": operation });
        }
        "because" => {
            let (why, operation) = rest.split_once(" do ").expect("because WHY do OPERATION");
            let operation: Value = serde_json::from_str(operation).expect("an operation as JSON");
            return json!({ "type": "operate", "ref": "r1", "do": operation, "why": why });
        }
        "status" => {
            frame["id"] = words[0].into();
            if let Some(from) = words.get(1) {
                frame["from"] = (*from).into();
            }
        }
        "history" => frame["room"] = words[0].into(),
        "presence" => frame["state"] = words[0].into(),
        "rooms" => {}
        "who" if rest.is_empty() => {}
        "who" => frame["room"] = words[0].into(),
        state => {
            frame["type"] = "receipt".into();
            frame["state"] = state.into();
            frame["room"] = words[0].into();
            match words[1].parse::<u64>() {
                Ok(seq) => frame["seq"] = seq.into(),
                Err(_) => frame["id"] = words[1].into(),
            }
        }
    }
    for (name, value) in options {
        let number = value.parse::<u64>();
        match name {
            "expires" => frame["expires_at"] = (bench.now.0 + millis(value)).into(),
            "re" => frame["reply_to"] = value.into(),
            _ => frame[name] = number.map_or(value.into(), Value::from),
        }
    }
    frame
}

/// Splits `a b x=1 y=2` into words and options.
fn options(rest: &str) -> (Vec<&str>, Vec<(&str, &str)>) {
    let mut words = Vec::new();
    let mut options = Vec::new();
    for word in rest.split(' ').filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            Some(option) => options.push(option),
            None => words.push(word),
        }
    }
    (words, options)
}

fn millis(text: &str) -> u64 {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let (number, unit) = text.split_at(text.find(char::is_alphabetic).expect("a unit"));
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).expect("ms, s, m, h or d");
    number.parse::<u64>().expect("a number") * factor
}

pub(crate) fn bot(name: &str) -> BotId {
    BotId::new(name).expect("a bot's name")
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::new(name).expect("a room's name")
}
