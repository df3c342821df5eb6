//! What the two bots of the demonstration do.
//!
//! Owns the story: a conversation, an absence in which no message gets lost, and receipts. Every printed
//! line reports something that happened on the hub.

use std::time::Duration;

use bot_hub_client::{Client, Event, Events, Options};
use bot_protocol::frame::client::{Message, Receipt};
use bot_protocol::frame::server::Delivery;
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::secret::Secret;
use bot_protocol::word::Open;
use serde_json::json;

use crate::cli::failure::{Failure, Kind};
use crate::cli::out::{Out, counted, say};
use crate::cli::words;

/// The names of the two bots.
pub(super) const BOTS: [&str; 2] = ["marlbot", "pelouse"];

/// The room that they talk in.
const ROOM: &str = "marlbot-pelouse";

/// One of the two bots.
struct Actor {
    name: &'static str,
    client: Client,
    events: Events,
    room: RoomName,
    /// The receipts for its own messages, as they came.
    receipts: Vec<(MessageId, Open<ReceiptState>)>,
}

impl Actor {
    /// The next event, or `None` for a receipt, which is put into `receipts`.
    async fn next(&mut self) -> Result<Option<Event>, Failure> {
        match self.events.next().await {
            Some(Event::Receipt(receipt)) => {
                self.receipts.push((receipt.id, receipt.state));
                Ok(None)
            }
            Some(event) => Ok(Some(event)),
            None => Err(self.client.ended().await.into()),
        }
    }
}

pub(super) async fn talk(tokens: [Secret; 2], stage: Stage) -> Result<(), Failure> {
    say(&format!("a hub in memory listens on {}; nothing is kept\n", stage.url));
    let mut marlbot = stage.enter(BOTS[0], &tokens[0]).await?;
    let mut pelouse = stage.enter(BOTS[1], &tokens[1]).await?;

    let asked = stage.say(&marlbot, "Hey, article idea?", None).await?;
    let heard = stage.hear(&mut pelouse).await?;
    stage.report(&pelouse, &heard, ReceiptState::Started, None).await?;
    let reply =
        stage.say(&pelouse, "Two bots that review each other's drafts.", Some(&asked)).await?;
    stage.report(&pelouse, &heard, ReceiptState::Answered, Some(&reply)).await?;
    stage.hear(&mut marlbot).await?;
    stage.receipts(&mut marlbot, &asked).await?;

    pelouse.client.close().await;
    stage.tell(&format!("- {} goes offline", pelouse.name)).await?;
    stage.say(&marlbot, "I like it. Outline by tonight?", None).await?;
    stage.say(&marlbot, "I take the part about trust.", None).await?;

    let mut pelouse = stage.enter(BOTS[1], &tokens[1]).await?;
    stage.hear(&mut pelouse).await?;
    stage.hear(&mut pelouse).await?;
    stage.say(&pelouse, "Back, and nothing is missing. Deal.", None).await?;
    stage.hear(&mut marlbot).await?;
    stage
        .tell("\nThat was a demo. The real thing: bot-hub serve, then bot-hub bot add NAME")
        .await?;
    marlbot.client.close().await;
    pelouse.client.close().await;
    Ok(())
}

/// The two bots, and how their actions are shown.
pub(super) struct Stage {
    pub(super) url: String,
    pub(super) pace: Duration,
    pub(super) out: Out,
}

impl Stage {
    async fn tell(&self, line: &str) -> Result<(), Failure> {
        tokio::time::sleep(self.pace).await;
        if self.out.json {
            return self.out.json_line(&json!({ "ok": true, "line": line.trim() }));
        }
        self.out.text(line)
    }

    async fn enter(&self, name: &'static str, token: &Secret) -> Result<Actor, Failure> {
        let (client, events) = Client::connect(Options::new(&self.url, token.expose())).await?;
        let room = RoomName::new(ROOM).expect("it is a name");
        let joined = client.join(room.clone()).await?;
        let others: Vec<&str> = joined.members.iter().map(|bot| bot.as_str()).collect();
        let company = match &others[..] {
            [] => "nobody else is there".to_owned(),
            others => format!("{} is there", others.join(", ")),
        };
        self.tell(&format!("+ {name} joins #{ROOM}; {company}")).await?;
        Ok(Actor { name, client, events, room, receipts: Vec::new() })
    }

    /// Sends a message and shows the hub's answer.
    async fn say(
        &self,
        actor: &Actor,
        text: &str,
        reply_to: Option<&MessageId>,
    ) -> Result<MessageId, Failure> {
        let message = Message {
            room: Some(actor.room.clone()),
            text: text.to_owned(),
            reply_to: reply_to.cloned(),
            ..Message::default()
        };
        let sending = actor.client.send(message).await?;
        let id = sending.id().clone();
        let ack = sending.await?;
        self.tell(&format!("{}: {text}", actor.name)).await?;
        let queued = ack.queued.unwrap_or(0);
        let fate = match (ack.delivered, queued) {
            (delivered, 0) => format!("delivered to {}", counted(delivered.into(), "bot")),
            (_, queued) => format!("waits for {}", counted(queued.into(), "bot")),
        };
        self.tell(&format!("    stored as number {}, {fate}", ack.seq.unwrap_or(0))).await?;
        Ok(id)
    }

    /// Waits for a message and shows that it arrived.
    async fn hear(&self, actor: &mut Actor) -> Result<Delivery, Failure> {
        loop {
            let Some(Event::Message(message)) = actor.next().await? else { continue };
            let late = message.backlog.map_or_else(String::new, |place| {
                let age = words::period(message.age_ms.unwrap_or(0));
                format!(", {} of {} that waited, {age} old", place.index, place.total)
            });
            let number = message.seq.unwrap_or(0);
            self.tell(&format!("    {} receives number {number}{late}", actor.name)).await?;
            return Ok(*message);
        }
    }

    async fn report(
        &self,
        actor: &Actor,
        about: &Delivery,
        state: ReceiptState,
        reply: Option<&MessageId>,
    ) -> Result<(), Failure> {
        let receipt = Receipt {
            room: actor.room.clone(),
            id: about.id.clone(),
            from: Some(about.from.clone()),
            seq: None,
            state,
            reason: None,
            reply: reply.cloned(),
        };
        let told = actor.client.receipt(receipt).await;
        told.map_err(|error| Failure::new(Kind::Failed, error.to_string()))
    }

    /// Shows the receipts for a message once all have come.
    async fn receipts(&self, actor: &mut Actor, id: &MessageId) -> Result<(), Failure> {
        let is_final = |state: &Open<_>| state.known().is_some_and(ReceiptState::is_final);
        while !actor.receipts.iter().any(|(of, state)| of == id && is_final(state)) {
            actor.next().await?;
        }
        let own = actor.receipts.iter().filter(|(of, _)| of == id);
        // `delivered` is skipped: the recipient mostly answers before it would be seen.
        let rungs = own.filter(|(_, state)| *state != ReceiptState::Delivered);
        let rungs: Vec<String> = rungs.map(|(_, state)| state.to_string()).collect();
        self.tell(&format!("    {} is told: {}", actor.name, rungs.join(", "))).await
    }
}
