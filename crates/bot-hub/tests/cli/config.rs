//! `bot-hub config …`, as a person meets it.

use std::path::Path;

use bot_hub::cli::config::{ConfigCommand, Context, run};
use bot_hub_server::config::{Environment, Sources, load};

/// What a command did: exit code, stdout, stderr.
fn told(command: ConfigCommand, folder: &Path, json: bool) -> (u8, String, String) {
    let home = folder.display().to_string();
    let env: Environment = [("HOME".to_owned(), home.clone())].into_iter().collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let file = Some(folder.join("config.json5")).filter(|file| file.exists());
    let context = Context { file, env, flags: vec![], json, out: &mut out, err: &mut err };
    let code = run(command, context).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&home, "~");
    (code, text(out), text(err))
}

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json5"), text).unwrap();
    folder
}

const CHECK: ConfigCommand = ConfigCommand::Check { file: None };

#[test]
fn check_says_that_a_file_is_in_order() {
    let folder = folder("{ tokens: { abc: { botId: 'marlbot' } } }");
    let (code, out, err) = told(CHECK, folder.path(), false);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @"~/config.json5: in order, 1 warning");
    insta::assert_snapshot!(err, @r#"
    warning: ~/config.json5:1:18 tokens.…: this token is short enough to be guessed
      hint: use at least 16 random characters
    "#);
}

#[test]
fn check_lists_everything_that_is_wrong_and_fails() {
    let folder = folder("{\n  prot: 1,\n  log: { level: 'loud' },\n}");
    let (code, out, err) = told(CHECK, folder.path(), false);
    assert_eq!((code, &*out), (1, ""));
    insta::assert_snapshot!(err, @r#"
    ~/config.json5:2:3 prot: unknown key, did you mean `port`?
      hint: write `port`
    ~/config.json5:3:17 log.level: `loud` is not "error", "warn", "info", "debug" or "trace"
      hint: write "error", "warn", "info", "debug" or "trace"
    2 errors, 0 warnings
    "#);
}

#[test]
fn check_speaks_json() {
    let folder = folder("{ prot: 1 }");
    let (code, out, err) = told(CHECK, folder.path(), true);
    assert_eq!((code, &*err), (1, ""));
    insta::assert_snapshot!(out, @r#"
    {
      "errors": [
        {
          "hint": "write `port`",
          "message": "unknown key, did you mean `port`?",
          "origin": {
            "column": 3,
            "line": 1,
            "name": "~/config.json5",
            "source": "file"
          },
          "path": "prot"
        }
      ],
      "file": "~/config.json5",
      "ok": false,
      "warnings": []
    }
    "#);
}

#[test]
fn show_prints_a_file_that_loads_to_the_same() {
    let folder = folder(
        "{ port: 7, limits: { frame_bytes: 262144 }, rooms: { lab: { open: true, retain: { age: null } } } }",
    );
    let (code, out, _) = told(ConfigCommand::Show { origin: false }, folder.path(), false);
    assert_eq!(code, 0);
    let load = |file: &str| {
        let sources = Sources { file: Some(folder.path().join(file)), ..Sources::default() };
        load(&sources).unwrap().config
    };
    std::fs::write(folder.path().join("shown.json"), out).unwrap();
    assert_eq!(load("shown.json"), load("config.json5"));
}

#[test]
fn show_tells_who_said_what_and_no_token() {
    let folder = folder(
        "{\n  port: 7,\n  tokens: {\n    'token-for-marlbot': { botId: 'marlbot' },\n    'token-for-pelouse': { botId: 'pelouse' },\n  },\n}",
    );
    let (_, out, _) = told(ConfigCommand::Show { origin: true }, folder.path(), false);
    let start: Vec<_> = out.lines().take(10).collect();
    insta::assert_snapshot!(start.join("\n"), @r#"
    port = 7  (~/config.json5:2:9)
    listen = null  (default)
    publicUrl = null  (default)
    trustProxies = []  (default)
    tokens.toke….botId = "marlbot"  (~/config.json5:4:35)
    tokens.toke….disabled = false  (default)
    tokens.toke….botId = "pelouse"  (~/config.json5:5:35)
    tokens.toke….disabled = false  (default)
    operators = []  (default)
    createRoomsOnJoin = true  (default)
    "#);
    let (_, out, _) = told(ConfigCommand::Show { origin: false }, folder.path(), false);
    assert!(out.contains("toke… (2)") && !out.contains("token-for"), "{out}");
    let (_, out, _) = told(ConfigCommand::Show { origin: true }, folder.path(), true);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["settings"][0]["origin"]["line"], 2);
}

#[test]
fn init_writes_a_private_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let init = |force| told(ConfigCommand::Init { file: None, force }, folder.path(), false);
    let (code, out, err) = init(false);
    assert_eq!((code, &*out), (0, "~/.config/bot-hub/config.json5\n"));
    insta::assert_snapshot!(err, @"written; edit it, then `bot-hub config check ~/.config/bot-hub/config.json5`");
    let (code, out, err) = init(false);
    assert_eq!((code, &*out), (1, ""));
    insta::assert_snapshot!(err, @r#"
    `~/.config/bot-hub/config.json5` was not written: File exists (os error 17)
      hint: name another file, or overwrite it with `--force`
    "#);
    let path = folder.path().join(".config/bot-hub/config.json5");
    std::fs::write(&path, "{ port: 1 }").unwrap();
    assert_eq!(init(true).0, 0);
    let sources = Sources { file: Some(path.clone()), ..Sources::default() };
    assert_eq!(load(&sources).unwrap().config.port, 18795);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn schema_and_init_go_to_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = told(ConfigCommand::Schema, folder.path(), false);
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &schema["title"]), (0, &"Bot Hub configuration".into()));
    let init = ConfigCommand::Init { file: Some("-".into()), force: false };
    let (code, out, _) = told(init, folder.path(), false);
    assert_eq!((code, out), (0, bot_hub_server::config::starter()));
}
