//! `bot-hub demo`: a hub in memory and two scripted bots that talk.
//!
//! Owns the hub of the demonstration; [`script`] owns the dialogue. Writes nothing to the disk.

mod script;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::failure::{Failure, Kind};
use super::hub::until_interrupted;
use super::out::Out;
use bot_hub_server::config::Period;
use bot_hub_server::config::{Override, Sources, load_text};
use bot_hub_server::engine::credential::{Kind as TokenKind, make_token};
use bot_hub_server::server::{Server, addresses};

/// How fast.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Demo {
    /// The pause between two lines; 0s for none
    #[arg(long, value_name = "PERIOD", default_value = "700ms")]
    pace: Period,
}

impl Demo {
    pub(super) fn run(self, out: Out) -> Result<(), Failure> {
        until_interrupted(play(self.pace.get(), out))
    }
}

async fn play(pace: Duration, out: Out) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Kind::Failed, format!("the hub of the demo cannot start: {error}"))
    };
    let token = || make_token(TokenKind::Bot).map_err(|error| failed(&error));
    let tokens = [token()?, token()?];
    let config = serde_json::json!({ "tokens": {
        tokens[0].expose(): { "botId": script::BOTS[0] },
        tokens[1].expose(): { "botId": script::BOTS[1] },
    } });
    let flags = vec![Override::new("--store", "store.kind", "memory")];
    let sources = Sources { flags, ..Sources::default() };
    let loaded =
        load_text("demo", &config.to_string(), &sources).map_err(|errors| failed(&errors))?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| failed(&error))?;
    let listeners = vec![listener];
    let url = addresses(&listeners).first().map(|address| format!("ws://{address}"));
    let url = url.ok_or_else(|| failed(&"it has no address"))?;
    let server = Server::open(loaded, sources).map_err(|error| failed(&error))?;

    let (stop, stopped) = oneshot::channel::<()>();
    // The end of the script and a failure of it both stop the hub.
    let shutdown = async move { drop(stopped.await) };
    let (_reload, reloads) = mpsc::channel(1);
    let hub = server.run(listeners, reloads, shutdown);
    let talk = async move {
        let result = script::talk(tokens, script::Stage { url, pace, out }).await;
        drop(stop);
        result
    };
    let (served, talked) = tokio::join!(hub, talk);
    talked?;
    served.map_err(|error| failed(&error))
}
