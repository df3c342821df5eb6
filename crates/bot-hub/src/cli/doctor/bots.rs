//! Bots and rooms: messages that wait too long, bots that never connected, rooms that nobody reads.
//!
//! Owns these findings. Changes nothing.

use std::collections::BTreeSet;

use bot_hub_client::Pulse;
use bot_protocol::frame::answer::{
    Ask, BotLine, BotList, BotOrigin, Ends, RoomList, WaitReason, Waiting,
};
use bot_protocol::frame::operator::Page;
use bot_protocol::frame::server::Slowed;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use super::finding::Findings;
use super::{Patient, unknown};
use crate::cli::failure::{Failure, Kind};
use crate::cli::hub::Hub;
use crate::cli::out::counted;
use crate::cli::pause::with_way_out;
use crate::cli::pending::{is_away, queues, why};
use crate::cli::words::{self, period, room as room_name, wall_clock};
use bot_hub_server::server::OPERATOR;
use bot_hub_store::export::open;
use bot_hub_store::pass_own;
use bot_hub_store::sqlite::look;

/// How many findings of one kind are printed one by one; the others are counted.
const TOLD_MAX: usize = 10;

/// So many closed connections within ten minutes are no accident.
const FLAPS_MIN: u64 = 5;

/// A bot that was created more recently may still connect.
const NEW_MS: u64 = 24 * 3_600 * 1_000;

/// The facts about bots and rooms, from the running hub or from its store.
struct Census {
    now: Timestamp,
    bots: Vec<BotLine>,
    /// Name, members, entries.
    rooms: Vec<(RoomName, usize, u64)>,
    waiting: Vec<Waiting>,
}

pub(super) async fn examine(patient: &Patient<'_>, findings: &mut Findings) {
    let census = match (&patient.hub, &patient.dir) {
        (Some(hub), _) => match ask(hub).await {
            Ok(census) => census,
            Err(failure) if failure.kind == Kind::Refused => {
                if let Ok(Pulse { slowed: Some(slowed), .. }) = hub.client.pulse().await {
                    tell_slowed(&hub.me, slowed, SEND_LESS, findings);
                }
                let what =
                    format!("`{}` is an ordinary bot: bots and rooms were not examined", hub.me);
                let why = "only operators are told who waits for what";
                return findings.note(
                    "bots",
                    what,
                    why,
                    "ask whoever runs the hub to run: bot-hub doctor",
                );
            }
            Err(failure) => return unknown("bots", &failure, findings),
        },
        (None, Some(dir)) => match read(dir) {
            Some(census) => census,
            None => return,
        },
        (None, None) => return,
    };
    stopped(patient, findings).await;
    waiting(patient, &census, findings);
    flapping(&census, findings);
    never_seen(&census, findings);
    unread(&census, findings);
    versions(&census, findings);
    for bot in &census.bots {
        if let Some(slowed) = bot.slowed {
            let next = format!("tell whoever runs {}: {SEND_LESS}", bot.bot);
            tell_slowed(&bot.bot, slowed, &next, findings);
        }
    }
}

/// Reports that everything is stopped; what single pauses hold is reported with what waits for it.
async fn stopped(patient: &Patient<'_>, findings: &mut Findings) {
    let Some(hub) = &patient.hub else { return };
    let Ok((_, numbers)) = hub.ask(Ask::hub_status()).await else { return };
    if let Some(line) = &numbers.stopped {
        let why = "no bot gets or says anything; what is said before that waits";
        findings.warning("paused", "everything is stopped", why, with_way_out(line));
    } else if numbers.pauses > 0 {
        let what = format!("{} hold", counted(numbers.pauses, "pause"));
        findings.note("paused", what, "what is said there waits", "bot-hub pauses");
    }
}

/// The advice for a bot that is slowed down.
const SEND_LESS: &str =
    "send fewer or smaller frames, or spread them over time; refused ones cost as well";

/// Reports a slowed bot: its owner may wonder why the hub is slow, and other bots wait behind it.
fn tell_slowed(bot: &BotId, slowed: Slowed, next: &str, findings: &mut Findings) {
    let what = format!("`{bot}` was slowed down {}", words::slowed(slowed));
    let why = "a bot that takes more than its share of the hub's time waits while others do";
    findings.note("bots", what, why, next);
}

