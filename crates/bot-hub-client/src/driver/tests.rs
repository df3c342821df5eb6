//! The task between an application and a hub, both played by the test.
//!
//! The connection is a pipe in memory and the clock is advanced by hand. A minute of silence takes no time,
//! and the tests do not depend on the speed of the machine.

use std::time::Duration;

use bot_protocol::frame::client::Message;
use bot_protocol::name::RoomName;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::State;
use crate::error::{AskError, End, SendError, Why};
use crate::event::Event;
use crate::handle::{Client, Events};
use crate::options::{Acknowledge, Options};
use crate::wire::{Connect, Opening, upgrade};

/// Opens pipes and gives the other ends to the test.
struct Pipes(mpsc::UnboundedSender<DuplexStream>);

impl Connect for Pipes {
    type Stream = DuplexStream;

    fn open(&mut self) -> Opening<DuplexStream> {
        let (ours, theirs) = duplex(16 * 1024);
        let listening = self.0.send(theirs).is_ok();
        Box::pin(async move {
            if !listening {
                return Err(Why::Unreachable("nobody listens".to_owned()));
            }
            upgrade("ws://hub/".parse().unwrap(), ours).await
        })
    }
}

/// The hub's ends of all connections.
struct Hub(mpsc::UnboundedReceiver<DuplexStream>);

/// The hub's end of one connection.
struct Peer(WebSocketStream<DuplexStream>);

const WELCOME: &str = "{'type':'auth_ok','bot':'me','caps':['ack'],'epoch':'00000000000000aa'}";

impl Hub {
    async fn accept(&mut self) -> Peer {
        Peer(accept_async(self.0.recv().await.unwrap()).await.unwrap())
    }

    /// Accepts the next connection and greets it.
    async fn welcome(&mut self) -> Peer {
        let mut peer = self.accept().await;
        assert!(peer.hear().await.starts_with("{'type':'auth','token':'t'"));
        peer.say(WELCOME).await;
        peer
    }
}

impl Peer {
    async fn say(&mut self, json: &str) {
        self.0.send(Frame::text(json.replace('\'', "\""))).await.unwrap();
    }

    async fn deliver(&mut self, seq: u64) {
        let message = "'type':'message','room':'lab','from':'a','text':'hi'";
        self.say(&format!("{{{message},'id':'x{seq}','seq':{seq}}}")).await;
    }

    /// The next frame; empty when the client has hung up.
    async fn hear(&mut self) -> String {
        loop {
            match self.0.next().await {
                Some(Ok(Frame::Text(text))) => return text.replace('"', "'"),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                _ => return String::new(),
            }
        }
    }
}

fn start(change: impl FnOnce(&mut Options)) -> (Client, Events, Hub) {
    let mut options = Options::new("ws://hub", "t");
    change(&mut options);
    let (pipes, accepted) = mpsc::unbounded_channel();
    let (client, events) = Client::start_with(&options, Pipes(pipes), 7);
    (client, events, Hub(accepted))
}

fn message(text: &str) -> Message {
    let room = Some(RoomName::new("lab").unwrap());
    Message { room, text: text.to_owned(), ..Message::default() }
}

