//! The application's side: a cheap handle, the events, and waiting for an `ack`.
//!
//! Owns the public operations. Decides nothing: each operation is a command to the driver's task.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bot_protocol::frame::answer::{Answer, Ask, Reply};
use bot_protocol::frame::client::{
    BotState, ClientFrame, History, Join, Leave, Message, Ping, Presence, Receipt, Rooms, Status,
    Typing, Who,
};
use bot_protocol::frame::operator::{Operate, Operation};
use bot_protocol::frame::server::{
    Ack, BotDirectory, HistoryPage, Joined, Left, RoomDirectory, ServerFrame, Slowed, StatusReport,
};
use bot_protocol::id::{MessageId, Position};
use bot_protocol::limits::Limits;
use bot_protocol::line::OneLine;
use bot_protocol::name::{BotId, RoomName};
use futures_util::Stream;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::dial::Dial;
use crate::driver::{Command, Driver, Ends, SendWaiter, State, Taken, unix_ms};
use crate::error::{AskError, ConnectError, End, SendError, TellError};
use crate::event::Event;
use crate::id::message_id;
use crate::link::{Config, Link};
use crate::options::Options;
use crate::pages::Pages;
use crate::wire::Connect;

/// How many commands may wait for the task.
const COMMANDS_MAX: usize = 64;

/// The answer to a `ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// The time from sending the `ping` to its answer.
    pub round_trip: Duration,
    /// How this bot was slowed down, if its frames used more than its share of the hub's time.
    pub slowed: Option<Slowed>,
}

/// A handle to one self-healing connection. Clones are cheap and share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
    /// One permit per message that waits for its `ack`.
    permits: Arc<Semaphore>,
}

/// The events in their order. If it is dropped, all further messages stay at the hub.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<(u64, Event)>,
    /// Records which events were taken, which acknowledges them.
    taken: Arc<Taken>,
}

/// A message that is being sent. Resolves when it was stored or definitely failed. Dropping it does not
/// cancel the message.
#[derive(Debug)]
#[must_use = "until it resolves to an `Ack`, nothing is known of the message"]
pub struct Sending {
    id: MessageId,
    answer: oneshot::Receiver<Result<Ack, SendError>>,
    client: Client,
}

impl Client {
    /// Connects, and fails if the first attempt does. From then on the connection heals itself.
    pub async fn connect(options: Options) -> Result<(Self, Events), ConnectError> {
        let (client, events) = Self::start(options)?;
        let mut state = client.state.clone();
        let known = state.wait_for(|state| *state != State::Connecting).await;
        let failure = match known.as_deref() {
            Ok(State::Waiting { why, .. }) => ConnectError::Unreachable(why.clone()),
            Ok(State::Ended(end)) => ConnectError::Ended(end.clone()),
            Ok(State::Connected(_) | State::Connecting) => return Ok((client, events)),
            Err(_) => ConnectError::Ended(End::Closed),
        };
        Err(failure)
    }

