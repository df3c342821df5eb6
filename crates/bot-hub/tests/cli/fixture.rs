//! A place for a hub, a hub in it, commands beside it, and bots that talk.
//!
//! Owns what is waited for: lines that programs print and frames that hubs send, never time.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use bot_hub_client::bot_protocol::frame::client::{Message, Receipt};
use bot_hub_client::bot_protocol::frame::server::Delivery;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::bot_protocol::receipt::ReceiptState;
use bot_hub_client::{Client, Event, Options};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bot-hub");

/// A home directory of its own, so that nothing of this machine's user plays a part.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A program that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// Its first line on stdout, or on stderr for commands that print no data at first.
    pub(crate) line: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().env("HOME", self.dir.path());
        command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(self.dir.path());
        // Local time is this machine's business.
        command.env("TZ", "UTC");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Told {
        self.told(self.command(arguments))
    }

    /// Runs a command in the name of a bot.
    pub(crate) fn run_as(&self, token: &str, arguments: &[&str]) -> Told {
        let mut command = self.command(arguments);
        command.env("BOT_HUB_TOKEN", token);
        self.told(command)
    }

    /// Runs a command that must end by itself; one that does not is ended, with code 124.
    pub(crate) fn run_to_its_end(&self, token: Option<&str>, arguments: &[&str]) -> Told {
        let command = self.command(arguments);
        let mut timed = Command::new("timeout");
        timed.arg("30").arg(command.get_program()).args(command.get_args());
        timed.current_dir(self.dir.path()).stdin(Stdio::null());
        let given = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        timed.env_clear().envs(given).envs(token.map(|token| ("BOT_HUB_TOKEN", token)));
        self.told(timed)
    }

    /// Runs a line as a shell does, with this program in its path.
    pub(crate) fn shell(&self, line: &str) -> Told {
        let programs = Path::new(PROGRAM).parent().unwrap().display().to_string();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        let mut sh = Command::new("sh");
        sh.args(["-c", line]).env_clear().env("HOME", self.dir.path()).env("PATH", path);
        sh.current_dir(self.dir.path()).env("TZ", "UTC").stdin(Stdio::null());
        self.told(sh)
    }

    /// Runs a command that reads a text.
    pub(crate) fn run_reading(&self, stdin: &str, arguments: &[&str]) -> Told {
        let mut child = self.command(arguments);
        let mut child = child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        self.redacted(child.wait_with_output().unwrap())
    }

    pub(crate) fn told(&self, mut command: Command) -> Told {
        self.redacted(command.output().unwrap())
    }

    fn redacted(&self, output: std::process::Output) -> Told {
        let text = |bytes: Vec<u8>| redact(&String::from_utf8(bytes).unwrap(), self.dir.path());
        let code = output.status.code().unwrap();
        Told { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command that must succeed, and returns its data as it is.
    pub(crate) fn data(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut command = self.command(arguments);
        serde_json::from_slice(&command.arg("--json").output().unwrap().stdout).unwrap()
    }

    /// Starts a hub, and waits until it accepts connections.
    pub(crate) fn serve(&self) -> Running {
        self.serve_with(&["--listen", "127.0.0.1:0"])
    }

    pub(crate) fn serve_with(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(&["serve"]);
        command.args(arguments);
        self.started(command)
    }

    /// The same, with what people read on stderr.
    pub(crate) fn serve_for_people(&self) -> Running {
        self.started(self.for_people(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// A command that speaks to people on stderr, though no terminal is there.
    pub(crate) fn for_people(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("BOT_HUB_LOG__FORMAT", "text");
        command
    }

    pub(crate) fn started(&self, command: Command) -> Running {
        let log = std::fs::File::create(self.path("hub.log")).unwrap();
        self.started_with(command, log.into())
    }

    /// The same, with what it says on stderr going somewhere else.
    pub(crate) fn started_with(&self, mut command: Command, log: Stdio) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = std::fs::read_to_string(self.path("hub.log")).unwrap_or_default();
        assert!(line.starts_with("listening ws://"), "{line:?} {log}");
        Running { child, line }
    }

    /// What the hub said on stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("hub.log")).unwrap()
    }

    pub(crate) fn redacted_log(&self) -> String {
        redact(&self.log(), self.dir.path())
    }

    /// Starts `tail`, and waits until it watches.
    pub(crate) fn tail(&self, arguments: &[&str]) -> Tail {
        let mut command = self.command(&["tail"]);
        let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        Tail { child, err, line, home: self.dir.path().to_path_buf() }
    }

    /// Makes a bot and returns its token.
    pub(crate) fn bot(&self, name: &str) -> String {
        self.data(&["bot", "add", name])
    }
}

impl Running {
    pub(crate) fn url(&self) -> String {
        self.line.trim_start_matches("listening ").trim().to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Ends it the way a service manager does.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// The same, for a hub that may hang: then it is killed, and the test fails.
    pub(crate) fn stop_within_a_minute(mut self) -> ExitStatus {
        self.signal("TERM");
        self.end_within_a_minute()
    }

    /// Waits for its end, and kills it if that does not come.
    pub(crate) fn end_within_a_minute(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let guard = "timeout 60 tail --pid $1 -f /dev/null || kill -KILL $1";
        let mut guard = Command::new("sh").args(["-c", guard, "sh", &pid]).spawn().unwrap();
        let ended = self.child.wait().unwrap();
        guard.wait().unwrap();
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A `tail` that watches.
pub(crate) struct Tail {
    child: Child,
    err: BufReader<ChildStderr>,
    pub(crate) line: String,
    home: PathBuf,
}

impl Tail {
    /// Its next line of talk.
    pub(crate) fn said(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        redact(&line, &self.home)
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end.
    pub(crate) fn told(mut self) -> Told {
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        Told { code, out: redact(&out, &self.home), err: redact(&err, &self.home) }
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

/// What a bot does with a message.
#[derive(Clone, Copy)]
pub(crate) enum Habit {
    /// Takes it and says so.
    Receive,
    /// Answers it, with a receipt that names the answer.
    Answer,
    /// Answers it, and gives no receipt.
    AnswerWithoutReceipt,
    /// Declines it.
    Decline,
}

/// A bot that is in a room, until the end of the test.
pub(crate) fn bot_in(url: &str, token: &str, room: &str, habit: Habit) {
    let (url, token, room) = (url.to_owned(), token.to_owned(), RoomName::new(room).unwrap());
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, mut events) = Client::connect(Options::new(url, token)).await.unwrap();
            client.join(room).await.unwrap();
            ready.send(()).unwrap();
            while let Some(event) = events.next().await {
                if let Event::Message(message) = event {
                    act(&client, &message, habit).await;
                }
            }
        });
    });
    is_ready.recv().unwrap();
}

async fn act(client: &Client, message: &Delivery, habit: Habit) {
    let receipt = |state, reason: Option<&str>, reply| Receipt {
        room: message.room.clone(),
        id: message.id.clone(),
        from: Some(message.from.clone()),
        seq: None,
        state,
        reason: reason.map(str::to_owned),
        reply,
    };
    let answer = Message {
        room: Some(message.room.clone()),
        text: format!("you said: {}", message.text),
        reply_to: message.id.clone(),
        ..Message::default()
    };
    match habit {
        Habit::Receive => {}
        Habit::Answer => {
            let sending = client.send(answer).await.unwrap();
            let reply = Some(sending.id().clone());
            sending.await.unwrap();
            client.receipt(receipt(ReceiptState::Answered, None, reply)).await.unwrap();
        }
        Habit::AnswerWithoutReceipt => {
            client.send(answer).await.unwrap().await.unwrap();
        }
        Habit::Decline => {
            let declined = receipt(ReceiptState::Declined, Some("not on Sundays"), None);
            client.receipt(declined).await.unwrap();
        }
    }
}

/// What differs from run to run. `9` is a digit, `x` a hexadecimal one; the first that fits wins.
const SHAPES: [(&str, &str); 3] = [
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "ID"),
    ("9999-99-99T99:99:99Z", "TIME"),
    ("9999999999999", "MS"),
];

/// Takes out what differs from run to run.
fn redact(text: &str, home: &Path) -> String {
    let text = text.replace(&home.display().to_string(), "~");
    let mut redacted = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let shape = SHAPES.iter().find(|(shape, _)| has_shape(rest, shape));
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let unit = [" ms", " s", " min"].iter().find(|unit| rest[digits..].starts_with(**unit));
        if let Some((shape, name)) = shape {
            redacted.push_str(name);
            rest = &rest[shape.len()..];
        } else if let Some(address) = rest.strip_prefix("127.0.0.1:") {
            redacted.push_str("ADDRESS");
            rest = address.trim_start_matches(|c: char| c.is_ascii_digit());
        } else if let Some(count) = rest.strip_prefix("_ms\": ") {
            redacted.push_str("_ms\": MS");
            rest = count.trim_start_matches(|c: char| c.is_ascii_digit());
        } else if let Some(token) = rest.strip_prefix("bh_bot_") {
            redacted.push_str("TOKEN");
            rest = token.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        } else if let Some(pid) = rest.strip_prefix("pid ") {
            redacted.push_str("pid PID");
            rest = pid.trim_start_matches(|c: char| c.is_ascii_digit());
        } else if let (true, Some(unit)) = (digits > 0, unit) {
            redacted.push_str("PERIOD");
            rest = &rest[digits + unit.len()..];
            // A column is as wide as what stands in it.
            if rest.starts_with("  ") {
                redacted.push_str("  ");
                rest = rest.trim_start_matches(' ');
            }
        } else {
            let length = if digits > 0 { digits } else { c.len_utf8() };
            write!(redacted, "{}", &rest[..length]).unwrap();
            rest = &rest[length..];
        }
    }
    redacted
}

fn has_shape(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && shape.bytes().zip(text.bytes()).all(|(wanted, found)| match wanted {
            b'9' => found.is_ascii_digit(),
            b'x' => found.is_ascii_hexdigit(),
            other => found == other,
        })
}
