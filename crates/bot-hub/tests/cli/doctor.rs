//! `doctor`: what it finds, what it mends, and what it leaves alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::fixture::{Habit, Place, bot_in};

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// What stands behind the level, for lines of that level.
fn lines<'a>(text: &'a str, level: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(level)).map(str::trim).collect()
}

#[test]
fn a_hub_that_is_well_has_nothing_to_mend() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    bot_in(&hub.url(), &token, "lab", Habit::Receive);
    let told = place.run(&["doctor", "--deep"]);
    assert_eq!((told.code, &*told.err), (0, "\n0 problems, 0 warnings\n"), "{}", told.out);
    assert!(told.out.lines().all(|line| line.starts_with("ok ")), "{}", told.out);
    let json = place.json(&["doctor"]);
    assert_eq!(
        (&json["ok"], &json["problems"], &json["fixed"]),
        (&true.into(), &0.into(), &serde_json::json!([]))
    );
    assert_eq!(json["findings"][0]["level"], "ok");
}

#[test]
fn what_a_killed_hub_left_is_found_and_removed() {
    let place = Place::new();
    let mut hub = place.serve();
    hub.child.kill().unwrap();
    hub.child.wait().unwrap();
    let data = place.path(".local/share/bot-hub");
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, 0, "{}", told.out);
    assert_eq!(
        lines(&told.out, "warning"),
        ["data      hub.json and operator.token of a hub that was killed: no hub runs here"]
    );
    assert!(data.join("hub.json").exists(), "nothing is changed without --fix");
    let told = place.run(&["doctor", "--fix"]);
    assert_eq!((told.code, lines(&told.out, "warning").len()), (0, 0), "{}", told.out);
    assert!(told.out.contains("fixed: hub.json and operator.token removed"), "{}", told.out);
    assert!(!data.join("hub.json").exists() && !data.join("operator.token").exists());
    assert!(data.join("hub.db").exists());
}

#[test]
fn what_a_running_hub_needs_is_never_removed() {
    let place = Place::new();
    let _hub = place.serve();
    assert_eq!(place.run(&["doctor", "--fix"]).code, 0);
    place.data(&["ping"]);
}

#[test]
fn secrets_that_others_can_read_are_a_problem_until_they_are_mended() {
    let place = Place::new();
    let config = place.path("config.json5");
    let text = "{ tokens: { \"a-token-of-ann-0123456789\": { botId: \"ann\" } } }";
    std::fs::write(&config, text).unwrap();
    chmod(&config, 0o644);
    // In a directory that nobody else enters, the mode of a file would be worth a note only.
    chmod(&place.path("."), 0o755);
    let arguments = ["--listen", "127.0.0.1:0", "--config", "config.json5"];
    let _hub = place.serve_with(&arguments);
    let data = place.path(".local/share/bot-hub");
    chmod(&data, 0o755);
    chmod(&data.join("hub.db"), 0o664);
    let told = place.run(&["doctor", "--config", "config.json5"]);
    assert_eq!(told.code, 1);
    assert_eq!(
        lines(&told.out, "problem"),
        [
            "secrets   `config.json5` can be read by others on this machine (mode 644)",
            "secrets   `~/.local/share/bot-hub` can be read by others on this machine (mode 755)",
            "secrets   `~/.local/share/bot-hub/hub.db` can be read by others on this machine (mode 664)",
        ]
    );
    assert!(told.out.contains("fix: chmod 600 config.json5"), "{}", told.out);
    let told = place.run(&["doctor", "--fix", "--config", "config.json5"]);
    assert_eq!(told.code, 0, "{}", told.out);
    assert_eq!((mode(&config), mode(&data), mode(&data.join("hub.db"))), (0o600, 0o700, 0o600));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), text);
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_its_line() {
    let place = Place::new();
    std::fs::write(place.path("config.json5"), "{\n  limitss: 1,\n}").unwrap();
    let told = place.run(&["doctor", "--config", "config.json5", "--data", "data"]);
    assert_eq!(told.code, 1);
    let found = lines(&told.out, "problem");
    assert!(found[0].starts_with("config    config.json5:2:3 limitss: unknown key"), "{found:?}");
    assert!(told.out.contains("next: write `limits`"), "{}", told.out);
}

#[test]
fn what_waits_and_who_is_missing_is_told_with_the_hub_running_and_stopped() {
    let place = Place::new();
    let hub = place.serve();
    place.bot("bob");
    for room in ["lab", "empty"] {
        place.data(&["room", "create", room]);
    }
    place.data(&["room", "add", "lab", "bob"]);
    place.data(&["send", "lab", "hello"]);
    place.data(&["send", "empty", "is anybody here?"]);
    let check = || {
        let told = place.run(&["doctor", "--waiting", "1ms"]);
        assert_eq!(told.code, 0, "{}", told.out);
        let notes = lines(&told.out, "note").join("\n");
        assert!(notes.contains("1 message for bob in #lab since PERIOD: offline"), "{notes}");
        assert!(notes.contains("nobody is a member of #empty"), "{notes}");
    };
    check();
    assert!(hub.stop().success());
    check();
}

