//! `bot-hub send`: send a message, and wait for its receipts.
//!
//! Owns the message and what is printed about it; [`wait`] owns the waiting.

mod wait;

use std::convert::Infallible;
use std::io::{IsTerminal as _, Read as _};

use bot_hub_client::{Event, Events};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::{Ack, Delivery, ErrorFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;
use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{Out, counted, say};
use super::tail::exec::{HOPS_KEY, HOPS_VARIABLE};
use super::target::{Destination, Directory};
use super::visible::visible_line;
use super::words;
use bot_hub_server::config::Period;

/// The limit for a very old hub, which does not say its own.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// How many line ends after the text are read, to be removed.
const LINE_ENDS_MAX: u64 = 64;

/// What to say, to whom, and how long to wait.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The message's id is printed as soon as it is stored: on stdout, or with `--wait answered` on stderr, since the
answer is what stdout gets then. Ctrl-C ends the waiting, never the message: `bot-hub trace ID` shows what becomes
of it. With --json there is one document, at the end.
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

/// A message that was stored.
struct Sent {
    id: MessageId,
    destination: Destination,
    room: RoomName,
    ack: Ack,
    deadline: Instant,
    timeout: Period,
}

impl Send {
    pub(super) async fn run(self, hub: &mut Hub) -> Result<(), Failure> {
        let text = self.text(hub)?;
        let destination = Directory::read(hub).await?.find(&self.to)?;
        let deadline = Instant::now() + self.timeout.get();
        let message = self.message(hub, &destination, text)?;
        if self.wait == Wait::Answered {
            wait::listen(hub, &destination).await?;
        }
        let sending = hub.client.send(message).await?;
        let id = sending.id().clone();
        let mut refusal = None;
        let stored = tokio::select! {
            // First of all: what comes after the `ack` is not for us here.
            biased;
            stored = tokio::time::timeout_at(deadline, sending) => stored,
            never = refusals(&mut hub.events, hub.out, &mut refusal) => match never {},
            _ = tokio::signal::ctrl_c() => return Err(perhaps_stored(Kind::Interrupted, &id, "interrupted")),
        };
        let late = format!("not stored within {}", self.timeout);
        let stored = stored.map_err(|_| match refusal {
            Some(error) => not_stored(&id, &late, &error),
            None => perhaps_stored(Kind::TimedOut, &id, &late),
        })?;
        let ack = stored.map_err(|error| in_our_words(error.into(), hub, &destination.typed()))?;
        let room = ack.room.clone();
        let sent = Sent { id, destination, room, ack, deadline, timeout: self.timeout };
        self.follow(hub, &sent).await
    }

    /// Prints the id as soon as the message is stored, so that it is known whatever happens while waiting.
    /// The id goes to stdout, unless stdout is reserved for the answer or for one JSON document.
    async fn follow(&self, hub: &mut Hub, sent: &Sent) -> Result<(), Failure> {
        let waits = self.wait != Wait::Stored;
        if !hub.out.json {
            if self.wait == Wait::Answered {
                say(&format!("{}: {}", sent.id, sent.in_words()));
            } else {
                hub.out.text(sent.id.as_str()).map_err(|failure| sent.unprinted(failure))?;
                say(&sent.in_words());
            }
        }
        if !waits {
            return sent.tell(hub, &[], None).map_err(|failure| sent.unprinted(failure));
        }
        let (recipients, answer) = tokio::select! {
            outcome = wait::until(hub, sent, self.wait) => outcome?,
            _ = tokio::signal::ctrl_c() => return Err(sent.interrupted()),
        };
        sent.tell(hub, &recipients, answer.as_ref()).map_err(|failure| sent.unprinted(failure))
    }

    fn text(&self, hub: &Hub) -> Result<String, Failure> {
        let from_stdin = match self.text.as_deref() {
            Some("-") => true,
            Some(_) => false,
            None => !std::io::stdin().is_terminal(),
        };
        let text = match (&self.text, from_stdin) {
            (_, true) => read_stdin(hub)?,
            (Some(text), false) => text.clone(),
            (None, false) => String::new(),
        };
        if text.is_empty() {
            return Err(Failure::new(Kind::Usage, "there is nothing to say")
                .hint("bot-hub send TO TEXT, or TO - to read it from stdin"));
        }
        Ok(text)
    }

    fn message(
        &self,
        hub: &Hub,
        destination: &Destination,
        text: String,
    ) -> Result<Message, Failure> {
        let (room, to) = match destination {
            Destination::Room(room) => match room.direct_pair() {
                Some((one, other)) if one == hub.me => (None, Some(other)),
                Some((one, other)) if other == hub.me => (None, Some(one)),
                _ => (Some(room.clone()), None),
            },
            Destination::Bot(bot) => (None, Some(bot.clone())),
        };
        Ok(Message {
            room,
            to,
            text,
            meta: meta()?,
            id: self.id.clone(),
            reply_to: self.reply_to.clone(),
            thread: self.thread.as_deref().map(Into::into),
            expires_at: self.expires_in.map(|period| hub.now() + period.as_ms()),
            ..Message::default()
        })
    }
}

/// Counts the automatic answers before this message, when it is sent by a command of `tail --exec`.
fn meta() -> Result<Option<Opaque>, Failure> {
    let hops = std::env::var(HOPS_VARIABLE).ok().and_then(|hops| hops.parse::<u64>().ok());
    let meta = hops.map(|hops| json!({ HOPS_KEY: hops.saturating_add(1) }).to_string());
    let meta = meta.map(Opaque::from_json).transpose();
    meta.map_err(|error| Failure::new(Kind::Failed, error.to_string()))
}

/// The hub did not confirm the message. Sending it again with the same id is always safe.
/// Remembers why the hub does not take a message for now, and says it the first time. The client sends the message
/// again by itself.
async fn refusals(events: &mut Events, out: Out, last: &mut Option<Box<ErrorFrame>>) -> Infallible {
    while let Some(event) = events.next().await {
        let error = match event {
            Event::Postponed { error, .. } => error,
            // It may have been sent again, and its answer lost with the connection.
            Event::Disconnected { .. } => {
                *last = None;
                continue;
            }
            _ => continue,
        };
        if last.is_none() && !out.json {
            say(&format!("not stored yet: {}; it is sent again", visible_line(&error.message)));
        }
        *last = Some(error);
    }
    std::future::pending().await
}

/// The last answer of the hub was a refusal, on the connection that is still there.
fn not_stored(id: &MessageId, late: &str, error: &ErrorFrame) -> Failure {
    let message = visible_line(&error.message);
    let again = format!("send it again later with --id {id}");
    let hint = error.hint.as_deref().map(visible_line);
    let hint = hint.map_or_else(|| again.clone(), |hint| format!("{hint}; {again}"));
    Failure::new(Kind::TimedOut, format!("`{id}`: {late}: {message}"))
        .hint(hint)
        .details(json!({ "id": id, "refused": error.name }))
}

fn perhaps_stored(kind: Kind, id: &MessageId, what: &str) -> Failure {
    Failure::new(kind, format!("`{id}`: {what}; perhaps it is stored"))
        .hint(format!("send it again with --id {id}: it is stored once"))
        .details(json!({ "id": id }))
}

impl Sent {
    /// Prints the rest at the end.
    fn tell(
        &self,
        hub: &Hub,
        recipients: &[Value],
        answer: Option<&Delivery>,
    ) -> Result<(), Failure> {
        if !hub.out.json {
            return answer.map_or(Ok(()), |it| hub.out.text(&words::visible(&it.text)));
        }
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
        hub.out.answer(&value, String::new)
    }

    /// The message was stored, but its id could not be printed. The hint prevents a second run from sending
    /// it twice.
    fn unprinted(&self, failure: Failure) -> Failure {
        if failure.kind == Kind::Unheard {
            return failure;
        }
        Failure::new(Kind::Failed, format!("`{}` is stored; {}", self.id, failure.message))
            .hint(format!(
                "do not send it again; see what becomes of it: bot-hub trace {}",
                self.id
            ))
            .details(json!({ "id": self.id, "room": self.room }))
    }

    /// The failure after ctrl-c: the message was sent, and the hint shows how to follow it.
    fn interrupted(&self) -> Failure {
        Failure::new(Kind::Interrupted, format!("`{}` is stored; only the waiting ended", self.id))
            .hint(format!("see what becomes of it: bot-hub trace {}", self.id))
            .details(json!({ "id": self.id, "room": self.room }))
    }

    /// The result as a sentence; it also says if the message has no recipient.
    fn in_words(&self) -> String {
        let (to, ack) = (self.destination.typed(), &self.ack);
        let queued = ack.queued.unwrap_or(0);
        let again = if ack.duplicate { " before" } else { "" };
        if ack.delivered == 0 && queued == 0 && ack.duplicate {
            // The acknowledgement of a repeated message says nothing about recipients that had it before
            // the hub started.
            return format!("stored before in {to}; bot-hub trace {} says more", self.id);
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

/// The refusal for a non-member, with the bot's name added.
pub(super) fn in_our_words(failure: Failure, hub: &Hub, room: &str) -> Failure {
    if failure.code.as_deref() != Some("not_a_member") {
        return failure;
    }
    let message = format!("`{}` is not a member of `{room}`", hub.me);
    let hint = super::frames::not_a_member(room, &hub.me);
    Failure::new(Kind::Refused, message).hint(hint)
}

/// Reads stdin up to the hub's limit. A longer text is refused before it was read to its end.
fn read_stdin(hub: &Hub) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        say("what is said is read from here; ctrl-d ends it");
    }
    // Line ends after the text do not count towards the limit.
    let limit = hub.hello.limits.as_ref().map_or(TEXT_BYTES_MAX, |it| u64::from(it.text_bytes));
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(limit + LINE_ENDS_MAX).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(Kind::Failed, format!("stdin cannot be read: {error}")))?;
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    bytes.truncate(end);
    if bytes.len() as u64 > limit {
        let message =
            format!("the text is longer than {limit} bytes, which is what this hub takes");
        return Err(Failure::new(Kind::Refused, message)
            .hint("send it in parts, or put it somewhere and send a link"));
    }
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(Kind::Failed, "what stands on stdin is no text")
            .hint("a message is UTF-8 text")
    })
}

pub(super) fn message_id(text: &str) -> Result<MessageId, bot_protocol::id::IdError> {
    MessageId::new(text)
}
