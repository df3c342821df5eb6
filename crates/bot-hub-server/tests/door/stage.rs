//! A door, a client that speaks in bytes, and the engine's end of the channel.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use bot_hub_server::door::{
    ConnId, Door, DoorConfig, DoorLimits, Ended, Intent, Outbox, RawFrame, ws,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;

pub(crate) const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Longer than every timeout of the door.
const FOREVER: Duration = Duration::from_secs(600);

pub(crate) struct Stage {
    pub(crate) door: Rc<Door>,
    pub(crate) intents: mpsc::Receiver<Intent>,
}

/// Runs `test` where local tasks can be spawned.
pub(crate) async fn on_stage<T>(test: impl AsyncFnOnce() -> T) -> T {
    LocalSet::new().run_until(test()).await
}

impl Stage {
    pub(crate) fn new(change: impl FnOnce(&mut DoorLimits)) -> Self {
        Self::with_config(change, |_| {})
    }

    pub(crate) fn with_config(
        change: impl FnOnce(&mut DoorLimits),
        configure: impl FnOnce(&mut DoorConfig),
    ) -> Self {
        // A message that is too large ends the connection, unless a test says otherwise.
        let mut limits = DoorLimits { skipped_bytes_max: 0, ..DoorLimits::default() };
        change(&mut limits);
        let mut config = DoorConfig { limits: Rc::new(limits), ..DoorConfig::default() };
        configure(&mut config);
        let (sender, intents) = mpsc::channel(16);
        Self { door: Door::new(config, sender), intents }
    }

    /// A socket whose other end the door serves. `pipe_bytes` is what fits between them.
    pub(crate) fn dial_from(&self, peer: &str, pipe_bytes: usize) -> Client {
        let (client, server) = tokio::io::duplex(pipe_bytes);
        let peer: IpAddr = peer.parse().expect("an address");
        let permit = self.door.enter(peer).expect("room");
        tokio::task::spawn_local(Rc::clone(&self.door).serve(server, peer, permit));
        Client { stream: client }
    }

    pub(crate) fn dial(&self) -> Client {
        self.dial_from("127.0.0.1", 1 << 16)
    }

    pub(crate) async fn next(&mut self) -> Intent {
        let intent = timeout(FOREVER, self.intents.recv()).await.expect("the door says something");
        intent.expect("the door lives")
    }

    /// Opens a WebSocket.
    pub(crate) async fn open(&mut self, pipe_bytes: usize) -> (Client, ConnId, Rc<Outbox>) {
        let mut client = self.dial_from("127.0.0.1", pipe_bytes);
        client.upgrade().await;
        let Intent::Opened { conn, outbox, .. } = self.next().await else { panic!("not opened") };
        (client, conn, outbox)
    }

    /// Opens a WebSocket and lets it in.
    pub(crate) async fn open_known(&mut self, pipe_bytes: usize) -> (Client, ConnId, Rc<Outbox>) {
        let opened = self.open(pipe_bytes).await;
        opened.2.authenticate();
        opened
    }

    /// The end of `conn`; nothing else may be told about it before.
    pub(crate) async fn closed(&mut self, conn: ConnId) -> Ended {
        match self.next().await {
            Intent::Closed { conn: closed, why } if closed == conn => why,
            other => panic!("not closed but {other:?}"),
        }
    }
}

pub(crate) struct Client {
    pub(crate) stream: DuplexStream,
}

impl Client {
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the door reads");
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.write(&frame(0x81, text.as_bytes())).await;
    }

    pub(crate) async fn upgrade(&mut self) {
        self.write(UPGRADE.as_bytes()).await;
        let head = self.read_head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    }

    /// The answer up to its empty line.
    pub(crate) async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("more of the head"));
        }
        String::from_utf8(head).expect("heads are ASCII")
    }

    /// One frame of the hub.
    pub(crate) async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.stream.read_u8().await.expect("a frame");
        let len = match self.stream.read_u8().await.expect("a length") {
            126 => self.stream.read_u16().await.expect("two bytes").into(),
            127 => self.stream.read_u64().await.expect("eight bytes"),
            len => u64::from(len),
        };
        let mut payload = vec![0; usize::try_from(len).expect("it fits")];
        self.stream.read_exact(&mut payload).await.expect("the payload");
        (first, payload)
    }

    pub(crate) async fn hear(&mut self) -> String {
        let (first, payload) = self.read_frame().await;
        assert_eq!(first, 0x81, "a text frame: {payload:?}");
        String::from_utf8(payload).expect("text")
    }

    /// The close code and the reason, and then the end of the stream.
    pub(crate) async fn hear_close(&mut self) -> (u16, String) {
        loop {
            let (first, payload) = self.read_frame().await;
            if first != 0x88 {
                continue;
            }
            let mut rest = Vec::new();
            self.stream.read_to_end(&mut rest).await.expect("the end");
            assert_eq!(rest, b"", "nothing follows a close frame");
            let Some((code, reason)) = payload.split_first_chunk() else {
                return (0, String::new());
            };
            let reason = String::from_utf8(reason.to_vec()).expect("a reason is text");
            return (u16::from_be_bytes(*code), reason);
        }
    }
}

/// Frames as text, so that tests read like a conversation.
pub(crate) fn texts(frames: Vec<RawFrame>) -> Vec<String> {
    let text = |frame| match frame {
        RawFrame::Text(text) => text.into(),
        RawFrame::Skipped(skipped) => panic!("not held: {skipped:?}"),
    };
    frames.into_iter().map(text).collect()
}

/// A masked frame; `first` is its first byte as it stands on the wire.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = ws::text_header(payload.len()).to_vec();
    bytes[0] = first;
    bytes[1] |= 0x80;
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
