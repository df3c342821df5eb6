//! What is measured, and how.
//!
//! Owns the questions to the hub. Does not judge the answers.

use std::time::Instant;

use bot_protocol::frame::answer::{Ask, HubNumbers, Waiting};

use super::{Check, Measure, Status, Verdict};
use crate::cli::Global;
use crate::cli::again::here;
use crate::cli::doctor::astray_words;
use crate::cli::failure::{Failure, Kind};
use crate::cli::hub::{Hub, data_dir};
use crate::cli::lost;
use crate::cli::out::counted;
use crate::cli::pending::{is_away, queues};
use crate::cli::probe::readiness;
use crate::cli::words;
use bot_hub_server::config::{ByteSize, Period};
use bot_hub_server::server::{OPERATOR, store_space};
use bot_hub_store::sqlite::astray;

/// Measures everything that can be measured; a hub that does not answer is a verdict of its own.
pub(super) async fn measure(check: &Check, global: &Global) -> Verdict {
    match try_to(check, global).await {
        Ok((measures, unmeasured)) => Verdict::of(measures).lacks(unmeasured),
        Err(failure) => {
            // Only an unreachable hub is down. Other failures (a wrong token, for example) say nothing
            // about its health.
            let is_down = failure.kind == Kind::Unreachable;
            let status = if is_down { Status::Critical } else { Status::Unknown };
            Verdict::failed(status, failure.message)
        }
    }
}

/// The measures, and the reason why some that have thresholds are missing.
async fn try_to(check: &Check, global: &Global) -> Result<(Vec<Measure>, Option<String>), Failure> {
    let started = Instant::now();
    let hub = Hub::connect(global).await?;
    let numbers = hub.ask(Ask::hub_status()).await;
    let answered = started.elapsed().as_secs_f64();
    let mut numbers = match numbers {
        Err(failure) if failure.kind == Kind::Refused => {
            let asked = [check.of_operators(), check.of_machine()].concat();
            let lacking = needs(&asked, "the token of an operator");
            return Ok((seen(hub, answered).await, lacking));
        }
        asked => asked?.1,
    };
    (numbers.bots, numbers.online) = crate::cli::bot::counts(&hub).await?;
    let waiting = queues(&hub).await?;
    let ready = readiness(&hub.url).await;
    let pid = hub.running.as_ref().map(|running| running.pid);
    drop(hub.events);
    hub.client.close().await;

    let mut measures = vec![
        up(&ready),
        plain("answer", answered, "s", String::new()),
        pending(check, &numbers, &waiting),
        oldest(check, &waiting),
        away(check, &waiting),
        plain("bots", numbers.bots as f64, "", String::new()),
        plain("online", numbers.online as f64, "", counted(numbers.online, "bot") + " online"),
        corrupt(numbers.corrupt),
        refused(numbers.refused_changes),
        retention(numbers.retention_waits.as_deref()),
        ahead(numbers.ahead_ms),
        paused(&numbers),
    ];
    let mut lacking = needs(&check.of_machine(), "the data directory of the hub on this machine");
    if let Some(pid) = pid {
        measures.extend(stored(global, pid));
        let free = free(check, global);
        lacking = lacking.filter(|_| free.is_none());
        measures.extend(free);
    }
    Ok((measures, lacking))
}

/// Names the options that cannot be judged: `--warn-pending needs the token of an operator`.
fn needs(options: &[&str], what: &str) -> Option<String> {
    let verb = if options.len() == 1 { "needs" } else { "need" };
    (!options.is_empty()).then(|| format!("{} {verb} {what}", options.join(" and ")))
}

/// The measures that need no operator's token.
async fn seen(hub: Hub, answered: f64) -> Vec<Measure> {
    let ready = readiness(&hub.url).await;
    let says = "it answers; what waits is measured with an operator's token only".to_owned();
    drop(hub.events);
    hub.client.close().await;
    vec![up(&ready), plain("answer", answered, "s", says)]
}

fn plain(name: &'static str, value: f64, unit: &'static str, says: String) -> Measure {
    Measure { name, value, unit, thresholds: [None, None], falls: false, says }
}

fn up(ready: &Result<(), String>) -> Measure {
    let says = ready.as_ref().err().map_or_else(String::new, |why| format!("not ready: {why}"));
    let value = if ready.is_ok() { 1.0 } else { 0.0 };
    let thresholds = [None, Some(1.0)];
    Measure { thresholds, falls: true, ..plain("up", value, "", says) }
}

fn pending(check: &Check, numbers: &HubNumbers, queues: &[Waiting]) -> Measure {
    let bots = queues.iter().map(|queue| &queue.bot).collect::<std::collections::BTreeSet<_>>();
    let verb = if numbers.waiting == 1 { "waits" } else { "wait" };
    let whom = match bots.len() as u64 {
        0 => String::new(),
        count => format!(" for {}", counted(count, "bot")),
    };
    let says = format!("{} {verb}{whom}", counted(numbers.waiting, "message"));
    let thresholds = [check.warn_pending, check.crit_pending].map(|it| it.map(|it| it as f64));
    Measure { thresholds, ..plain("pending", numbers.waiting as f64, "", says) }
}

