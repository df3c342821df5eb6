//! What the world around the process does to a hub: full disks, closed terminals, files that are no
//! files, disks that nobody can write to.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixture::Place;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(dir: &Path) -> Vec<String> {
    let name =
        |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort_unstable();
    names
}

/// A data directory with a message in it, and no hub.
fn stored(place: &Place) -> PathBuf {
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "keep me"]);
    assert!(hub.stop().success());
    place.path(".local/share/bot-hub")
}

/// Mounts something, or says why the test is skipped.
fn mounted(arguments: &[&str], at: &Path) -> Option<Mount> {
    let told = Command::new("mount").args(arguments).arg(at).output();
    match told {
        Ok(told) if told.status.success() => Some(Mount(at.to_path_buf())),
        _ => {
            println!("SKIPPED (nothing can be mounted)");
            None
        }
    }
}

struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn copies_and_restored_stores_can_be_read_by_their_owner_only() {
    let place = Place::new();
    stored(&place);
    place.data(&["backup", "copy.db"]);
    assert_eq!(mode(&place.path("copy.db")), 0o600);
    place.data(&["restore", "copy.db", "--data", "other"]);
    assert_eq!(mode(&place.path("other/hub.db")), 0o600);
    let doctor = place.run(&["doctor", "--deep", "--offline", "--data", "other"]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    let block = "```\n[REQUEST → @bob]\nFrom: ann\nRequestId: a-1\nTask: look\n```\n";
    let tracked = place.run_reading(block, &["proto", "track", "--state", "state.json"]);
    assert_eq!((tracked.code, mode(&place.path("state.json"))), (0, 0o600), "{tracked:?}");
}

#[test]
fn what_a_restore_puts_aside_is_never_overwritten() {
    let place = Place::new();
    let dir = stored(&place);
    place.data(&["backup", "copy.db"]);
    let first = fs::read(dir.join("hub.db")).unwrap();
    for _ in 0..3 {
        place.data(&["restore", "copy.db", "--replace"]);
    }
    assert_eq!(fs::read(dir.join("hub.db.replaced")).unwrap(), first);
    assert!(dir.join("hub.db.replaced-2").exists() && dir.join("hub.db.replaced-3").exists());
    assert!(!names(&dir).iter().any(|name| name.contains("switching") || name.contains("partial")));
}

#[test]
fn a_start_beside_what_an_interrupted_restore_left_refuses_and_says_what_to_do() {
    let check = |leave: fn(&Path)| {
        let place = Place::new();
        let dir = stored(&place);
        place.data(&["backup", "copy.db"]);
        leave(&dir);
        let refused = place.told(place.for_people(&["serve", "--listen", "127.0.0.1:0"]));
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains("was interrupted"), "{refused:?}");
        assert!(refused.err.contains("hint: restore again"), "{refused:?}");
        place.data(&["restore", "copy.db", "--replace"]);
        let _hub = place.serve();
        assert_eq!(place.json(&["history", "lab"])["entries"][0]["text"], "keep me");
    };
    check(|dir| fs::rename(dir.join("hub.db"), dir.join("hub.db.replaced")).unwrap());
    check(|dir| {
        fs::write(dir.join("hub.db.switching"), "").unwrap();
        fs::rename(dir.join("hub.db"), dir.join("hub.db.replaced")).unwrap();
    });
    check(|dir| fs::write(dir.join("hub.db.switching"), "").unwrap());
}

#[test]
fn a_backup_that_does_not_fit_takes_no_space_and_a_start_removes_halves() {
    let place = Place::new();
    let dir = stored(&place);
    let small = place.path("small");
    fs::create_dir(&small).unwrap();
    let Some(_mount) = mounted(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &small) else { return };
    for target in ["small", "small/copy.db"] {
        let refused = place.run(&["backup", target]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains("hint: free some space there"), "{refused:?}");
        assert_eq!(names(&small), [""; 0]);
    }
    fs::write(dir.join("hub.db.partial"), "half").unwrap();
    fs::write(dir.join("hub.db.backup-999999999"), "half").unwrap();
    let _hub = place.serve();
    assert!(!names(&dir).iter().any(|name| name.contains("partial") || name.contains("backup")));
}

