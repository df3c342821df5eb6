//! A full disk refuses, lies to nobody, and heals.

use std::path::{Path, PathBuf};
use std::process::Command;

use bot_hub_client::bot_protocol::frame::client::History;
use bot_hub_client::bot_protocol::receipt::ReceiptState;
use bot_hub_client::{Client, Event};

use super::stage::{Stage, WITHIN, config, room, says, token};

/// A file system in memory, which only root can make.
pub(crate) struct Small(PathBuf);

impl Small {
    pub(crate) fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a temporary directory");
        mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs"], at).then(|| Self(at.to_owned()))
    }

    /// Leaves so many bytes free.
    pub(crate) fn fill(&self, left: u64) {
        let mut file = std::fs::File::create(self.0.join("filler")).expect("a file");
        let page = [0_u8; 4096];
        while std::io::Write::write_all(&mut file, &page).is_ok() {}
        let length = file.metadata().expect("a file").len();
        file.set_len(length - left).expect("it gets shorter");
    }

    pub(crate) fn grow(&self) {
        assert!(mount(&["-o", "remount,size=64m"], &self.0), "it was mounted before");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there is on the way out.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(args: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(args).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn a_full_disk_refuses_acknowledges_nothing_false_and_heals_without_a_restart() {
    let _alone = crate::MEMORY.lock().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(small) = Small::mount(&data) else {
        eprintln!("SKIPPED (only root can mount a small file system)");
        return;
    };
    let stage = Stage::start_at(&config(&["ana"], ""), dir, &data, None);
    let (ana, mut events) = stage.member("ana").await;

    let (mut acked, mut waiting) = (Vec::new(), None);
    for at in 0.. {
        let mut sending = ana.send(says(text(at))).await.unwrap();
        tokio::select! {
            ack = &mut sending => acked.push((ack.unwrap().seq.unwrap(), at)),
            () = postponed(&mut events) => waiting = Some((sending, at)),
        }
        if waiting.is_some() {
            break;
        }
    }
    assert!(acked.len() > 10, "it was full from the start");
    let (status, why) = stage.get("/readyz").await;
    assert_eq!((status, why.contains("full")), (503, true), "{why}");
    assert_eq!(kept(&ana).await, acked, "what was acknowledged is there, and nothing else");
    let (_, health) = stage.get("/healthz").await;
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    // How many depends on what still fits: a reader's place is small.
    assert!(health["refused_changes"].is_u64(), "{health}");

    small.grow();
    let (sending, at) = waiting.unwrap();
    let ack = tokio::time::timeout(WITHIN, sending).await.unwrap().unwrap();
    acked.push((ack.seq.unwrap(), at));
    assert_eq!(kept(&ana).await, acked);
    assert_eq!(stage.get("/readyz").await.0, 200);
    drop(stage);
    drop(small);
}

/// Waits until the hub refuses a message for now.
async fn postponed(events: &mut bot_hub_client::Events) {
    while let Some(event) = events.next().await {
        if let Event::Postponed { error, .. } = event {
            assert_eq!(error.name, "storage_full");
            return;
        }
    }
}

fn text(at: usize) -> String {
    format!("{at:06}{}", "x".repeat(60_000))
}

/// Number and text of everything that is kept.
async fn kept(client: &Client) -> Vec<(u64, usize)> {
    let (mut kept, mut after) = (Vec::new(), Some(0));
    while after.is_some() {
        let page = History { room: room(), before: None, after, limit: Some(20) };
        let page = client.history(page).await.unwrap();
        assert_eq!(page.corrupt, [0_u64; 0]);
        let entries = page.entries.iter();
        kept.extend(entries.map(|it| (it.seq.unwrap(), it.text[..6].parse().unwrap())));
        after = page.has_more.then(|| kept.last().map_or(0, |entry| entry.0));
    }
    kept
}

#[tokio::test]
async fn the_last_space_of_a_small_disk_keeps_receipts_and_operators_working() {
    let _alone = crate::MEMORY.lock().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(small) = Small::mount(&data) else {
        eprintln!("SKIPPED (only root can mount a small file system)");
        return;
    };
    let more = "operators: [\"ops\"]";
    let stage = Stage::start_at(&config(&["ana", "bob", "ops"], more), dir, &data, None);
    let mut bob = stage.entered(&token("bob"), "").await;
    assert_eq!(bob.ask(r#"{"type":"join","room":"lab"}"#).await, "joined");
    let (ana, mut events) = stage.member("ana").await;
    let (ops, _) = stage.member("ops").await;
    let first = ana.send(says("before".to_owned())).await.unwrap().await.unwrap();

    // A tenth of eight megabytes is kept.
    small.fill(600_000);
    // It is looked at once in a second.
    while stage.get("/readyz").await.0 != 503 {}
    let mut sending = Box::pin(async { ana.send(says("after".to_owned())).await.unwrap().await });
    tokio::select! {
        ack = &mut sending => panic!("it was taken: {ack:?}"),
        () = postponed(&mut events) => {}
    }
    let (status, why) = stage.get("/readyz").await;
    assert_eq!((status, why.contains("nearly full")), (503, true), "{why}");
    let id = first.id.clone().unwrap();
    bob.say(&format!(r#"{{"type":"receipt","room":"lab","id":"{id}","state":"done"}}"#)).await;
    // Bob and the operator, in the order of their names.
    while ana.status(id.clone(), None).await.unwrap().recipients[0].state != ReceiptState::Done {}
    let of_operator = ops.send(says("make space".to_owned())).await.unwrap().await.unwrap();
    assert_eq!(of_operator.seq.unwrap(), first.seq.unwrap() + 1);

    small.grow();
    let ack = tokio::time::timeout(WITHIN, sending).await.unwrap().unwrap();
    assert_eq!(ack.seq.unwrap(), first.seq.unwrap() + 2);
    assert_eq!(stage.get("/readyz").await.0, 200);
    drop(stage);
    drop(small);
}
