//! A whole hub on a thread of its own, and the doors to it.
//!
//! Owns starting and stopping: port 0, a temporary directory, an end that is waited for. Everything
//! comes in through real sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_client::bot_protocol::frame::client::Message as Said;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::{Client, Events, Options};
use bot_hub_server::config::{Environment, Override, Sources, load};
use bot_hub_server::server::{Server, addresses};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

/// How long anything may take that is not measured.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) config: PathBuf,
    reload: mpsc::Sender<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

/// A configuration for these bots, with `more` among its settings.
pub(crate) fn config(bots: &[&str], more: &str) -> String {
    let token = |bot: &&str| format!("\"{}\": {{ botId: \"{bot}\" }}", token(bot));
    let tokens: Vec<String> = bots.iter().map(token).collect();
    format!("{{ tokens: {{ {} }}, {more} }}", tokens.join(", "))
}

/// Long enough that nobody is warned of it.
pub(crate) fn token(bot: &str) -> String {
    format!("a-secret-of-{bot}-0123456789")
}

impl Stage {
    pub(crate) fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join("data");
        Self::start_at(config, dir, &data, None)
    }

    /// With the data in a directory of its own, and what is logged going to `log`.
    pub(crate) fn start_at(
        config: &str,
        dir: tempfile::TempDir,
        data: &Path,
        log: Option<tracing::Dispatch>,
    ) -> Self {
        Self::launch(config, dir, data, log, None).expect("the store opens")
    }

    /// With a configuration that becomes another one as soon as it was read.
    pub(crate) fn start_while_edited(config: &str, edited: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join("data");
        let edited = Some(edited.to_owned());
        Self::launch(config, dir, &data, None, edited).expect("the store opens")
    }

    /// The same, or why the hub does not start.
    pub(crate) fn try_start_at(
        config: &str,
        dir: tempfile::TempDir,
        data: &Path,
    ) -> Result<Self, String> {
        Self::launch(config, dir, data, None, None)
    }

    fn launch(
        config: &str,
        dir: tempfile::TempDir,
        data: &Path,
        log: Option<tracing::Dispatch>,
        edited: Option<String>,
    ) -> Result<Self, String> {
        let file = dir.path().join("config.json5");
        std::fs::write(&file, config).expect("a temporary file");
        let sources = Sources {
            file: Some(file.clone()),
            env: Environment::default(),
            flags: vec![Override::new("--data", "store.path", data.display().to_string())],
        };
        let (reload, reloads) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let serve = move || {
            let _guard = log.as_ref().map(tracing::dispatcher::set_default);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let loaded = load(&sources).expect("the configuration is in order");
                if let (Some(edited), Some(file)) = (edited, &sources.file) {
                    std::fs::write(file, edited).expect("a temporary file");
                }
                let listeners = vec![listener];
                let server = match Server::open(loaded, sources) {
                    Ok(server) => server,
                    Err(error) => return tell.send(Err(error.to_string())).expect("it waits"),
                };
                tell.send(Ok(addresses(&listeners)[0])).expect("the test waits");
                let shutdown = async move { drop(stopped.await) };
                server.run(listeners, reloads, shutdown).await.expect("it ends well");
            });
        };
        let thread = std::thread::spawn(serve);
        let address = told.recv().expect("the hub starts")?;
        let (stop, thread) = (Some(stop), Some(thread));
        Ok(Self { address, config: file, reload, stop, thread, _dir: dir })
    }

    pub(crate) fn options(&self, bot: &str) -> Options {
        Options::new(format!("ws://{}", self.address), token(bot))
    }

    pub(crate) async fn client(&self, bot: &str) -> (Client, Events) {
        Client::connect(self.options(bot)).await.expect("the bot comes in")
    }

    /// A plain connection that came in with that token; `more` goes into its `auth`.
    pub(crate) async fn entered(&self, token: &str, more: &str) -> Plain {
        let mut socket = self.socket(HERE).await;
        let auth = format!(r#"{{"type":"auth","token":"{token}","caps":["ack"]{more}}}"#);
        assert_eq!(socket.ask(&auth).await, "auth_ok");
        socket
    }

    /// Our client, in the room.
    pub(crate) async fn member(&self, bot: &str) -> (Client, Events) {
        let (client, events) = self.client(bot).await;
        client.join(room()).await.expect("the room is open");
        (client, events)
    }

    /// A plain WebSocket from that address of this machine.
    pub(crate) async fn socket(&self, from: IpAddr) -> Plain {
        self.forwarded(from, None).await
    }

    /// The same, with what a proxy would say about the client.
    pub(crate) async fn forwarded(&self, from: IpAddr, client: Option<&str>) -> Plain {
        self.upgrade(from, client.map(|client| ("X-Forwarded-For", client))).await
    }

    /// With a token in the request that opens the connection.
    pub(crate) async fn bearing(&self, token: &str) -> Plain {
        self.upgrade(HERE, Some(("Authorization", &format!("Bearer {token}")))).await
    }

    async fn upgrade(&self, from: IpAddr, header: Option<(&str, &str)>) -> Plain {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from, 0)).expect("an address of this machine");
        let stream = socket.connect(self.address).await.expect("the hub listens");
        let url = format!("ws://{}/ws", self.address).parse().expect("an address");
        let mut request = ClientRequestBuilder::new(url);
        if let Some((name, value)) = header {
            request = request.with_header(name, value);
        }
        let upgraded = tokio_tungstenite::client_async(request, stream).await;
        let (socket, _) = upgraded.expect("an upgrade");
        Plain(socket)
    }

    /// Asks the hub to read its configuration again, and waits until it has, or has refused it.
    pub(crate) async fn reload(&self, config: &str, outcome: &str) {
        let name = format!("bothub_config_reload_total{{outcome=\"{outcome}\"}}");
        let before = self.metric(&name).await;
        std::fs::write(&self.config, config).expect("a temporary file");
        self.reload.send(()).await.expect("the hub runs");
        self.until(&name, |now| now > before).await;
    }

    /// Waits until a metric is as it should be.
    pub(crate) async fn until(&self, name: &str, is_right: impl Fn(f64) -> bool) {
        let deadline = Instant::now() + WITHIN;
        loop {
            let value = self.metric(name).await;
            if is_right(value) {
                return;
            }
            assert!(Instant::now() < deadline, "`{name}` stays at {value}");
        }
    }

    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let (_, page) = self.get("/metrics").await;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("no `{name}` in\n{page}"));
        value.parse().expect("a number")
    }

    /// Status and body of a page.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.expect("the hub listens");
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, body.to_owned())
    }

    /// The status of a request whose answer may have no end.
    pub(crate) async fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut stream = TcpStream::connect(self.address).await.expect("the hub listens");
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.expect("it takes a request");
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.expect("it answers");
        let line = std::str::from_utf8(&line).expect("a status line");
        line.rsplit(' ').next().expect("a status").parse().expect("a number")
    }

    /// Any request; `Host` is the hub's address unless a header says otherwise.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("the hub listens");
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if method == "POST" || !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += &format!("\r\n{body}");
        stream.write_all(request.as_bytes()).await.expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        // A test that has failed already says more than its hub.
        assert!(std::thread::panicking() || ended.is_none_or(|it| it.is_ok()), "the hub panicked");
    }
}