fn id_in(frame: &str) -> String {
    frame.split("'id':'").nth(1).unwrap().split('\'').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_message_resolves_to_its_ack() {
    let (client, _events, mut hub) = start(|_| {});
    let hub = async {
        let mut peer = hub.welcome().await;
        let id = id_in(&peer.hear().await);
        peer.say(&format!("{{'type':'ack','room':'lab','id':'{id}','seq':7,'delivered':1}}")).await;
        (id, peer)
    };
    let send = async {
        let sending = client.send(message("hi")).await.unwrap();
        (sending.id().to_string(), sending.await)
    };
    let ((heard, _peer), (id, ack)) = tokio::join!(hub, send);
    assert_eq!((heard, ack.unwrap().seq), (id, Some(7)));
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_goes_away_is_found_again_around_the_time_that_it_said() {
    let (_client, mut events, mut hub) = start(|_| {});
    let mut peer = hub.welcome().await;
    peer.say("{'type':'going_away','reason':'shutdown','reconnect_in_ms':20000}").await;
    drop(peer);
    let start = Instant::now();
    hub.welcome().await;
    let away = start.elapsed();
    assert!((15_000..=25_000).contains(&away.as_millis()), "{away:?}");
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert!(matches!(events.next().await, Some(Event::GoingAway(_))));
    let Some(Event::Disconnected { why: Why::GoingAway(_), .. }) = events.next().await else {
        panic!("the reason is told");
    };
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_says_nothing_is_asked_and_then_left() {
    let (_client, _events, mut hub) = start(|_| {});
    let mut peer = hub.welcome().await;
    let start = Instant::now();
    assert_eq!(peer.hear().await, "{'type':'ping'}");
    assert_eq!(start.elapsed().as_secs(), 20);
    assert_eq!(peer.hear().await, "", "the client hung up");
    assert_eq!(start.elapsed().as_secs(), 45);
    hub.welcome().await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_acknowledged_when_the_application_takes_it() {
    let (client, mut events, mut hub) = start(|_| {});
    let mut peer = hub.welcome().await;
    peer.deliver(5).await;
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    let early = timeout(Duration::from_secs(10), peer.hear()).await;
    assert!(early.is_err(), "nothing was taken, but {early:?}");
    assert!(matches!(events.next().await, Some(Event::Message(_))));
    assert_eq!(peer.hear().await, "{'type':'receipt','room':'lab','seq':5,'state':'received'}");
    let positions = client.positions().await.unwrap();
    assert_eq!(positions[&RoomName::new("lab").unwrap()].seq, 5);
}

#[tokio::test(start_paused = true)]
async fn with_manual_acknowledgement_taking_an_event_says_nothing() {
    let (client, mut events, mut hub) = start(|options| options.acknowledge = Acknowledge::Manual);
    let mut peer = hub.welcome().await;
    peer.deliver(5).await;
    events.next().await;
    assert!(matches!(events.next().await, Some(Event::Message(_))));
    client.typing(RoomName::new("lab").unwrap()).await.unwrap();
    assert_eq!(peer.hear().await, "{'type':'typing','room':'lab'}");
}

#[tokio::test(start_paused = true)]
async fn when_nobody_takes_events_the_socket_is_not_read() {
    let (_client, mut events, mut hub) = start(|options| options.events_max = 1);
    let mut peer = hub.welcome().await;
    let mut written = 0;
    while timeout(Duration::from_secs(1), peer.deliver(written + 1)).await.is_ok() {
        written += 1;
        assert!(written < 10_000, "somebody reads");
    }
    // The client did not read for a long time, so silence is no sign that the hub is dead.
    tokio::time::sleep(Duration::from_secs(600)).await;
    events.next().await;
    for seq in 1..=written {
        let Some(Event::Message(message)) = events.next().await else { panic!("{seq} is lost") };
        assert_eq!(message.seq, Some(seq));
    }
}

#[tokio::test(start_paused = true)]
async fn an_ack_behind_events_that_nobody_takes_is_still_read() {
    let (client, _events, mut hub) = start(|options| options.events_max = 1);
    let mut peer = hub.welcome().await;
    let sending = client.send(message("hi")).await.unwrap();
    let id = id_in(&peer.hear().await);
    for seq in 1..1_000 {
        peer.deliver(seq).await;
    }
    peer.say(&format!("{{'type':'ack','room':'lab','id':'{id}','seq':7,'delivered':1}}")).await;
    assert_eq!(sending.await.unwrap().seq, Some(7));
}

#[tokio::test(start_paused = true)]
async fn too_many_unacknowledged_messages_make_the_next_one_wait() {
    let (client, _events, mut hub) = start(|options| options.unacked_max = 1);
    let mut peer = hub.welcome().await;
    let first = client.send(message("one")).await.unwrap();
    let id = id_in(&peer.hear().await);
    let second = timeout(Duration::from_secs(5), client.send(message("two"))).await;
    assert!(second.is_err(), "there was no place for it");
    peer.say(&format!("{{'type':'ack','room':'lab','id':'{id}','seq':7,'delivered':1}}")).await;
    first.await.unwrap();
    let second = client.send(message("two")).await.unwrap();
    assert_eq!(id_in(&peer.hear().await), second.id().as_str());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_nobody_holds_delivers_what_it_was_given_and_hangs_up() {
    let (client, events, mut hub) = start(|_| {});
    let mut peer = hub.welcome().await;
    let mut state = client.watch();
    drop(client.send(message("last words")).await.unwrap());
    drop((client, events));
    let id = id_in(&peer.hear().await);
    peer.say(&format!("{{'type':'ack','room':'lab','id':'{id}','seq':7,'delivered':1}}")).await;
    assert_eq!(peer.hear().await, "", "the client hung up");
    let ended = state.wait_for(|state| matches!(state, State::Ended(_))).await;
    assert_eq!(*ended.unwrap(), State::Ended(End::Closed));
}

#[tokio::test(start_paused = true)]
async fn closing_tells_everybody() {
    let (client, mut events, mut hub) = start(|_| {});
    let mut peer = hub.welcome().await;
    let sending = client.send(message("unheard")).await.unwrap();
    peer.hear().await;
    client.close().await;
    assert_eq!(sending.await, Err(SendError::Ended(End::Closed)));
    assert_eq!(client.ended().await, End::Closed);
    assert!(matches!(client.send(message("late")).await, Err(SendError::Ended(End::Closed))));
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert_eq!(events.next().await, None);
    assert_eq!(peer.hear().await, "", "the client hung up");
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_was_said_before_and_waits_for_no_events() {
    let (client, mut events, mut hub) = start(|options| options.events_max = 1);
    let mut peer = hub.welcome().await;
    peer.deliver(1).await;
    peer.deliver(2).await;
    peer.deliver(3).await;
    events.next().await;
    events.next().await;
    // The hub receives what was sent before the end, although nobody takes the last event.
    let start = Instant::now();
    let hear = async move { (peer.hear().await, peer.hear().await) };
    let (heard, ()) = tokio::join!(hear, client.close());
    assert!(heard.0.starts_with("{'type':'receipt'") && heard.1.is_empty(), "{heard:?}");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn events_outlive_the_handles() {
    let (client, mut events, mut hub) = start(|_| {});
    drop(client);
    let mut peer = hub.welcome().await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    peer.deliver(1).await;
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert!(matches!(events.next().await, Some(Event::Message(_))));
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_is_measured() {
    let (client, _events, mut hub) = start(|_| {});
    let hub = async {
        let mut peer = hub.welcome().await;
        let ping = peer.hear().await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        peer.say(&ping.replace("ping", "pong")).await;
        peer
    };
    let (_peer, round_trip) = tokio::join!(hub, client.ping());
    assert!((30..40).contains(&round_trip.unwrap().as_millis()));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_and_the_connection_lives_on() {
    let (_client, mut events, mut hub) = start(|_| {});
    let mut peer = hub.welcome().await;
    peer.say("{'type':'message','room':'lab'}").await;
    peer.deliver(1).await;
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert!(matches!(events.next().await, Some(Event::Unreadable { count: 1, .. })));
    assert!(matches!(events.next().await, Some(Event::Message(_))));
}

#[tokio::test(start_paused = true)]
async fn a_hub_whose_pages_lead_back_to_an_earlier_one_is_not_asked_for_ever() {
    let (client, _events, mut hub) = start(|_| {});
    let hub = async {
        let mut peer = hub.welcome().await;
        for next in ["a", "b", "a"] {
            assert!(peer.hear().await.starts_with("{'type':'rooms'"));
            peer.say(&format!("{{'type':'rooms','rooms':[],'next':'{next}'}}")).await;
        }
        peer
    };
    let (_peer, rooms) = tokio::join!(hub, client.rooms());
    assert_eq!(rooms, Err(AskError::EndlessPages { asked: "rooms" }));
}
