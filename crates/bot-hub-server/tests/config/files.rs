//! The files that are generated from the settings are in step with them.
//!
//! `UPDATE=1 cargo test -p bot-hub-server --test config` writes them anew.

use std::path::PathBuf;

use bot_hub_server::config;

fn check(file: &str, expected: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == expected, "{file} is stale: run this test with UPDATE=1 and commit it");
}

#[test]
fn the_schema_is_in_step_with_the_settings() {
    check("bot-hub.schema.json", &config::schema_text());
}

#[test]
fn the_reference_is_in_step_with_the_settings() {
    check("docs/config.md", &config::reference());
}
