//! The end: everything is saved, and everybody is told.

use bot_hub_core::io::Input;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::{GoingAway, GoingAwayReason};
use tokio::sync::mpsc;

use super::encode::Form;
use super::{Ending, Engine};
use crate::door::ws::CloseCode;
use bot_hub_store::StoreError;
use bot_hub_store::driver::StoreEvent;

impl Engine {
    /// Saves, tells everybody and ends. The door's own deadline bounds how long peers may take.
    pub(super) async fn stop(mut self, mut events: mpsc::Receiver<StoreEvent>) -> Ending {
        self.begin_turn();
        self.draining = true;
        self.input(Input::Drain);
        self.submit();
        while self.unsettled > 0 {
            match events.recv().await {
                Some(StoreEvent::Dead(error)) => return self.fail(error),
                Some(event) => {
                    self.begin_turn();
                    self.store_event(event);
                }
                None => break,
            }
            self.submit();
        }
        self.announce_shutdown();
        // The store's threads may have something to say that nobody waits for.
        drop(events);
        self.driver.close();
        Ending::Stopped
    }

    pub(super) fn fail(self, error: StoreError) -> Ending {
        self.announce_shutdown();
        Ending::StoreFailed(error)
    }

    pub(super) fn announce_shutdown(&self) {
        for (spread, peer) in self.peers.values().enumerate() {
            if peer.known.as_ref().is_some_and(|known| known.form != Form::Seed) {
                // Spread over three seconds, so that they do not all come back at once. By place and
                // not by chance: 5,000 clients get every millisecond twice, where chance would make
                // crowds; and clients add chance of their own when they try again.
                let reconnect_in_ms = Some(500 + (spread as u64 * 37) % 2_500);
                let reason = GoingAwayReason::Shutdown.into();
                let frame = ServerFrame::GoingAway(GoingAway { reason, reconnect_in_ms });
                // A full outbox means that the close below says it alone.
                let _told = peer.outbox.append_text(frame.encode().as_bytes(), 0);
            }
            peer.outbox.close(CloseCode::RESTART, "the hub is going down");
        }
    }
}
