//! The client half of a WebSocket over blocking TCP, as plain as possible, and able to break every rule on purpose.
//!
//! Owns bytes and frames. Never answers anything by itself and never looks into a message.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// First bytes of whole frames.
pub mod first {
    /// A text message.
    pub const TEXT: u8 = 0x81;
    /// A binary message.
    pub const BINARY: u8 = 0x82;
    /// The last frame.
    pub const CLOSE: u8 = 0x88;
    /// To be answered with a pong.
    pub const PING: u8 = 0x89;
    /// The answer.
    pub const PONG: u8 = 0x8A;
}

/// The mask of every frame. A real client draws one per frame; the hub must not care.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// How long opening may take.
const OPEN: Duration = Duration::from_secs(10);

/// What the other side did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(String),
    /// A ping that wants its pong.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The close frame: code (0 for none) and reason.
    Close(u16, String),
    /// The end of the stream, or a reset.
    End,
    /// Nothing within the time.
    Nothing,
}

/// A socket that may have been upgraded.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    input: Vec<u8>,
}

/// `HOST:PORT` and the path of `ws://HOST:PORT/PATH`.
pub fn parts(url: &str) -> io::Result<(SocketAddr, String)> {
    let bad = || io::Error::new(ErrorKind::InvalidInput, format!("`{url}` is not ws://HOST:PORT"));
    let rest = url.strip_prefix("ws://").ok_or_else(bad)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = host.to_socket_addrs()?.next().ok_or_else(bad)?;
    Ok((address, format!("/{path}")))
}

impl Socket {
    /// A TCP connection, and nothing more.
    pub fn dial(url: &str) -> io::Result<Self> {
        let (address, _) = parts(url)?;
        let stream = TcpStream::connect_timeout(&address, OPEN)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::new() })
    }

    /// A TCP connection from another address of this machine.
    pub fn dial_from(url: &str, from: std::net::Ipv4Addr) -> io::Result<Self> {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let (address, _) = parts(url)?;
        let fd = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&fd, &SocketAddr::from((from, 0)))?;
        connect(&fd, &address)?;
        Ok(Self { stream: TcpStream::from(fd), input: Vec::new() })
    }

    /// A WebSocket.
    pub fn open(url: &str) -> io::Result<Self> {
        let mut socket = Self::dial(url)?;
        let head = socket.upgrade(&parts(url)?.1, "")?;
        if head.starts_with("HTTP/1.1 101") {
            return Ok(socket);
        }
        let line = head.lines().next().unwrap_or("no answer").to_owned();
        Err(io::Error::other(format!("the upgrade was refused: {line}")))
    }

    /// Sends the upgrade request, with `headers` (each ended by CRLF) besides, and returns the head of the answer. An
    /// empty one means that the hub hung up.
    pub fn upgrade(&mut self, path: &str, headers: &str) -> io::Result<String> {
        self.write(
            format!(
                "GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
            )
            .as_bytes(),
        )?;
        self.head(OPEN)
    }

    /// The head of an HTTP answer; empty if there comes none.
    pub fn head(&mut self, within: Duration) -> io::Result<String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(end) = self.input.windows(4).position(|at| at == b"\r\n\r\n") {
                let head = self.input.drain(..end + 4).collect();
                return String::from_utf8(head).map_err(io::Error::other);
            }
            if !self.fill(deadline)? {
                return Ok(String::new());
            }
        }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends one frame.
    pub fn send(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(first, payload))
    }

    /// Sends one text message.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(first::TEXT, text.as_bytes())
    }

    /// How long a write may stand still before it fails.
    pub fn set_write_timeout(&self, within: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(within))
    }

    /// The socket itself, for what is done to it.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The next frame from the hub.
    pub fn hear(&mut self, within: Duration) -> io::Result<Heard> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(heard) = self.take_frame()? {
                return Ok(heard);
            }
            match self.fill(deadline) {
                Ok(true) => {}
                Ok(false) => return Ok(Heard::Nothing),
                Err(error) if is_end(&error) => return Ok(Heard::End),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads on until the connection is over: the close code, or 0 if there was none, and when. `None`: it is still
    /// open after `within`.
    pub fn hear_end(&mut self, within: Duration) -> Option<(u16, Instant)> {
        let deadline = Instant::now() + within;
        let mut code = None;
        loop {
            let left = deadline.checked_duration_since(Instant::now())?;
            match self.hear(left) {
                Ok(Heard::Close(said, _)) => code = Some(code.unwrap_or(said)),
                Ok(Heard::Nothing) => return code.map(|code| (code, Instant::now())),
                Ok(Heard::End) | Err(_) => return Some((code.unwrap_or(0), Instant::now())),
                Ok(Heard::Text(_) | Heard::Ping(_) | Heard::Pong(_)) => {}
            }
            if code.is_some() {
                return code.map(|code| (code, Instant::now()));
            }
        }
    }

    /// Reads more. `false`: nothing came in time. The end of the stream is an error.
    fn fill(&mut self, deadline: Instant) -> io::Result<bool> {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return Ok(false) };
        self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.input.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn take_frame(&mut self) -> io::Result<Option<Heard>> {
        let [first, second, rest @ ..] = &*self.input else { return Ok(None) };
        let (head, len) = match (second & 0x7F, rest) {
            (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            (127, [a, b, c, d, e, f, g, h, ..]) => {
                let len = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                (10, usize::try_from(len).map_err(io::Error::other)?)
            }
            (126 | 127, _) => return Ok(None),
            (short, _) => (2, usize::from(short)),
        };
        if self.input.len() < head + len {
            return Ok(None);
        }
        let first = *first;
        let payload = self.input[head..head + len].to_vec();
        self.input.drain(..head + len);
        meaning(first, payload).map(Some)
    }
}

fn meaning(first: u8, payload: Vec<u8>) -> io::Result<Heard> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(io::Error::other);
    Ok(match first {
        first::TEXT => Heard::Text(text(payload)?),
        first::PING => Heard::Ping(payload),
        first::PONG => Heard::Pong(payload),
        first::CLOSE => match payload.split_first_chunk() {
            Some((code, reason)) => Heard::Close(u16::from_be_bytes(*code), text(reason.to_vec())?),
            None => Heard::Close(0, String::new()),
        },
        other => return Err(io::Error::other(format!("a frame that begins with {other:#04x}"))),
    })
}

/// Whether it says that the connection is over.
#[must_use]
pub fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// A masked frame; `first` is its first byte as it stands on the wire.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ MASK[at & 3]));
    bytes
}

/// The header of a masked frame that claims `len` bytes.
#[must_use]
pub fn header(first: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(0x80 | len as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{header, parts};

    #[test]
    fn addresses_are_taken_apart() {
        let check = |url: &str, expected: Option<(&str, &str)>| {
            let found = parts(url).ok().map(|(address, path)| (address.to_string(), path));
            let expected = expected.map(|(address, path)| (address.to_owned(), path.to_owned()));
            assert_eq!(found, expected, "{url}");
        };
        check("ws://127.0.0.1:80", Some(("127.0.0.1:80", "/")));
        check("ws://127.0.0.1:80/ws", Some(("127.0.0.1:80", "/ws")));
        check("http://127.0.0.1:80", None);
        check("ws://127.0.0.1", None);
    }

    #[test]
    fn headers_of_all_three_lengths_are_written() {
        let check = |len: u64, expected: &[u8]| {
            let bytes = header(0x81, len);
            assert_eq!(&bytes[1..bytes.len() - 4], expected, "{len}");
        };
        check(5, &[0x85]);
        check(126, &[0xFE, 0, 126]);
        check(65_536, &[0xFF, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
