//! One WebSocket, and how it is opened.
//!
//! Owns the translation between bytes and frames, and the timeouts of opening, writing and closing.
//! Knows nothing of what the frames mean.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bot_protocol::frame::{ClientFrame, ServerFrame};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::error::{ConnectError, Why};

/// Name look-up, TCP and the upgrade together.
pub(crate) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// The hub takes nothing of what we write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Saying goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Frames that wait to be written before the application is asked to wait.
const FRAMES_WAITING_MAX: usize = 1_024;
/// A page of history holds 200 entries of 128 KiB, escaped at worst.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// The port of `ws://` without one: the hub's own, since 80 is nobody's hub.
const PORT_DEFAULT: u16 = 18_795;

/// What comes of opening.
pub(crate) type Opening<S> =
    Pin<Box<dyn Future<Output = Result<WebSocketStream<S>, Why>> + Send + 'static>>;

/// A way to the hub. TLS would be another one.
pub(crate) trait Connect: Send + 'static {
    /// What the bytes go through.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens a connection, in a bounded time.
    fn open(&mut self) -> Opening<Self::Stream>;
}

/// `ws://` over TCP.
#[derive(Debug)]
pub(crate) struct Tcp {
    uri: Uri,
    address: (String, u16),
}

impl Tcp {
    /// Checks the address.
    pub(crate) fn new(url: &str) -> Result<Self, ConnectError> {
        let bad = |problem: &str| ConnectError::BadUrl {
            // Somebody may have put a token where none belongs; it must not come back in an error.
            url: url
                .split(['?', '#'])
                .next()
                .map_or("", |url| url.rsplit('@').next().unwrap_or(""))
                .to_owned(),
            problem: problem.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| bad("it is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(bad("a token or a query has no place in it"));
        }
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => return Err(ConnectError::NoTls(url.to_owned())),
            _ => return Err(bad("it does not begin with `ws://`")),
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(PORT_DEFAULT);
        Ok(Self { address: (host, port), uri })
    }
}

impl Connect for Tcp {
    type Stream = TcpStream;

    fn open(&mut self) -> Opening<TcpStream> {
        let (uri, address) = (self.uri.clone(), self.address.clone());
        Box::pin(async move {
            let opened = timeout(OPEN_TIMEOUT, async {
                let stream = TcpStream::connect(address).await.map_err(cannot_reach)?;
                // A chat message is small and waited for: not to be held back for a fuller packet.
                stream.set_nodelay(true).map_err(cannot_reach)?;
                upgrade(uri, stream).await
            });
            opened.await.unwrap_or_else(|_| Err(cannot_reach("no answer within 10 s")))
        })
    }
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
    opened.map(|(socket, _)| socket).map_err(cannot_reach)
}

fn cannot_reach(error: impl ToString) -> Why {
    Why::Unreachable(error.to_string())
}

/// What a wire reports.
#[derive(Debug)]
pub(crate) enum Happening {
    /// It is open.
    Opened,
    /// The hub sent a frame.
    Frame(Box<ServerFrame>),
    /// The hub sent something that means nothing but that it is there.
    Heard,
    /// It is gone.
    Closed(Why),
}

/// The connection, as far as there is one.
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
    /// Runs while the hub takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Queues a frame; without a connection it is lost, as it would be on one that is breaking.
    pub(crate) fn send(&mut self, frame: ClientFrame) {
        if let Self::Open(connection) = self {
            connection.waiting.push_back(frame);
        }
    }

    /// Whether more may be queued.
    pub(crate) fn has_room(&self) -> bool {
        !matches!(self, Self::Open(open) if open.waiting.len() >= FRAMES_WAITING_MAX)
    }

    /// Writes what can be written and, if wished, reads. Losing the future loses nothing.
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

    /// Gives the connection up, politely but not for long.
    pub(crate) async fn close(&mut self) {
        if let Self::Open(mut connection) = std::mem::replace(self, Self::None) {
            // Whether the other side hears the goodbye changes nothing.
            drop(timeout(CLOSE_TIMEOUT, connection.goodbye()).await);
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

    async fn goodbye(&mut self) -> Result<(), tungstenite::Error> {
        for frame in std::mem::take(&mut self.waiting) {
            self.socket.feed(Message::text(frame.encode())).await?;
        }
        self.socket.close(None).await?;
        // A socket that is dropped with something unread in it is reset, and a reset takes with it
        // what the other side has not read yet.
        while let Some(Ok(_)) = self.socket.next().await {}
        Ok(())
    }
}

/// What a WebSocket message says.
fn understand(message: Message) -> Happening {
    match message {
        Message::Text(text) => match ServerFrame::decode(text.as_bytes()) {
            Ok(Some(frame)) => Happening::Frame(Box::new(frame)),
            // A type from a newer hub.
            Ok(None) => Happening::Heard,
            Err(error) => Happening::Closed(Why::BadFrame(error.to_string())),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        let found = match Tcp::new(url) {
            Ok(tcp) => format!("{}:{}", tcp.address.0, tcp.address.1),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn an_address_is_checked_before_anything_is_opened() {
        check("ws://127.0.0.1:4000", "127.0.0.1:4000");
        check("ws://hub.lan/ws", "hub.lan:18795");
        check("ws://[::1]:4000", "::1:4000");
        check("wss://hub", "`wss://hub` needs TLS, which this client does not speak yet");
        check("http://hub", "`http://hub` is no address of a hub: it does not begin with `ws://`");
        check("hub", "`hub` is no address of a hub: it does not begin with `ws://`");
        check("/ws", "`/ws` is no address of a hub: it names no host");
        check("", "`` is no address of a hub: it is not a URL");
    }

    #[test]
    fn a_token_in_an_address_is_refused_and_not_repeated() {
        let problem = "a token or a query has no place in it";
        check("ws://tok3n@hub", &format!("`hub` is no address of a hub: {problem}"));
        check("ws://hub/?token=tok3n", &format!("`ws://hub/` is no address of a hub: {problem}"));
    }
}
