//! What somebody else commits, as a line of a script.
//!
//! ```text
//! say lab eve hello [id=e1] [expires=5s] | create lab [closed] | retain lab 3 | trim lab 3
//! join lab bob | leave lab bob | grant lab bob read,post
//! kick lab bob                     with what waits for it, as another brain would
//! cursor lab bob 5 [delivered] | mark lab bob 5 | receipt lab bob 3 started
//! drop lab bob 2..4 | redact lab 3
//! pause lab bob | resume lab bob    by a person
//! unheard say lab eve hello        what the brain is not told of
//! ```

use std::sync::Arc;

use bot_hub_core::change::{Change, DroppedRange, Loss, ReceiptRecord};
use bot_hub_core::entry::{Draft, Extras};
use bot_hub_core::pause::{By, PauseKey};
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::pause::{PauseLine, PauseWhy};
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Right, Rights};

use crate::bench::Bench;
use crate::script::{bot, room};

/// Commits the changes of a line, in one batch.
pub(crate) fn commit(bench: &mut Bench, line: &str) {
    if let Some(line) = line.strip_prefix("unheard ") {
        for change in changes(bench, line) {
            bench.store.apply_elsewhere(&change);
        }
        return;
    }
    let batch = line.split("; ").flat_map(|it| changes(bench, it)).collect();
    bench.commit_elsewhere(batch);
}

fn changes(bench: &Bench, line: &str) -> Vec<Change> {
    let words: Vec<&str> = line.split(' ').collect();
    let (verb, at) = (words[0], room(words[1]));
    let number = |at: usize| words[at].parse().expect("a number");
    let who = || bot(words[2]);
    vec![match verb {
        "create" => Change::CreateRoom { room: at, closed: words.contains(&"closed") },
        "say" => Change::Append(Arc::new(draft(bench, &at, &words[2..]))),
        "retain" => Change::Retain { room: at, retain: keep(number(2)) },
        "trim" => {
            let (retain, entries_max) = (keep(number(2)), 100);
            Change::Trim { room: at, retain, now: bench.now, entries_max }
        }
        "join" => Change::Join { room: at, bot: who() },
        "leave" => return ended(bench, at, who(), Loss::Left),
        "kick" => return ended(bench, at, who(), Loss::Kicked),
        "grant" => return granted(bench, at, who(), words[3].parse().expect("rights")),
        "cursor" => {
            let state = match words.get(4) {
                Some(_) => ReceiptState::Delivered,
                None => ReceiptState::Received,
            };
            Change::Cursor { room: at, bot: who(), seq: number(3), state, at: bench.now }
        }
        "mark" => Change::Delivered { room: at, bot: who(), seq: number(3), at: bench.now },
        // The store keeps no receipt for what is not there.
        "receipt" if number(3) > bench.store.head(&at) => return Vec::new(),
        "receipt" => Change::Receipt(record(bench, at, who(), number(3), words[4])),
        "drop" => {
            let (from, to) = words[3].split_once("..").expect("FROM..TO");
            let (from, to) = (from.parse().expect("a seq"), to.parse().expect("a seq"));
            let range = DroppedRange { from, to, reason: Loss::BufferLimit };
            Change::Drop { room: at, bot: who(), range, at: bench.now }
        }
        "redact" => {
            let seq = number(2);
            let Some(said) = bench.store.committed(&at).get(&seq) else { return Vec::new() };
            let redaction = Redaction { at: bench.now, by: bot("boss"), why: None };
            let (from, id) = (said.from.clone(), said.id.clone());
            Change::Redact { room: at, seq, from, id, redaction }
        }
        "pause" => Change::Pause(Box::new(PauseLine {
            bot: Some(who()),
            by: Some(bot("zoe")),
            room: Some(at),
            since: bench.now,
            until: None,
            why: PauseWhy::default(),
        })),
        "resume" => {
            let key = PauseKey { room: Some(at), bot: Some(who()), by: By::Person };
            Change::Resume(Box::new(key))
        }
        _ => panic!("elsewhere {line}?"),
    }]
}

fn draft(bench: &Bench, at: &RoomName, words: &[&str]) -> Draft {
    let option = |name: &str| words.iter().find_map(|it| it.strip_prefix(name));
    let text: Vec<&str> = words[1..].iter().copied().filter(|it| !it.contains('=')).collect();
    let id = option("id=").map_or_else(|| format!("e{}", bench.store.head(at) + 1), Into::into);
    let expires_at = option("expires=").map(|_| bench.now + 1_000);
    Draft {
        room: at.clone(),
        from: bot(words[0]),
        id: MessageId::new(&id).expect("an id"),
        text: text.join(" "),
        sent_at: bench.now,
        extras: expires_at.map(|at| Box::new(Extras { expires_at: Some(at), ..Extras::default() })),
    }
}

fn keep(entries: u64) -> Retention {
    Retention { entries: Some(entries), age_ms: None, bytes: None }
}

fn record(bench: &Bench, room: RoomName, bot: BotId, seq: u64, state: &str) -> ReceiptRecord {
    let state = ReceiptState::ALL.iter().find(|it| it.to_string() == state);
    let (state, at) = (*state.expect("a state"), bench.now);
    ReceiptRecord { room, seq, bot, state, at, reason: None, reply: None }
}

/// The end of a membership, with everything after the cursor that is stored.
fn ended(bench: &Bench, room: RoomName, bot: BotId, why: Loss) -> Vec<Change> {
    let mut changes = parting(bench, &room, &bot, why);
    changes.push(Change::Leave { room, bot, why });
    changes
}

fn granted(bench: &Bench, room: RoomName, bot: BotId, rights: Rights) -> Vec<Change> {
    let mut changes = match rights.has(Right::Read) {
        true => Vec::new(),
        false => parting(bench, &room, &bot, Loss::NoRight),
    };
    changes.push(Change::Grant { room, bot, rights });
    changes
}

fn parting(bench: &Bench, room: &RoomName, bot: &BotId, reason: Loss) -> Vec<Change> {
    let Some(cursor) = bench.store.reads_from(room, bot) else { return Vec::new() };
    let (room, bot, at) = (room.clone(), bot.clone(), bench.now);
    let range = DroppedRange { from: cursor + 1, to: u64::MAX, reason };
    vec![Change::Drop { room, bot, range, at }]
}
