//! What people see on a terminal, and what they are asked.
//!
//! Owns the terminal: a pair of pseudo-terminals, one end the command's, the other the test's.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::fixture::{Habit, Place, bot_in};

/// Longer than anything here takes; then the test fails and says what was seen.
const WITHIN: Duration = Duration::from_secs(60);

/// A command on a terminal.
struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<String>,
    seen: String,
}

impl Terminal {
    fn start(mut command: Command, columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs =
            OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, size).unwrap();
        command.env("TERM", "xterm");
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap());
        let child = command.stderr(theirs).spawn().unwrap();
        // Its ends of the terminal are the child's alone now.
        drop(command);
        let mut ours = File::from(ours);
        let keys = ours.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // The end of the child is an error here.
            while let Ok(count @ 1..) = ours.read(&mut bytes) {
                drop(sender.send(String::from_utf8_lossy(&bytes[..count]).into_owned()));
            }
        });
        Self { child, keys, screen, seen: String::new() }
    }

    /// Waits until something stands on the screen.
    fn until(&mut self, part: &str) {
        let end = Instant::now() + WITHIN;
        while !self.seen.contains(part) {
            match self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(more) => self.seen.push_str(&more),
                Err(error) => panic!("{part:?} is not seen ({error}): {:?}", self.seen),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    }

    /// Waits for its end: the exit code, and everything that was seen.
    fn end(mut self) -> (i32, String) {
        while let Ok(more) = self.screen.recv_timeout(WITHIN) {
            self.seen.push_str(&more);
        }
        (self.child.wait().unwrap().code().unwrap(), self.seen.replace("\r\n", "\n"))
    }
}

#[test]
fn whoever_waits_for_an_answer_sees_how_far_it_is() {
    let place = Place::new();
    let hub = place.serve();
    let ann = place.bot("ann");
    bot_in(&hub.url(), &ann, "lab", Habit::Receive);
    let arguments = ["send", "lab", "hello", "--id", "m1", "--wait", "answered", "--timeout", "5m"];
    let mut send = Terminal::start(place.command(&arguments), 80);
    send.until("m1: stored for #lab: delivered to 1 bot");
    send.until("ann: received");
    send.interrupt();
    let (code, seen) = send.end();
    assert_eq!(code, 130, "{seen}");
    assert!(seen.contains("`m1` is stored; only the waiting ended"), "{seen}");
    assert!(seen.contains("bot-hub trace m1"), "{seen}");
}

#[test]
fn colour_is_for_terminals_and_can_be_refused() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "hi"]);
    let check = |arguments: &[&str], no_colour: &str, expected: bool| {
        let mut command = place.command(arguments);
        command.env("NO_COLOR", no_colour);
        let (_, seen) = Terminal::start(command, 80).end();
        assert_eq!(seen.contains('\u{1b}'), expected, "{arguments:?} {seen:?}");
    };
    for arguments in
        [&["history", "lab"][..], &["room", "list"], &["doctor"], &["send", "nowhere", "hi"]]
    {
        check(arguments, "", true);
        check(arguments, "1", false);
        let told = place.run(arguments);
        assert!(!told.out.contains('\u{1b}') && !told.err.contains('\u{1b}'), "{told:?}");
    }
}

#[test]
fn a_narrow_screen_shows_names_before_anything_else() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("marlbot-of-the-north");
    place.data(&["room", "create", "lab"]);
    for columns in [40, 80] {
        let mut top = Terminal::start(place.command(&["top"]), columns);
        top.until("marlbot-of-the-north");
        top.until("offline");
        top.until("#lab");
        top.until("0 of 1 bot");
        top.press("q");
        let (code, seen) = top.end();
        assert_eq!(code, 0, "{seen}");
        assert!(!seen.contains("away") && !seen.contains("operator"), "{columns} {seen:?}");
    }
}

#[test]
fn what_cannot_be_taken_back_is_asked_for() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    let mut remove = Terminal::start(place.command(&["bot", "remove", "ann"]), 80);
    remove.until("[y/N]");
    remove.press("n\n");
    assert_eq!(remove.end().0, 5);
    assert_eq!(place.run(&["bot", "show", "ann"]).code, 0, "it is still there");
    let mut remove = Terminal::start(place.command(&["bot", "remove", "ann"]), 80);
    remove.until("[y/N]");
    remove.press("y\n");
    assert_eq!(remove.end().0, 0);
    assert_eq!(place.run(&["bot", "show", "ann"]).code, 3);
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "hi"]);
    let mut remove = Terminal::start(place.command(&["room", "remove", "lab"]), 80);
    remove.until("1 message and 0 members, for good?");
    remove.press("n\n");
    assert_eq!(remove.end().0, 5);
    assert_eq!(place.run(&["room", "show", "lab"]).code, 0, "it is still there");
    let ben = place.bot("ben");
    drop(ben);
    let (code, seen) = Terminal::start(place.command(&["bot", "remove", "ben", "--yes"]), 80).end();
    assert_eq!((code, seen.contains("[y/N]")), (0, false), "{seen}");
}

#[test]
fn everything_is_stopped_only_after_a_question() {
    let place = Place::new();
    let _hub = place.serve();
    let mut stop = Terminal::start(place.command(&["stop-all"]), 80);
    stop.until("[y/N]");
    stop.press("n\n");
    assert_eq!(stop.end().0, 5);
    assert_eq!(place.data(&["pauses"]), "");
    let (code, seen) = Terminal::start(place.command(&["stop-all", "--yes"]), 80).end();
    assert_eq!((code, seen.contains("[y/N]")), (0, false), "{seen}");
    let mut skip = Terminal::start(place.command(&["resume", "--all", "--skip"]), 80);
    skip.until("[y/N]");
    skip.press("y\n");
    assert_eq!(skip.end().0, 0);
}

#[test]
fn people_read_local_time_and_programs_utc() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "hi", "--id", "m1"]);
    for arguments in [&["history", "lab"][..], &["trace", "m1"]] {
        let mut command = place.command(arguments);
        command.env("TZ", "XYZ-05:30");
        let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(told.contains("+05:30 "), "{told}");
        let told = String::from_utf8(place.command(arguments).output().unwrap().stdout).unwrap();
        assert!(told.contains("Z "), "{told}");
    }
}

#[test]
fn a_change_of_rights_that_drops_what_waits_is_asked_about() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    place.data(&["room", "create", "lab"]);
    let start = |more: &[&str]| {
        let arguments = [&["room", "add", "lab", "ann"], more].concat();
        Terminal::start(place.command(&arguments), 80)
    };
    let is_quiet = |more: &[&str]| {
        let (code, seen) = start(more).end();
        assert_eq!((code, seen.contains("[y/N]")), (0, false), "{more:?}: {seen}");
    };
    is_quiet(&[]);
    is_quiet(&["--can", "read,post"]);
    place.data(&["send", "lab", "hello"]);
    let mut add = start(&["--can", "post"]);
    add.until("[y/N]");
    add.press("n\n");
    assert_eq!(add.end().0, 5);
    assert_eq!(place.json(&["pending"])["pending"][0]["waiting"], 1, "nothing was dropped");
    is_quiet(&["--can", "post", "--yes"]);
    assert_eq!(place.json(&["pending"])["pending"][0]["waiting"], serde_json::Value::Null);
    is_quiet(&["--can", "read"]);
}
