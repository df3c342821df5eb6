//! Rooms that are removed from a hub with a disk.

use std::path::Path;
use std::time::Instant;

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_client::bot_protocol::frame::server::GapReason;
use bot_hub_client::bot_protocol::id::Position;
use bot_hub_store::sqlite::{look, verify};

use super::stage::{Plain, Stage, WITHIN, config, token};

const OPERATED: &str = "operators: [\"ana\"]";

/// Waits until nothing is left of the rooms that were removed.
async fn cleared(data: &Path) {
    let deadline = Instant::now() + WITHIN;
    while !look(data).expect("the store can be read").snapshot.remains.is_empty() {
        assert!(Instant::now() < deadline, "it is not cleared away");
        tokio::task::yield_now().await;
    }
}

async fn joined(socket: &mut Plain, room: &str) -> Position {
    socket.say(&format!(r#"{{"type":"join","room":"{room}"}}"#)).await;
    loop {
        match socket.hear().await.expect("the connection lives") {
            ServerFrame::Joined(joined) => return joined.position.expect("it asked for caps"),
            ServerFrame::Error(error) => panic!("{error:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn many_rooms_that_come_and_go_leave_nothing_behind() {
    let [dir, data] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let stage = Stage::start_at(&config(&["ana"], OPERATED), dir, data.path(), None);
    let mut ana = stage.entered(&token("ana"), "").await;
    let before = ana.operate(r#"{"room_list":{}}"#).await.unwrap();
    for n in 0..200 {
        joined(&mut ana, &format!("room-{n}")).await;
        let said = format!(r#"{{"type":"message","room":"room-{n}","text":"hello"}}"#);
        assert_eq!(ana.ask(&said).await, "ack");
        let remove = format!(r#"{{"room_remove":{{"room":"room-{n}"}}}}"#);
        let removed = ana.operate(&remove).await.unwrap();
        assert_eq!((&removed["entries"], &removed["dropped"]), (&1.into(), &0.into()));
    }
    assert_eq!(ana.operate(r#"{"room_list":{}}"#).await.unwrap(), before);
    cleared(data.path()).await;
    drop((ana, stage));
    let report = verify(data.path()).unwrap();
    assert_eq!((report.rooms, report.entries, report.damage), (0, 0, vec![]));
}

#[tokio::test]
async fn a_client_with_an_old_position_gets_all_of_the_new_room() {
    let [dir, again, data] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let text = config(&["ana", "bob"], OPERATED);
    let stage = Stage::start_at(&text, dir, data.path(), None);
    let mut ana = stage.entered(&token("ana"), "").await;
    let mut bob = stage.entered(&token("bob"), "").await;
    let old = joined(&mut bob, "lab").await;
    joined(&mut ana, "lab").await;
    let say = |text: &str| format!(r#"{{"type":"message","room":"lab","text":"{text}"}}"#);
    assert_eq!(ana.ask(&say("old")).await, "ack");
    ana.operate(r#"{"room_remove":{"room":"lab"}}"#).await.unwrap();
    loop {
        if let ServerFrame::Left(left) = bob.hear().await.expect("the connection lives") {
            assert_eq!(left.reason.as_deref(), Some("the room was removed"));
            break;
        }
    }
    let new = joined(&mut bob, "lab").await;
    assert_ne!(old.epoch, new.epoch);
    drop(bob);
    joined(&mut ana, "lab").await;
    for text in ["one", "two", "three"] {
        assert_eq!(ana.ask(&say(text)).await, "ack");
    }
    // The same after a restart: the epoch is the room's own.
    drop((ana, stage));
    let stage = Stage::start_at(&text, again, data.path(), None);
    let resume = format!(r#","resume":{{"lab":{{"epoch":"{}","seq":1}}}}"#, old.epoch);
    let mut bob = stage.entered(&token("bob"), &resume).await;
    let mut seen = Vec::new();
    while seen.len() < 4 {
        match bob.hear().await.expect("the connection lives") {
            ServerFrame::Gap(gap) if gap.reason == GapReason::Epoch => seen.push("gap".to_owned()),
            ServerFrame::Message(message) => seen.push(message.text.to_string()),
            _ => {}
        }
    }
    assert_eq!(seen, ["gap", "one", "two", "three"]);
}