    /// Starts without waiting, for programs that may start before their hub. Only an invalid address or an
    /// unreadable file fails at once; [`Client::state`] and [`Event`]s report everything else.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start(options: Options) -> Result<(Self, Events), ConnectError> {
        let dial = Dial::new(&options)?;
        Ok(Self::start_with(&options, dial, u64::from_ne_bytes(random())))
    }

    pub(crate) fn start_with(
        options: &Options,
        connector: impl Connect,
        seed: u64,
    ) -> (Self, Events) {
        let link = Link::new(Config::from(options), seed);
        let (commands, commands_taken) = mpsc::channel(COMMANDS_MAX);
        let (events, events_taken) = mpsc::channel(options.events_max.max(1));
        let (state, state_seen) = watch::channel(State::Connecting);
        let taken = Arc::new(Taken::default());
        let ends = Ends { commands: commands_taken, events, taken: taken.clone(), state };
        tokio::spawn(Driver::new(link, connector, ends).run());
        let client = Self {
            commands,
            state: state_seen,
            permits: Arc::new(Semaphore::new(options.unacked_max.clamp(1, Semaphore::MAX_PERMITS))),
        };
        (client, Events { events: events_taken, taken })
    }

    /// Sends a message. The first `await` waits for room among the unacknowledged messages, the second one,
    /// on the returned value, for the `ack`: `client.send(message).await?.await?`. The client repeats the
    /// message with the same id after each reconnect. Messages of one client to one target are stored in
    /// the order of the calls, unless the hub refused one for a moment.
    pub async fn send(&self, message: Message) -> Result<Sending, SendError> {
        let id = message.id.clone().unwrap_or_else(|| message_id(unix_ms(), random()));
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let (waiter, answer) = oneshot::channel();
        let waiter = SendWaiter { answer: waiter, _permit: permit };
        self.command(Command::Send(id.clone(), Box::new(message), waiter)).await?;
        Ok(Sending { id, answer, client: self.clone() })
    }

    /// Joins a room; also repeats a join.
    pub async fn join(&self, room: RoomName) -> Result<Joined, AskError> {
        match self.exchange(ClientFrame::Join(Join { room })).await? {
            ServerFrame::Joined(joined) => Ok(joined),
            other => mismatch("join", &other),
        }
    }

    /// Ends a membership.
    pub async fn leave(&self, room: RoomName) -> Result<Left, AskError> {
        match self.exchange(ClientFrame::Leave(Leave { room })).await? {
            ServerFrame::Left(left) => Ok(left),
            other => mismatch("leave", &other),
        }
    }

    /// Reads a page of a room's log.
    pub async fn history(&self, page: History) -> Result<HistoryPage, AskError> {
        match self.exchange(ClientFrame::History(page)).await? {
            ServerFrame::History(page) => Ok(page),
            other => mismatch("history", &other),
        }
    }

    /// Asks for the receipts of a message of this bot; operators may ask about other bots' messages with
    /// `from`. Fetches all pages of the answer.
    pub async fn status(
        &self,
        id: MessageId,
        from: Option<BotId>,
    ) -> Result<StatusReport, AskError> {
        let wish = Status { id, from, room: None, after: None, limit: None };
        let mut report = self.status_page(wish).await?;
        let mut pages = Pages::of("status");
        while let Some(next) = pages.turn(&mut report.next)? {
            let (id, from) = (report.id.clone(), Some(report.from.clone()));
            let (room, after, limit) = (Some(report.room.clone()), Some(next), None);
            let page = self.status_page(Status { id, from, room, after, limit }).await?;
            report.recipients.extend(page.recipients);
            report.next = page.next;
        }
        Ok(report)
    }

    /// Asks for one page of the receipts of a message.
    pub async fn status_page(&self, wish: Status) -> Result<StatusReport, AskError> {
        match self.exchange(ClientFrame::Status(wish)).await? {
            ServerFrame::Status(report) => Ok(report),
            other => mismatch("status", &other),
        }
    }

    /// Asks which rooms exist. Fetches all pages of the answer.
    pub async fn rooms(&self) -> Result<RoomDirectory, AskError> {
        let mut all = self.rooms_page(Rooms::default()).await?;
        let mut pages = Pages::of("rooms");
        while let Some(next) = pages.turn(&mut all.next)? {
            let page = self.rooms_page(Rooms { after: Some(next), limit: None }).await?;
            all.rooms.extend(page.rooms);
            all.next = page.next;
        }
        Ok(all)
    }

    /// Asks for one page of the rooms.
    pub async fn rooms_page(&self, wish: Rooms) -> Result<RoomDirectory, AskError> {
        match self.exchange(ClientFrame::Rooms(wish)).await? {
            ServerFrame::Rooms(rooms) => Ok(rooms),
            other => mismatch("rooms", &other),
        }
    }

    /// Asks which bots exist, in total or in one room. Fetches all pages of the answer.
    pub async fn who(&self, room: Option<RoomName>) -> Result<BotDirectory, AskError> {
        let wish = Who { room: room.clone(), ..Who::default() };
        let mut all = self.who_page(wish).await?;
        let mut pages = Pages::of("who");
        while let Some(next) = pages.turn(&mut all.next)? {
            let wish = Who { room: room.clone(), after: Some(next), limit: None };
            let page = self.who_page(wish).await?;
            all.bots.extend(page.bots);
            all.next = page.next;
        }
        all.bots.sort_by(|one, other| one.bot.cmp(&other.bot));
        // A bot that shares several rooms with this one may appear on several pages.
        all.bots.dedup_by(|one, other| one.bot == other.bot);
        Ok(all)
    }

    /// Asks for one page of the bots.
    pub async fn who_page(&self, wish: Who) -> Result<BotDirectory, AskError> {
        match self.exchange(ClientFrame::Who(wish)).await? {
            ServerFrame::Who(bots) => Ok(bots),
            other => mismatch("who", &other),
        }
    }

    /// Sends an operation to administer the hub. It is not repeated automatically: [`AskError::Lost`] says
    /// that the connection broke before the answer came. `observe` ends with its connection; repeat it
    /// after each [`Event::Connected`], and use a side connection, which acknowledges nothing. If the
    /// answer has several pages, this returns the first.
    pub async fn ask<A: Reply>(&self, ask: Ask<A>) -> Result<A, AskError> {
        let answer = self.answer_to(ask.operation, ask.why).await?;
        answer.read().map_err(|error| AskError::Unreadable(error.to_string()))
    }

    /// The same, but returns the answer as JSON with every field that the hub sent.
    pub async fn operate(&self, operation: Operation) -> Result<serde_json::Value, AskError> {
        self.operate_because(operation, None).await
    }

    /// The same with the reason, which the hub keeps with what was done.
    pub async fn operate_because(
        &self,
        operation: Operation,
        why: Option<OneLine>,
    ) -> Result<serde_json::Value, AskError> {
        self.answer_to(operation, why).await.map(Answer::into_json)
    }

    async fn answer_to(
        &self,
        operation: Operation,
        why: Option<OneLine>,
    ) -> Result<Answer, AskError> {
        let reference = message_id(unix_ms(), random()).as_str().into();
        match self.exchange(ClientFrame::Operate(Operate { reference, operation, why })).await? {
            ServerFrame::Operated(operated) => Ok(operated.result),
            other => mismatch("operate", &other),
        }
    }

    /// Measures the time to the hub and back.
    pub async fn ping(&self) -> Result<Duration, AskError> {
        Ok(self.pulse().await?.round_trip)
    }

    /// The same, and how much of the hub's time this bot uses.
    pub async fn pulse(&self) -> Result<Pulse, AskError> {
        // JavaScript represents integers exactly only up to 2^53.
        let at = Some(u64::from_ne_bytes(random()) >> 11);
        let start = Instant::now();
        match self.exchange(ClientFrame::Ping(Ping { at })).await? {
            ServerFrame::Pong(pong) => {
                Ok(Pulse { round_trip: start.elapsed(), slowed: pong.slowed })
            }
            other => mismatch("ping", &other),
        }
    }

    /// Sends a receipt. The client repeats it after a reconnect if it may have been lost.
    pub async fn receipt(&self, receipt: Receipt) -> Result<(), TellError> {
        let frame = ClientFrame::Receipt(receipt);
        ClientFrame::decode(frame.encode().as_bytes(), &Limits::default())?;
        Ok(self.command(Command::Tell(Box::new(frame))).await?)
    }

    /// Sends the state of this bot; the client repeats it after each reconnect.
    pub async fn presence(&self, state: BotState, note: Option<&str>) -> Result<(), TellError> {
        let frame = ClientFrame::Presence(Presence { state, note: note.map(Into::into) });
        Ok(self.command(Command::Tell(Box::new(frame))).await?)
    }

    /// Tells others that this bot is composing a message. Without a connection, this is lost.
    pub async fn typing(&self, room: RoomName) -> Result<(), TellError> {
        let frame = ClientFrame::Typing(Typing { room });
        Ok(self.command(Command::Tell(Box::new(frame))).await?)
    }

    /// The position in each room up to which everything was received. Save it for [`Options::positions`].
    pub async fn positions(&self) -> Result<BTreeMap<RoomName, Position>, End> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Positions(answer)).await?;
        answered.await.map_err(|_| self.end())
    }

    /// The current state of the client.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Watches the state of the client.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until the client has ended, and returns why.
    pub async fn ended(&self) -> End {
        let mut state = self.state.clone();
        // An error means that the task is gone; its last state says the rest.
        drop(state.wait_for(|state| matches!(state, State::Ended(_))).await);
        self.end()
    }

    /// Ends the client and waits until everything sent before was written. Messages without an `ack` fail;
    /// await them first to avoid that.
    pub async fn close(&self) {
        // If the task is gone, the client is closed already.
        drop(self.commands.send(Command::Stop).await);
        let mut state = self.state.clone();
        // The condition is never true: the wait ends with an error when the task drops its end.
        drop(state.wait_for(|_| false).await);
    }

    async fn exchange(&self, frame: ClientFrame) -> Result<ServerFrame, AskError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Ask(Box::new(frame), answer)).await?;
        let answer = answered.await.map_err(|_| AskError::Ended(self.end()))?;
        answer.map(|frame| *frame)
    }

    async fn command(&self, command: Command) -> Result<(), End> {
        self.commands.send(command).await.map_err(|_| self.end())
    }

    fn end(&self) -> End {
        match &*self.state.borrow() {
            State::Ended(end) => end.clone(),
            // The runtime was shut down.
            State::Connecting | State::Connected(_) | State::Waiting { .. } => End::Closed,
        }
    }
}

impl Events {
    /// The next event; `None` when the client has ended ([`Client::ended`] says why). Taking a message
    /// acknowledges it, unless acknowledgement is manual. Cancel safe, so it may be used in `select!`.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some((number, event)) = ready!(self.events.poll_recv(cx)) else {
            return Poll::Ready(None);
        };
        self.taken.set(number);
        Poll::Ready(Some(event))
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

impl Sending {
    /// The id of the message, chosen by the application or generated.
    pub fn id(&self) -> &MessageId {
        &self.id
    }
}

impl Future for Sending {
    type Output = Result<Ack, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        Poll::Ready(answer.unwrap_or_else(|_| Err(SendError::Ended(self.client.end()))))
    }
}

fn mismatch<T>(asked: &'static str, answer: &ServerFrame) -> Result<T, AskError> {
    Err(AskError::Mismatch { asked, answered: answer.kind() })
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
