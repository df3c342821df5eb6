//! `bot-hub status` and `bot-hub ping`: the hub's numbers, and whether it answers.
//!
//! Owns what is printed about the hub as a whole.

use std::time::Duration;

use bot_protocol::frame::answer::{Ask, HubNumbers};
use bot_protocol::frame::server::Slowed;
use serde_json::json;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{counted, say};
use super::pause::in_words;
use super::who::{is_online, own_rooms};
use super::words::{self, visible_line};

/// `status`.
pub(super) async fn status(hub: &Hub) -> Result<(), Failure> {
    let (mut value, mut numbers) = match hub.ask(Ask::hub_status()).await {
        Err(failure) if failure.kind == Kind::Refused => return seen(hub).await,
        asked => asked?,
    };
    let version = hub.hello.hub.as_ref().map_or("-", |hub| hub.version.as_str()).to_owned();
    // The hub's count includes its own operator, which is not shown as a bot.
    (numbers.bots, numbers.online) = super::bot::counts(hub).await?;
    (value["bots"], value["online"]) = (numbers.bots.into(), numbers.online.into());
    value["url"] = hub.url.as_str().into();
    value["version"] = version.as_str().into();
    value["pid"] = hub.running.as_ref().map(|running| running.pid).into();
    hub.out.answer(&value, || text(hub, &version, &numbers))
}

/// The status for a bot that is no operator.
async fn seen(hub: &Hub) -> Result<(), Failure> {
    let rooms = hub.client.rooms().await?.rooms;
    let bots = hub.client.who(None).await?.bots;
    let own = own_rooms(hub);
    let online = bots.iter().filter(|it| is_online(it)).count() as u64;
    let waiting: u64 = own.iter().map(|it| it.waiting).sum();
    let slowed = hub.client.pulse().await?.slowed;
    let version = hub.hello.hub.as_ref().map_or("-", |hub| hub.version.as_str());
    let (rooms, bots, member) = (rooms.len() as u64, bots.len() as u64, own.len() as u64);
    let value = json!({
        "url": hub.url, "version": version, "bot": hub.me, "complete": false, "rooms": rooms,
        "bots": bots, "online": online, "member_of": member, "waiting": waiting, "slowed": slowed,
    });
    hub.out.answer(&value, || {
        format!(
            "{} · Bot Hub {}\n  bots       {bots} that you may see, {online} online\n  \
             rooms      {rooms} that you may see, a member of {member}\n  \
             waiting    {} for you",
            hub.url,
            visible_line(version),
            counted(waiting, "message"),
        )
    })?;
    say_slowed(hub, slowed);
    if !hub.out.json {
        say(&format!(
            "{} is an ordinary bot here; the hub as a whole is shown to operators",
            hub.me
        ));
    }
    Ok(())
}

/// Explains why the hub seems slow to this bot.
fn say_slowed(hub: &Hub, slowed: Option<Slowed>) {
    if let Some(slowed) = slowed.filter(|_| !hub.out.json) {
        say(&format!("{} was slowed down: {}", hub.me, words::slowed(slowed)));
    }
}

fn text(hub: &Hub, version: &str, it: &HubNumbers) -> String {
    let pid = hub.running.as_ref().map_or_else(String::new, |hub| format!(", pid {}", hub.pid));
    let oldest = if it.waiting == 0 {
        String::new()
    } else {
        format!(", the oldest for {}", words::period(it.oldest_waiting_ms))
    };
    let lost: Vec<String> = [
        (it.dropped, "dropped"),
        (it.expired, "expired"),
        (it.dead, "given up"),
        (it.corrupt, "damaged"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let disk = it.disk_left.map_or_else(String::new, |left| {
        let left = words::size(left);
        format!("\n  disk       {left} left, kept for receipts and operators: messages are refused")
    });
    let paused = match &it.stopped {
        Some(line) => {
            format!("\n  paused     everything, {}; bot-hub resume --all", in_words(line))
        }
        None if it.pauses > 0 => {
            format!("\n  paused     {}: bot-hub pauses", counted(it.pauses, "pause"))
        }
        None => String::new(),
    };
    let lost = if lost.is_empty() { "nothing".to_owned() } else { lost.join(", ") };
    format!(
        "{} · Bot Hub {version}{pid}\n  \
         bots       {}, {} online, {}\n  \
         rooms      {}, {} kept\n  \
         waiting    {}{oldest}{paused}{disk}\n  \
         since the start  {} accepted, {}, lost on the way: {lost}\n  \
         epoch      {}",
        hub.url,
        it.bots,
        it.online,
        counted(it.connections, "connection"),
        it.rooms,
        counted(it.entries, "message"),
        counted(it.waiting, "message"),
        it.accepted,
        counted(it.deliveries, "delivery"),
        it.epoch,
    )
}

/// How often.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Ping {
    /// How many times
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    count: u32,
}

impl Ping {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let (mut took, mut slowed) = (Vec::new(), None);
        for _ in 0..self.count {
            let pulse = hub.client.pulse().await?;
            took.push(pulse.round_trip);
            slowed = pulse.slowed;
        }
        let micros: Vec<u128> = took.iter().map(Duration::as_micros).collect();
        let value =
            json!({ "url": hub.url, "bot": hub.me, "round_trips_us": micros, "slowed": slowed });
        let line = |time: &Duration| {
            format!("{} answered {} in {:.2} ms", hub.url, hub.me, time.as_secs_f64() * 1_000.0)
        };
        hub.out.answer(&value, || took.iter().map(line).collect::<Vec<_>>().join("\n"))?;
        say_slowed(hub, slowed);
        Ok(())
    }
}