async fn ask(hub: &Hub) -> Result<Census, Failure> {
    let (_, BotList { bots, .. }) = hub.ask(Ask::bot_list(Page::default())).await?;
    let (_, RoomList { rooms, .. }) = hub.ask(Ask::room_list(Page::default())).await?;
    let waiting = queues(hub).await?;
    let rooms = rooms.into_iter().map(|it| (it.room, it.members.len(), it.entries)).collect();
    Ok(Census { now: hub.now(), bots, rooms, waiting })
}

/// Reads the census from the store of a hub that does not run. The store's own examination reports damage.
fn read(dir: &std::path::Path) -> Option<Census> {
    let mut stored = look(dir).ok()?;
    if let Ok(mut reader) = open(dir) {
        pass_own(&mut stored.snapshot, &mut reader);
    }
    let disabled: BTreeSet<BotId> =
        stored.bots.iter().filter(|it| it.disabled).map(|it| it.bot.clone()).collect();
    let now = wall_clock();
    let bots = stored.bots.into_iter().map(|it| BotLine {
        about: None,
        bot: it.bot,
        online: false,
        operator: it.operator,
        guest: it.guest,
        origin: BotOrigin::Store.into(),
        tokens: 0,
        disabled: it.disabled,
        client: None,
        created_at: Some(it.created_at),
        last_seen: it.last_seen,
        said_in_a_day: 0,
        skills: Vec::new(),
        slowed: None,
        ended_lately: None,
        paused: None,
    });
    let (mut rooms, mut waiting) = (Vec::new(), Vec::new());
    for it in stored.snapshot.rooms {
        for member in &it.members {
            if member.cursor < it.head {
                waiting.push(Waiting {
                    bot: member.bot.clone(),
                    room: it.room.clone(),
                    waiting: it.head - member.cursor,
                    in_flight: 0,
                    oldest_seq: it.first.max(member.cursor + 1),
                    oldest_age_ms: member.waiting_since.map(|at| now.since(at)),
                    reason: match disabled.contains(&member.bot) {
                        true => WaitReason::ShutOut.into(),
                        false => WaitReason::Offline.into(),
                    },
                    paused: None,
                });
            }
        }
        rooms.push((it.room, it.members.len(), (it.head + 1).saturating_sub(it.first)));
    }
    Some(Census { now, bots: bots.collect(), rooms, waiting })
}

fn waiting(patient: &Patient<'_>, census: &Census, findings: &mut Findings) {
    let bound_ms = patient.options.waiting.as_ms();
    let age = |it: &Waiting| it.oldest_age_ms.unwrap_or(0);
    let mut late: Vec<&Waiting> = census.waiting.iter().filter(|it| age(it) >= bound_ms).collect();
    late.sort_by_key(|it| std::cmp::Reverse(age(it)));
    for it in late.iter().take(TOLD_MAX) {
        let what = format!(
            "{} for {} in {} since {}: {}",
            counted(it.waiting, "message"),
            it.bot,
            room_name(it.room.as_str()),
            period(age(it)),
            why(it),
        );
        if let Some(line) = &it.paused {
            let why = "nothing is lost: it gets all of it in order when it goes on";
            findings.warning("paused", what, why, with_way_out(line));
        } else if it.bot.as_str() == OPERATOR {
            let why = "nobody is ever there as the local operator: what is said to it is read back";
            let next = format!("bot-hub history '{}'", room_name(it.room.as_str()));
            findings.note("waiting", what, why, next);
        } else if is_away(it) {
            let why = "nothing is lost, and nobody answers until it is back";
            let next = match it.reason == WaitReason::Offline {
                true => format!("start it; what waits: bot-hub pending --bot {}", it.bot),
                false => format!(
                    "see which (bot-hub bot show {0}), then bot-hub bot enable {0}, or bot-hub bot rotate-token {0}",
                    it.bot
                ),
            };
            findings.note("waiting", what, why, next);
        } else {
            let why = "it is connected, and does not take what it is given";
            findings.warning("waiting", what, why, format!("bot-hub pending --bot {}", it.bot));
        }
    }
    let untold = late.len().saturating_sub(TOLD_MAX) as u64;
    if untold > 0 {
        let what = format!("and {} more", counted(untold, "queue"));
        findings.note("waiting", what, "", "bot-hub pending");
    }
    if late.is_empty() {
        let bound = patient.options.waiting;
        findings.fine("waiting", format!("nothing waits for longer than {bound}"));
    }
}

