//! The state of the hub at one moment.
//!
//! Owns the questions that make a sample, and the rates between two samples.

use std::time::Instant;

use bot_protocol::frame::answer::{Ask, BotLine, HubNumbers, RoomLine, RoomList, Waiting};
use bot_protocol::frame::operator::Page;
use bot_protocol::time::Timestamp;

use super::commits::Commits;
use crate::cli::bot::bots;
use crate::cli::failure::Failure;
use crate::cli::hub::Hub;
use crate::cli::pending::queues;
use crate::cli::words;

/// A bot.
#[derive(Clone, Debug)]
pub(super) struct Bot {
    pub(super) name: String,
    pub(super) online: bool,
    /// How often the hub stopped reading from it, because it used more than its share.
    pub(super) slowed: u64,
    pub(super) client: String,
    pub(super) waiting: u64,
    pub(super) oldest_ms: u64,
    /// Why its oldest message waits.
    pub(super) why: String,
    /// How long ago it was connected; `None` is never.
    pub(super) seen_ms: Option<u64>,
}

/// A room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) members: u64,
    pub(super) online: u64,
    pub(super) entries: u64,
    pub(super) head: u64,
    pub(super) waiting: u64,
}

/// The state of the hub at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) url: String,
    pub(super) version: String,
    pub(super) numbers: HubNumbers,
    pub(super) bots: Vec<Bot>,
    pub(super) rooms: Vec<Room>,
    /// The store's transactions; only a hub on this machine has them.
    pub(super) commits: Option<Commits>,
}

/// Rates per second between two samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) accepted: f64,
    pub(super) delivered: f64,
    pub(super) received: f64,
    pub(super) dropped: f64,
}

impl Sample {
    pub(super) async fn take(hub: &Hub) -> Result<Self, Failure> {
        let (_, mut numbers) = hub.ask(Ask::hub_status()).await?;
        let bots = bots(hub).await?;
        numbers.bots = bots.len() as u64;
        numbers.online = bots.iter().filter(|bot| bot.online).count() as u64;
        let (_, RoomList { rooms, .. }) = hub.ask(Ask::room_list(Page::default())).await?;
        let pending = queues(hub).await?;
        let version = hub.hello.hub.as_ref().map_or("-", |hub| hub.version.as_str());
        Ok(Self {
            at: Instant::now(),
            url: hub.url.clone(),
            version: version.to_owned(),
            numbers,
            bots: bots.into_iter().map(|row| bot(row, &pending, hub.now())).collect(),
            rooms: rooms.into_iter().map(room).collect(),
            commits: Commits::read(&hub.url).await,
        })
    }

    pub(super) fn rates(&self, before: &Self) -> Rates {
        let seconds = self.seconds_since(before);
        let per_second = |of: fn(&HubNumbers) -> u64| {
            of(&self.numbers).saturating_sub(of(&before.numbers)) as f64 / seconds
        };
        Rates {
            accepted: per_second(|it| it.accepted),
            delivered: per_second(|it| it.deliveries),
            received: per_second(|it| it.received),
            dropped: per_second(|it| it.dropped),
        }
    }

    /// Messages per second in a room.
    pub(super) fn room_rate(&self, before: &Self, room: &Room) -> Option<f64> {
        let then = before.rooms.iter().find(|it| it.name == room.name)?;
        Some(room.head.saturating_sub(then.head) as f64 / self.seconds_since(before))
    }

    fn seconds_since(&self, before: &Self) -> f64 {
        self.at.duration_since(before.at).as_secs_f64().max(0.001)
    }
}

fn bot(row: BotLine, pending: &[Waiting], now: Timestamp) -> Bot {
    let own = pending.iter().filter(|queue| queue.bot == row.bot);
    let oldest = own.clone().max_by_key(|queue| queue.oldest_age_ms);
    Bot {
        client: words::visible(row.client.as_deref().unwrap_or("-")).into_owned(),
        waiting: own.map(|queue| queue.waiting).sum(),
        oldest_ms: oldest.and_then(|queue| queue.oldest_age_ms).unwrap_or(0),
        why: oldest.map_or_else(String::new, |queue| {
            words::visible_line(queue.reason.as_str()).into_owned()
        }),
        seen_ms: if row.online { Some(0) } else { row.last_seen.map(|at| now.since(at)) },
        online: row.online,
        slowed: row.slowed.map_or(0, |slowed| slowed.times),
        name: row.bot.to_string(),
    }
}

fn room(row: RoomLine) -> Room {
    Room {
        name: words::room(row.room.as_str()),
        members: row.members.len() as u64,
        online: row.members.iter().filter(|member| member.online).count() as u64,
        entries: row.entries,
        head: row.head,
        waiting: row.members.iter().map(|member| member.waiting).sum(),
    }
}