#[test]
fn a_token_that_cannot_be_written_ends_none() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    let small = place.path("small");
    fs::create_dir(&small).unwrap();
    let Some(_mount) = mounted(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &small) else { return };
    drop(fs::write(small.join("filler"), [0; 65_536]));
    let mut rotate = place.command(&["bot", "rotate-token", "ann"]);
    rotate.stdout(fs::File::create(small.join("ann.token")).unwrap());
    let told = rotate.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(told.stderr).unwrap();
    assert!(!told.status.success() && said.contains("nothing was changed"), "{said}");
    assert_eq!(place.run_as(&token, &["ping", "--url", &hub.url()]).code, 0);
}

#[test]
fn a_configuration_that_becomes_a_fifo_is_refused_and_the_hub_serves_on() {
    let place = Place::new();
    let config = place.path("config.json5");
    fs::write(&config, "{}").unwrap();
    let mut hub = place.serve_with(&["--listen", "127.0.0.1:0", "--config", "config.json5"]);
    fs::remove_file(&config).unwrap();
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    hub.signal("HUP");
    let told = place.run(&["config", "check", "--config", "config.json5"]);
    assert!(told.code != 0 && told.err.contains("no regular file"), "{told:?}");
    for _ in 0..20 {
        let mut ping = place.command(&["ping", "--url", &hub.url()]);
        let token = fs::read_to_string(place.path(".local/share/bot-hub/operator.token")).unwrap();
        ping.env("BOT_HUB_TOKEN", token.trim());
        assert!(ping.output().unwrap().status.success());
    }
    hub.signal("TERM");
    assert!(hub.end_within_a_minute().success());
}

#[test]
fn a_store_that_nobody_can_write_to_is_verified_exported_and_backed_up() {
    let place = Place::new();
    let dir = stored(&place);
    let Some(_mount) = mounted(&["--bind", dir.to_str().unwrap()], &dir) else { return };
    let remounted = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&dir).status();
    assert!(remounted.unwrap().success());
    let check = |arguments: &[&str], says: &str| {
        let told = place.run(arguments);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.out.contains(says), "{told:?}");
    };
    check(&["verify"], "1 intact message");
    check(&["export"], "keep me");
    check(&["history", "lab"], "keep me");
    check(&["backup", "copy.db"], "1 message in 1 room");
    let doctor = place.run(&["doctor", "--offline"]);
    assert!(doctor.out.contains("nothing can be written"), "{doctor:?}");
    assert!(!doctor.out.contains("restore"), "{doctor:?}");
}

#[test]
fn stop_ends_the_hub_of_the_data_directory_and_waits_for_it() {
    let place = Place::new();
    let mut hub = place.serve();
    let told = place.run(&["stop"]);
    assert_eq!(told.code, 0, "{told:?}");
    insta::assert_snapshot!(told.out, @"the hub of ~/.local/share/bot-hub (pid PID, ws://ADDRESS) has stopped");
    assert!(hub.end_within_a_minute().success());
    let nobody = place.run(&["stop"]);
    assert_eq!(nobody.code, 7);
    insta::assert_snapshot!(nobody.err, @r"
    error: no hub runs on `~/.local/share/bot-hub`
    hint: start it with `bot-hub serve`, name its data directory with --data, or a hub elsewhere with --url
    ");
}

/// Starts the hub in a terminal, closes that, and says how the hub ended.
const CLOSE_TERMINAL: &str = "
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b''
while b'listening ws://' not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

#[test]
fn a_hub_in_a_terminal_ends_when_that_is_closed() {
    let place = Place::new();
    let hub = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut python = Command::new("timeout");
    python
        .args(["60", "python3", "-c", CLOSE_TERMINAL])
        .arg(hub.get_program())
        .args(hub.get_args());
    python.env("HOME", place.path("")).current_dir(place.path(""));
    let Ok(told) = python.output() else { return println!("SKIPPED (no `python3`)") };
    assert_eq!(told.status.code(), Some(0), "{told:?}");
}

/// What a backup onto a file in the place answers: nothing of what was there has changed.
fn check_refused(place: &Place, target: &str, says: &str) {
    let file = place.path(target);
    let before = fs::symlink_metadata(&file).ok();
    let inode = |it: &fs::Metadata| (it.ino(), it.len(), it.file_type());
    let refused = place.run(&["backup", target]);
    assert_eq!(refused.code, 2, "{target}: {refused:?}");
    assert!(refused.err.contains(says) && refused.err.contains("hint: "), "{target}: {refused:?}");
    let after = fs::symlink_metadata(&file).ok();
    assert_eq!(after.as_ref().map(inode), before.as_ref().map(inode), "{target}");
}

#[test]
fn a_backup_never_takes_the_place_of_a_file_that_a_hub_needs() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "keep me"]);
    let data = place.path(".local/share/bot-hub");
    fs::hard_link(data.join("hub.db"), place.path("linked.db")).unwrap();
    fs::hard_link(data.join("hub.lock"), place.path("linked.lock")).unwrap();
    std::os::unix::fs::symlink(data.join("hub.db"), place.path("pointing.db")).unwrap();
    std::os::unix::fs::symlink(&data, place.path("way")).unwrap();
    fs::write(place.path("config.json5"), "{}").unwrap();
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/hub.lock"), "").unwrap();
    let own = ["hub.db", "hub.db-wal", "hub.db-shm", "hub.lock", "hub.json", "operator.token"];
    let not_there = ["hub.db.switching", "hub.db.replaced", "hub.db.schema-1", "hub.db.partial"];
    for name in own.iter().chain(&not_there) {
        check_refused(&place, &format!(".local/share/bot-hub/{name}"), "is a file of a hub");
    }
    for target in ["linked.db", "linked.lock", "pointing.db", "way/hub.db", "other/hub.db"] {
        check_refused(&place, target, "is a file of a hub");
    }
    check_refused(&place, "config.json5", "is no backup");
    place.data(&["send", "lab", "and me"]);
    assert_eq!(
        place.run(&["verify"]).out,
        "2 intact messages in 1 room and 1 intact record (1 audit), nothing is damaged\n"
    );
    for name in ["copy.db", "plugin.tgz"] {
        check_refused(
            &place,
            &format!(".local/share/bot-hub/{name}"),
            "in the data directory of a hub",
        );
    }
    check_refused(&place, ".local/share/bot-hub", "in the data directory of a hub");
    for name in ["copy.db", "copy.db"] {
        place.data(&["backup", name]);
    }
}

