//! `bot-hub pending`: what waits for whom, and why.
//!
//! Owns how it is printed.

use bot_protocol::frame::operator::Operation;
use bot_protocol::name::{BotId, RoomName};
use serde::Deserialize;

use super::failure::Failure;
use super::hub::Hub;
use super::out::{say, table};
use super::target::{Directory, bot_argument};
use super::words;

/// For whom.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Pending {
    /// Only what waits for this bot
    #[arg(long, value_name = "BOT", value_parser = bot_argument)]
    bot: Option<BotId>,
}

#[derive(Deserialize)]
struct Waiting {
    pending: Vec<Queue>,
}

/// What waits for one bot in one room.
#[derive(Debug, Deserialize)]
pub(super) struct Queue {
    pub(super) bot: BotId,
    pub(super) room: RoomName,
    pub(super) waiting: u64,
    pub(super) in_flight: u64,
    pub(super) oldest_age_ms: Option<u64>,
    pub(super) reason: String,
}

/// What waits, for whomever.
pub(super) async fn queues(hub: &Hub) -> Result<Vec<Queue>, Failure> {
    let (_, waiting): (_, Waiting) = hub.ask(Operation::Pending { bot: None }).await?;
    Ok(waiting.pending)
}

impl Queue {
    /// Whether the bot is not connected: then waiting is what messages should do.
    pub(super) fn is_away(&self) -> bool {
        self.reason == "offline" || self.reason.starts_with("disabled")
    }
}

impl Pending {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        if let Some(bot) = &self.bot {
            Directory::read(hub).await?.find(&format!("@{bot}"))?;
        }
        let (value, waiting): (_, Waiting) =
            hub.ask(Operation::Pending { bot: self.bot.clone() }).await?;
        let rows: Vec<_> = waiting
            .pending
            .iter()
            .map(|it| {
                [
                    it.bot.to_string(),
                    words::room(it.room.as_str()),
                    it.waiting.to_string(),
                    it.in_flight.to_string(),
                    it.oldest_age_ms.map_or_else(|| "-".to_owned(), words::period),
                    it.reason.clone(),
                ]
            })
            .collect();
        let head = ["bot", "room", "waiting", "on the way", "oldest", "why"];
        hub.out.answer(&value, || table(head, &rows))?;
        if rows.is_empty() && !hub.out.json {
            say("nothing waits for anybody");
        }
        Ok(())
    }
}
