//! Senders of three makes: the real client, a seed client, and a plain one that says everything twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_client::bot_protocol::id::MessageId;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::{Client, Event, Events, Options, Sending};
use bot_hub_proof::chance::Chance;
use bot_hub_proof::peer::Peer;
use bot_hub_proof::process::token;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::book::SharedBook;
use crate::words::{key, now_us, text};

/// Messages of a real client on their way.
const PIPELINED: usize = 16;
/// How long a plain client waits for an `ack` before it connects again.
const ANSWER: Duration = Duration::from_secs(4);
/// How long it stays away after something broke.
const AWAY: Duration = Duration::from_millis(200);

/// What a sender needs to know.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Its name.
    pub bot: String,
    /// Where it connects to.
    pub url: String,
    /// Where it speaks.
    pub rooms: Vec<String>,
    /// Messages per second.
    pub rate: u64,
    /// What it decides by.
    pub chance: Chance,
    /// Where it writes down what it knows.
    pub book: SharedBook,
    /// When this is set it stops saying anything new.
    pub stop: Arc<AtomicBool>,
}

impl Sender {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn pause(&mut self) -> Duration {
        let mean_us = 1_000_000 / self.rate.max(1);
        Duration::from_micros(self.chance.between(mean_us / 4, mean_us * 7 / 4))
    }
}

/// One bot on the real client. Returns when everything that it said was acknowledged.
pub async fn as_client(mut sender: Sender) -> Result<()> {
    let options = Options::new(&*sender.url, token(&sender.bot));
    let (client, events) = Client::connect(options).await.map_err(|error| anyhow!("{error}"))?;
    for room in &sender.rooms {
        client.join(RoomName::new(room)?).await.map_err(|error| anyhow!("{error}"))?;
    }
    tokio::spawn(listen(events, sender.book.clone()));
    let mut on_their_way = JoinSet::new();
    for number in 1.. {
        if sender.stops() {
            break;
        }
        if on_their_way.len() >= PIPELINED {
            on_their_way.join_next().await.context("there are some")???;
        }
        let room = sender.chance.pick(&sender.rooms).clone();
        let (key, since) = (key(&sender.bot, &room, number), now_us());
        let id = format!("{}-{number}", sender.bot);
        sender.book.said(&sender.bot, &room, &key, Some(&id));
        let message = Message {
            room: Some(RoomName::new(&room)?),
            text: text(&key),
            id: Some(MessageId::new(&id)?),
            ..Message::default()
        };
        let sending = client.send(message).await.map_err(|error| anyhow!("{error}"))?;
        on_their_way.spawn(settle(sender.book.clone(), key, since, sending));
        tokio::time::sleep(sender.pause()).await;
    }
    while let Some(settled) = on_their_way.join_next().await {
        settled??;
    }
    Ok(())
}

async fn settle(book: SharedBook, key: String, since: u64, sending: Sending) -> Result<()> {
    let ack = sending.await.map_err(|error| anyhow!("`{key}` was given up: {error}"))?;
    book.acked(&key, ack.seq, since);
    book.open().counts.duplicates += u64::from(ack.duplicate);
    Ok(())
}

async fn listen(mut events: Events, book: SharedBook) {
    while let Some(event) = events.next().await {
        match event {
            Event::Receipt(receipt) => {
                book.receipt(receipt.id.as_str(), receipt.bot.as_str(), &receipt.state.to_string());
            }
            Event::Postponed { id, .. } => {
                let mut book = book.open();
                book.counts.refused_for_now += 1;
                if let Some(key) = book.by_id.get(id.as_str()).cloned() {
                    book.history.postponed(&key);
                }
            }
            _ => {}
        }
    }
}

/// How a plain client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// The original's frames: no ids, so nothing is ever repeated.
    Seed,
    /// With ids, everything twice, and again after each break until it is acknowledged.
    Twice,
}

