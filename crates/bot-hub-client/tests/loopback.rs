//! The client over real sockets, against a hub that a test plays by hand on a port of the system's.

use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::{Client, ConnectError, End, Event, Events, Options, Why};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{WebSocketStream, accept_async};

struct Hub(TcpListener);

struct Peer(WebSocketStream<TcpStream>);

impl Hub {
    async fn new() -> (Self, Options) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        (Self(listener), Options::new(url, "bh_bot_1"))
    }

    /// Accepts a connection and its `auth`.
    async fn accept(&self) -> (Peer, String) {
        let (stream, _) = self.0.accept().await.unwrap();
        let mut peer = Peer(accept_async(stream).await.unwrap());
        let auth = peer.hear().await;
        (peer, auth)
    }
}

impl Peer {
    async fn say(&mut self, json: &str) {
        self.0.send(Frame::text(json.replace('\'', "\""))).await.unwrap();
    }

    async fn welcome(&mut self) {
        self.say("{'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}").await;
    }

    /// The next frame; empty when the client hung up.
    async fn hear(&mut self) -> String {
        match self.0.next().await {
            Some(Ok(Frame::Text(text))) => text.replace('"', "'"),
            _ => String::new(),
        }
    }
}

async fn connect(hub: &Hub, options: Options) -> (Client, Events, Peer) {
    let (connected, peer) = tokio::join!(Client::connect(options), async {
        let (mut peer, _) = hub.accept().await;
        peer.welcome().await;
        peer
    });
    let (client, mut events) = connected.unwrap();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    (client, events, peer)
}

fn say_in_lab(text: &str) -> Message {
    let room = Some(RoomName::new("lab").unwrap());
    Message { room, text: text.to_owned(), ..Message::default() }
}

#[tokio::test]
async fn an_unacknowledged_message_is_sent_again_with_the_same_id() {
    let (hub, options) = Hub::new().await;
    let (client, _events, mut peer) = connect(&hub, options).await;
    let sending = client.send(say_in_lab("hello")).await.unwrap();
    let first = peer.hear().await;
    assert!(first.contains(sending.id().as_str()), "{first}");
    drop(peer);
    let (mut peer, _) = hub.accept().await;
    peer.welcome().await;
    assert_eq!(peer.hear().await, first);
    let ack =
        format!("{{'type':'ack','room':'lab','id':'{}','seq':3,'delivered':1}}", sending.id());
    peer.say(&ack).await;
    assert_eq!(sending.await.unwrap().seq, Some(3));
}

#[tokio::test]
async fn a_message_that_is_delivered_again_is_given_once() {
    let (hub, options) = Hub::new().await;
    let (_client, mut events, mut peer) = connect(&hub, options).await;
    let one = "{'type':'message','room':'lab','from':'a','text':'one','id':'x1','seq':1}";
    let two = "{'type':'message','room':'lab','from':'a','text':'two','id':'x2','seq':2}";
    peer.say(one).await;
    let Some(Event::Message(message)) = events.next().await else { panic!("it is given") };
    assert_eq!(&*message.text, "one");
    assert_eq!(peer.hear().await, "{'type':'receipt','room':'lab','seq':1,'state':'received'}");
    drop(peer);

    let (mut peer, auth) = hub.accept().await;
    assert!(auth.contains("'resume':{'lab':{'epoch':'00000000000000aa','seq':1}}"), "{auth}");
    peer.welcome().await;
    peer.say(one).await;
    peer.say(two).await;
    assert_eq!(
        peer.hear().await,
        "{'type':'receipt','room':'lab','id':'x1','from':'a','state':'received'}"
    );
    assert!(matches!(events.next().await, Some(Event::Disconnected { .. })));
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    let Some(Event::Message(message)) = events.next().await else { panic!("it is given") };
    assert_eq!(&*message.text, "two");
}

#[tokio::test]
async fn a_bad_token_ends_the_client_at_once() {
    let (hub, options) = Hub::new().await;
    let (failed, ()) = tokio::join!(Client::connect(options), async {
        let (mut peer, _) = hub.accept().await;
        let refusal = "{'type':'error','code':2001,'name':'bad_token','message':'the token is not \
                       known to this hub','hint':'see `bot list`','retry':'after_fix'}";
        peer.say(refusal).await;
    });
    let error = failed.unwrap_err();
    assert!(matches!(error, ConnectError::Ended(End::Refused(_))), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the hub refused the authentication: the token is not known to this hub (`bad_token`, 2001)\n\
         hint: see `bot list`"
    );
}

#[tokio::test]
async fn a_client_that_is_replaced_does_not_come_back() {
    let (hub, options) = Hub::new().await;
    let (client, mut events, mut peer) = connect(&hub, options).await;
    peer.say("{'type':'going_away','reason':'replaced'}").await;
    assert_eq!(client.ended().await, End::Replaced);
    assert_eq!(peer.hear().await, "", "the client hung up");
    drop(peer);
    assert!(matches!(events.next().await, Some(Event::GoingAway(_))));
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn connecting_to_nobody_fails_and_starting_does_not() {
    let (hub, options) = Hub::new().await;
    drop(hub);
    let failed = Client::connect(options.clone()).await;
    assert!(matches!(failed, Err(ConnectError::Unreachable(Why::Unreachable(_)))), "{failed:?}");
    let (_client, mut events) = Client::start(options).unwrap();
    assert!(matches!(events.next().await, Some(Event::Disconnected { .. })));
}

#[tokio::test]
async fn a_close_code_is_told() {
    let (hub, options) = Hub::new().await;
    let (_client, mut events, mut peer) = connect(&hub, options).await;
    let close = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 1012.into(),
        reason: "restarting".into(),
    };
    peer.0.close(Some(close)).await.unwrap();
    let Some(Event::Disconnected { why, .. }) = events.next().await else { panic!("it is told") };
    assert_eq!(why, Why::Closed { code: 1012, reason: "restarting".to_owned() });
}
