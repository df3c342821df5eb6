//! One request over HTTPS, for the few that the hub sends.
//!
//! Owns the connection and its bounds: a new one per request, since these are hours apart.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bot_hub_client::{ConnectError, explain_tls, tls_config};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::http_client;

/// From the look-up of the name to the last byte of the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longer than any chain of certificates or directory.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why there is no answer, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

/// What requests are sent with.
#[derive(Clone)]
pub struct Https {
    config: Arc<ClientConfig>,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Https").finish_non_exhaustive()
    }
}

impl Https {
    /// Checks servers with the authorities of the web, of this system and in `ca_file`.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, ConnectError> {
        Ok(Self { config: tls_config(ca_file)? })
    }

    /// Sends one request and reads the whole answer.
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response<Full<Bytes>>, NoAnswer>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let told = |error: &dyn std::fmt::Display| NoAnswer(format!("`{host}`: {error}"));
        match timeout(REQUEST_TIMEOUT, self.ask(request)).await {
            Ok(answer) => answer.map_err(|error| told(&error)),
            Err(_) => Err(told(&"no answer within 30 s")),
        }
    }

    async fn ask<B>(&self, mut request: Request<B>) -> Result<Response<Full<Bytes>>, NoAnswer>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let whole = |error: &dyn std::fmt::Display| NoAnswer(error.to_string());
        let (host, port) = place(request.uri())?;
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|it| whole(&it))?;
        let name = ServerName::try_from(host).map_err(|error| whole(&error))?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, stream).await.map_err(|it| handshake(&it))?;
        to_origin_form(&mut request)?;
        let answer = http_client::exchange(stream, request, ANSWER_BYTES_MAX).await;
        Ok(answer.map_err(|error| whole(&error))?.map(Full::new))
    }
}

fn handshake(error: &io::Error) -> NoAnswer {
    let why = explain_tls(error).to_string();
    NoAnswer(why.replace('\n', "; ").replace("to the hub: its", "to it: its"))
}

fn place(uri: &Uri) -> Result<(String, u16), NoAnswer> {
    let (Some("https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(NoAnswer(format!("`{uri}` does not begin with `https://`")));
    };
    Ok((host.trim_matches(['[', ']']).to_owned(), uri.port_u16().unwrap_or(443)))
}

/// Host and path apart, as a server wants them.
fn to_origin_form<B>(request: &mut Request<B>) -> Result<(), NoAnswer> {
    let bad = |_| NoAnswer("the address is not understood".to_owned());
    let uri = request.uri();
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_str(&host).map_err(|it| bad(it.to_string()))?);
    *request.uri_mut() =
        path.parse().map_err(|it: hyper::http::uri::InvalidUri| bad(it.to_string()))?;
    Ok(())
}
