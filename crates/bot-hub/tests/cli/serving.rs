//! `serve`: starts, second starts, and ends.

use std::time::{Duration, Instant};

use crate::fixture::{Habit, Place, bot_in};

#[test]
fn a_second_start_says_what_it_opened() {
    let place = Place::new();
    let hub = place.serve();
    place.bot("marlbot");
    place.bot("pelouse");
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "hello"]);
    assert!(hub.stop().success());
    let _hub = place.serve_for_people();
    let log = place.redacted_log();
    let line = log.lines().find(|line| line.contains("data")).unwrap();
    insta::assert_snapshot!(line.trim(), @"data       ~/.local/share/bot-hub  opened (2 bots, 1 room, 1 message)");
    assert!(!log.contains("bot add"), "there are bots already: {log}");
}

#[test]
fn a_taken_port_names_who_holds_it() {
    let place = Place::new();
    let hub = place.serve();
    let address = hub.url().replace("ws://", "");
    let other = Place::new();
    let refused = other.told(other.for_people(&["serve", "--listen", &address]));
    assert_eq!((refused.code, &*refused.out), (1, ""));
    insta::assert_snapshot!(refused.err, @r"
    error: cannot listen on ADDRESS: Address already in use (os error 98)
    it is held by pid PID (bot-hub)
    hint: bot-hub stop, or choose another port: --listen ADDRESS
    ");
    let refused = other.command(&["serve", "--listen", &address]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains(&format!("pid {} (bot-hub)", hub.child.id())), "{told}");
}

#[test]
fn a_second_hub_on_the_same_data_names_the_first() {
    let place = Place::new();
    let _hub = place.serve();
    let refused = place.told(place.for_people(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!((refused.code, &*refused.out), (1, ""));
    insta::assert_snapshot!(refused.err, @r"
    error: a hub runs on `~/.local/share/bot-hub` already: pid PID at ws://ADDRESS
    hint: talk to it (bot-hub status), stop it (bot-hub stop), or give this one its own --data DIR
    ");
}

#[test]
fn sigterm_ends_a_hub_within_five_seconds_with_clients_connected() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("marlbot");
    bot_in(&hub.url(), &token, "lab", Habit::Receive);
    let started = Instant::now();
    assert!(hub.stop().success());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let gone = place.run(&["ping"]);
    assert_eq!((gone.code, &*gone.out), (7, ""));
    insta::assert_snapshot!(gone.err, @r"
    error: no hub runs on `~/.local/share/bot-hub`
    hint: start it with `bot-hub serve`, name its data directory with --data, or a hub elsewhere with --url
    ");
}

#[test]
fn a_hub_whose_stdout_nobody_reads_serves_all_the_same() {
    let place = Place::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut hub = command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut log = std::io::BufReader::new(hub.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("the hub is ready") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut log, &mut line).unwrap(), 0, "it ended");
    }
    let kill = std::process::Command::new("kill").arg(hub.id().to_string()).status().unwrap();
    assert!(kill.success() && hub.wait().unwrap().success());
}
