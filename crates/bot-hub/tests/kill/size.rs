//! A large store is ready as soon as a small one.

use std::sync::Arc;
use std::time::Duration;

use bot_hub_client::Client;
use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_core::change::Change;
use bot_hub_core::entry::Draft;
use bot_hub_store::sqlite::SqliteStore;
use bot_hub_store::{Store as _, Write};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use super::hub::{Hub, home};
use super::load::{options, room};

const TEXT_BYTES: usize = 4_096;
const ENTRIES: usize = 250_000;
const ROOMS: usize = 10;
const READY_WITHIN: Duration = Duration::from_millis(200);

fn fill(dir: &std::path::Path) -> u64 {
    std::fs::create_dir_all(dir).unwrap();
    let mut store = SqliteStore::open(dir).unwrap();
    let rooms: Vec<RoomName> =
        (0..ROOMS).map(|at| RoomName::new(&format!("r{at}")).unwrap()).collect();
    let bots = ["wanda", "rhea"].map(|bot| BotId::new(bot).unwrap());
    let mut batch: Vec<Write> = Vec::new();
    for room in &rooms {
        batch.push(Write::Change(Change::CreateRoom { room: room.clone(), closed: false }));
        for bot in &bots {
            batch.push(Write::Change(Change::Join { room: room.clone(), bot: bot.clone() }));
        }
    }
    let text = "x".repeat(TEXT_BYTES);
    for at in 0..ENTRIES {
        batch.push(Write::Change(Change::Append(Arc::new(Draft {
            room: rooms[at % ROOMS].clone(),
            from: bots[0].clone(),
            id: MessageId::new(&format!("m{at}")).unwrap(),
            text: text.clone(),
            sent_at: Timestamp(1_700_000_000_000 + at as u64),
            extras: None,
        }))));
        if batch.len() >= 2_048 || at + 1 == ENTRIES {
            store.commit(&std::mem::take(&mut batch)).unwrap();
        }
    }
    drop(store);
    std::fs::metadata(dir.join("hub.db")).unwrap().len()
}

#[tokio::test]
#[ignore = "builds a store of a gigabyte; run it in a release build"]
async fn a_store_of_a_gigabyte_is_ready_at_once_after_kill_9() {
    let home = home(&["wanda", "rhea"]);
    let bytes = fill(&home.path().join("data"));
    eprintln!("{} MB, {ENTRIES} entries", bytes / 1_000_000);
    let mut hub = Hub::start(home.path(), "127.0.0.1:0");
    let mut ready = vec![hub.ready_in];
    for cycle in 0..10 {
        let (client, _events) = Client::connect(options(&hub.url, "wanda")).await.unwrap();
        client.join(room()).await.unwrap();
        let say = |at: usize| Message {
            room: Some(room()),
            text: format!("{cycle} {at}"),
            ..Message::default()
        };
        let mut sending = Vec::new();
        for at in 0..200 {
            sending.push(client.send(say(at)).await.unwrap());
        }
        sending.swap_remove(100).await.unwrap();
        hub.kill();
        hub = Hub::start(home.path(), "127.0.0.1:0");
        ready.push(hub.ready_in);
        client.close().await;
    }
    eprintln!("ready in {ready:?}");
    let most = ready.iter().max().unwrap();
    assert!(*most < READY_WITHIN, "ready only after {most:?}");
}
