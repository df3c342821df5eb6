//! Encrypted and plain connections on one port: the first byte tells them apart.
//!
//! Owns the TLS handshake, and which clients may connect without one. The `tls` module chooses the
//! certificate.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::SystemTime;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::admission::Permit;
use super::http::Arrival;
use super::linger::linger;
use super::{Carrier, Door, in_time};
use crate::tls::{ACME_TLS, Encryption, metrics};

/// The first byte of every TLS connection: a record of type "handshake".
const HANDSHAKE: u8 = 0x16;

const PLAIN_REFUSED: &str = "\
this port speaks TLS, and you came without\nhint: use `wss://` instead of `ws://`, `https://` instead of `http://`\n";

impl Door {
    /// The encryption of new connections, if any.
    pub(super) fn tls(&self) -> Option<Encryption> {
        self.tls.borrow().clone()
    }

    /// The metrics of the certificate; empty without TLS.
    pub(super) fn tls_metrics(&self) -> String {
        let tls = self.tls();
        tls.map_or_else(String::new, |tls| metrics(&tls.shown, SystemTime::now()))
    }
}

impl Door {
    /// Serves one socket to its end, encrypted or plain.
    pub(super) async fn serve_tls(
        self: Rc<Self>,
        tls: Encryption,
        stream: TcpStream,
        peer: IpAddr,
        permit: Permit,
    ) {
        let deadline = Instant::now() + self.config().limits.request;
        let mut first = [0];
        let first = match in_time(deadline, permit.evicted(), stream.peek(&mut first)).await {
            Some(Ok(1)) => first[0],
            Some(_) => return,
            None => return tracing::debug!(%peer, "not a byte in time"),
        };
        if first == HANDSHAKE {
            // Boxed, so that the handshake's memory is freed before the connection is served.
            let handshake = Box::pin(TlsAcceptor::from(tls.config).accept(stream));
            match in_time(deadline, permit.evicted(), handshake).await {
                Some(Ok(stream)) if is_proof(&stream) => {}
                Some(Ok(stream)) => {
                    let arrival = Arrival { deadline, carrier: Carrier::Tls, peer };
                    self.serve_from(arrival, stream, permit).await;
                }
                Some(Err(error)) => tracing::debug!(%peer, %error, "no handshake"),
                None => tracing::debug!(%peer, "no whole handshake in time"),
            }
        } else if is_local(&stream, peer) {
            let arrival = Arrival { deadline, carrier: Carrier::PlainBesideTls, peer };
            self.serve_from(arrival, stream, permit).await;
        } else {
            self.refuse_plain(stream).await;
        }
    }

    /// Tells a plain client what to do. Its bytes are not parsed.
    async fn refuse_plain(&self, mut stream: TcpStream) {
        let patience = self.config().limits.close;
        let reply = format!(
            "HTTP/1.1 426 Upgrade Required\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-length: {}\r\nupgrade: TLS/1.2, HTTP/1.1\r\nconnection: upgrade, close\r\n\r\n\
             {PLAIN_REFUSED}",
            PLAIN_REFUSED.len()
        );
        let words = async {
            stream.write_all(reply.as_bytes()).await?;
            stream.shutdown().await
        };
        if matches!(timeout(patience, words).await, Ok(Ok(()))) {
            linger(stream, &self.buffers, patience).await;
        }
    }
}

/// Whether an authority connected to verify a domain; it has what it needs now.
fn is_proof(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(ACME_TLS)
}

/// Whether the peer is on this machine, so that nobody can listen in between. A local client may reach the
/// hub through the address of a network interface.
fn is_local(stream: &TcpStream, peer: IpAddr) -> bool {
    let here = || stream.local_addr().map(|address| address.ip().to_canonical());
    peer.is_loopback() || here().is_ok_and(|here| here == peer)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio::task::LocalSet;

    use super::super::DoorConfig;
    use super::*;

    /// The answer to a client at `peer` that sends `words`.
    async fn answer(peer: &str, words: &[u8]) -> String {
        let (intents, _engine) = mpsc::channel(1);
        let door = Door::new(DoorConfig::default(), intents);
        let shown = Arc::<crate::tls::Shown>::default();
        let config = crate::tls::server_config(Arc::clone(&shown));
        let tls = Encryption { config, shown };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(words).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let peer: IpAddr = peer.parse().unwrap();
        let permit = door.enter(peer).unwrap();
        tokio::task::spawn_local(door.serve_tls(tls, stream, peer, permit));
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn who_comes_plain_from_elsewhere_is_told_to_use_tls() {
        let check = async |peer: &str, words: &[u8], status: &str| {
            let told = LocalSet::new().run_until(answer(peer, words)).await;
            assert!(told.starts_with(status), "{peer}: {told}");
            assert_eq!(status.contains("426"), told.contains("hint: use `wss://`"), "{told}");
        };
        let request = b"GET /livez HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n";
        check("192.0.2.1", request, "HTTP/1.1 426 ").await;
        check("192.0.2.1", b"whatever that is", "HTTP/1.1 426 ").await;
        check("127.0.0.1", request, "HTTP/1.1 200 ").await;
        check("::1", request, "HTTP/1.1 200 ").await;
    }
}