#[test]
fn a_backup_never_takes_the_place_of_a_device_or_a_pipe() {
    let place = Place::new();
    stored(&place);
    assert!(Command::new("mkfifo").arg(place.path("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    std::os::unix::fs::symlink(place.path("fifo"), place.path("way")).unwrap();
    std::os::unix::fs::symlink(place.path("nothing"), place.path("lost")).unwrap();
    for target in ["fifo", "socket", "way", "lost"] {
        check_refused(&place, target, "is no regular file");
    }
    let node = place.path("full");
    let made = Command::new("mknod").arg(&node).args(["c", "1", "7"]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return println!("SKIPPED (no device can be made)");
    }
    check_refused(&place, "full", "is no regular file");
    assert!(fs::metadata(&node).unwrap().file_type().is_char_device());
}

#[test]
fn backups_to_one_name_at_once_leave_one_that_is_whole() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    for _ in 0..8 {
        place.data(&["send", "lab", &"long ".repeat(8_000)]);
    }
    assert!(hub.stop().success());
    let backups = place.path("backups");
    fs::create_dir(&backups).unwrap();
    // Somebody else is at it, and neither takes the other's half.
    fs::write(backups.join("same.db.partial"), "half").unwrap();
    for _ in 0..6 {
        let run = |_| {
            let mut command = place.command(&["backup", "backups/same.db"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let runs: Vec<_> = (0..4).map(run).collect();
        for run in runs {
            let told = run.wait_with_output().unwrap();
            assert!(told.status.success(), "{told:?}");
        }
        fs::create_dir_all(place.path("other")).unwrap();
        fs::copy(backups.join("same.db"), place.path("other/hub.db")).unwrap();
        let verified = place.run(&["verify", "--data", "other"]);
        assert_eq!(
            verified.out,
            "8 intact messages in 1 room and 1 intact record (1 audit), nothing is damaged\n",
            "{verified:?}"
        );
    }
    assert_eq!(names(&backups), ["same.db", "same.db.partial"]);
}

#[test]
fn halves_that_nobody_makes_any_more_go_with_the_next_backup() {
    let place = Place::new();
    stored(&place);
    let old = [
        "copy.db.partial",
        "copy.db.0123456789abcdef.partial",
        "copy.db.0123456789abcdef.partial-wal",
    ];
    let kept = ["mine.db.partial", "copy.db.mine.partial"];
    for name in old.iter().chain(&kept) {
        fs::write(place.path(name), "half").unwrap();
        let touched =
            Command::new("touch").args(["-d", "2 hours ago"]).arg(place.path(name)).status();
        assert!(touched.unwrap().success());
    }
    place.data(&["backup", "copy.db"]);
    assert!(old.iter().all(|name| !place.path(name).exists()));
    assert!(kept.iter().all(|name| place.path(name).exists()));
}
