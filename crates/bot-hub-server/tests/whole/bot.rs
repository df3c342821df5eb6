//! A bot's process: the real client, and an application that talks and listens.
//!
//! Owns what the application does. It remembers nothing from one life to the next.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bot_hub_client::simulation::{Dial, Dialling, start};
use bot_hub_client::{Client, Event, Events, Options, SendError};
use bot_protocol::frame::client::Message;
use bot_protocol::id::MessageId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::acts::{self, OPERATOR};
use crate::book::Book;
use crate::dice::Dice;
use crate::plan::Plan;
use crate::wire::End;

/// Asks the network for a line to the hub.
pub(crate) type Call = oneshot::Sender<io::Result<End>>;

struct Dialer(mpsc::UnboundedSender<Call>);

impl Dial for Dialer {
    type Stream = End;

    fn dial(&mut self) -> Dialling<End> {
        let (answer, answered) = oneshot::channel();
        let is_there = self.0.send(answer).is_ok();
        Box::pin(async move {
            let gone = || io::Error::from(io::ErrorKind::ConnectionRefused);
            if is_there { answered.await.map_err(|_| gone())? } else { Err(gone()) }
        })
    }
}

/// What a bot is, whichever process runs it.
pub(crate) struct Bot {
    pub(crate) name: String,
    pub(crate) plan: Rc<Plan>,
    pub(crate) book: Arc<Mutex<Book>>,
    /// Until when the application takes no events.
    pub(crate) stalled_until: Cell<Instant>,
    pub(crate) started: Instant,
    pub(crate) calm_at: Instant,
    pub(crate) traces: bool,
}

impl Bot {
    /// One life; it ends by being aborted.
    pub(crate) async fn live(self: Rc<Self>, calls: mpsc::UnboundedSender<Call>, seed: u64) {
        let mut dice = Dice::new(seed);
        self.book().born(&self.name);
        let options = Options::new("", self.name.clone());
        let (client, mut events) = start(&options, Dialer(calls), dice.next());
        if self.name == OPERATOR {
            return self.administer(client, events, dice, seed).await;
        }
        let mut sends = JoinSet::new();
        let mut said = 0;
        let mut say_at = self.next_say(&mut dice);
        loop {
            tokio::select! {
                biased;
                () = sleep_until(say_at), if say_at < self.calm_at => {
                    say_at = self.next_say(&mut dice);
                    said += 1;
                    let message = self.message(&mut dice, format!("{}-{seed}-{said}", self.name));
                    sends.spawn_local(Rc::clone(&self).say(client.clone(), message));
                }
                Some(_) = sends.join_next() => {}
                event = self.take(&mut events) => match event {
                    Some(event) => self.hear(event),
                    None => return self.book().object("the client ended", &self.name),
                },
            }
        }
    }

    /// An operator's life.
    async fn administer(&self, client: Client, mut events: Events, mut dice: Dice, life: u64) {
        let unheard = async {
            while events.next().await.is_some() {}
            std::future::pending::<()>().await;
        };
        let acts = async {
            for number in 0.. {
                sleep_until(self.next_say(&mut dice)).await;
                if Instant::now() >= self.calm_at {
                    break;
                }
                let about = dice.pick(&self.plan.bots()).clone();
                let makes_it = number % 3 != 2;
                let (operation, name) = acts::operation(life, number, about);
                if client.operate(operation).await.is_ok() {
                    self.book().done(&name, makes_it);
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::join!(unheard, acts);
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().expect("no panic")
    }

    fn next_say(&self, dice: &mut Dice) -> Instant {
        Instant::now() + Duration::from_millis(dice.between(1, 2 * self.plan.say_every))
    }

    fn message(&self, dice: &mut Dice, id: String) -> Message {
        let room = Some(dice.pick(&self.plan.rooms()).clone());
        let padding = dice.between(0, self.plan.text_max);
        let text = format!("{id} {}", "é".repeat(usize::try_from(padding).expect("small")));
        let id = Some(MessageId::new(&id).expect("an id"));
        Message { room, text, id, ..Message::default() }
    }

    async fn say(self: Rc<Self>, client: Client, message: Message) {
        let id = message.id.clone().map(|id| id.to_string()).unwrap_or_default();
        let result = match client.send(message).await {
            Ok(sending) => sending.await,
            Err(error) => Err(error),
        };
        match result {
            Ok(ack) => self.book().acked(&id, &ack),
            Err(SendError::Refused(_)) => self.book().refused(&id),
            Err(SendError::Ended(_)) => {}
            Err(error) => self.book().object("not sent", error.to_string()),
        }
    }

    async fn take(&self, events: &mut Events) -> Option<Event> {
        sleep_until(self.stalled_until.get()).await;
        events.next().await
    }

    fn hear(&self, event: Event) {
        if self.traces {
            let elapsed = self.started.elapsed().as_millis();
            eprintln!("{elapsed:>9} {} hears {event:?}", self.name);
        }
        match event {
            Event::Message(message) => self.book().saw(&self.name, &message),
            Event::Gap(gap) => self.book().told_gap(&self.name, &gap),
            Event::Receipt(receipt) => self.book().told(&receipt),
            _ => {}
        }
    }
}
