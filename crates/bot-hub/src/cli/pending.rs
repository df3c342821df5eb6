//! `bot-hub pending`: which messages wait for which bots, and why.
//!
//! Owns how the list is printed.

use bot_protocol::frame::answer::{Ask, PendingList, WaitReason, Waiting};
use bot_protocol::frame::operator::Page;
use bot_protocol::name::BotId;
use serde_json::json;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{say, table};
use super::target::{Directory, bot_argument};
use super::who::{Own, own_rooms};
use super::words;

/// The bot to list.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Pending {
    /// Only what waits for this bot
    #[arg(long, value_name = "BOT", value_parser = bot_argument)]
    bot: Option<BotId>,
}

/// The waiting messages of all bots.
pub(super) async fn queues(hub: &Hub) -> Result<Vec<Waiting>, Failure> {
    let (_, waiting) = hub.ask(pending_of(None)).await?;
    Ok(waiting.pending)
}

fn pending_of(bot: Option<BotId>) -> Ask<PendingList> {
    Ask::pending(bot, Page::default())
}

/// Whether the bot is not connected, so that messages are supposed to wait.
pub(super) fn is_away(queue: &Waiting) -> bool {
    matches!(queue.reason.known(), Some(WaitReason::Offline | WaitReason::ShutOut))
}

/// Why it waits; of a pause, who paused and since when.
pub(super) fn why(it: &Waiting) -> String {
    match &it.paused {
        Some(line) => format!("paused: {}", super::pause::in_words(line)),
        None => words::visible_line(it.reason.as_str()).into_owned(),
    }
}

impl Pending {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        if let Some(bot) = &self.bot {
            Directory::read(hub).await?.find(&format!("@{bot}"))?;
        }
        let (value, waiting) = match hub.ask(pending_of(self.bot.clone())).await {
            Err(failure) if failure.kind == Kind::Refused => return self.own(hub),
            asked => asked?,
        };
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
                    why(it),
                ]
            })
            .collect();
        let head = ["bot", "room", "waiting", "on the way", "oldest", "why"];
        hub.out.answer(&value, || table(head, &rows))?;
        if rows.is_empty() && !hub.out.json {
            match &self.bot {
                Some(bot) => say(&format!("nothing waits for {bot}")),
                None => say("nothing waits for anybody"),
            }
        }
        Ok(())
    }

    /// The list for a bot that is no operator: the messages that wait for itself.
    fn own(&self, hub: &Hub) -> Result<(), Failure> {
        if self.bot.as_ref().is_some_and(|bot| *bot != hub.me) {
            let message = format!("what waits for others, `{}` is not told", hub.me);
            let hint = "only operators are; what waits for you: bot-hub pending";
            return Err(Failure::new(Kind::Refused, message).hint(hint));
        }
        let mut rooms = own_rooms(hub);
        rooms.retain(|it| it.waiting > 0);
        let each = |it: &Own| json!({ "bot": hub.me, "room": it.room, "waiting": it.waiting });
        let listed: Vec<_> = rooms.iter().map(each).collect();
        let row = |it: &Own| [words::room(it.room.as_str()), it.waiting.to_string()];
        let rows: Vec<_> = rooms.iter().map(row).collect();
        let value = json!({ "pending": listed, "complete": false });
        hub.out.answer(&value, || table(["room", "waiting"], &rows))?;
        if !hub.out.json {
            let what = if rows.is_empty() { "nothing waits for you" } else { "this waits for you" };
            say(&format!("{what}; what waits for others, operators are told"));
        }
        Ok(())
    }
}
