//! A bot as plain as it can be: says frames as JSON, hears frames as JSON, answers pings.
//!
//! Owns waiting with an end. Never reconnects, and never hides what it heard.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::wire::{Heard, Socket, first};

/// How long an answer may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One connection of one bot.
#[derive(Debug)]
pub struct Peer {
    /// What it goes through.
    pub socket: Socket,
    /// Whether pings are answered, as RFC 6455 wants.
    pub answers_pings: bool,
}

/// What was heard instead of what was waited for.
pub type Failure = String;

impl Peer {
    /// Connects and says nothing.
    pub fn open(url: &str) -> Result<Self, Failure> {
        let socket =
            Socket::open(url).map_err(|error| format!("no connection to {url}: {error}"))?;
        Ok(Self { socket, answers_pings: true })
    }

    /// Connects as a seed client: token, and nothing else.
    pub fn seed(url: &str, token: &str) -> Result<Self, Failure> {
        let mut peer = Self::open(url)?;
        peer.say(&json!({"type": "auth", "token": token}))?;
        peer.hear_type("auth_ok")?;
        Ok(peer)
    }

    /// Connects with these fields in `auth`, and returns what `auth_ok` says.
    pub fn ours(url: &str, token: &str, fields: &Value) -> Result<(Self, Value), Failure> {
        let mut peer = Self::open(url)?;
        let mut auth = json!({"type": "auth", "token": token});
        for (key, value) in fields.as_object().into_iter().flatten() {
            auth[key] = value.clone();
        }
        peer.say(&auth)?;
        let answer = peer.hear_type("auth_ok")?;
        Ok((peer, answer))
    }

    /// Joins a room and returns what `joined` says.
    pub fn join(&mut self, room: &str) -> Result<Value, Failure> {
        self.say(&json!({"type": "join", "room": room}))?;
        self.hear_where("`joined`", |frame| frame["type"] == "joined" && frame["room"] == room)
    }

    /// Says one frame.
    pub fn say(&mut self, frame: &Value) -> Result<(), Failure> {
        self.say_text(&frame.to_string())
    }

    /// Says one text, JSON or not.
    pub fn say_text(&mut self, text: &str) -> Result<(), Failure> {
        self.socket.say(text).map_err(|error| format!("the hub takes nothing more: {error}"))
    }

    /// The next text message as it is.
    pub fn hear_text(&mut self) -> Result<String, Failure> {
        match self.hear_for(PATIENCE)? {
            Some(text) => Ok(text),
            None => Err(format!("no frame within {} s", PATIENCE.as_secs())),
        }
    }

    /// The next text message within `within`, if there comes one.
    pub fn hear_for(&mut self, within: Duration) -> Result<Option<String>, Failure> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.socket.hear(left).map_err(|error| error.to_string())? {
                Heard::Text(text) => return Ok(Some(text)),
                Heard::Ping(payload) if self.answers_pings => self.pong(&payload)?,
                Heard::Ping(_) | Heard::Pong(_) => {}
                Heard::Nothing => return Ok(None),
                Heard::Close(code, reason) => return Err(format!("closed with {code} `{reason}`")),
                Heard::End => return Err("the connection ended without a close frame".to_owned()),
            }
        }
    }

    fn pong(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let sent = self.socket.send(first::PONG, payload);
        sent.map_err(|error: io::Error| format!("a pong cannot be written: {error}"))
    }

    /// The next frame.
    pub fn hear(&mut self) -> Result<Value, Failure> {
        let text = self.hear_text()?;
        serde_json::from_str(&text).map_err(|error| format!("`{text}` is not JSON: {error}"))
    }

    /// The next frame of this type; others are passed over, a refusal is not.
    pub fn hear_type(&mut self, kind: &str) -> Result<Value, Failure> {
        self.hear_where(&format!("`{kind}`"), |frame| frame["type"] == *kind)
    }

    /// The next frame for which `is_it` holds; others are passed over, a refusal that is not waited for is not.
    pub fn hear_where(
        &mut self,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        while Instant::now() < deadline {
            let frame = self
                .hear()
                .map_err(|why| format!("waiting for {what}: {why}, after {others:?}"))?;
            if is_it(&frame) {
                return Ok(frame);
            }
            if frame["type"] == "error" {
                return Err(format!("instead of {what}: {frame}"));
            }
            others.push(frame.to_string());
        }
        Err(format!("no {what}, only {others:?}"))
    }

    /// Everything that comes before the answer to a ping of ours: what the hub had to say by now.
    pub fn drain(&mut self) -> Result<Vec<Value>, Failure> {
        self.say(&json!({"type": "ping", "at": 7}))?;
        let mut frames = Vec::new();
        loop {
            let frame = self.hear()?;
            if frame["type"] == "pong" {
                return Ok(frames);
            }
            frames.push(frame);
        }
    }

    /// Asks and returns the answer: the next frame of type `answer`, or the refusal.
    pub fn ask(&mut self, frame: &Value, answer: &str) -> Result<Value, Failure> {
        self.say(frame)?;
        self.hear_where(answer, |frame| frame["type"] == *answer || frame["type"] == "error")
    }

    /// Says something in a room and returns the `ack`.
    pub fn post(&mut self, room: &str, text: &str) -> Result<Value, Failure> {
        self.say(&json!({"type": "message", "room": room, "text": text}))?;
        self.hear_where("`ack`", |frame| frame["type"] == "ack" && frame["room"] == room)
    }

    /// Reads on until the hub closes the connection; its code.
    pub fn hear_close(&mut self) -> Result<u16, Failure> {
        let end = self.socket.hear_end(PATIENCE);
        end.map(|(code, _)| code)
            .ok_or_else(|| format!("still open after {} s", PATIENCE.as_secs()))
    }

    /// Goes away in an orderly manner.
    pub fn leave(mut self) {
        // Whether it is still there does not matter.
        drop(self.socket.send(first::CLOSE, &1000_u16.to_be_bytes()));
        self.socket.hear_end(Duration::from_secs(2));
    }
}
