//! One POST request and its answer.
//!
//! Owns the bounds: the time for the whole exchange and the length of the answer. Follows no redirect,
//! because the request carries a secret for one address.

use std::path::Path;
use std::time::Duration;

use bot_hub_client::{explain_tls, tls_config};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::cli::failure::{Failure, Kind};
use bot_hub_server::config::PublicUrl;
use bot_hub_server::http_client;

/// The time for name look-up, connection, request and answer together.
const WITHIN: Duration = Duration::from_secs(30);

/// Many times the length of a hub's answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends JSON, and returns the status and the body.
pub(super) async fn post(
    base: &PublicUrl,
    path: &str,
    body: &str,
    ca_file: Option<&Path>,
) -> Result<(u16, Bytes), Failure> {
    let exchange = timeout(WITHIN, send(base, path, body, ca_file)).await;
    exchange.unwrap_or_else(|_| Err(unreachable(base, &"no answer within 30 s")))
}

async fn send(
    base: &PublicUrl,
    path: &str,
    body: &str,
    ca_file: Option<&Path>,
) -> Result<(u16, Bytes), Failure> {
    let tls = base.is_encrypted().then(|| tls_config(ca_file)).transpose()?;
    let stream = TcpStream::connect((base.host(), base.port())).await;
    let stream = stream.map_err(|error| unreachable(base, &error))?;
    let Some(tls) = tls else { return ask(stream, base, path, body).await };
    let name = ServerName::try_from(base.host().to_owned())
        .map_err(|_| Failure::new(Kind::Usage, format!("no certificate can be for `{base}`")))?;
    let stream = TlsConnector::from(tls).connect(name, stream).await;
    ask(stream.map_err(|error| Failure::from(explain_tls(&error)))?, base, path, body).await
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    base: &PublicUrl,
    path: &str,
    body: &str,
) -> Result<(u16, Bytes), Failure> {
    let url = base.to_string();
    let host = url.split_once("://").map_or("", |(_, host)| host);
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .expect("a host that was parsed and a path of ours make a request");
    let answer = http_client::exchange(stream, request, ANSWER_BYTES_MAX).await;
    let answer = answer.map_err(|error| unreachable(base, &error))?;
    Ok((answer.status().as_u16(), answer.into_body()))
}

fn unreachable(base: &PublicUrl, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Unreachable, format!("no hub answers at `{base}`: {why}"))
        .hint("is the link right, and does the hub run?")
}