fn oldest(check: &Check, queues: &[Waiting]) -> Measure {
    let usual = [Period::seconds(120), Period::seconds(900)];
    let [warn, crit] =
        [check.warn_oldest.unwrap_or(usual[0]), check.crit_oldest.unwrap_or(usual[1])];
    let thresholds = [Some(&warn), Some(&crit)].map(in_seconds);
    // What is paused is measured by itself: it is supposed to wait.
    let held = |queue: &&Waiting| is_away(queue) || queue.paused.is_some();
    waits("oldest", queues.iter().filter(|queue| !held(queue)), thresholds)
}

fn away(check: &Check, queues: &[Waiting]) -> Measure {
    let thresholds = [check.warn_away.as_ref(), check.crit_away.as_ref()].map(in_seconds);
    // The local operator is never connected as a bot, so messages to it always wait; they are read in the
    // history.
    let bots = queues.iter().filter(|queue| is_away(queue) && queue.bot.as_str() != OPERATOR);
    waits("away", bots, thresholds)
}

fn in_seconds(period: Option<&Period>) -> Option<f64> {
    period.map(|period| period.get().as_secs_f64())
}

fn waits<'a>(
    name: &'static str,
    queues: impl Iterator<Item = &'a Waiting>,
    thresholds: [Option<f64>; 2],
) -> Measure {
    let longest = queues.max_by_key(|queue| queue.oldest_age_ms);
    let age_ms = longest.and_then(|queue| queue.oldest_age_ms).unwrap_or(0);
    let says = longest.map_or_else(String::new, |queue| {
        let (bot, room) = (&queue.bot, words::room(queue.room.as_str()));
        format!(
            "{bot} in {room} for {} ({})",
            words::period(age_ms),
            words::visible_line(queue.reason.as_str())
        )
    });
    Measure { thresholds, ..plain(name, age_ms as f64 / 1_000.0, "s", says) }
}

fn corrupt(count: u64) -> Measure {
    let says = match count {
        0 => String::new(),
        count => format!("{} met (bot-hub verify)", counted(count, "damaged message")),
    };
    Measure { thresholds: [Some(0.0), None], ..plain("corrupt", count as f64, "", says) }
}

fn refused(count: u64) -> Measure {
    let says = match count {
        0 => String::new(),
        count => format!(
            "the store refused {}, tried again until it has space",
            counted(count, "change")
        ),
    };
    Measure { thresholds: [Some(0.0), None], ..plain("refused", count as f64, "", says) }
}

fn retention(waits: Option<&str>) -> Measure {
    let says = waits.map_or_else(String::new, |why| format!("nothing is removed by age: {why}"));
    let value = if waits.is_some() { 1.0 } else { 0.0 };
    Measure { thresholds: [Some(0.0), None], ..plain("retention_waits", value, "", says) }
}

/// Whether a rule or an operator lets something stand still.
fn paused(numbers: &HubNumbers) -> Measure {
    let says = match (&numbers.stopped, numbers.pauses) {
        (Some(line), _) => format!("everything is paused {}", crate::cli::pause::in_words(line)),
        (None, 0) => String::new(),
        (None, count) => format!("{} (bot-hub pauses)", counted(count, "pause")),
    };
    Measure { thresholds: [Some(0.0), None], ..plain("paused", numbers.pauses as f64, "", says) }
}

/// How far the hub's clock lags behind the newest message. After a clock that ran ahead was corrected, new
/// messages repeat the newest time until the clock has caught up.
fn ahead(ahead_ms: u64) -> Measure {
    let says = match ahead_ms {
        0..2_000 => String::new(),
        _ => format!("new messages get a time that is {} ahead", words::period(ahead_ms)),
    };
    let thresholds = [Some(2.0), None];
    Measure { thresholds, ..plain("ahead", ahead_ms as f64 / 1_000.0, "s", says) }
}

/// Whether the hub's database and log are still in place. If they were deleted or replaced, everything that
/// the hub reports as stored is lost when it ends.
fn stored(global: &Global, pid: u32) -> Option<Measure> {
    let astray = astray(&data_dir(global).ok()?, pid);
    let says = |it| format!("{}; {}", astray_words(it), here(&lost::next(it)));
    let says = astray.as_ref().map_or_else(String::new, says);
    let value = if astray.is_none() { 1.0 } else { 0.0 };
    let thresholds = [None, Some(1.0)];
    Some(Measure { thresholds, falls: true, ..plain("stored", value, "", says) })
}

fn free(check: &Check, global: &Global) -> Option<Measure> {
    let space = store_space(&data_dir(global).ok()?)?;
    let given = [check.warn_free, check.crit_free].map(|it| it.map(ByteSize::get));
    let (warn, crit) = (given[0].unwrap_or(1 << 30), given[1].unwrap_or(100 << 20));
    let thresholds = [warn, crit].map(|bound| Some(bound as f64));
    let is_short = space.free_bytes < warn.max(crit);
    let says = match is_short {
        true => format!("{} free for the store", words::size(space.free_bytes)),
        false => String::new(),
    };
    Some(Measure { thresholds, falls: true, ..plain("free", space.free_bytes as f64, "B", says) })
}
