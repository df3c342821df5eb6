//! Tests a hub from outside, step by step: name, socket, TLS, a page, a WebSocket.
//!
//! Owns the steps and their results. Sends no token, so it is safe to go on with a hub whose certificate is
//! invalid. The caller interprets the results.

mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bot_protocol::calendar::Date;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use bot_hub_server::http_client;

pub(super) use self::tls::Certificate;

/// The time for each step. A connection that needs longer is useless for bots.
const STEP: Duration = Duration::from_secs(10);

/// The pages of a hub are shorter than this.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Any 16 bytes serve: the key only proves that the other side speaks WebSocket, and is no secret.
const WS_KEY: &str = "Ym90LWh1YiBkb2N0b3IhIQ==";

/// The address to test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encrypted: bool,
    /// Certificates of the private authority that issued the hub's certificate.
    pub(super) ca_file: Option<PathBuf>,
}

/// A page, or the answer to an upgrade request.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A socket to the target, encrypted if the target is.
pub(super) struct Socket {
    stream: Box<dyn Stream>,
    /// The certificate of the other side, if the connection is encrypted.
    pub(super) certificate: Option<Certificate>,
}

impl Target {
    /// Parses `ws://HOST:PORT` and similar addresses.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let uri: hyper::Uri = url.parse().ok()?;
        let encrypted = matches!(uri.scheme_str()?, "wss" | "https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port, encrypted, ca_file: None })
    }

    /// The addresses of the host.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let found = within(tokio::net::lookup_host((self.host.as_str(), self.port))).await?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() { Err("the name has no address".to_owned()) } else { Ok(found) }
    }

    /// Connects to the first address that accepts.
    pub(super) async fn connect(&self, addresses: &[SocketAddr]) -> Result<Socket, String> {
        let stream = within(TcpStream::connect(addresses)).await?;
        if !self.encrypted {
            return Ok(Socket { stream: Box::new(stream), certificate: None });
        }
        let (stream, certificate) =
            within(tls::secure(stream, &self.host, self.ca_file.as_deref())).await?;
        Ok(Socket { stream: Box::new(stream), certificate: Some(certificate) })
    }

    /// Whether the hub serves this path. Does not fetch the page.
    pub(super) async fn has(&self, path: &str) -> Result<bool, String> {
        let addresses = self.resolve().await?;
        let socket = self.connect(&addresses).await?;
        Ok(socket.ask(self, Method::HEAD, path, &[]).await?.status.is_success())
    }

    /// Runs all steps up to fetching a page.
    pub(super) async fn get(&self, path: &str) -> Result<Page, String> {
        let addresses = self.resolve().await?;
        self.connect(&addresses).await?.get(self, path).await
    }

    fn authority(&self) -> String {
        let is_v6 = self.host.contains(':');
        let host = if is_v6 { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }
}

/// Whether the hub accepts messages; the error says why not.
pub(super) async fn readiness(url: &str) -> Result<(), String> {
    let target = Target::of_url(url).ok_or_else(|| format!("`{url}` is no address of a hub"))?;
    let page = target.get("/readyz").await?;
    if page.status.is_success() { Ok(()) } else { Err(page.body.trim().to_owned()) }
}

impl Socket {
    /// Asks for a page.
    pub(super) async fn get(self, target: &Target, path: &str) -> Result<Page, String> {
        self.ask(target, Method::GET, path, &[]).await
    }

    /// Requests a WebSocket upgrade and returns the answer.
    pub(super) async fn upgrade(self, target: &Target, path: &str) -> Result<Page, String> {
        let headers = [
            (header::CONNECTION, "Upgrade"),
            (header::UPGRADE, "websocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, WS_KEY),
        ];
        self.ask(target, Method::GET, path, &headers).await
    }

    async fn ask(
        self,
        target: &Target,
        method: Method,
        path: &str,
        more: &[(header::HeaderName, &'static str)],
    ) -> Result<Page, String> {
        let request = Request::builder().method(method).uri(path);
        let mut request = request.header(header::HOST, target.authority());
        for (name, value) in more {
            request = request.header(name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
        let answer = within(http_client::exchange(self.stream, request, BODY_BYTES_MAX)).await?;
        let (head, body) = answer.into_parts();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Page { status: head.status, headers: head.headers, body })
    }
}

impl Page {
    /// Whether the answer accepts our WebSocket key.
    pub(super) fn is_upgrade(&self) -> bool {
        let accept = self.headers.get(header::SEC_WEBSOCKET_ACCEPT);
        let expected = bot_hub_server::door::ws::accept_key(WS_KEY.as_bytes());
        self.status == StatusCode::SWITCHING_PROTOCOLS
            && accept.zip(expected).is_some_and(|(accept, key)| accept.as_bytes() == key.as_bytes())
    }

    /// The `Date` of the answer, in seconds since 1970.
    pub(super) fn date(&self) -> Option<u64> {
        seconds_of(self.headers.get(header::DATE)?.to_str().ok()?)
    }
}

/// Runs a step with a time limit.
async fn within<T, E: std::fmt::Display>(
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(STEP, step).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", STEP.as_secs())),
    }
}

/// Parses `Fri, 20 Nov 2026 10:11:37 GMT`, the only form that servers send today.
fn seconds_of(date: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut parts = date.split_ascii_whitespace().skip(1);
    let day = parts.next()?.parse().ok()?;
    let month = i64::try_from(MONTHS.find(parts.next()?)? / 3 + 1).ok()?;
    let year = parts.next()?.parse().ok()?;
    let mut time = parts.next()?.split(':').map(str::parse::<i64>);
    let mut number = || time.next()?.ok();
    let (hour, minute, second) = (number()?, number()?, number()?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = Date::new(year, month, day)?.days_after_epoch();
    u64::try_from(((days * 24 + hour) * 60 + minute) * 60 + second).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_a_server_becomes_seconds() {
        let check = |date: &str, expected: Option<u64>| assert_eq!(seconds_of(date), expected);
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400));
        check("Fri, 20 Nov 2026 07:52:31 GMT", Some(1_795_161_151));
        check("Fri, 20 Nov 2026 9223372036854775807:52:31 GMT", None);
        check("Fri, 31 Nov 2026 07:52:31 GMT", None);
        check("yesterday", None);
    }

    #[test]
    fn an_address_names_host_port_and_whether_it_is_encrypted() {
        let check = |url: &str, host: &str, port, encrypted| {
            let expected = Target { host: host.to_owned(), port, encrypted, ca_file: None };
            assert_eq!(Target::of_url(url), Some(expected), "{url}");
        };
        check("ws://127.0.0.1:18795", "127.0.0.1", 18795, false);
        check("wss://hub.example", "hub.example", 443, true);
        check("https://[::1]:8443", "::1", 8443, true);
    }
}
