//! `kill -9` under load, against the real binary.
//!
//! `KILL_CYCLES=300 cargo test -p bot-hub --test kill -- --nocapture` is the full run. The test of a
//! store of a gigabyte is ignored by default: `cargo test --release -p bot-hub --test kill -- --ignored
//! gigabyte --nocapture`.

mod hub;
#[expect(dead_code, reason = "the chaos program in `tests/proof` judges with more of it")]
mod judge;
mod load;
mod receipts;
mod size;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bot_hub_client::Client;

use hub::{Hub, home};
use judge::{History, Verdict};
use load::{Acked, Book, Progress, SharedBook, options, read, room, write};

/// How often the hub is killed unless `KILL_CYCLES` says otherwise.
const CYCLES: u64 = 50;
/// Messages that are acknowledged between two kills at least.
const LOAD: u64 = 40;
/// How long everything may take to come in after the last restart.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);
/// The second reader's process is another one after so many cycles.
const READER_LIVES: u64 = 7;

fn cycles() -> u64 {
    let text = std::env::var("KILL_CYCLES").ok();
    text.map_or(CYCLES, |text| text.parse().expect("`KILL_CYCLES` is a number"))
}

#[tokio::test]
async fn kill_9_loses_nothing_duplicates_nothing_and_reorders_nothing() {
    let home = home(&["wanda", "wolf", "rhea", "rolf"]);
    let mut hub = Hub::start(home.path(), "127.0.0.1:0");
    let (url, address) = (hub.url.clone(), hub.address());
    let progress = Arc::new(Progress::default());

    let rhea = SharedBook::default();
    let steady = start_reader(&url, "rhea", &rhea).await;
    let rolf = SharedBook::default();
    let mut fickle = start_reader(&url, "rolf", &rolf).await;
    let writers =
        [start_writer(&url, "wanda", &progress).await, start_writer(&url, "wolf", &progress).await];

    let mut ready = Vec::new();
    for cycle in 1..=cycles() {
        wait_for_load(&progress, cycle).await;
        hub.kill();
        hub = Hub::start(home.path(), &address);
        ready.push(hub.ready_in);
        if cycle % READER_LIVES == 0 {
            fickle = restart_reader(fickle, &url, &rolf).await;
        }
    }
    progress.stop.store(true, Ordering::Relaxed);
    let mut acked = Vec::new();
    for writer in writers {
        acked.push(tokio::time::timeout(SETTLES_WITHIN, writer).await.unwrap().unwrap());
    }
    for (name, book) in [("rhea", &rhea), ("rolf", &rolf)] {
        let verdict = settle(&acked, book).await;
        eprintln!("{name}: {verdict}, {} delivered again", book.lock().unwrap().again);
        assert!(verdict.is_clean() && verdict.announced == 0, "{name}: {verdict}");
    }
    assert_same(&rhea, &rolf);
    ready.sort_unstable();
    let (median, most) = (ready[ready.len() / 2], ready[ready.len() - 1]);
    eprintln!("{} kills; ready again in {median:?} (median), {most:?} (at most)", ready.len());
    steady.close().await;
    fickle.close().await;
}

async fn start_reader(url: &str, bot: &str, book: &SharedBook) -> Client {
    let (client, events) = Client::connect(options(url, bot)).await.expect("the hub is there");
    client.join(room()).await.expect("the room is open");
    tokio::spawn(read(events, Arc::clone(book)));
    client
}

/// Another process of the same bot, which remembers its positions or does not.
async fn restart_reader(client: Client, url: &str, book: &SharedBook) -> Client {
    let mut options = options(url, "rolf");
    if book.lock().unwrap().seen.len().is_multiple_of(2) {
        options.positions = client.positions().await.expect("the client lives");
    }
    client.close().await;
    let (client, events) = Client::start(options).expect("the address makes sense");
    tokio::spawn(read(events, Arc::clone(book)));
    client
}

async fn start_writer(
    url: &str,
    bot: &'static str,
    progress: &Arc<Progress>,
) -> tokio::task::JoinHandle<Acked> {
    let (client, events) = Client::connect(options(url, bot)).await.expect("the hub is there");
    client.join(room()).await.expect("the room is open");
    // What the other writer says is not its business, but has to be taken.
    tokio::spawn(read(events, Arc::new(Mutex::default())));
    tokio::spawn(write(client, bot, Arc::clone(progress)))
}

/// The load is back, and then a moment that nobody chose.
async fn wait_for_load(progress: &Progress, cycle: u64) {
    let before = progress.acked.load(Ordering::Relaxed);
    let deadline = Instant::now() + SETTLES_WITHIN;
    while progress.acked.load(Ordering::Relaxed) < before + LOAD {
        assert!(Instant::now() < deadline, "no message is acknowledged in cycle {cycle}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let random = getrandom::u32().expect("the system gives random bytes");
    tokio::time::sleep(Duration::from_micros(u64::from(random) % 60_000)).await;
}

/// Waits until the reader has everything, and judges what it has.
async fn settle(acked: &[Acked], book: &SharedBook) -> Verdict {
    let deadline = Instant::now() + SETTLES_WITHIN;
    loop {
        let verdict = judge(acked, &book.lock().unwrap());
        if verdict.lost == 0 || Instant::now() > deadline {
            return verdict;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What one reader saw, against what the writers know.
fn judge(acked: &[Acked], book: &Book) -> Verdict {
    let mut history = History::default();
    let room = room();
    history.reads("reader", room.as_str());
    for (text, seq) in acked.iter().flatten() {
        let writer = text.split(' ').next().unwrap_or_default();
        history.said(writer, room.as_str(), text);
        history.acked(text, Some(*seq));
    }
    for (life, seen) in (0..).zip(&book.seen) {
        history.saw("reader", life, (room.as_str(), Some(seen.seq)), &seen.text, 0);
    }
    for _ in 0..book.gaps {
        history.lost("reader", room.as_str(), 1);
    }
    history.judge()
}

/// One order for all: two readers may be at different places, not in different logs.
fn assert_same(one: &SharedBook, other: &SharedBook) {
    let (one, other) = (one.lock().unwrap(), other.lock().unwrap());
    let shared = one.seen.len().min(other.seen.len());
    assert_eq!(one.seen[..shared], other.seen[..shared]);
}
