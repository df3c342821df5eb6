//! `service`, and what a service manager hears from a hub.
//!
//! Where systemd is asked, a stand-in answers that writes down what it was asked.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fixture::Place;

const WITHIN: Duration = Duration::from_secs(20);

/// A directory for `PATH` whose `systemctl` does as `script` says.
fn with_systemctl(place: &Place, script: &str) -> (PathBuf, PathBuf) {
    let (folder, asked) = (place.path("bin"), place.path("asked"));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("systemctl");
    let text = format!("#!/bin/sh\necho \"$*\" >> {}\n{script}\n", asked.display());
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, asked)
}

fn run(place: &Place, path: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = place.command(arguments);
    let all = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    let output = command.env("PATH", all).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_service_of_the_user_is_installed_started_shown_and_removed() {
    let place = Place::new();
    let script = "case \"$*\" in *' show bot-hub'*) \
        printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n\
        MainPID=7\\nNRestarts=0\\nStatusText=listening on 127.0.0.1:18795\\n';; esac";
    let (path, asked) = with_systemctl(&place, script);
    let unit = place.path(".config/systemd/user/bot-hub.service");

    let (code, _, told) =
        run(&place, &path, &["service", "install", "--user", "--data", "my data"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("enable-linger") && told.contains("bot add"), "{told}");
    let written = std::fs::read_to_string(&unit).unwrap();
    let data = place.path("my data");
    let program = env!("CARGO_BIN_EXE_bot-hub");
    let expected = format!("ExecStart={program} --data \"{}\" serve\n", data.display());
    assert!(written.contains(&expected), "{written}");

    let (_, shown, _) = run(&place, &path, &["service", "status", "--user"]);
    assert!(shown.starts_with("bot-hub.service is active (running), enabled\n"), "{shown}");
    assert!(shown.contains("says       listening on 127.0.0.1:18795"), "{shown}");

    let (code, ..) = run(&place, &path, &["service", "uninstall", "--user"]);
    assert_eq!((code, unit.exists()), (0, false));
    let calls = std::fs::read_to_string(asked).unwrap();
    let calls: Vec<_> = calls
        .lines()
        .map(|call| call.trim_start_matches("--user --no-pager --no-ask-password "))
        .map(|call| call.split(" --property").next().unwrap())
        .collect();
    assert_eq!(
        calls,
        [
            "show-environment",
            "daemon-reload",
            "enable bot-hub.service",
            "restart bot-hub.service",
            "show-environment",
            "show bot-hub.service",
            "show-environment",
            "disable --now bot-hub.service",
            "daemon-reload",
        ]
    );
    let (code, _, told) = run(&place, &path, &["service", "uninstall", "--user"]);
    assert_eq!(code, 3, "{told}");
}

#[test]
fn without_systemd_nothing_is_written() {
    let place = Place::new();
    let script = "echo 'System has not been booted with systemd' >&2; exit 1";
    let (path, _) = with_systemctl(&place, script);
    let (code, out, told) = run(&place, &path, &["service", "install", "--user"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(told.contains("has not been booted with systemd\nhint: "), "{told}");
    assert!(!place.path(".config/systemd").exists());
}

#[test]
fn a_start_that_fails_says_where_to_look() {
    let place = Place::new();
    let script =
        "case \"$*\" in *restart*) echo 'Job for bot-hub.service failed.' >&2; exit 1;; esac";
    let (path, _) = with_systemctl(&place, script);
    let (code, _, told) = run(&place, &path, &["service", "install", "--user"]);
    assert_eq!(code, 1);
    assert!(told.contains("Job for bot-hub.service failed."), "{told}");
    assert!(told.contains("hint: journalctl --user -u bot-hub"), "{told}");
}

#[test]
fn a_dry_run_shows_the_unit_and_every_command_and_changes_nothing() {
    let place = Place::new();
    let (path, asked) = with_systemctl(&place, "exit 1");
    let (code, out, _) = run(&place, &path, &["service", "install", "--dry-run"]);
    assert_eq!(code, 0);
    let program = env!("CARGO_BIN_EXE_bot-hub");
    assert!(
        out.starts_with("write /etc/systemd/system/bot-hub.service\n\n# Bot Hub as a service"),
        "{out}"
    );
    assert!(out.contains(&format!("\nExecStartPre={program} config check\n")), "{out}");
    let end: Vec<_> = out.lines().rev().take(4).collect();
    assert_eq!(
        end,
        [
            "/etc/systemd/system/bot-hub.service: nothing was changed",
            "systemctl restart bot-hub.service",
            "systemctl enable bot-hub.service",
            "systemctl daemon-reload",
        ]
    );
    assert!(!asked.exists(), "systemd was asked");
    let (_, out, _) = run(&place, &path, &["service", "uninstall", "--dry-run", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(plan["steps"][1]["step"], "remove /etc/systemd/system/bot-hub.service");
    let (code, _, told) = run(&place, &path, &["service", "install", "--data", "elsewhere"]);
    assert_eq!(code, 2, "{told}");
}

#[test]
fn wrong_usage_is_wrong_wherever_the_program_lies() {
    let place = Place::new();
    let (path, _) = with_systemctl(&place, "exit 1");
    // The sandbox of the service hides this directory, like every one below /tmp and the homes.
    let program = place.path("bot-hub");
    if std::fs::hard_link(env!("CARGO_BIN_EXE_bot-hub"), &program).is_err() {
        std::fs::copy(env!("CARGO_BIN_EXE_bot-hub"), &program).unwrap();
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).env_clear().env("HOME", place.path("")).env("PATH", &path);
        command.output().unwrap()
    };
    let refused = run(&["service", "install", "--data", "elsewhere"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let shown = run(&["service", "install", "--dry-run"]);
    assert!(shown.status.success(), "{shown:?}");
}

/// A hub with a service manager that listens.
struct Supervised {
    child: Child,
    ear: UnixDatagram,
    config: PathBuf,
    _place: Place,
}

impl Supervised {
    fn start() -> Self {
        let place = Place::new();
        let (name, config) = (place.path("notify"), place.path("config.json5"));
        std::fs::write(&config, "{}").unwrap();
        let ear = UnixDatagram::bind(&name).unwrap();
        ear.set_read_timeout(Some(WITHIN)).unwrap();
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(&config).env("NOTIFY_SOCKET", &name).env("WATCHDOG_USEC", "300000");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, ear, config, _place: place }
    }

    /// The next message that is no ping of the watchdog.
    fn hear(&self) -> String {
        loop {
            let message = self.message();
            if message != "WATCHDOG=1" {
                return message;
            }
        }
    }

    fn message(&self) -> String {
        let mut message = [0; 512];
        let bytes = self.ear.recv(&mut message).expect("the hub says something");
        String::from_utf8(message[..bytes].to_vec()).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_service_manager_hears_of_start_reloads_life_and_end() {
    let mut hub = Supervised::start();
    let ready = hub.hear();
    let mut line = String::new();
    BufReader::new(hub.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("listening ws://");
    assert_eq!(ready, format!("READY=1\nSTATUS=listening on {address}"));
    std::net::TcpStream::connect(address).expect("who is ready accepts connections");

    for _ in 0..5 {
        assert_eq!(hub.message(), "WATCHDOG=1");
    }

    std::fs::write(&hub.config, "{ operators: ['ada'] }").unwrap();
    hub.signal("-HUP");
    assert_eq!(hub.hear(), "RELOADING=1");
    let told = hub.hear();
    assert_eq!(told, "READY=1\nSTATUS=the configuration is in force as it was last read");
    std::fs::write(&hub.config, "{ operators: 7 }").unwrap();
    hub.signal("-HUP");
    while hub.hear() != "RELOADING=1" {}
    let told = hub.hear();
    assert!(
        told.starts_with("READY=1\nSTATUS=the configuration has mistakes, see the log"),
        "{told}"
    );

    hub.signal("-TERM");
    while !hub.hear().starts_with("STOPPING=1\n") {}
    assert!(hub.child.wait().unwrap().success());
}

#[test]
fn a_hub_that_stands_still_feeds_no_watchdog() {
    let hub = Supervised::start();
    assert!(hub.hear().starts_with("READY=1"));
    hub.signal("-STOP");
    let stat = format!("/proc/{}/stat", hub.child.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {}
    // What it said before it stood still is heard first.
    hub.ear.set_nonblocking(true).unwrap();
    while hub.ear.recv(&mut [0; 512]).is_ok() {}
    hub.ear.set_nonblocking(false).unwrap();
    hub.ear.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    assert!(hub.ear.recv(&mut [0; 512]).is_err(), "it still says that it lives");
    hub.signal("-CONT");
    hub.ear.set_read_timeout(Some(WITHIN)).unwrap();
    assert_eq!(hub.message(), "WATCHDOG=1");
}