pub(crate) struct Plain(WebSocketStream<TcpStream>);

impl Plain {
    /// Asks for an operation, and returns its result or the name of the refusal.
    pub(crate) async fn operate(&mut self, operation: &str) -> Result<serde_json::Value, String> {
        self.say(&format!(r#"{{"type":"operate","ref":"r1","do":{operation}}}"#)).await;
        loop {
            match self.hear().await.expect("the connection lives") {
                ServerFrame::Operated(operated) => return Ok(operated.result.into_json()),
                ServerFrame::Error(error) => return Err(error.name.to_string()),
                _ => {}
            }
        }
    }

    /// Says something, and returns the kind of the answer, or the name of the refusal.
    pub(crate) async fn ask(&mut self, frame: &str) -> String {
        self.say(frame).await;
        match self.hear().await.expect("the connection lives") {
            ServerFrame::Error(error) => error.name.to_string(),
            other => other.kind().to_owned(),
        }
    }

    /// Whether the hub has sent it away, rather than answering once more.
    pub(crate) async fn is_sent_away(&mut self) -> bool {
        drop(self.0.send(Message::text(r#"{"type":"ping"}"#)).await);
        loop {
            match self.hear().await {
                Some(ServerFrame::GoingAway(_)) | None => return true,
                Some(ServerFrame::Pong(_)) => return false,
                Some(_) => {}
            }
        }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the hub takes it");
    }

    /// Begins a frame of so many bytes and goes on with `x`, as long as the hub takes it. In small
    /// pieces: other tests look at what this process holds.
    pub(crate) async fn say_at_length(&mut self, begin: &str, bytes: usize) {
        let stream = self.0.get_mut();
        // Masked with nothing, so that what is written is what is said.
        let mut piece = vec![0x81, 0xff];
        piece.extend((bytes as u64).to_be_bytes());
        piece.extend([0; 4]);
        piece.extend(begin.as_bytes());
        let mut left = bytes - begin.len();
        while stream.write_all(&piece).await.is_ok() && left > 0 {
            piece = vec![b'x'; left.min(64 << 10)];
            left -= piece.len();
        }
    }

    /// The next frame; `None` when the connection is over.
    pub(crate) async fn hear(&mut self) -> Option<ServerFrame> {
        loop {
            match tokio::time::timeout(WITHIN, self.0.next()).await.expect("the hub answers")? {
                Ok(Message::Text(text)) => {
                    let frame = ServerFrame::decode(text.as_bytes()).expect("a frame");
                    return Some(frame.expect("of a known type"));
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Says `auth` and returns the kind of the answer.
    pub(crate) async fn auth(&mut self, token: &str) -> Option<String> {
        self.say(&format!("{{\"type\":\"auth\",\"token\":\"{token}\",\"caps\":[\"ack\"]}}")).await;
        match self.hear().await? {
            ServerFrame::Error(error) => Some(error.name.to_string()),
            ServerFrame::GoingAway(going) => {
                Some(format!("going away {:?}", going.reconnect_in_ms))
            }
            other => Some(other.kind().to_owned()),
        }
    }
}

pub(crate) fn room() -> RoomName {
    RoomName::new("lab").expect("a name")
}

pub(crate) fn says(text: impl Into<String>) -> Said {
    Said { room: Some(room()), text: text.into(), ..Said::default() }
}

pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
