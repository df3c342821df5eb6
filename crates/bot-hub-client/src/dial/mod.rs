//! Opening a connection: name look-up, TCP, and TLS for `wss://`.
//!
//! Owns the address and the timeout of opening. Knows nothing about the frames that follow.

mod stream;
#[cfg(feature = "tls")]
mod tls;

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::error::{ConnectError, Why};
use crate::options::Options;
use crate::wire::{Connect, Opening, upgrade};
use stream::Stream;
#[cfg(feature = "tls")]
pub use tls::{explain_tls, tls_config, tls_roots};

/// The timeout for name look-up, TCP, TLS and the upgrade together.
pub(crate) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// The default port of `ws://`: the hub's own default. Port 80 would hardly ever be a hub.
const PORT_PLAIN: u16 = 18_795;
/// The default port of `wss://`: the port of a proxy in front of the hub, or of a hub with a certificate.
const PORT_TLS: u16 = 443;

/// How to connect to one hub.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    uri: Uri,
    host: String,
    port: u16,
    #[cfg(feature = "tls")]
    tls: Option<tls::Tls>,
}

impl Dial {
    /// Checks the address, and loads the trusted certificates.
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let url = &options.url;
        let bad = |problem: &str| ConnectError::BadUrl {
            // The address may contain a token by mistake, which must not be printed in an error.
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
        let is_tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(bad("it does not begin with `ws://` or `wss://`")),
        };
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port_default = if is_tls { PORT_TLS } else { PORT_PLAIN };
        let port = authority.port_u16().unwrap_or(port_default);
        #[cfg(not(feature = "tls"))]
        if is_tls {
            return Err(ConnectError::NoTls(url.clone()));
        }
        #[cfg(feature = "tls")]
        let tls = is_tls.then(|| tls::Tls::new(&host, options.ca_file.as_deref())).transpose()?;
        Ok(Self {
            #[cfg(feature = "tls")]
            tls,
            host,
            port,
            uri,
        })
    }

    async fn stream(&self) -> Result<Stream, Why> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(cannot_reach)?;
        // Messages are small and urgent: they must not wait until a packet is full.
        stream.set_nodelay(true).map_err(cannot_reach)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Ok(Stream::Tls(Box::new(tls.handshake(stream).await?)));
        }
        Ok(Stream::Plain(stream))
    }
}

impl Connect for Dial {
    type Stream = Stream;

    fn open(&mut self) -> Opening<Stream> {
        let this = self.clone();
        Box::pin(async move {
            let opened = timeout(OPEN_TIMEOUT, async {
                let stream = this.stream().await?;
                upgrade(this.uri, stream).await
            });
            opened.await.unwrap_or_else(|_| Err(cannot_reach("no answer within 10 s")))
        })
    }
}

fn cannot_reach(error: impl ToString) -> Why {
    Why::Unreachable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        let found = match Dial::new(&Options::new(url, "token")) {
            Ok(dial) => format!("{}:{}", dial.host, dial.port),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn an_address_is_checked_before_anything_is_opened() {
        check("ws://127.0.0.1:4000", "127.0.0.1:4000");
        check("ws://hub.lan/ws", "hub.lan:18795");
        check("ws://[::1]:4000", "::1:4000");
        let problem = "it does not begin with `ws://` or `wss://`";
        check("http://hub", &format!("`http://hub` is no address of a hub: {problem}"));
        check("hub", &format!("`hub` is no address of a hub: {problem}"));
        check("/ws", "`/ws` is no address of a hub: it names no host");
        check("", "`` is no address of a hub: it is not a URL");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_encrypted_address_has_the_port_of_the_web() {
        check("wss://hub.example.com", "hub.example.com:443");
        check("wss://hub.example.com:18795/ws", "hub.example.com:18795");
        check("wss://[::1]", "::1:443");
        check(
            "wss://a_b..c",
            "`wss://a_b..c` is no address of a hub: no certificate can be for it",
        );
    }

    #[test]
    fn a_token_in_an_address_is_refused_and_not_repeated() {
        let problem = "a token or a query has no place in it";
        check("ws://tok3n@hub", &format!("`hub` is no address of a hub: {problem}"));
        check("ws://hub/?token=tok3n", &format!("`ws://hub/` is no address of a hub: {problem}"));
    }
}
