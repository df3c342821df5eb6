//! A reader that does not read harms itself only.

use std::time::Duration;

use bot_hub_client::bot_protocol::frame::server::Delivery;
use bot_hub_client::{Event, Events};

use super::stage::{HERE, Stage, config, says, token};

/// Together 100 MB.
const MESSAGES: usize = 1_000;
const TEXT_BYTES: usize = 100_000;
/// What the process may grow by meanwhile: the hub's buffers, the store's cache and this test's own.
const GROWTH_BYTES_MAX: usize = 64 << 20;
/// All of it has to come through in this time.
const WITHIN: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_reader_that_never_reads_costs_no_memory_and_misses_nothing() {
    let _alone = crate::MEMORY.lock().await;
    let stage =
        Stage::start(&config(&["ana", "bob", "sloth"], "limits: { bytesPerBotPerDay: \"1GiB\" }"));
    let (ana, mut unread) = stage.member("ana").await;
    let (_bob, mut events) = stage.member("bob").await;
    // What bob reads, in a task of its own.
    let read = tokio::spawn(async move { messages(&mut events, MESSAGES).await });
    tokio::spawn(async move { while unread.next().await.is_some() {} });

    let mut sloth = stage.socket(HERE).await;
    assert_eq!(sloth.auth(&token("sloth")).await.unwrap(), "auth_ok");
    sloth.say("{\"type\":\"join\",\"room\":\"lab\"}").await;
    assert_eq!(sloth.hear().await.unwrap().kind(), "joined");

    let before = resident_bytes();
    let mut most = before;
    for at in 0..MESSAGES {
        ana.send(says(text(at))).await.unwrap().await.unwrap();
        most = most.max(resident_bytes());
    }
    assert!(most - before < GROWTH_BYTES_MAX, "it grew by {} MB", (most - before) >> 20);
    let read = tokio::time::timeout(WITHIN, read).await.unwrap().unwrap();
    check(&read);

    // It comes back as a program that reads, and everything is there.
    let (_sloth, mut events) = stage.client("sloth").await;
    let read = tokio::time::timeout(WITHIN, messages(&mut events, MESSAGES)).await.unwrap();
    check(&read);
    eprintln!(
        "100 MB past a reader that does not read: the process grew by {} MB",
        (most - before) >> 20
    );
}

/// Number and size, which is all that there is to remember of 100 MB.
type Brief = (u64, usize, bool);

async fn messages(events: &mut Events, count: usize) -> Vec<Brief> {
    let mut read = Vec::new();
    while read.len() < count {
        match events.next().await.expect("the client lives") {
            Event::Message(delivery) => read.push(brief(&delivery)),
            Event::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
    read
}

fn brief(delivery: &Delivery) -> Brief {
    let seq = delivery.seq.expect("our client is told");
    let at = usize::try_from(seq - 1).expect("small");
    (seq, delivery.text.len(), delivery.text.starts_with(&format!("{at:08}")))
}

fn text(at: usize) -> String {
    format!("{at:08}{}", "x".repeat(TEXT_BYTES - 8))
}

fn check(read: &[Brief]) {
    let expected = (1..=MESSAGES as u64).map(|seq| (seq, TEXT_BYTES, true));
    assert!(read.iter().copied().eq(expected), "not all of it, or not in order");
}

/// What this process holds in memory, by the kernel's account.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has a line");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1_024
}