/// One bot on a plain WebSocket, blocking. Returns when it has stopped.
pub fn as_plain(mut sender: Sender, plain: Plain) {
    let mut number = 0;
    let mut unsure: Option<Saying> = None;
    while !sender.stops() || unsure.is_some() {
        let Ok(mut peer) = enter(&sender, plain) else {
            std::thread::sleep(AWAY);
            continue;
        };
        // Whatever ends it: the next connection goes on.
        while speak(&mut sender, plain, &mut peer, &mut number, &mut unsure).is_ok() {
            if sender.stops() && unsure.is_none() {
                return;
            }
        }
        if plain == Plain::Seed {
            // It cannot ask what became of it.
            unsure = None;
        }
        std::thread::sleep(AWAY);
    }
}

/// A message whose `ack` has not come.
struct Saying {
    key: String,
    room: String,
    id: String,
    since: u64,
}

fn enter(sender: &Sender, plain: Plain) -> Result<Peer, String> {
    let token = token(&sender.bot);
    let mut peer = match plain {
        Plain::Seed => Peer::seed(&sender.url, &token)?,
        Plain::Twice => Peer::ours(&sender.url, &token, &json!({"caps": []}))?.0,
    };
    for room in &sender.rooms {
        peer.join(room)?;
    }
    Ok(peer)
}

fn speak(
    sender: &mut Sender,
    plain: Plain,
    peer: &mut Peer,
    number: &mut u64,
    unsure: &mut Option<Saying>,
) -> Result<(), String> {
    let repeats = unsure.is_some();
    let saying = unsure.get_or_insert_with(|| {
        *number += 1;
        let room = sender.chance.pick(&sender.rooms).clone();
        let key = key(&sender.bot, &room, *number);
        sender.book.said(&sender.bot, &room, &key, None);
        Saying { id: format!("{}-{number}", sender.bot), key, room, since: now_us() }
    });
    let mut frame = json!({"type": "message", "room": saying.room, "text": text(&saying.key)});
    if plain == Plain::Twice {
        frame["id"] = json!(saying.id);
        sender.book.open().counts.said_again += 1 + u64::from(repeats);
        peer.say(&frame)?;
    }
    peer.say(&frame)?;
    let outcome = match plain {
        Plain::Seed => seed_answer(&sender.book, peer, saying)?,
        Plain::Twice => both_answers(&sender.book, peer, saying)?,
    };
    if outcome == Outcome::Settled {
        *unsure = None;
    }
    let pause = if outcome == Outcome::Later { AWAY } else { sender.pause() };
    // It reads while it waits: it is a member too, and messages come.
    let until = Instant::now() + pause;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        peer.hear_for(left)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Settled,
    Later,
}

fn seed_answer(book: &SharedBook, peer: &mut Peer, saying: &Saying) -> Result<Outcome, String> {
    let answer = answer(peer)?;
    if answer["type"] == "ack" {
        book.acked(&saying.key, None, saying.since);
        return Ok(Outcome::Settled);
    }
    let mut book = book.open();
    book.counts.refused += 1;
    book.history.refused(&saying.key);
    drop(book);
    std::thread::sleep(AWAY);
    Ok(Outcome::Settled)
}

/// The same message twice: the same place twice, and at least one of the answers is a repetition.
fn both_answers(book: &SharedBook, peer: &mut Peer, saying: &Saying) -> Result<Outcome, String> {
    let answers = [answer(peer)?, answer(peer)?];
    let acks: Vec<&Value> = answers.iter().filter(|it| it["type"] == "ack").collect();
    if let [one, two] = *acks {
        let is_once = one["seq"] == two["seq"] && two["duplicate"] == true;
        if !is_once {
            book.object(format!("`{}` said twice was answered with {one} and {two}", saying.key));
        }
        book.open().counts.duplicates += 1;
    }
    let Some(ack) = acks.first() else {
        let mut book = book.open();
        book.counts.refused_for_now += 1;
        book.history.postponed(&saying.key);
        return Ok(Outcome::Later);
    };
    book.acked(&saying.key, ack["seq"].as_u64(), saying.since);
    Ok(Outcome::Settled)
}

/// The next `ack` or refusal.
fn answer(peer: &mut Peer) -> Result<Value, String> {
    let deadline = Instant::now() + ANSWER;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(text) = peer.hear_for(left)? else { return Err("no answer".to_owned()) };
        let frame: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if frame["type"] == "ack" || frame["type"] == "error" {
            return Ok(frame);
        }
    }
}
