//! What the configuration declares is there before anybody is served, and only as it is declared.

use bot_hub_client::bot_protocol::frame::ServerFrame;

use super::disk::Small;
use super::stage::{HERE, Stage, config, token};

/// Says everything at once, and returns the kinds of the answers behind `auth_ok`.
async fn pipelined(stage: &Stage, bot: &str, frames: &[&str]) -> Vec<String> {
    let mut socket = stage.socket(HERE).await;
    socket.say(&format!(r#"{{"type":"auth","token":"{}","caps":["ack"]}}"#, token(bot))).await;
    for frame in frames {
        socket.say(frame).await;
    }
    let mut answers = Vec::new();
    while answers.len() <= frames.len() {
        answers.push(match socket.hear().await.expect("an answer to every frame") {
            ServerFrame::Error(error) => error.name.to_string(),
            other => other.kind().to_owned(),
        });
    }
    answers.split_off(1)
}

const JOIN: &str = r#"{"type":"join","room":"lab"}"#;
const SPEAK: &str = r#"{"type":"message","room":"lab","text":"hello"}"#;
const CLOSED: &str = "rooms: { lab: { open: false, members: [\"ana\"] } }";

#[tokio::test]
async fn a_closed_room_is_closed_from_the_first_frame_of_the_first_start() {
    for start in 0..8 {
        let stage = Stage::start(&config(&["ana", "bob"], CLOSED));
        assert_eq!(pipelined(&stage, "bob", &[JOIN]).await, ["room_closed"], "start {start}");
        assert_eq!(pipelined(&stage, "ana", &[SPEAK]).await, ["ack"], "start {start}");
        assert_eq!(stage.get("/readyz").await.0, 200);
    }
}

#[tokio::test]
async fn a_room_that_a_reload_declares_is_closed_and_whole_once_the_reload_is_reported() {
    let stage = Stage::start(&config(&["ana", "bob"], ""));
    stage.reload(&config(&["ana", "bob"], CLOSED), "applied").await;
    assert_eq!(pipelined(&stage, "bob", &[JOIN]).await, ["room_closed"]);
    assert_eq!(pipelined(&stage, "ana", &[SPEAK]).await, ["ack"]);
}

#[tokio::test]
async fn a_hub_whose_disk_is_full_does_not_start_without_the_rooms_that_are_declared() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(small) = Small::mount(&data) else {
        eprintln!("SKIPPED (only root can mount a small file system)");
        return;
    };
    let start = |text: &str| Stage::try_start_at(text, tempfile::tempdir().unwrap(), &data);
    drop(start(&config(&["ana"], "")).expect("there is space"));
    small.fill(256 * 1024);
    let many: Vec<String> =
        (0..3_000).map(|at| format!("\"room-{at}\": {{ open: false }}")).collect();
    let declared = config(&["ana"], &format!("rooms: {{ {} }}", many.join(", ")));
    let why = start(&declared).err().expect("it cannot keep them");
    assert!(why.contains("declares cannot be stored: no space left"), "{why}");
    assert!(why.contains("hint: free some space"), "{why}");
    small.grow();
    let stage = start(&declared).expect("there is space again");
    let closed = r#"{"type":"join","room":"room-7"}"#;
    assert_eq!(pipelined(&stage, "ana", &[closed]).await, ["room_closed"]);
}
