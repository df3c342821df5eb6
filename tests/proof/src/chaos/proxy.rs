//! A TCP proxy with bad weather: delays, trickles, cuts in the middle of a frame, connections that fall silent.
//!
//! Owns bytes between two sockets. Knows nothing of frames; every fault is one that a network makes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use bot_hub_proof::chance::Chance;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// A connection that has fallen silent is forgotten after so long, as by a router.
const SILENT: Duration = Duration::from_secs(7);

/// What a connection has to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Clear,
    /// Every read waits so long.
    Slow {
        ms: u64,
    },
    /// So few bytes at a time.
    Trickle {
        bytes: usize,
    },
    /// The end after so many bytes, wherever they are in a frame; with a reset or without.
    Cut {
        after: u64,
        resets: bool,
    },
    /// Nothing passes any more after so many bytes: in both directions, or in one.
    Silent {
        after: u64,
        up: bool,
        down: bool,
    },
}

impl Weather {
    fn draw(chance: &mut Chance) -> Self {
        match chance.between(0, 10) {
            0..=2 => Self::Clear,
            3 => Self::Slow { ms: chance.between(1, 60) },
            4 => Self::Trickle { bytes: chance.between(1, 40) as usize },
            5..=7 => Self::Cut { after: chance.between(1, 40_000), resets: chance.once_in(2) },
            _ => {
                let (up, down) = *chance.pick(&[(true, true), (true, false), (false, true)]);
                Self::Silent { after: chance.between(300, 30_000), up, down }
            }
        }
    }
}

/// What the proxies did, counted.
#[derive(Debug, Default)]
pub struct Counts {
    connections: AtomicU64,
    cut: AtomicU64,
    silent: AtomicU64,
    slow: AtomicU64,
}

impl Counts {
    /// As a report has it.
    #[must_use]
    pub fn report(&self) -> serde_json::Value {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        serde_json::json!({
            "connections": read(&self.connections),
            "cut": read(&self.cut),
            "half_open": read(&self.silent),
            "slow_or_trickling": read(&self.slow),
        })
    }
}

/// Where all proxies forward to, and whether the weather is bad now.
#[derive(Clone, Debug)]
pub struct Sky {
    /// The hub.
    pub hub: SocketAddr,
    /// True while the weather is bad. Connections from before a change end.
    pub bad: watch::Receiver<bool>,
    /// What happened.
    pub counts: Arc<Counts>,
}

/// Starts one and returns its URL.
pub async fn start(sky: Sky, mut chance: Chance) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let weather =
                if *sky.bad.borrow() { Weather::draw(&mut chance) } else { Weather::Clear };
            tokio::spawn(carry(sky.clone(), client, weather));
        }
    });
    Ok(url)
}

async fn carry(sky: Sky, client: TcpStream, weather: Weather) {
    // A hub that is down refuses; so do we, by hanging up.
    let Ok(hub) = TcpStream::connect(sky.hub).await else { return };
    sky.counts.connections.fetch_add(1, Ordering::Relaxed);
    drop((client.set_nodelay(true), hub.set_nodelay(true)));
    let mut bad = sky.bad.clone();
    bad.mark_unchanged();
    let passed = Arc::new(AtomicU64::new(0));
    let (client_in, client_out) = client.into_split();
    let (hub_in, hub_out) = hub.into_split();
    let up = pass(client_in, hub_out, weather, true, &passed, &sky.counts);
    let down = pass(hub_in, client_out, weather, false, &passed, &sky.counts);
    tokio::pin!(up, down);
    // The first direction that ends takes the other one with it.
    tokio::select! {
        () = &mut up => {}
        () = &mut down => {}
        _ = bad.changed() => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    weather: Weather,
    is_up: bool,
    passed: &AtomicU64,
    counts: &Counts,
) {
    let mut buffer = vec![0; 8 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let before = passed.fetch_add(count as u64, Ordering::Relaxed);
        let after = before + count as u64;
        let bytes = &buffer[..count];
        let sent = match weather {
            Weather::Cut { after: limit, resets } if after > limit => {
                counts.cut.fetch_add(1, Ordering::Relaxed);
                // A part of what came, and then the end: in the middle of a frame as a rule.
                let part = (limit.saturating_sub(before) as usize).min(count);
                drop(to.write_all(&bytes[..part]).await);
                if resets {
                    // Without lingering the kernel sends a reset.
                    drop(to.as_ref().set_zero_linger());
                }
                return;
            }
            Weather::Silent { after: limit, up, down }
                if after > limit && if is_up { up } else { down } =>
            {
                counts.silent.fetch_add(1, Ordering::Relaxed);
                sleep(SILENT).await;
                return;
            }
            Weather::Slow { ms } => {
                counts.slow.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(ms)).await;
                to.write_all(bytes).await
            }
            Weather::Trickle { bytes: few } => {
                counts.slow.fetch_add(1, Ordering::Relaxed);
                trickle(&mut to, bytes, few).await
            }
            Weather::Clear | Weather::Cut { .. } | Weather::Silent { .. } => {
                to.write_all(bytes).await
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn trickle(to: &mut OwnedWriteHalf, bytes: &[u8], few: usize) -> std::io::Result<()> {
    for part in bytes.chunks(few) {
        to.write_all(part).await?;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
