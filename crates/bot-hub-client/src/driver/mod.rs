//! The one task of a client. It connects the link, the wire and the application.
//!
//! Owns the loop and the clock. [`crate::link`] makes all decisions about the protocol.
//!
//! When the application takes no events, the task stops reading, and the messages stay in the hub's log. It
//! reads on only while a question is waiting for an answer that comes behind those events, and only up to
//! [`BEHIND_BYTES_MAX`].

mod clock;
mod ends;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::ServerFrame;
use bot_protocol::id::MessageId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::error::{AskError, SendError};
use crate::event::Event;
use crate::link::{Input, Link, Output};
use crate::wire::{Connect, Happening, Wire};
use clock::Clock;
use ends::Numbered;

pub(crate) use clock::unix_ms;
pub use ends::State;
pub(crate) use ends::{Command, Ends, SendWaiter, Taken};

/// How many bytes of events are buffered while the application waits for an answer and takes no events.
const BEHIND_BYTES_MAX: usize = 16 << 20;
/// The approximate memory of an event besides its text.
const EVENT_BYTES: usize = 512;
/// How long unacknowledged messages keep the client alive after the last handle was dropped.
const LINGER: Duration = Duration::from_secs(5);
/// How long the application may take at the end to fetch its last events.
const FAREWELL: Duration = Duration::from_secs(5);

/// The task.
pub(crate) struct Driver<C: Connect> {
    link: Link,
    connector: C,
    wire: Wire<C::Stream>,
    clock: Clock,
    commands: Option<mpsc::Receiver<Command>>,
    events: Option<mpsc::Sender<Numbered>>,
    taken: Arc<Taken>,
    state: watch::Sender<State>,
    /// Events for which the application's channel had no room.
    behind: VecDeque<Numbered>,
    behind_bytes: usize,
    sends: HashMap<MessageId, SendWaiter>,
    asks: HashMap<u64, oneshot::Sender<Result<Box<ServerFrame>, AskError>>>,
    last_ask: u64,
    /// When the client ends, after the last handle was dropped.
    abandoned: Option<Instant>,
    ended: bool,
}

impl<C: Connect> Driver<C> {
    pub(crate) fn new(link: Link, connector: C, ends: Ends) -> Self {
        Self {
            link,
            connector,
            wire: Wire::None,
            clock: Clock::new(),
            commands: Some(ends.commands),
            events: Some(ends.events),
            taken: ends.taken,
            state: ends.state,
            behind: VecDeque::new(),
            behind_bytes: 0,
            sends: HashMap::new(),
            asks: HashMap::new(),
            last_ask: 0,
            abandoned: None,
            ended: false,
        }
    }

    /// Runs until the end.
    pub(crate) async fn run(mut self) {
        while !self.ended {
            self.step().await;
            self.carry_out().await;
        }
        let (events, behind) = self.let_go();
        farewell(events, behind).await;
    }

    /// Drops everything except the last events. Dropping `state` too lets the caller of `close` continue.
    fn let_go(self) -> (Option<mpsc::Sender<Numbered>>, VecDeque<Numbered>) {
        (self.events, self.behind)
    }

