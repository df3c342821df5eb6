//! A receiver: a process that tells on stdout what its application was given.
//!
//! It writes a line down before it takes responsibility, so whatever the hub calls `received` was written before.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bot_hub_client::bot_protocol::frame::client::Receipt;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::bot_protocol::receipt::ReceiptState;
use bot_hub_client::{Acknowledge, Client, Event, Options};
use bot_hub_proof::peer::Peer;
use bot_hub_proof::process::token;
use serde_json::{Value, json};

use crate::words::{intact, now_us};

/// How long a program that has ended stays away.
const AWAY: Duration = Duration::from_millis(300);
/// How long a plain client waits for a frame before it looks around.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where it connects to.
    #[arg(long)]
    url: String,
    /// Its name.
    #[arg(long)]
    bot: String,
    /// Where it reads.
    #[arg(long = "room", required = true)]
    rooms: Vec<String>,
    /// A plain client of the original's protocol.
    #[arg(long)]
    seed: bool,
}

/// Reads until the process is ended.
pub async fn run(arguments: Arguments) -> Result<()> {
    let mut life = 0_u64;
    let mut has_joined = false;
    loop {
        life += 1;
        if arguments.seed {
            // It never comes back by itself but by an error.
            let error = read_as_seed(&arguments, life, &mut has_joined).err();
            tell(&json!({"k": "ended", "why": error}));
        } else {
            read_as_client(&arguments, life, &mut has_joined).await?;
        }
        tokio::time::sleep(AWAY).await;
    }
}

/// One line; nothing else writes to stdout.
fn tell(line: &Value) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    if written.is_err() {
        // Whoever started it is gone.
        std::process::exit(0);
    }
}

fn tell_message(life: u64, room: &str, seq: Option<u64>, text: &str) {
    let key = intact(text);
    let shown = key.unwrap_or(text);
    tell(
        &json!({"k": "saw", "life": life, "room": room, "seq": seq, "key": shown, "intact": key.is_some(), "at": now_us()}),
    );
}

async fn read_as_client(arguments: &Arguments, life: u64, has_joined: &mut bool) -> Result<()> {
    let mut options = Options::new(&*arguments.url, token(&arguments.bot));
    options.acknowledge = Acknowledge::Manual;
    let (client, mut events) = Client::start(options).map_err(|error| anyhow!("{error}"))?;
    if !*has_joined {
        tokio::spawn(join(client.clone(), arguments.rooms.clone()));
        *has_joined = true;
    }
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => {
                tell_message(life, message.room.as_str(), message.seq, &message.text);
                let receipt = Receipt {
                    room: message.room.clone(),
                    id: message.id.clone(),
                    from: Some(message.from.clone()),
                    seq: None,
                    state: ReceiptState::Received,
                    reason: None,
                    reply: None,
                };
                // An error means that the client is over, and then so is the loop.
                drop(client.receipt(receipt).await);
            }
            Event::Gap(gap) => tell(&json!({
                "k": "gap", "room": gap.room.as_str(), "from": gap.from_seq, "to": gap.to_seq, "why": format!("{:?}", gap.reason),
            })),
            _ => {}
        }
    }
    tell(&json!({"k": "ended", "why": client.ended().await.to_string()}));
    Ok(())
}

async fn join(client: Client, rooms: Vec<String>) {
    for room in rooms {
        let name = RoomName::new(&room).expect("the program made the name");
        while client.join(name.clone()).await.is_err() {
            tokio::time::sleep(AWAY).await;
        }
        tell(&json!({"k": "joined", "room": room}));
    }
}

/// As somebody wrote it in an afternoon: connect, join, print; and when it breaks, again.
fn read_as_seed(arguments: &Arguments, life: u64, has_joined: &mut bool) -> Result<(), String> {
    let mut peer = Peer::seed(&arguments.url, &token(&arguments.bot))?;
    for room in &arguments.rooms {
        peer.say(&json!({"type": "join", "room": room}))?;
    }
    let mut joined = 0;
    loop {
        let Some(text) = peer.hear_for(LOOK)? else { continue };
        let frame: Value =
            serde_json::from_str(&text).map_err(|error| format!("{error}: `{text}`"))?;
        let room = frame["room"].as_str().unwrap_or_default();
        match frame["type"].as_str() {
            Some("joined") => {
                joined += 1;
                if !*has_joined {
                    tell(&json!({"k": "joined", "room": room}));
                }
                *has_joined |= joined == arguments.rooms.len();
            }
            Some("message") => {
                if let Some(count) = frame["lost"].as_u64() {
                    tell(&json!({"k": "lost", "room": room, "count": count}));
                }
                tell_message(life, room, None, frame["text"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    }
}
