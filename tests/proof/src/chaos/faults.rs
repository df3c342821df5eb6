//! What goes wrong, each kind at its own pace, all of it decided by the seed.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bot_hub_proof::chance::Chance;
use bot_hub_proof::peer::Peer;
use bot_hub_proof::process::{Hub, Launch, last_words, token};
use rustix::process::Signal;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::book::SharedBook;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::run::{Receiver, Receivers};
use crate::words::now_us;

/// A hub that cannot start, on a full disk perhaps, is tried again for so long.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Waits a moment that nobody chose. `false`: the faults are over.
async fn wait(
    over: &mut watch::Receiver<bool>,
    chance: &mut Chance,
    from_ms: u64,
    to_ms: u64,
) -> bool {
    let pause = Duration::from_millis(chance.between(from_ms, to_ms));
    timeout(pause, over.wait_for(|over| *over)).await.is_err()
}

/// What was done to the hub, and how it took it.
#[derive(Debug, Default, Serialize)]
pub struct HubFaults {
    pub kill_9: u64,
    pub stopped_and_continued: u64,
    pub restarted_in_order: u64,
    /// Starts that failed, which they may on a full disk.
    pub failed_starts: u64,
    /// It ended by itself.
    pub ended_by_itself: Vec<String>,
    #[serde(skip)]
    pub ready_in: Vec<Duration>,
    pub peak_memory_kib: u64,
}

/// Kills, stops and restarts the hub until the faults are over; gives back one that runs.
pub async fn torment_hub(
    launch: Launch,
    mut hub: Hub,
    mut chance: Chance,
    mut over: watch::Receiver<bool>,
) -> Result<(Hub, HubFaults)> {
    let mut faults = HubFaults::default();
    while wait(&mut over, &mut chance, 300, 3_000).await {
        if let Ok((_, peak)) = hub.memory_kib() {
            faults.peak_memory_kib = faults.peak_memory_kib.max(peak);
        }
        if let Some(status) = hub.ended()? {
            faults.ended_by_itself.push(format!("{status}: {}", last_words(&launch)));
            hub = start(&launch, &mut faults).await?;
            continue;
        }
        match chance.between(0, 10) {
            // A run without a kill would prove little.
            kind if kind < 6 || faults.kill_9 == 0 => {
                hub.kill()?;
                faults.kill_9 += 1;
                hub = start(&launch, &mut faults).await?;
            }
            6..=8 => {
                hub.signal(Signal::STOP)?;
                faults.stopped_and_continued += 1;
                sleep(Duration::from_millis(chance.between(100, 3_000))).await;
                hub.signal(Signal::CONT)?;
            }
            _ => {
                tokio::task::spawn_blocking(move || hub.stop()).await??;
                faults.restarted_in_order += 1;
                hub = start(&launch, &mut faults).await?;
            }
        }
    }
    Ok((hub, faults))
}

async fn start(launch: &Launch, faults: &mut HubFaults) -> Result<Hub> {
    let deadline = Instant::now() + STARTS_WITHIN;
    loop {
        let launch = launch.clone();
        match tokio::task::spawn_blocking(move || Hub::start(&launch)).await? {
            Ok(hub) => {
                faults.ready_in.push(hub.ready_in);
                return Ok(hub);
            }
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(error) => {
                eprintln!("the hub cannot start: {error:#}");
                faults.failed_starts += 1;
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// What was done to receivers.
#[derive(Debug, Default, Serialize)]
pub struct ReceiverFaults {
    pub stopped: u64,
    /// For longer than the hub waits for a sign of life.
    pub stopped_until_given_up: u64,
    pub kill_9: u64,
}

/// Stops and kills receivers, one at a time.
pub async fn torment_receivers(
    mut mine: Vec<Receiver>,
    (receivers, dead): (Receivers, Duration),
    mut chance: Chance,
    mut over: watch::Receiver<bool>,
) -> Result<(Vec<Receiver>, ReceiverFaults)> {
    let mut faults = ReceiverFaults::default();
    while wait(&mut over, &mut chance, 300, 2_500).await {
        let which = chance.between(0, mine.len() as u64) as usize;
        let receiver = &mut mine[which];
        if chance.once_in(4) {
            receiver.kill().await?;
            faults.kill_9 += 1;
            *receiver = receivers.start(&receiver.bot)?;
            continue;
        }
        let for_ms = if chance.once_in(5) {
            chance.between(5_000, 9_000)
        } else {
            chance.between(200, 3_000)
        };
        let pause = Duration::from_millis(for_ms);
        receiver.stop().await.with_context(|| format!("stop {}", receiver.bot))?;
        faults.stopped += 1;
        faults.stopped_until_given_up += u64::from(pause > dead);
        // The end of the faults ends a stop too.
        drop(timeout(pause, over.wait_for(|over| *over)).await);
        receiver.go_on()?;
    }
    Ok((mine, faults))
}

/// Fills the disk now and then, for a moment. How often.
pub async fn torment_disk(
    disk: Disk,
    book: SharedBook,
    mut chance: Chance,
    mut over: watch::Receiver<bool>,
) -> Result<(Disk, u64)> {
    let mut times = 0;
    while wait(&mut over, &mut chance, 4_000, 9_000).await {
        // The hub may have taken what was to be left while it was measured: then another time. The disk
        // must outlive every mistake here, or the next start of the hub finds an empty folder.
        if let Err(error) = disk.fill(chance.between(0, 16) * 4_096) {
            eprintln!("the disk cannot be filled: {error:#}");
            continue;
        }
        times += 1;
        book.open().full_until_us = u64::MAX;
        drop(
            timeout(Duration::from_millis(chance.between(300, 2_500)), over.wait_for(|over| *over))
                .await,
        );
        disk.free()?;
        book.open().full_until_us = now_us();
    }
    Ok((disk, times))
}

/// Sets the hub's clock to another time now and then. How often.
pub async fn torment_clock(
    clock: Clock,
    mut chance: Chance,
    mut over: watch::Receiver<bool>,
) -> Result<u64> {
    let mut times = 0;
    while wait(&mut over, &mut chance, 2_000, 6_000).await {
        let seconds = *chance.pick(&[-90_000, -3_600, -61, -1, 0, 1, 61, 3_600, 90_000]);
        clock.set(seconds)?;
        times += 1;
    }
    clock.set(0)?;
    Ok(times)
}

/// Connects as somebody else's bot now and then, and goes away again. How often it came in.
pub async fn intrude(
    url: String,
    bots: Vec<String>,
    mut chance: Chance,
    mut over: watch::Receiver<bool>,
) -> Result<u64> {
    let mut times = 0;
    while wait(&mut over, &mut chance, 3_000, 8_000).await {
        let (url, bot) = (url.clone(), chance.pick(&bots).clone());
        let pause = Duration::from_millis(chance.between(0, 400));
        let came_in = tokio::task::spawn_blocking(move || {
            let token = token(&bot);
            let Ok((peer, _)) = Peer::ours(&url, &token, &json!({"caps": ["ack"]})) else {
                return false;
            };
            std::thread::sleep(pause);
            peer.leave();
            true
        });
        times += u64::from(came_in.await?);
    }
    Ok(times)
}
