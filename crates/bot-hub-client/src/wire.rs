//! One WebSocket: converts between bytes and frames.
//!
//! Owns the upgrade, and the timeouts of writing and closing. Knows neither what frames mean nor how the
//! connection is opened: that is [`crate::dial`].

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bot_protocol::frame::{ClientFrame, FrameError, ServerFrame};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::http::header::UPGRADE;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::error::Why;

/// The hub accepts no bytes for this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How many frames may wait to be written before commands have to wait.
const FRAMES_WAITING_MAX: usize = 1_024;
/// A page of history holds 200 entries of 128 KiB, escaped at worst.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// The future that opens a connection.
pub(crate) type Opening<S> =
    Pin<Box<dyn Future<Output = Result<WebSocketStream<S>, Why>> + Send + 'static>>;

/// Opens connections to the hub.
pub(crate) trait Connect: Send + 'static {
    /// What the bytes go through.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens a connection, in a bounded time.
    fn open(&mut self) -> Opening<Self::Stream>;
}

/// Makes a WebSocket of a stream.
pub(crate) async fn upgrade<S>(uri: Uri, stream: S) -> Result<WebSocketStream<S>, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let opened = tokio_tungstenite::client_async_with_config(uri, stream, Some(config)).await;
    opened.map(|(socket, _)| socket).map_err(|error| match error {
        // A hub that expects TLS answers a plain connection with this.
        tungstenite::Error::Http(reply) if asks_for_tls(reply.headers()) => Why::NotSecure {
            problem: "it wants an encrypted connection".to_owned(),
            hint: "use `wss://` instead of `ws://`".to_owned(),
        },
        error => Why::Unreachable(error.to_string()),
    })
}

fn asks_for_tls(headers: &HeaderMap) -> bool {
    let values = headers.get_all(UPGRADE).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().starts_with("TLS/"))
}

/// An event of the wire.
#[derive(Debug)]
pub(crate) enum Happening {
    /// It is open.
    Opened,
    /// The hub sent a frame.
    Frame(Box<ServerFrame>),
    /// The hub sent something that only shows that it is alive.
    Heard,
    /// The hub sent something that this program cannot read.
    Unreadable(FrameError),
    /// It is gone.
    Closed(Why),
}

/// The connection, in whatever state it is.
pub(crate) enum Wire<S> {
    /// There is none.
    None,
    /// One is being opened.
    Opening(Opening<S>),
    /// There is one.
    Open(Box<Connection<S>>),
}

pub(crate) struct Connection<S> {
    socket: WebSocketStream<S>,
    waiting: VecDeque<ClientFrame>,
    /// Something was written and not flushed.
    dirty: bool,
    /// Set while the hub accepts no bytes.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Queues a frame. Without a connection it is dropped, as it would be lost on a breaking one.
    pub(crate) fn send(&mut self, frame: ClientFrame) {
        if let Self::Open(connection) = self {
            connection.waiting.push_back(frame);
        }
    }

    /// Whether more may be queued.
    pub(crate) fn has_room(&self) -> bool {
        !matches!(self, Self::Open(open) if open.waiting.len() >= FRAMES_WAITING_MAX)
    }

    /// Writes as much as possible and, if asked, reads. Cancel safe.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Happening> {
        let happening = match self {
            Self::None => return Poll::Pending,
            Self::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                Ok(socket) => {
                    *self = Self::Open(Box::new(Connection::new(socket)));
                    Happening::Opened
                }
                Err(why) => Happening::Closed(why),
            },
            Self::Open(connection) => ready!(connection.poll(cx, read)),
        };
        if matches!(happening, Happening::Closed(_)) {
            *self = Self::None;
        }
        Poll::Ready(happening)
    }

    /// Closes the connection with a short closing handshake.
    pub(crate) async fn close(&mut self) {
        if let Self::Open(mut connection) = std::mem::replace(self, Self::None) {
            // It does not matter whether the other side receives the close frame.
            drop(timeout(CLOSE_TIMEOUT, connection.close_handshake()).await);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, waiting: VecDeque::new(), dirty: false, stalled: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Happening> {
        match self.poll_write(cx) {
            Poll::Ready(Err(error)) => return Poll::Ready(Happening::Closed(broken(&error))),
            Poll::Ready(Ok(())) => self.stalled = None,
            Poll::Pending => {
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
                if stalled.as_mut().poll(cx).is_ready() {
                    let why = Why::Broken("the hub takes nothing for 30 s".to_owned());
                    return Poll::Ready(Happening::Closed(why));
                }
            }
        }
        if !read {
            return Poll::Pending;
        }
        let message = ready!(Pin::new(&mut self.socket).poll_next(cx));
        Poll::Ready(message.map_or_else(
            || Happening::Closed(Why::Broken("the hub hung up".to_owned())),
            |message| message.map_or_else(|error| Happening::Closed(broken(&error)), understand),
        ))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        let mut socket = Pin::new(&mut self.socket);
        while !self.waiting.is_empty() {
            ready!(socket.as_mut().poll_ready(cx))?;
            if let Some(frame) = self.waiting.pop_front() {
                socket.as_mut().start_send(Message::text(frame.encode()))?;
                self.dirty = true;
                self.stalled = None;
            }
        }
        if self.dirty {
            ready!(socket.poll_flush(cx))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    async fn close_handshake(&mut self) -> Result<(), tungstenite::Error> {
        for frame in std::mem::take(&mut self.waiting) {
            self.socket.feed(Message::text(frame.encode())).await?;
        }
        self.socket.close(None).await?;
        // Dropping a socket with unread input resets the connection, and a reset destroys what the other
        // side has not read yet.
        while let Some(Ok(_)) = self.socket.next().await {}
        Ok(())
    }
}

/// Converts a WebSocket message.
fn understand(message: Message) -> Happening {
    match message {
        Message::Text(text) => match ServerFrame::decode(text.as_bytes()) {
            Ok(Some(frame)) => Happening::Frame(Box::new(frame)),
            // A frame type of a newer hub.
            Ok(None) => Happening::Heard,
            // Later frames may still be readable.
            Err(error) => Happening::Unreadable(error),
        },
        Message::Ping(_) | Message::Pong(_) => Happening::Heard,
        Message::Close(Some(close)) => Happening::Closed(Why::Closed {
            code: close.code.into(),
            reason: close.reason.as_str().to_owned(),
        }),
        Message::Close(None) => {
            Happening::Closed(Why::Closed { code: 1005, reason: "without a reason".to_owned() })
        }
        Message::Binary(_) | Message::Frame(_) => {
            Happening::Closed(Why::BadFrame("it is not text".to_owned()))
        }
    }
}

fn broken(error: &tungstenite::Error) -> Why {
    Why::Broken(error.to_string())
}
