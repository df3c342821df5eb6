//! What the program says about itself.
//!
//! `UPDATE=1 cargo test -p bot-hub --test cli` writes `docs/cli.md` anew.

use std::path::PathBuf;

use crate::fixture::Place;

#[test]
fn the_reference_is_in_step_with_the_commands() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let expected = bot_hub::cli::reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/cli.md is stale: run this test with UPDATE=1 and commit it"
    );
}

#[test]
fn the_reference_says_once_what_every_command_has() {
    let page = bot_hub::cli::reference();
    for option in ["--config <FILE>", "--context <NAME>", "--ca-file <FILE>", "--token-file <FILE>"]
    {
        let count = page.lines().filter(|line| line.trim_start().starts_with(option)).count();
        assert_eq!(count, 1, "{option}");
    }
}

#[test]
fn completions_exist_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let told = place.run(&["completions", shell]);
        assert_eq!((told.code, told.out.contains("rotate-token")), (0, true), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let place = Place::new();
    let page = place.run(&["man"]);
    assert_eq!(page.code, 0);
    assert!(
        page.out.contains(".TH bot-hub 1") && page.out.contains("bot\\-hub\\-send"),
        "{}",
        page.out
    );
    std::fs::create_dir(place.path("pages")).unwrap();
    assert_eq!(place.run(&["man", "--dir", "pages"]).code, 0);
    for name in ["bot-hub.1", "bot-hub-send.1", "bot-hub-bot-add.1"] {
        assert!(place.path("pages").join(name).exists(), "{name}");
    }
}

#[test]
fn the_version_is_said_in_both_forms() {
    let place = Place::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(place.run(&["version"]).out, format!("bot-hub {version}\n"));
    assert_eq!(place.json(&["version"])["version"], version);
}
