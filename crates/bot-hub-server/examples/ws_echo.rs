//! Answers every message with itself, over the hub's own door, for conformance suites such as
//! Autobahn|Testsuite: `cargo run --example ws_echo`. Prints where it listens.
//!
//! It has the door's limits except for those that such a suite exceeds on purpose. Binary messages
//! are refused as everywhere in the hub.

use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use bot_hub_server::door::ws::CloseCode;
use bot_hub_server::door::{
    ConnId, Door, DoorConfig, DoorLimits, Intent, Outbox, RawFrame, Refused, listen,
};
use rustc_hash::FxHashMap;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    LocalSet::new().run_until(serve()).await
}

async fn serve() -> io::Result<()> {
    let limits = DoorLimits {
        auth: Duration::from_secs(60),
        frame_bytes_max: 32 << 20,
        unauthenticated_frame_bytes_max: 32 << 20,
        fragments_max: 1 << 20,
        skipped_bytes_max: 0,
        outbox_bytes_max: 64 << 20,
        ..DoorLimits::default()
    };
    let config = DoorConfig { limits: Rc::new(limits), ..DoorConfig::default() };
    let (sender, intents) = mpsc::channel(256);
    let door = Door::new(config, sender);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "listening ws://{}", listener.local_addr()?)?;
    tokio::task::spawn_local(echo(intents));
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    listen(listener, door, interrupted).await;
    Ok(())
}

async fn echo(mut intents: mpsc::Receiver<Intent>) {
    let mut outboxes: FxHashMap<ConnId, Rc<Outbox>> = FxHashMap::default();
    while let Some(intent) = intents.recv().await {
        match intent {
            Intent::Opened { conn, outbox, .. } => {
                outbox.authenticate();
                outboxes.insert(conn, outbox);
            }
            Intent::Frames { conn, frames } => {
                for frame in frames {
                    let RawFrame::Text(text) = frame else { continue };
                    if outboxes[&conn].append_text(text.as_bytes(), 1) == Err(Refused::Full) {
                        outboxes[&conn].close(CloseCode::TOO_SLOW, "read faster");
                    }
                }
            }
            Intent::Closed { conn, .. } => drop(outboxes.remove(&conn)),
            Intent::Written { .. } | Intent::Proven { .. } | Intent::Ask(_) => {}
        }
    }
}
