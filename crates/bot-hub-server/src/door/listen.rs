//! The accept loop: owns a bound listener and the tasks of all its sockets.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Door, TurnedAway};

/// The pause after a failed accept, for example when the process has no free file descriptor. Short enough
/// to accept soon after one is free, and long enough not to spin.
const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Accepts until `shutdown`, then waits `DoorLimits::drain` for open connections, which the engine closes
/// meanwhile, and aborts the rest. Must run inside a `LocalSet`.
pub async fn listen(listener: TcpListener, door: Rc<Door>, shutdown: impl Future<Output = ()>) {
    let mut sockets = JoinSet::new();
    {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut backoff = BACKOFF_MIN;
        loop {
            // Biased: shutdown comes first, and finished tasks are removed before new ones start.
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(ended) = sockets.join_next() => note(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        backoff = BACKOFF_MIN;
                        admit(&door, &mut sockets, stream, peer);
                    }
                    Err(error) => back_off(&error, &mut backoff).await,
                },
            }
        }
    }
    drop(listener);
    door.stop();
    let drained = async {
        while let Some(ended) = sockets.join_next().await {
            note(ended);
        }
    };
    if timeout(door.config().limits.drain, drained).await.is_err() {
        tracing::warn!(open = sockets.len(), "connections are cut at the end of the drain");
        sockets.shutdown().await;
    }
}

fn admit(door: &Rc<Door>, sockets: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
    let peer = peer.ip().to_canonical();
    match door.enter(peer) {
        Ok(permit) => {
            // Frames are small and written in batches, so Nagle's algorithm would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "no TCP_NODELAY");
            }
            let door = Rc::clone(door);
            match door.tls() {
                None => sockets.spawn_local(door.serve(stream, peer, permit)),
                Some(tls) => sockets.spawn_local(door.serve_tls(tls, stream, peer, permit)),
            };
        }
        Err(reason) => turn_away(&stream, reason),
    }
}

/// Tells a refused client why, if that is free: the socket's buffer is empty, so a short text fits without
/// a task, memory or waiting.
fn turn_away(stream: &TcpStream, reason: TurnedAway) {
    let status = match reason {
        TurnedAway::Full | TurnedAway::UnknownFull => "503 Service Unavailable",
        TurnedAway::AddressFull | TurnedAway::UnknownAddressFull => "429 Too Many Requests",
    };
    let body = format!("{reason}\nhint: try again in a minute\n");
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nretry-after: 60\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    if stream.try_write(reply.as_bytes()).is_err() {
        tracing::trace!("turned away without a word");
    }
}

async fn back_off(error: &io::Error, backoff: &mut Duration) {
    tracing::warn!(%error, "cannot accept connections");
    sleep(*backoff).await;
    *backoff = (*backoff * 2).min(BACKOFF_MAX);
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}
