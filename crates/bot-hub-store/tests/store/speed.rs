//! How fast the store is. Not run by default, since it measures and asserts little:
//! `cargo test --release -p bot-hub-store --test store speed -- --ignored --nocapture --test-threads 1`.
//! `BOT_HUB_BENCH_DIR` says on which disk, `BOT_HUB_BENCH_MB` how much history the start is given, and
//! `BOT_HUB_BENCH_ROOMS` how many rooms.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot_hub_core::Hub;
use bot_hub_core::change::{Answer, Change, Query, Span};
use bot_hub_core::entry::Draft;
use bot_hub_core::settings::Settings;
use bot_hub_store::driver::{Driver, StoreEvent, Unsent};
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::sqlite::{SqliteStore, verify};
use bot_hub_store::{Store, Write};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

const ROOMS: u64 = 50;

/// Set in a process that only fills a store until it is killed.
const FILL: &str = "BOT_HUB_BENCH_FILL";

fn directory() -> tempfile::TempDir {
    match std::env::var_os("BOT_HUB_BENCH_DIR") {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    }
}

/// 50 rooms of 2 bots, 200 bytes of text, ids as clients make them.
struct Load {
    rooms: Vec<RoomName>,
    bots: Vec<BotId>,
    text: String,
    said: u64,
}

impl Load {
    fn new(bytes: usize) -> Self {
        Self {
            rooms: (0..ROOMS).map(|n| RoomName::new(&format!("room-{n}")).unwrap()).collect(),
            bots: (0..2 * ROOMS).map(|n| BotId::new(&format!("bot-{n}")).unwrap()).collect(),
            text: "x".repeat(bytes),
            said: 0,
        }
    }

    fn prepare(&self) -> Vec<Write> {
        let mut writes = Vec::new();
        for (room, pair) in self.rooms.iter().zip(self.bots.chunks(2)) {
            writes.push(Change::CreateRoom { room: room.clone(), closed: false });
            for bot in pair {
                writes.push(Change::Join { room: room.clone(), bot: bot.clone() });
            }
        }
        writes.into_iter().map(Write::Change).collect()
    }

    fn message(&mut self) -> Write {
        let number = self.said;
        self.said += 1;
        let room = (number % ROOMS) as usize;
        let from = 2 * room + (number / ROOMS % 2) as usize;
        let millis = number / 100;
        let id = format!(
            "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
            (0x0197_c1f0_0000u64 + millis) >> 16,
            (0x0197_c1f0_0000u64 + millis) & 0xffff,
            number % 4096,
            from,
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16,
        );
        Write::Change(Change::Append(Arc::new(Draft {
            room: self.rooms[room].clone(),
            from: self.bots[from].clone(),
            id: MessageId::new(&id).unwrap(),
            text: self.text.clone(),
            sent_at: Timestamp(1_700_000_000_000 + millis),
            extras: None,
        })))
    }

    /// The two marks that a delivered message leads to.
    fn marks(&self, number: u64) -> [Write; 2] {
        let room = (number % ROOMS) as usize;
        let to = 2 * room + 1 - (number / ROOMS % 2) as usize;
        let (seq, at) = (number / ROOMS + 1, Timestamp(1_700_000_000_000 + number / 100));
        let (room, bot) = (self.rooms[room].clone(), self.bots[to].clone());
        let cursor = Change::Cursor {
            room: room.clone(),
            bot: bot.clone(),
            seq,
            state: ReceiptState::Received,
            at,
        };
        [Write::Change(Change::Delivered { room, bot, seq, at }), Write::Change(cursor)]
    }
}

fn rate(count: u64, since: Instant) -> String {
    let seconds = since.elapsed().as_secs_f64();
    format!("{:>9.0}/s  {:.2} µs each", count as f64 / seconds, seconds * 1e6 / count as f64)
}