/// Reports bots whose connections end again and again.
fn flapping(census: &Census, findings: &mut Findings) {
    let ends = census.bots.iter().filter_map(|bot| Some((&bot.bot, bot.ended_lately.as_ref()?)));
    let mut flapping: Vec<_> = ends.filter(|(_, ends)| ends.count >= FLAPS_MIN).collect();
    flapping.sort_by_key(|(_, ends)| std::cmp::Reverse(ends.count));
    let untold = flapping.len().saturating_sub(TOLD_MAX) as u64;
    for (bot, Ends { count, since, why }) in flapping.into_iter().take(TOLD_MAX) {
        let within = period(census.now.since(*since));
        let what = format!(
            "{bot} connected and was closed {count} times in the last {within}, mostly: {why}"
        );
        let next = if why.starts_with("replaced") {
            format!("end the other program with the token of {bot}, or give it a bot of its own")
        } else {
            format!("look into the log of {bot}, and into the hub's")
        };
        findings.warning(
            "bots",
            what,
            "what is said meanwhile waits, and comes again and again",
            next,
        );
    }
    if untold > 0 {
        findings.note(
            "bots",
            format!("and {} more", counted(untold, "bot")),
            "",
            "bot-hub bot list",
        );
    }
}

fn never_seen(census: &Census, findings: &mut Findings) {
    let is_old = |bot: &&BotLine| bot.created_at.is_some_and(|at| census.now.since(at) > NEW_MS);
    let never = census.bots.iter().filter(|bot| {
        !bot.online && !bot.disabled && bot.last_seen.is_none() && bot.bot.as_str() != OPERATOR
    });
    let names: Vec<&str> = never.filter(is_old).map(|bot| bot.bot.as_str()).collect();
    if names.is_empty() {
        // The local operator belongs to the command line and is not counted.
        let count = census.bots.iter().filter(|it| it.bot.as_str() != OPERATOR).count();
        return findings.fine("bots", format!("{} known", counted(count as u64, "bot")));
    }
    let what = format!("never seen since they were made: {}", some_of(&names));
    let why = "their tokens lie somewhere, and nobody uses them";
    let next = format!("start them; one that is not needed: bot-hub bot disable {}", names[0]);
    findings.note("bots", what, why, next);
}

fn unread(census: &Census, findings: &mut Findings) {
    let unread = census.rooms.iter().filter(|(_, members, entries)| *members == 0 && *entries > 0);
    let names: Vec<String> = unread.map(|(room, ..)| room_name(room.as_str())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Some(first) = names.first() {
        let what = format!("nobody is a member of {}", some_of(&names));
        let why = "what is said there is kept and reaches nobody";
        let next = format!("bot-hub room add '{first}' BOT");
        findings.note("rooms", what, why, next);
    }
}

/// Reports plugins whose version differs from the hub's.
fn versions(census: &Census, findings: &mut Findings) {
    let own = env!("CARGO_PKG_VERSION");
    let plugin = |client: &str| {
        client.split(' ').find_map(|word| word.strip_prefix("bot-hub/").map(str::to_owned))
    };
    let seen = census
        .bots
        .iter()
        .filter_map(|bot| Some((bot.bot.as_str(), plugin(bot.client.as_deref()?)?)));
    let other: BTreeSet<(String, &str)> =
        seen.filter(|(_, version)| version != own).map(|(bot, version)| (version, bot)).collect();
    for (version, bot) in other {
        let what = format!("{bot} uses the OpenClaw plugin {version}, the hub is {own}");
        let why = "they understand each other; newer things may be missing";
        let next = "openclaw plugins update bot-hub, and start its gateway again";
        findings.note("versions", what, why, next);
    }
}

fn some_of(names: &[&str]) -> String {
    let shown = names.iter().take(TOLD_MAX).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(TOLD_MAX + 1) {
        Some(more) => format!("{shown} and {} more", more + 1),
        None => shown,
    }
}
