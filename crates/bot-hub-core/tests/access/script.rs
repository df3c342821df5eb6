//! The language of the transcripts.
//!
//! Owns what a command means. A decision waits for `commit` or `refuse`; what is on its way is shown at once.

use bot_hub_core::access::{
    BotRecord, Claim, ClaimRefusal, Decision, Declared, Presented, Strength,
};
use bot_protocol::frame::answer::InviteState;
use bot_protocol::frame::operator::{InviteWish, Operation, Page};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};

use crate::bench::Bench;
use crate::show;

/// A command with its words: the first ones by their place, the others as `name=value`.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn at(&self, place: usize) -> &'a str {
        self.0.get(place).unwrap_or_else(|| panic!("word {place} of {:?}", self.0))
    }

    fn bot(&self, place: usize) -> BotId {
        bot(self.at(place))
    }

    fn named(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn by(&self) -> BotId {
        bot(self.named("by").unwrap_or("ops"))
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }
}

/// Does what a line says, and returns what is to be seen of it.
pub(crate) fn execute(bench: &mut Bench, line: &str) -> Vec<String> {
    let words = Words(line.split(' ').collect());
    match words.at(0) {
        "file" => file(bench, &words),
        "room" => room(bench, &words),
        "local" => bench.accept_local(words.at(1)),
        "past" => bench.remember(words.bot(1)),
        "closing" => bench.house.is_closing = true,
        "tick" => bench.now = bench.now + millis(words.at(1)),
        "restart" => bench.restart(),
        "commit" | "refuse" if bench.on_its_way.is_empty() => {
            return vec!["nothing is on its way".to_owned()];
        }
        "commit" => {
            let (answer, followed) = bench.commit();
            let answer = Some(answer).filter(|it| !it.is_empty());
            return answer.into_iter().chain(followed.iter().map(show::followed)).collect();
        }
        "refuse" => bench.refuse(),
        "bots" => return show::bots(bench),
        "invites" => return invites(bench, &words),
        "enter" => return vec![enter(bench, &words)],
        "claim" => return claim(bench, &words),
        "end" => {
            let ended = bench.access.end_tokens(bench.now);
            let whose: Vec<String> = ended.answer.iter().map(ToString::to_string).collect();
            return put(bench, Ok(ended.map(|_| format!("tokens of {} end", whose.join(",")))));
        }
        "seen" => {
            let seen = bench.access.saw(&words.bot(1), !words.has("aside"), bench.now);
            let writes = seen.into_iter().collect();
            return put(bench, Ok(Decision { writes, answer: String::new() }));
        }
        "invite" | "uninvite" => {
            let decision = inviting(bench, &words);
            return put(bench, decision);
        }
        _ => {
            let decision = operate(bench, &words);
            return put(bench, decision);
        }
    }
    Vec::new()
}

/// What was decided is on its way.
fn put(bench: &mut Bench, decision: Result<Decision<String>, ErrorFrame>) -> Vec<String> {
    match decision {
        Ok(Decision { writes, answer }) if !writes.is_empty() => {
            let shown = writes.iter().map(show::write).collect();
            bench.on_its_way.push_back((writes, answer));
            shown
        }
        Ok(_) => vec!["nothing to write".to_owned()],
        Err(error) => vec![show::refused(&error)],
    }
}

fn operate(bench: &mut Bench, words: &Words<'_>) -> Result<Decision<String>, ErrorFrame> {
    let (name, now) = (words.bot(1), bench.now);
    let operation = operation(words, name.clone());
    bench.access.may_operate(&words.by(), &operation)?;
    let token = bench.token(words.0.get(2).copied().unwrap_or(""));
    let access = &mut bench.access;
    match operation {
        Operation::BotAdd { bot, operator } => {
            let new = BotRecord { operator, ..BotRecord::new(bot, now) };
            Ok(access.add(new, token, now, &bench.house)?.map(|it| show::new_token(&it)))
        }
        Operation::BotRotateToken { bot, overlap_ms } => {
            let overlap_ms = overlap_ms.unwrap_or(0);
            let decision = access.rotate(&bot, overlap_ms, token, now)?;
            Ok(decision.map(|it| show::new_token(&it)))
        }
        Operation::BotPrepareToken { bot } => {
            Ok(access.prepare(&bot, token, now)?.map(|it| show::new_token(&it)))
        }
        Operation::BotKeepToken { bot, old_ends_at, .. } => {
            let id = u64::from_be_bytes(token[..8].try_into().expect("eight bytes"));
            let decision = access.keep(&bot, &format!("{id:016x}"), old_ends_at, now)?;
            Ok(decision.map(|it| format!("kept for {}", it.bot)))
        }
        Operation::BotRevokeToken { bot } => {
            let decision = access.revoke(&bot, now)?;
            Ok(decision.map(|it| format!("revoked, {} stay in the file", it.tokens)))
        }
        Operation::BotRemove { bot } => {
            Ok(access.remove(&bot, now, now)?.map(|it| format!("removed {}", it.bot)))
        }
        other => {
            let disabled = matches!(other, Operation::BotDisable { .. });
            let decision = access.set_disabled(&name, disabled, now)?;
            Ok(decision.map(|it| format!("disabled: {}", it.disabled)))
        }
    }
}

