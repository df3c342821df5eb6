//! The sockets that a hub listens on, and the connections that came by them.
//!
//! Owns when they end. Never decides that the hub stops.

use std::rc::Rc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::door::{Door, Intent, listen};

/// Every listener of a hub.
#[derive(Debug)]
pub(super) struct Doors {
    listening: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Doors {
    /// Listens. Must be called within a [`LocalSet`](tokio::task::LocalSet).
    pub(super) fn open(listeners: Vec<TcpListener>, door: &Rc<Door>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut listening = JoinSet::new();
        for listener in listeners {
            let mut stopped = stopped.clone();
            let closed = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
            listening.spawn_local(listen(listener, Rc::clone(door), closed));
        }
        Self { listening, stop }
    }

    /// Listens no more, and waits for the end of all connections, whose engine has ended.
    pub(super) async fn close(mut self, intents: &mut mpsc::Receiver<Intent>) {
        // It does not matter whether anybody still listens.
        let _unheard = self.stop.send(true);
        let closing = async { while self.listening.join_next().await.is_some() {} };
        // Discards further events of the connections, which must not block on a full channel while they
        // end.
        let deaf = async { while intents.recv().await.is_some() {} };
        tokio::select! {
            () = closing => {}
            () = deaf => {}
        }
    }
}
