//! `bot-hub send`: say something, and wait for what becomes of it.
//!
//! Owns the message and what is printed about it; the waiting is [`wait`]'s.

mod wait;

use std::io::{IsTerminal as _, Read as _};

use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::{Ack, Delivery};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;
use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{counted, say};
use super::target::{Directory, Place};
use super::words;
use crate::config::Period;

/// What to say, to whom, and how long to wait.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The message's id is printed on stdout; with `--wait answered`, the answer.
`delivered` and `received` wait for every recipient, `answered` for the first answer.

Examples:
  bot-hub send '#lab' 'hello everybody'
  bot-hub send @pelouse 'are you there?' --wait answered --timeout 5m
  git log -1 | bot-hub send lab -")]
pub(super) struct Send {
    /// Whom: #room, @bot, dm:bot:bot, or a bare name that only one of them has
    to: String,
    /// What is said; `-` reads it from stdin, and so does leaving it out in a pipe
    text: Option<String>,
    /// Until when to wait
    #[arg(long, value_enum, default_value_t = Wait::Stored)]
    wait: Wait,
    /// How long to wait at most
    #[arg(long, value_name = "PERIOD", default_value = "30s")]
    timeout: Period,
    /// The message that this one answers
    #[arg(long, value_name = "ID", value_parser = message_id)]
    reply_to: Option<MessageId>,
    /// A label that groups messages
    #[arg(long, value_name = "LABEL")]
    thread: Option<String>,
    /// The message's own id: the same message sent again with the same id is stored once
    #[arg(long, value_name = "ID", value_parser = message_id)]
    id: Option<MessageId>,
    /// Not worth delivering after that time: 10m, 2h
    #[arg(long, value_name = "PERIOD")]
    expires_in: Option<Period>,
}

/// A rung of the ladder of receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// The hub has it on its disk
    Stored,
    /// Written to the recipients' connections
    Delivered,
    /// The recipients have taken responsibility for it
    Received,
    /// Somebody has answered it
    Answered,
}

/// A message that is stored.
struct Sent {
    id: MessageId,
    place: Place,
    room: RoomName,
    ack: Ack,
    deadline: Instant,
    timeout: Period,
}

impl Send {
    pub(super) async fn run(self, hub: &mut Hub) -> Result<(), Failure> {
        let text = self.text()?;
        let place = Directory::read(hub).await?.find(&self.to)?;
        let deadline = Instant::now() + self.timeout.get();
        let message = self.message(hub, &place, text);
        if self.wait == Wait::Answered {
            wait::listen(hub, &place).await?;
        }
        let sending = hub.client.send(message).await?;
        let id = sending.id().clone();
        let stored = tokio::time::timeout_at(deadline, sending).await.map_err(|_| {
            let what = format!("`{id}` was not stored within {}", self.timeout);
            Failure::new(Kind::TimedOut, what)
                .hint("send it again with the same --id; it is stored once")
        })?;
        let ack = stored.map_err(|error| in_our_words(error.into(), hub, &place))?;
        let room = ack.room.clone();
        let sent = Sent { id, place, room, ack, deadline, timeout: self.timeout };
        if self.wait == Wait::Stored {
            return sent.tell(hub, &[], None);
        }
        let (recipients, answer) = wait::until(hub, &sent, self.wait).await?;
        sent.tell(hub, &recipients, answer.as_ref())
    }

    fn text(&self) -> Result<String, Failure> {
        let from_stdin = match self.text.as_deref() {
            Some("-") => true,
            Some(_) => false,
            None => !std::io::stdin().is_terminal(),
        };
        let text = match (&self.text, from_stdin) {
            (_, true) => read_stdin()?,
            (Some(text), false) => text.clone(),
            (None, false) => String::new(),
        };
        if text.is_empty() {
            return Err(Failure::new(Kind::Usage, "there is nothing to say")
                .hint("bot-hub send TO TEXT, or TO - to read it from stdin"));
        }
        Ok(text)
    }

    fn message(&self, hub: &Hub, place: &Place, text: String) -> Message {
        let (room, to) = match place {
            Place::Room(room) => match room.direct_pair() {
                Some((one, other)) if one == hub.me => (None, Some(other)),
                Some((one, other)) if other == hub.me => (None, Some(one)),
                _ => (Some(room.clone()), None),
            },
            Place::Bot(bot) => (None, Some(bot.clone())),
        };
        Message {
            room,
            to,
            text,
            id: self.id.clone(),
            reply_to: self.reply_to.clone(),
            thread: self.thread.as_deref().map(Into::into),
            expires_at: self.expires_in.map(|period| hub.now() + period.as_ms()),
            ..Message::default()
        }
    }
}

impl Sent {
    fn tell(
        &self,
        hub: &Hub,
        recipients: &[Value],
        answer: Option<&Delivery>,
    ) -> Result<(), Failure> {
        let ack = &self.ack;
        let mut value = json!({
            "id": self.id, "room": self.room, "seq": ack.seq, "delivered": ack.delivered,
            "queued": ack.queued.unwrap_or(0), "duplicate": ack.duplicate,
        });
        if !recipients.is_empty() {
            value["recipients"] = recipients.into();
        }
        if let Some(answer) = answer {
            value["answer"] = json!(answer);
        }
        let data =
            answer.map_or_else(|| self.id.to_string(), |it| words::visible(&it.text).into_owned());
        hub.out.answer(&value, || data)?;
        if !hub.out.json {
            say(&self.in_words());
        }
        Ok(())
    }

    /// Nothing is ever sent to nobody without saying so.
    fn in_words(&self) -> String {
        let (to, ack) = (self.place.typed(), &self.ack);
        let queued = ack.queued.unwrap_or(0);
        let again = if ack.duplicate { " before" } else { "" };
        if ack.delivered == 0 && queued == 0 && ack.duplicate {
            // It says nothing about those who had it before the hub started.
            return format!("stored before in {to}; bot-hub status {} says more", self.id);
        }
        if ack.delivered == 0 && queued == 0 {
            return format!("stored{again} in {to}, where nobody else is a member");
        }
        let delivered = format!("delivered to {}", counted(ack.delivered.into(), "bot"));
        let waits = format!("waits for {}", counted(queued.into(), "bot"));
        let parts = [(ack.delivered, delivered), (queued, waits)];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect();
        format!("stored{again} for {to}: {}", parts.join(", "))
    }
}

/// The hub explains itself in frames; here people type commands.
fn in_our_words(failure: Failure, hub: &Hub, place: &Place) -> Failure {
    if failure.code.as_deref() != Some("not_a_member") {
        return failure;
    }
    let (room, me) = (place.typed(), &hub.me);
    Failure::new(Kind::Refused, format!("`{me}` is not a member of `{room}`"))
        .hint(format!("an operator can run: bot-hub room add '{room}' {me}"))
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        Failure::new(Kind::Failed, format!("stdin cannot be read: {error}"))
            .hint("a message is UTF-8 text")
    })?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(text)
}

pub(super) fn message_id(text: &str) -> Result<MessageId, bot_protocol::id::IdError> {
    MessageId::new(text)
}
