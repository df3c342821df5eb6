//! What a rule has at hand: three bots, fresh rooms, a way to restart the hub.

use std::cell::Cell;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bot_hub_proof::peer::{Failure, Peer};
use serde_json::{Value, json};

/// How long a hub may take to be back.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// One sentence of the protocol, and how it is looked at.
#[derive(Clone, Copy)]
pub struct Rule {
    /// What must hold, as a sentence.
    pub name: &'static str,
    /// Where docs/protocol.md says so.
    pub paragraph: &'static str,
    /// Says why it does not hold.
    pub check: fn(&Stage) -> Verdict,
    /// Whether it needs the restart command.
    pub restarts: bool,
}

/// Nothing, or why the rule does not hold.
pub type Verdict = Result<(), Failure>;

/// A rule that needs no restart.
pub const fn rule(
    name: &'static str,
    paragraph: &'static str,
    check: fn(&Stage) -> Verdict,
) -> Rule {
    Rule { name, paragraph, check, restarts: false }
}

/// A bot of the stage.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Its name.
    pub name: String,
    /// Its token.
    pub token: String,
}

/// See the module.
#[derive(Debug)]
pub struct Stage {
    /// Where the hub is.
    pub url: String,
    /// Three of them, sorted by name.
    pub bots: Vec<Bot>,
    restart: Option<String>,
    run: u64,
    rooms: Cell<u64>,
}

impl Stage {
    /// Checks what the command line says.
    pub fn new(url: &str, tokens: &[String], restart: Option<String>) -> Result<Self, String> {
        let mut bots = Vec::new();
        for pair in tokens {
            let (name, token) = pair.split_once('=').ok_or("--token is `BOT=TOKEN`")?;
            bots.push(Bot { name: name.to_owned(), token: token.to_owned() });
        }
        bots.sort_by(|a, b| a.name.cmp(&b.name));
        if bots.len() < 3 {
            return Err(
                "three bots are needed\nhint: give --token BOT=TOKEN three times".to_owned()
            );
        }
        let run = now_ms() % 1_000_000_000;
        let stage = Self {
            url: url.trim_end_matches('/').to_owned(),
            bots,
            restart,
            run,
            rooms: Cell::new(0),
        };
        Peer::open(&stage.url)?;
        Ok(stage)
    }

    /// The first bot by name.
    pub fn ana(&self) -> &Bot {
        &self.bots[0]
    }

    /// The second.
    pub fn bo(&self) -> &Bot {
        &self.bots[1]
    }

    /// The third.
    pub fn cy(&self) -> &Bot {
        &self.bots[2]
    }

    /// A room that nobody has been in.
    pub fn room(&self) -> String {
        self.rooms.set(self.rooms.get() + 1);
        format!("conf-{}-{}", self.run, self.rooms.get())
    }

    /// An id that nobody has used.
    pub fn id(&self) -> String {
        self.room().replace("conf", "id")
    }

    /// A seed client of this bot.
    pub fn seed(&self, bot: &Bot) -> Result<Peer, Failure> {
        Peer::seed(&self.url, &bot.token)
    }

    /// A client with these caps.
    pub fn with(&self, bot: &Bot, caps: &[&str]) -> Result<Peer, Failure> {
        Ok(Peer::ours(&self.url, &bot.token, &json!({ "caps": caps }))?.0)
    }

    /// A client with these caps that takes up its memberships again.
    pub fn back(&self, bot: &Bot, caps: &[&str], resume: &Value) -> Result<(Peer, Value), Failure> {
        Peer::ours(&self.url, &bot.token, &json!({ "caps": caps, "resume": resume }))
    }

    /// Two clients with `ack` and `receipts` in a room of their own.
    pub fn pair(&self) -> Result<(Peer, Peer, String), Failure> {
        let room = self.room();
        let mut ana = self.with(self.ana(), &["ack", "receipts"])?;
        let mut bo = self.with(self.bo(), &["ack", "receipts"])?;
        ana.join(&room)?;
        bo.join(&room)?;
        Ok((ana, bo, room))
    }

    /// Whether there is a restart command.
    pub fn can_restart(&self) -> bool {
        self.restart.is_some()
    }

    /// Restarts the hub, and waits until it accepts.
    pub fn restart(&self) -> Verdict {
        let command = self.restart.as_deref().ok_or("no --restart command")?;
        let status = Command::new("sh").args(["-c", command]).status();
        let status = status.map_err(|error| format!("the restart command: {error}"))?;
        if !status.success() {
            return Err(format!("the restart command ended with {status}"));
        }
        let deadline = Instant::now() + BACK_WITHIN;
        while Peer::open(&self.url).is_err() {
            if Instant::now() > deadline {
                return Err(format!("the hub was not back within {} s", BACK_WITHIN.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Fails unless both are the same.
pub fn same(what: &str, found: &Value, expected: &Value) -> Verdict {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected}, found {found}"))
}

/// Fails with `why` unless it holds.
pub fn holds(it: bool, why: impl FnOnce() -> String) -> Verdict {
    if it { Ok(()) } else { Err(why()) }
}

/// The frames of one room.
pub fn of_room(frames: &[Value], room: &str) -> Vec<Value> {
    frames.iter().filter(|frame| frame["room"] == room).cloned().collect()
}

/// Fails unless nothing was said in that room so far.
pub fn silent(peer: &mut Peer, room: &str) -> Verdict {
    let frames = of_room(&peer.drain()?, room);
    holds(frames.is_empty(), || format!("nothing should have come, but {frames:?}"))
}

/// Fails unless it is a refusal with this code and name.
pub fn refused(frame: &Value, code: u64, name: &str) -> Verdict {
    same("type", &frame["type"], &json!("error")).map_err(|why| format!("{why} in {frame}"))?;
    same("code and name", &json!([frame["code"], frame["name"]]), &json!([code, name]))
}
