//! What is queued together goes out together, encrypted too.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bot_hub_server::door::{Door, DoorConfig, Intent};
use bot_hub_server::tls::{Shown, server_config};
use futures_util::StreamExt as _;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::authority::Authority;

/// A stream that counts how often it is written to, as a socket counts system calls.
struct Counting {
    inner: DuplexStream,
    writes: Rc<Cell<usize>>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

fn connector(authority: &Authority) -> TlsConnector {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

async fn a_hundred_frames_are_one_write() {
    let authority = Authority::new("ours");
    let shown = Arc::new(Shown::default());
    shown.show(Some(authority.issue().identity(SystemTime::now())));
    let acceptor = TlsAcceptor::from(server_config(shown));
    let (client, server) = duplex(1 << 20);
    let writes = Rc::new(Cell::new(0));
    let server = Counting { inner: server, writes: Rc::clone(&writes) };
    let name = ServerName::try_from("localhost").unwrap();
    let connector = connector(&authority);
    let (client, server) = tokio::join!(connector.connect(name, client), acceptor.accept(server));

    let (intents, mut engine) = mpsc::channel(16);
    let door = Door::new(DoorConfig::default(), intents);
    let peer = "127.0.0.1".parse().unwrap();
    let permit = door.enter(peer).unwrap();
    tokio::task::spawn_local(Rc::clone(&door).serve(server.unwrap(), peer, permit));
    let upgraded = tokio_tungstenite::client_async("wss://localhost/ws", client.unwrap());
    let (mut socket, _) = upgraded.await.unwrap();
    let Some(Intent::Opened { outbox, .. }) = engine.recv().await else { panic!("not opened") };
    outbox.authenticate();

    let before = writes.get();
    for number in 0..100 {
        outbox.append_text(format!("frame {number}").as_bytes(), 1).unwrap();
    }
    for number in 0..100 {
        let frame = socket.next().await.unwrap().unwrap();
        assert_eq!(frame.to_text().unwrap(), format!("frame {number}"));
    }
    assert_eq!(writes.get() - before, 1);
}

#[tokio::test]
async fn what_is_queued_together_is_one_record_and_one_write() {
    LocalSet::new().run_until(a_hundred_frames_are_one_write()).await;
}
