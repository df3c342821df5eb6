//! The program: what it says at the start, and how its commands reach a hub over TLS.

use std::process::{Command, Output};

#[allow(dead_code, reason = "shared with the tests of the server")]
#[path = "../../../bot-hub-server/tests/tls/authority.rs"]
mod authority;
#[allow(dead_code, reason = "shared with the tests of the server")]
#[path = "../../../bot-hub-server/tests/tls/stage.rs"]
mod stage;

use self::stage::Stage;

fn run(dir: &std::path::Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bot-hub"));
    command.args(arguments).env_clear().env("HOME", dir).current_dir(dir);
    // As on a terminal.
    command.env("BOT_HUB_LOG__FORMAT", "text");
    let Output { status, stdout, stderr } =
        command.env("BOT_HUB_TOKEN", Stage::token("ana")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn a_file_that_cannot_be_used_ends_the_start_and_fails_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let text = "{ tls: {\n  certFile: 'cert.pem', keyFile: 'key.pem' } }";
    std::fs::write(dir.path().join("config.json5"), text).unwrap();
    let expected = "config.json5:2:13 tls.certFile: `cert.pem` cannot be read: no such file or directory\n  \
                    hint: check the path\n";
    let serve = ["serve", "--config", "config.json5", "--listen", "127.0.0.1:0"];
    for arguments in [&serve[..], &["config", "check", "config.json5"]] {
        let (code, out, err) = run(dir.path(), arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.starts_with(expected), "{arguments:?}: {err}");
    }
    assert!(!dir.path().join(".local").exists(), "no store was made");
}

#[test]
fn commands_reach_a_hub_with_a_private_authority_and_say_what_is_missing() {
    let stage = Stage::start("");
    let url = format!("wss://{}", stage.address);
    let (code, out, err) = run(stage.dir(), &["ping", "--url", &url, "--ca-file", "ca.pem"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("ms"), "{out}");
    let (code, _, err) = run(stage.dir(), &["ping", "--url", &url]);
    assert_eq!(code, 7, "{err}");
    assert!(
        err.contains("an authority that is not known here\nhint: a private authority"),
        "{err}"
    );
    let (code, _, err) = run(stage.dir(), &["ping", "--url", &url, "--ca-file", "nothing.pem"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("the file of authorities `nothing.pem` cannot be used"), "{err}");
}

#[test]
fn a_friend_joins_over_tls_and_talks_from_its_context() {
    let stage = Stage::start("operators: ['ana']");
    let url = format!("wss://{}", stage.address);
    let invite =
        ["invite", "fern", "--room", "lab", "--json", "--url", &url, "--ca-file", "ca.pem"];
    let (code, out, err) = run(stage.dir(), &invite);
    assert_eq!(code, 0, "{out}{err}");
    let made: serde_json::Value = serde_json::from_str(&out).unwrap();
    let link = made["url"].as_str().unwrap();
    assert!(link.starts_with("https://127.0.0.1:"), "{link}");

    let friend = tempfile::tempdir().unwrap();
    let ca = stage.dir().join("ca.pem").display().to_string();
    let own = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bot-hub"));
        command.args(arguments).env_clear().env("HOME", friend.path());
        let output = command.current_dir(friend.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, _, err) = own(&["join", link]);
    assert_eq!(code, 7, "{err}");
    assert!(err.contains("an authority that is not known here"), "{err}");
    let (code, out, err) = own(&["join", link, "--ca-file", &ca]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("You are fern on https://127.0.0.1:"), "{out}");
    // The context remembers whom to believe.
    let (code, _, err) = own(&["send", "#lab", "hello"]);
    assert_eq!(code, 0, "{err}");
}
