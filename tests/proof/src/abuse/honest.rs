//! Two honest bots that talk, and a third that connects now and then, while somebody else does harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bot_hub_proof::peer::{Failure, Peer};
use bot_hub_proof::process::token;
use serde_json::json;

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(5);
/// One new connection for so many messages.
const CONNECTS_EVERY: u64 = 10;

/// What they went through.
#[derive(Clone, Debug, Default)]
pub struct Experience {
    /// From saying to the other's hearing, sorted.
    pub delivery: Vec<Duration>,
    /// From dialling to `auth_ok`, sorted.
    pub connect: Vec<Duration>,
    /// New connections that were refused.
    pub refused: u64,
}

/// They, at work.
#[derive(Debug)]
pub struct Honest {
    stop: Arc<AtomicBool>,
    work: JoinHandle<Result<Experience, Failure>>,
}

impl Honest {
    /// Both enter a room of their own, and begin.
    pub fn start(url: &str) -> Result<Self, Failure> {
        let mut hedy = Peer::ours(url, &token("hedy"), &json!({"caps": []}))?.0;
        let mut hugo = Peer::seed(url, &token("hugo"))?;
        hugo.join("honest")?;
        hedy.join("honest")?;
        let stop = Arc::new(AtomicBool::new(false));
        let (url, until) = (url.to_owned(), Arc::clone(&stop));
        let work = std::thread::spawn(move || talk(&url, hedy, hugo, &until));
        Ok(Self { stop, work })
    }

    /// They stop; what it was like, or what went wrong.
    pub fn stop(self) -> Result<Experience, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.work.join().map_err(|_| "an honest bot panicked".to_owned())?
    }
}

fn talk(
    url: &str,
    mut hedy: Peer,
    mut hugo: Peer,
    stop: &AtomicBool,
) -> Result<Experience, Failure> {
    let mut experience = Experience::default();
    for number in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("honest {number}");
        let start = Instant::now();
        hedy.say(&json!({"type": "message", "room": "honest", "text": text}))?;
        hugo.hear_where("the honest message", |it| it["type"] == "message" && it["text"] == text)?;
        experience.delivery.push(start.elapsed());
        hedy.hear_type("ack")?;
        if number % CONNECTS_EVERY == 0 {
            let start = Instant::now();
            match Peer::ours(url, &token("hans"), &json!({"caps": [], "side": true})) {
                Ok((peer, _)) => {
                    experience.connect.push(start.elapsed());
                    peer.leave();
                }
                Err(_) => experience.refused += 1,
            }
        }
        std::thread::sleep(PAUSE);
    }
    experience.delivery.sort_unstable();
    experience.connect.sort_unstable();
    Ok(experience)
}
