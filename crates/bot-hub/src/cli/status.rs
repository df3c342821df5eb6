//! `bot-hub status` and `bot-hub ping`: the hub in numbers, and whether it answers.
//!
//! Owns what is printed about a hub as a whole.

use std::time::Duration;

use bot_protocol::frame::operator::Operation;
use serde::Deserialize;
use serde_json::json;

use super::failure::Failure;
use super::hub::Hub;
use super::out::counted;
use super::words;

#[derive(Deserialize)]
struct Numbers {
    epoch: String,
    rooms: u64,
    bots: u64,
    online: u64,
    connections: u64,
    entries: u64,
    waiting: u64,
    oldest_waiting_ms: u64,
    accepted: u64,
    deliveries: u64,
    dropped: u64,
    expired: u64,
    dead: u64,
    corrupt: u64,
}

/// `status`.
pub(super) async fn status(hub: &Hub) -> Result<(), Failure> {
    let (mut value, numbers): (_, Numbers) = hub.ask(Operation::HubStatus {}).await?;
    let version = hub.hello.hub.as_ref().map_or("-", |hub| hub.version.as_str()).to_owned();
    value["url"] = hub.url.as_str().into();
    value["version"] = version.as_str().into();
    value["pid"] = hub.running.as_ref().map(|running| running.pid).into();
    hub.out.answer(&value, || text(hub, &version, &numbers))
}

fn text(hub: &Hub, version: &str, it: &Numbers) -> String {
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
    let lost = if lost.is_empty() { "nothing".to_owned() } else { lost.join(", ") };
    format!(
        "{} · Bot Hub {version}{pid}\n  \
         bots       {}, {} online, {}\n  \
         rooms      {}, {} kept\n  \
         waiting    {}{oldest}\n  \
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
        let mut took = Vec::new();
        for _ in 0..self.count {
            took.push(hub.client.ping().await?);
        }
        let micros: Vec<u128> = took.iter().map(Duration::as_micros).collect();
        let value = json!({ "url": hub.url, "bot": hub.me, "round_trips_us": micros });
        let line = |time: &Duration| {
            format!("{} answered {} in {:.2} ms", hub.url, hub.me, time.as_secs_f64() * 1_000.0)
        };
        hub.out.answer(&value, || took.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}
