//! Two writers and two readers, whose clients heal themselves.
//!
//! Owns what each of them knows for certain: a writer what was acknowledged, a reader what it saw
//! first, in which order.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_client::bot_protocol::id::MessageId;
use bot_hub_client::bot_protocol::name::{BotId, RoomName};
use bot_hub_client::{Client, Event, Events, Options};

/// Messages on their way from one writer.
const PIPELINED: usize = 32;

pub(crate) fn room() -> RoomName {
    RoomName::new("lab").expect("a name")
}

pub(crate) fn options(url: &str, bot: &str) -> Options {
    Options::new(url, format!("token-{bot}"))
}

/// What a writer knows: text and place of each message that was acknowledged, in order.
pub(crate) type Acked = Vec<(String, u64)>;

/// What everybody can see.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) acked: AtomicU64,
    pub(crate) stop: AtomicBool,
}

/// Writes until it is told to stop; then waits for every `ack`.
pub(crate) async fn write(client: Client, name: &'static str, progress: Arc<Progress>) -> Acked {
    let (mut acked, mut on_their_way) = (Acked::new(), VecDeque::new());
    let mut said = 0_u64;
    loop {
        let stop = progress.stop.load(Ordering::Relaxed);
        if !stop && on_their_way.len() < PIPELINED {
            said += 1;
            let text = format!("{name} {said:08}");
            let message = Message { room: Some(room()), text: text.clone(), ..Message::default() };
            let sending = client.send(message).await.expect("the client lives");
            on_their_way.push_back((text, sending));
            continue;
        }
        let Some((text, sending)) = on_their_way.pop_front() else { return acked };
        let ack = sending.await.expect("every message is stored in the end");
        acked.push((text, ack.seq.expect("our client is told the place")));
        progress.acked.fetch_add(1, Ordering::Relaxed);
    }
}

/// One message as a reader saw it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) seq: u64,
    pub(crate) text: String,
}

/// What a reader's application keeps, whichever client it runs.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) known: HashSet<(BotId, MessageId)>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) again: u64,
    pub(crate) gaps: u64,
}

pub(crate) type SharedBook = Arc<Mutex<Book>>;

/// Reads into the book until the client is closed.
pub(crate) async fn read(mut events: Events, book: SharedBook) {
    while let Some(event) = events.next().await {
        let mut book = book.lock().expect("no reader panics with the book");
        match event {
            Event::Message(delivery) => {
                let id = delivery.id.clone().expect("our client is told the id");
                let seq = delivery.seq.expect("our client is told the place");
                if book.known.insert((delivery.from.clone(), id)) {
                    book.seen.push(Seen { seq, text: delivery.text.to_string() });
                } else {
                    book.again += 1;
                }
            }
            Event::Gap(_) => book.gaps += 1,
            _ => {}
        }
    }
}
