//! The accept loop on real sockets of the loopback, and another implementation as the client.

use std::rc::Rc;

use bot_hub_server::door::ws::CloseCode;
use bot_hub_server::door::{DoorLimits, Intent, listen};
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as TheirCloseCode;

use crate::stage::{Stage, on_stage, texts};

struct Listening {
    address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start(stage: &Stage) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let task = tokio::task::spawn_local(listen(listener, Rc::clone(&stage.door), shutdown));
    Listening { address, stop, task }
}

#[tokio::test]
async fn another_implementation_connects_talks_and_says_goodbye() {
    on_stage(async || {
        let mut stage = Stage::new(|limits| limits.frame_bytes_max = 1 << 20);
        let listening = start(&stage).await;
        let stream = TcpStream::connect(&listening.address).await.expect("it listens");
        let url = format!("ws://{}/ws", listening.address);
        let echoing = tokio::task::spawn_local(async move {
            let Intent::Opened { outbox, .. } = stage.next().await else { panic!("not opened") };
            outbox.authenticate();
            loop {
                match stage.next().await {
                    Intent::Frames { frames, .. } => {
                        for frame in texts(frames) {
                            outbox.append_text(frame.as_bytes(), 1).expect("room");
                        }
                    }
                    Intent::Closed { .. } => return,
                    _ => {}
                }
            }
        });
        let (mut socket, _) = client_async(url, stream).await.expect("an upgrade");
        for len in [0, 1, 125, 126, 65_535, 65_536, 500_000] {
            let text = "\u{e9}".repeat(len / 2);
            socket.send(Message::text(text.clone())).await.expect("sent");
            assert_eq!(
                socket.next().await.expect("an echo").expect("a message"),
                Message::text(text)
            );
        }
        socket.send(Message::Ping("p".into())).await.expect("sent");
        assert_eq!(
            socket.next().await.expect("a pong").expect("a message"),
            Message::Pong("p".into())
        );
        socket.close(None).await.expect("closed");
        while let Some(message) = socket.next().await {
            assert!(matches!(message, Ok(Message::Close(_))), "{message:?}");
        }
        drop(socket);
        echoing.await.expect("no panic");
        listening.stop.send(()).expect("it listens");
        listening.task.await.expect("no panic");
    })
    .await;
}

#[tokio::test]
async fn the_end_of_the_hub_reaches_the_clients_and_the_listener_ends() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let listening = start(&stage).await;
        let stream = TcpStream::connect(&listening.address).await.expect("it listens");
        let url = format!("ws://{}/", listening.address);
        let (mut socket, _) = client_async(url, stream).await.expect("an upgrade");
        let Intent::Opened { outbox, .. } = stage.next().await else { panic!("not opened") };
        outbox.authenticate();
        outbox.append_text(b"going away", 0).expect("room");
        outbox.close(CloseCode::RESTART, "the hub restarts");
        listening.stop.send(()).expect("it listens");
        let said = socket.next().await.expect("words").expect("a message");
        assert_eq!(said, Message::text("going away"));
        let Some(Ok(Message::Close(Some(close)))) = socket.next().await else { panic!("no close") };
        assert_eq!(close.code, TheirCloseCode::Restart);
        assert!(socket.next().await.is_none());
        drop(socket);
        listening.task.await.expect("no panic");
        let Intent::Closed { .. } = stage.next().await else { panic!("not closed") };
        assert!(stage.intents.is_empty());
        assert!(TcpStream::connect(&listening.address).await.is_err(), "nobody listens any more");
    })
    .await;
}

#[tokio::test]
async fn who_is_one_too_many_is_told_so_and_costs_nothing() {
    on_stage(async || {
        let stage = Stage::new(|limits| {
            (limits.connections_max, limits.local_reserve) = (1, 0);
        });
        let listening = start(&stage).await;
        let first = TcpStream::connect(&listening.address).await.expect("it listens");
        let mut second = TcpStream::connect(&listening.address).await.expect("it listens");
        let mut answer = String::new();
        second.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\nhint: "), "{answer}");
        assert_eq!((stage.door.admission().open(), stage.door.admission().turned_away()), (1, 1));
        drop(first);
        listening.stop.send(()).expect("it listens");
        listening.task.await.expect("no panic");
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut() {
    on_stage(async || {
        let short =
            DoorLimits { drain: std::time::Duration::from_millis(20), ..DoorLimits::default() };
        let mut stage = Stage::new(|limits| *limits = short);
        let listening = start(&stage).await;
        let stream = TcpStream::connect(&listening.address).await.expect("it listens");
        let url = format!("ws://{}/", listening.address);
        let (_socket, _) = client_async(url, stream).await.expect("an upgrade");
        let Intent::Opened { conn, .. } = stage.next().await else { panic!("not opened") };
        listening.stop.send(()).expect("it listens");
        listening.task.await.expect("no panic");
        assert!(
            matches!(stage.next().await, Intent::Closed { conn: closed, .. } if closed == conn)
        );
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}