fn operation(words: &Words<'_>, bot: BotId) -> Operation {
    let overlap_ms = words.named("overlap").map(millis);
    match words.at(0) {
        "add" => Operation::BotAdd { bot, operator: words.has("operator") },
        "rotate" => Operation::BotRotateToken { bot, overlap_ms },
        "prepare" => Operation::BotPrepareToken { bot },
        "keep" => {
            let token_id = words.at(2).into();
            let old_ends_at = overlap_ms.map(|ms| crate::bench::NOON + ms);
            Operation::BotKeepToken { bot, token_id, old_ends_at }
        }
        "revoke" => Operation::BotRevokeToken { bot },
        "disable" => Operation::BotDisable { bot },
        "enable" => Operation::BotEnable { bot },
        "remove" => Operation::BotRemove { bot },
        other => panic!("`{other}`?"),
    }
}

fn inviting(bench: &mut Bench, words: &Words<'_>) -> Result<Decision<String>, ErrorFrame> {
    let (by, now) = (words.by(), bench.now);
    if words.at(0) == "uninvite" {
        let code = bench.token(words.at(1));
        let digits: String = code[..5].iter().map(|byte| format!("{byte:02x}")).collect();
        let decision = bench.access.revoke_invite(&by, &format!("inv_{digits}"), now)?;
        return Ok(decision.map(|it| format!("revoked: {}", it.revoked)));
    }
    let code = bench.token(words.at(2));
    let wish = InviteWish {
        name: words.bot(1),
        rooms: words.named("into").unwrap_or("lab").split(',').map(room_name).collect(),
        can: None,
        expires_in_ms: words.named("for").map(millis),
    };
    let decision = bench.access.invite(by, wish, code, &mut bench.house, now)?;
    Ok(decision.map(|it| show::invited(&it)))
}

fn claim(bench: &mut Bench, words: &Words<'_>) -> Vec<String> {
    let claim = Claim {
        code: bench.token(words.at(1)),
        token: bench.token(words.at(2)),
        name: words.named("as").map(str::to_owned),
        client: "test/1".into(),
        from: words.named("from").unwrap_or("127.0.0.1").parse().expect("an address"),
    };
    match bench.access.claim(claim, &mut bench.house, bench.now) {
        Ok(decision) => put(bench, Ok(decision.map(|it| format!("came by {}", it.id)))),
        Err(ClaimRefusal::Refused(error)) => vec![show::refused(&error)],
        Err(ClaimRefusal::BadName(message)) => vec![message],
        Err(ClaimRefusal::Throttled(ms)) => vec![format!("wait {}s", ms.div_ceil(1_000))],
        Err(other) => vec![format!("{other:?}").to_lowercase()],
    }
}

fn enter(bench: &mut Bench, words: &Words<'_>) -> String {
    let hash = bench.token(words.at(1));
    let strength = if words.has("short") { Strength::Guessable } else { Strength::Strong };
    let from = words.named("from").unwrap_or("127.0.0.1").parse().expect("an address");
    match bench.access.authenticate(Presented { hash, strength }, from, bench.now) {
        Ok(pass) => format!("as {}", pass.bot),
        Err(refusal) => show::turned_away(&refusal),
    }
}

fn invites(bench: &Bench, words: &Words<'_>) -> Vec<String> {
    let list = bench.access.list_invites(&words.by(), &Page::default(), bench.now);
    let state = |it: Option<InviteState>| format!("{:?}", it.unwrap()).to_lowercase();
    let lines = list.invites.into_iter();
    lines.map(|it| format!("for {} by {}: {}", it.name, it.by, state(it.state.known()))).collect()
}

/// `file TOKEN:BOT … operators=A,B expect=C,D`, and what of its bots is not stored yet.
fn file(bench: &mut Bench, words: &Words<'_>) {
    let pairs: Vec<_> = words.0[1..].iter().filter_map(|word| word.split_once(':')).collect();
    let tokens = pairs.iter().map(|(token, name)| (bench.token(token), bot(name), false)).collect();
    let operators = words.named("operators").unwrap_or("ops").split(',').map(bot).collect();
    let expected = words.named("expect").into_iter().flat_map(|names| names.split(',')).map(bot);
    let expected = expected.collect();
    bench.declare(Declared { tokens, operators, expected, failures_per_minute: 3 });
    bench.record_declared();
}

fn room(bench: &mut Bench, words: &Words<'_>) {
    let name = room_name(words.at(1));
    if words.has("full") {
        bench.house.full.insert(name.clone());
    }
    let members = words.0[2..].iter().filter(|word| **word != "full").map(|name| bot(name));
    bench.house.rooms.entry(name).or_default().extend(members);
}

fn bot(name: &str) -> BotId {
    BotId::new(name).expect("a bot's name")
}

fn room_name(name: &str) -> RoomName {
    RoomName::new(name).expect("a room's name")
}

fn millis(text: &str) -> u64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let factor = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => panic!("s, m, h or d"),
    };
    number.parse::<u64>().expect("a number") * factor
}
