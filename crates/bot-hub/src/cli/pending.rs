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

#[derive(Deserialize)]
struct Queue {
    bot: BotId,
    room: RoomName,
    waiting: u64,
    in_flight: u64,
    oldest_age_ms: Option<u64>,
    reason: String,
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