#[test]
fn damage_is_found_when_it_is_looked_for() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "a text that is easy to find"]);
    assert!(hub.stop().success());
    place.data(&["backup", "copy.db"]);
    let mut bytes = std::fs::read(place.path("copy.db")).unwrap();
    let needle = b"easy to find";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at] ^= 1;
    std::fs::create_dir(place.path("damaged")).unwrap();
    std::fs::write(place.path("damaged/hub.db"), bytes).unwrap();
    place.run(&["doctor", "--fix", "--data", "damaged"]);
    let told = place.run(&["doctor", "--deep", "--data", "damaged"]);
    assert_eq!(told.code, 1);
    assert_eq!(lines(&told.out, "problem"), ["store     room `lab` entry 1: the entry is damaged"]);
}

#[test]
fn the_public_address_is_followed_to_the_hub() {
    let place = Place::new();
    let mut hub = place.serve();
    let check = |url: &str, code: i32, expected: &str| {
        let text = format!("{{ publicUrl: \"{url}\" }}");
        std::fs::write(place.path("config.json5"), text).unwrap();
        chmod(&place.path("config.json5"), 0o600);
        let told = place.run(&["doctor", "--config", "config.json5"]);
        assert!(told.out.contains(expected), "{url}: {}", told.out);
        assert_eq!(told.code, code, "{url}: {}", told.out);
    };
    let url = hub.url().replace("ws://", "http://");
    check(&url, 0, "leads to the hub, WebSockets included");
    check("http://nowhere.invalid", 1, "the name `nowhere.invalid` is not found");
    check("http://nowhere.invalid", 1, "is not encrypted");

    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", elsewhere.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = elsewhere.accept() {
            use std::io::{Read as _, Write as _};
            let mut request = [0; 2_048];
            drop(stream.read(&mut request));
            let answer =
                "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnope";
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    check(&url, 1, "is not this hub's page (status 404 Not Found)");
    hub.child.kill().unwrap();
    hub.child.wait().unwrap();
    let dead = hub.url().replace("ws://", "http://");
    check(&dead, 1, "no connection to");
    let told = place.run(&["doctor", "--config", "config.json5", "--offline"]);
    assert_eq!(told.code, 0, "{}", told.out);
}

#[test]
fn a_hub_elsewhere_is_examined_without_looking_at_what_lies_here() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.data(&["bot", "add", "me", "--operator"]);
    let other = Place::new();
    let told = other.run_as(&token, &["doctor", "--url", &hub.url()]);
    assert_eq!(told.code, 0, "{}", told.out);
    assert!(told.out.contains("leads to the hub, WebSockets included"), "{}", told.out);
    assert!(!told.out.contains("config") && !told.out.contains("data "), "{}", told.out);
    let told = other.run_as("bh_bot_nobody", &["doctor", "--url", &hub.url()]);
    assert_eq!(told.code, 1, "{}", told.out);
}

#[test]
fn a_bot_that_is_closed_again_and_again_is_named_with_the_reason() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    for _ in 0..24 {
        hang_up_at_once(&hub.url(), &token);
    }
    let told = place.run(&["doctor"]);
    let found = lines(&told.out, "warning");
    let named = found.iter().find(|line| line.starts_with("bots"));
    let named = named.unwrap_or_else(|| panic!("{}", told.out));
    assert!(named.contains("ann connected and was closed"), "{named}");
    assert!(named.ends_with("mostly: it hung up itself"), "{named}");
    assert_eq!(place.json(&["bot", "show", "ann"])["ended_lately"]["why"], "it hung up itself");
}

fn hang_up_at_once(url: &str, token: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = bot_hub_client::Options::new(url, token);
        let (client, events) = bot_hub_client::Client::connect(options).await.unwrap();
        drop(events);
        client.close().await;
    });
}

#[test]
fn the_configuration_of_the_hub_that_runs_is_examined() {
    let place = Place::new();
    std::fs::write(place.path("own.json5"), "{ tokens: { short: { botId: 'ann' } } }").unwrap();
    let _hub =
        place.serve_with(&["--listen", "127.0.0.1:0", "--data", "data", "--config", "own.json5"]);
    for named in [&[][..], &["--config", "own.json5"]] {
        let told = place.run(&[&["doctor", "--data", "data"], named].concat());
        assert!(told.out.contains("own.json5"), "{named:?}: {}", told.out);
        assert!(told.out.contains("warning  config"), "{named:?}: {}", told.out);
    }
}