/// What this thread has cost so far; holds on a busy machine, too. Zero where it is not known.
fn cpu() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = spent.and_then(|text| text.split(' ').next()?.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn groups(name: &str, store: &mut dyn Store, has_marks: bool) {
    let mut load = Load::new(200);
    store.commit(&load.prepare()).unwrap();
    for (group, total) in [(1, 6_000), (16, 60_000), (256, 400_000), (1_024, 400_000)] {
        let total = total / if has_marks { 2 } else { 1 };
        let start = Instant::now();
        let (mut making, mut spent) = (Duration::ZERO, Duration::ZERO);
        let mut done = 0;
        while done < total {
            let made = Instant::now();
            let mut batch = Vec::new();
            for _ in 0..group {
                batch.push(load.message());
                if has_marks {
                    batch.extend(load.marks(load.said - 1));
                }
            }
            making += made.elapsed();
            let before = cpu();
            store.commit(&batch).unwrap();
            spent += cpu() - before;
            done += group;
        }
        let cpu = spent.as_secs_f64() * 1e6 / done as f64;
        let line = rate(done, start + making);
        println!("{name}, groups of {group:>4}: {line}, CPU {cpu:.2} µs");
    }
}

#[test]
#[ignore = "measures"]
fn commits() {
    for has_marks in [false, true] {
        let name = if has_marks { "message + delivered + cursor" } else { "message" };
        let directory = directory();
        groups(
            &format!("sqlite, {name}"),
            &mut SqliteStore::open(directory.path()).unwrap(),
            has_marks,
        );
        groups(&format!("memory, {name}"), &mut MemoryStore::new().unwrap(), has_marks);
    }
}

/// One submission per message, so many of them unanswered.
fn pipelined(directory: &Path, window: u64, total: u64) {
    let mut store = SqliteStore::open(directory).unwrap();
    let mut load = Load::new(200);
    store.commit(&load.prepare()).unwrap();
    let (sender, mut events) = tokio::sync::mpsc::channel(1_024);
    let mut driver = Driver::start(Box::new(store), sender).unwrap();
    let mut sent_at = std::collections::VecDeque::new();
    let mut latencies = Vec::with_capacity(total as usize);
    let start = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    while answered < total {
        while sent < total && sent - answered < window {
            match driver.submit(vec![load.message()], sent) {
                Ok(_) => sent_at.push_back(Instant::now()),
                Err(Unsent::Busy(_)) => break,
                Err(Unsent::Dead) => panic!("the store failed"),
            }
            sent += 1;
        }
        let mut event = events.blocking_recv();
        while let Some(said) = event {
            let StoreEvent::Committed { ticket, .. } = said else { panic!("{said:?}") };
            assert_eq!(ticket, answered);
            answered += 1;
            latencies.push(sent_at.pop_front().unwrap().elapsed());
            event = events.try_recv().ok();
        }
    }
    let line = rate(total, start);
    latencies.sort();
    let at = |part: f64| latencies[(part * (latencies.len() - 1) as f64) as usize];
    println!("pipelined, window {window:>5}: {line}, p50 {:?}, p99 {:?}", at(0.5), at(0.99));
    drop(events);
    driver.close();
}

#[test]
#[ignore = "measures"]
fn through_the_driver() {
    for (window, total) in [(1, 5_000), (32, 60_000), (1_600, 500_000)] {
        let directory = directory();
        pipelined(directory.path(), window, total);
    }
}

/// Fills a store for ever; its parent kills it.
#[test]
#[ignore = "the other half of `start_after_a_kill`"]
fn fill_until_killed() {
    let Some(directory) = std::env::var_os(FILL) else { return };
    let mut store = SqliteStore::open(&PathBuf::from(directory)).unwrap();
    let mut load = Load::new(1_000);
    store.commit(&load.prepare()).unwrap();
    loop {
        let batch: Vec<_> = (0..64).map(|_| load.message()).collect();
        store.commit(&batch).unwrap();
    }
}

#[test]
#[ignore = "measures"]
fn start_after_a_kill() {
    let directory = directory();
    let megabytes = std::env::var("BOT_HUB_BENCH_MB").ok().and_then(|text| text.parse().ok());
    let wanted = megabytes.unwrap_or(1_024) * 1024 * 1024;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["speed::fill_until_killed", "--exact", "--ignored"])
        .env(FILL, directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let length =
        |name: &str| directory.path().join(name).metadata().map_or(0, |metadata| metadata.len());
    while length("hub.db") < wanted {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (database, log) = (length("hub.db") >> 20, length("hub.db-wal") >> 20);
    let start = Instant::now();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let opened = start.elapsed();
    let loaded = store.load().unwrap();
    println!(
        "{database} MB and {log} MB of changes: open {opened:?}, with load {:?}",
        start.elapsed()
    );

    let head = loaded.snapshot.rooms[0].head;
    let mut reader = store.reader().unwrap();
    let start = Instant::now();
    for page in 0..1_000 {
        let span = Span::After(page * 7_919 % (head - 50));
        let room = loaded.snapshot.rooms[0].room.clone();
        let query = Query::Page { room, span, entries_max: 50, bytes_max: u32::MAX };
        let Answer::Page(page) = reader.answer(&query) else { panic!("no page") };
        assert_eq!((page.entries.len(), page.corrupt.len()), (50, 0));
    }
    println!("pages of 50: {:?} each", start.elapsed() / 1_000);
    let start = Instant::now();
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.damage, []);
    println!("verified {} entries in {:?}", report.entries, start.elapsed());
}

/// Members of each room of [`start_with_many_rooms`].
const MEMBERS: u64 = 5;

/// A store of `rooms` rooms with an entry in each, which one of five members has not received.
fn many_rooms(store: &mut SqliteStore, rooms: u64) {
    let bots = (0..rooms.div_ceil(10)).map(|n| BotId::new(&format!("bot-{n}")).unwrap());
    let bots: Vec<_> = bots.collect();
    for chunk in (0..rooms).collect::<Vec<_>>().chunks(1_000) {
        let mut writes = Vec::new();
        for &number in chunk {
            let room = RoomName::new(&format!("room-{number}")).unwrap();
            let member = |nth: u64| &bots[((number + nth * 7) % bots.len() as u64) as usize];
            writes.push(Change::CreateRoom { room: room.clone(), closed: false });
            let join = |nth| Change::Join { room: room.clone(), bot: member(nth).clone() };
            writes.extend((0..MEMBERS).map(join));
            writes.push(Change::Append(Arc::new(Draft {
                room: room.clone(),
                from: member(0).clone(),
                id: MessageId::new(&format!("m{number}")).unwrap(),
                text: "x".repeat(200),
                sent_at: Timestamp(1_700_000_000_000 + number),
                extras: None,
            })));
            writes.extend((0..MEMBERS - 1).map(|nth| Change::Cursor {
                room: room.clone(),
                bot: member(nth).clone(),
                seq: 1,
                state: ReceiptState::Received,
                at: Timestamp(1_700_000_000_500 + number),
            }));
        }
        let writes: Vec<_> = writes.into_iter().map(Write::Change).collect();
        store.commit(&writes).unwrap();
    }
}

#[test]
#[ignore = "measures"]
fn start_with_many_rooms() {
    let rooms = std::env::var("BOT_HUB_BENCH_ROOMS").ok().and_then(|text| text.parse().ok());
    let rooms = rooms.unwrap_or(100_000);
    let directory = directory();
    many_rooms(&mut SqliteStore::open(directory.path()).unwrap(), rooms);
    let before = cpu();
    let loaded = SqliteStore::open(directory.path()).unwrap().load().unwrap();
    let read = cpu() - before;
    assert_eq!(loaded.snapshot.rooms.len() as u64, rooms);
    let hub =
        Hub::new(Timestamp(1_800_000_000_000), &[1; 32], Settings::default(), loaded.snapshot);
    assert_eq!(hub.gauges().waiting, rooms);
    let all = cpu() - before;
    println!("{rooms} rooms of {MEMBERS}: CPU {read:?} to read, {:?} to remember", all - read);
}

/// A steady stream: how late the slowest answers come, checkpoints included.
#[test]
#[ignore = "measures"]
fn five_thousand_a_second() {
    const EVERY: Duration = Duration::from_micros(200);
    const TOTAL: u64 = 50_000;
    let directory = directory();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let mut load = Load::new(200);
    store.commit(&load.prepare()).unwrap();
    let (sender, mut events) = tokio::sync::mpsc::channel(1_024);
    let mut driver = Driver::start(Box::new(store), sender).unwrap();
    let start = Instant::now();
    let due = move |ticket: u64| start + EVERY * ticket as u32;
    let answers = std::thread::spawn(move || {
        let mut latencies = Vec::new();
        while let Some(StoreEvent::Committed { ticket, .. }) = events.blocking_recv() {
            latencies.push(Instant::now().saturating_duration_since(due(ticket)));
        }
        latencies
    });
    for ticket in 0..TOTAL {
        std::thread::sleep(due(ticket).saturating_duration_since(Instant::now()));
        driver.submit(vec![load.message()], ticket).unwrap();
    }
    driver.close();
    let mut latencies = answers.join().unwrap();
    latencies.sort();
    let at = |part: f64| latencies[(part * (latencies.len() - 1) as f64) as usize];
    println!(
        "5,000/s for 10 s: p50 {:?}, p99 {:?}, p99.9 {:?}, worst {:?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