    /// Waits for the next event and passes it to the link.
    async fn step(&mut self) {
        let deadline = self.deadline();
        let read = self.behind.is_empty()
            || (self.link.awaits_hub() && self.behind_bytes < BEHIND_BYTES_MAX);
        let has_room = self.wire.has_room();
        tokio::select! {
            // The order matters. Time comes first, because the other branches may be ready forever. Taken
            // events come before commands, so that they are acknowledged before what follows. Then come
            // room for events, commands (bounded by permits and by what waits on the wire), and the wire.
            biased;
            () = wait_until(deadline) => self.tick(),
            event = self.taken.next() => self.input(Input::Taken(event)),
            room = room_for_event(self.events.clone(), self.behind.is_empty()) => match room {
                Some(permit) => {
                    if let Some(event) = self.behind.pop_front() {
                        self.behind_bytes -= event_bytes(&event.1);
                        drop(permit.send(event));
                    }
                }
                None => self.go_deaf(),
            },
            command = next_command(&mut self.commands), if has_room => self.command(command),
            happening = poll_fn(|cx| self.wire.poll(cx, read)) => self.happened(happening),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let link = self.link.deadline().map(|at| self.clock.instant(at));
        [link, self.abandoned].into_iter().flatten().min()
    }

    fn tick(&mut self) {
        if !self.behind.is_empty() {
            // Silence proves nothing here: the task did not read because the application took no events.
            self.input(Input::Heard);
        }
        self.input(Input::Tick);
        if self.abandoned.is_some_and(|at| at <= Instant::now()) {
            self.input(Input::Stop);
        }
    }

    fn input(&mut self, input: Input) {
        self.link.handle(self.clock.now(), input);
    }

    fn happened(&mut self, happening: Happening) {
        self.input(match happening {
            Happening::Opened => Input::Opened,
            Happening::Frame(frame) => Input::Frame(frame),
            Happening::Heard => Input::Heard,
            Happening::Unreadable(error) => Input::Unreadable(error),
            Happening::Closed(why) => Input::Closed(why),
        });
    }

    fn command(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Send(id, message, waiter)) => self.send(id, message, waiter),
            Some(Command::Ask(frame, answer)) => {
                self.last_ask += 1;
                self.asks.insert(self.last_ask, answer);
                self.input(Input::Ask { key: self.last_ask, frame });
            }
            Some(Command::Tell(frame)) => self.input(Input::Tell(frame)),
            Some(Command::Positions(answer)) => {
                // The asker may have stopped waiting.
                drop(answer.send(self.link.positions()));
            }
            Some(Command::Stop) => self.input(Input::Stop),
            None => {
                self.commands = None;
                self.note_abandoned();
            }
        }
    }

    fn send(&mut self, id: MessageId, message: Box<Message>, waiter: SendWaiter) {
        if self.sends.contains_key(&id) {
            // The link would refuse it as well, but under the id of the earlier message's waiter.
            drop(waiter.answer.send(Err(SendError::InFlight)));
            return;
        }
        self.sends.insert(id.clone(), waiter);
        self.input(Input::Send { id, message });
    }

    fn go_deaf(&mut self) {
        self.events = None;
        self.behind.clear();
        self.behind_bytes = 0;
        self.input(Input::Deaf);
        self.note_abandoned();
    }

    fn note_abandoned(&mut self) {
        if self.commands.is_none() && self.events.is_none() {
            let linger = if self.link.awaits_hub() { LINGER } else { Duration::ZERO };
            self.abandoned = Some(Instant::now() + linger);
        }
    }

    /// Executes the outputs of the link.
    async fn carry_out(&mut self) {
        let mut parting = Wire::None;
        while let Some(output) = self.link.poll() {
            match output {
                Output::Connect => self.wire = Wire::Opening(self.connector.open()),
                Output::Frame(frame) => self.wire.send(*frame),
                Output::Disconnect => parting = std::mem::replace(&mut self.wire, Wire::None),
                Output::Waiting { why, retry_in_ms } => {
                    tracing::debug!(%why, retry_in_ms, "not connected");
                    self.state.send_replace(State::Waiting { why, retry_in_ms });
                }
                Output::Event { number, event } => self.event(number, event),
                Output::Sent { id, result } => {
                    if let Some(waiter) = self.sends.remove(&id) {
                        // The message has its result, whether or not anybody still waits for it.
                        drop(waiter.answer.send(result));
                    }
                }
                Output::Answer { key, result } => {
                    if let Some(answer) = self.asks.remove(&key) {
                        drop(answer.send(result));
                    }
                }
                Output::Ended(end) => {
                    tracing::debug!(%end, "the client is over");
                    self.state.send_replace(State::Ended(end));
                    self.ended = true;
                }
            }
        }
        // Closing comes last, so that the others do not wait for a hub that does not answer it.
        parting.close().await;
        if self.abandoned.is_some() && !self.link.awaits_hub() {
            self.abandoned = Some(Instant::now());
        }
    }

    fn event(&mut self, number: u64, event: Event) {
        if let Event::Connected(auth_ok) = &event {
            self.state.send_replace(State::Connected(Arc::new((**auth_ok).clone())));
        }
        if self.events.is_some() {
            self.behind_bytes += event_bytes(&event);
            self.behind.push_back((number, event));
        }
    }
}

/// Delivers the last events, if the application still takes them.
async fn farewell(events: Option<mpsc::Sender<Numbered>>, behind: VecDeque<Numbered>) {
    let Some(events) = events else { return };
    let deliver = async {
        for event in behind {
            if events.send(event).await.is_err() {
                break;
            }
        }
    };
    // Events that the application did not fetch are not acknowledged, so the hub keeps their messages.
    drop(timeout(FAREWELL, deliver).await);
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn next_command(commands: &mut Option<mpsc::Receiver<Command>>) -> Option<Command> {
    match commands {
        Some(commands) => commands.recv().await,
        None => std::future::pending().await,
    }
}

/// Waits for room in the event channel, if there is an event to send. `None` once the receiver was dropped.
async fn room_for_event(
    events: Option<mpsc::Sender<Numbered>>,
    nothing_to_give: bool,
) -> Option<mpsc::OwnedPermit<Numbered>> {
    match events {
        None => std::future::pending().await,
        Some(events) if nothing_to_give => {
            events.closed().await;
            None
        }
        Some(events) => events.reserve_owned().await.ok(),
    }
}

fn event_bytes(event: &Event) -> usize {
    match event {
        Event::Message(delivery) => EVENT_BYTES + delivery.text.len(),
        _ => EVENT_BYTES,
    }
}
