//! Configurations that are in order: what they mean, who said what, and what is warned about.

use std::time::Duration;

use bot_hub_server::config::{
    Config, Environment, Loaded, LogLevel, Override, Sources, StoreKind, load, load_text, starter,
};
use bot_protocol::name::{BotId, RoomName};

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn loaded(text: &str, variables: &[(&str, &str)], flags: Vec<Override>) -> Loaded {
    let sources = Sources { file: None, env: environment(variables), flags };
    load_text("c", text, &sources).unwrap_or_else(|errors| panic!("{errors}"))
}

fn config(text: &str) -> Config {
    loaded(text, &[], Vec::new()).config
}

fn warnings(text: &str, variables: &[(&str, &str)]) -> String {
    let warnings = loaded(text, variables, Vec::new()).warnings;
    warnings.iter().map(|warning| format!("{warning}\n")).collect()
}

const SEED: &str = r#"{
  "port": 18795,
  "tokens": {
    "token-for-marlbot": { "botId": "marlbot" },
    "token-for-pelouse": { "botId": "pelouse" }
  }
}
"#;

#[test]
fn the_original_hubs_file_is_valid_as_it_is() {
    let loaded = loaded(SEED, &[], Vec::new());
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.addresses(), ["127.0.0.1:18795".parse().unwrap()]);
    let tokens = loaded.config.tokens.iter();
    let tokens: Vec<_> =
        tokens.map(|(token, entry)| (token.reveal(), entry.bot_id.as_str())).collect();
    assert_eq!(tokens, [("token-for-marlbot", "marlbot"), ("token-for-pelouse", "pelouse")]);
    assert_eq!(loaded.config.limits.buffer_per_bot_per_room, None);
}

#[test]
fn the_address_for_the_world_is_read_in_its_normal_form() {
    let hub = config("{ publicUrl: 'HTTPS://Hub.Example.org:443/' }");
    let url = hub.public_url().unwrap();
    assert_eq!(
        (url.to_string(), url.ws_url()),
        ("https://hub.example.org".into(), "wss://hub.example.org".into())
    );
    let open = warnings("{ publicUrl: 'http://hub.lan:18795' }", &[]);
    assert!(open.contains("can be read on the way"), "{open}");
    assert_eq!(warnings("{ publicUrl: 'http://127.0.0.1:18795' }", &[]), "");
}

#[test]
fn proxies_may_be_named_in_the_file_or_in_the_environment() {
    let named = |text, variables: &[(&str, &str)]| {
        let proxies = loaded(text, variables, Vec::new()).config.trust_proxies;
        proxies.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        named("{ trustProxies: ['127.0.0.1/32', 'FD00::/8'] }", &[]),
        ["127.0.0.1", "fd00::/8"]
    );
    assert_eq!(
        named("{}", &[("BOT_HUB_TRUST_PROXIES", "10.42.0.0/16, ::1")]),
        ["10.42.0.0/16", "::1"]
    );
}

#[test]
fn nothing_at_all_is_the_defaults() {
    assert_eq!(load(&Sources::default()).unwrap().config, Config::default());
    assert_eq!(config("{}"), Config::default());
}

#[test]
fn the_starter_file_is_the_defaults_commented_out_and_not() {
    assert_eq!(config(&starter()), Config::default());
    let uncomment = |line: &str| {
        let code = line.trim_start();
        match code.strip_prefix("//").filter(|rest| !rest.starts_with(' ') && !rest.is_empty()) {
            Some(setting) => setting.to_owned(),
            None => line.to_owned(),
        }
    };
    let uncommented: Vec<_> = starter().lines().map(uncomment).collect();
    let settings = uncommented.iter().filter(|line| !line.trim_start().starts_with("//"));
    assert!(settings.count() > 40, "the settings were uncommented");
    assert_eq!(config(&uncommented.join("\n")), Config::default());
}

#[test]
fn every_key_may_be_written_in_snake_case() {
    let config = config(
        "{ create_rooms_on_join: false, limits: { buffer_per_bot_per_room: 50 },
           timeouts: { write_stall: '20s' }, tokens: { t: { bot_id: 'A' } } }",
    );
    assert!(!config.create_rooms_on_join);
    assert_eq!(config.limits.buffer_per_bot_per_room, Some(50));
    assert_eq!(config.timeouts.write_stall.get(), Duration::from_secs(20));
    assert_eq!(config.tokens.values().next().unwrap().bot_id, BotId::new("a").unwrap());
}

#[test]
fn a_room_takes_from_retention_what_it_does_not_say() {
    let config = config(
        "{ retention: { entries: 10, bytes: null },
           rooms: { 'Lab': { open: true, retain: { age: '90d', entries: null } } } }",
    );
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let kept = |room: &str| {
        let retention = config.retention_of(&RoomName::new(room).unwrap());
        (retention.age.map(|age| age.get()), retention.entries, retention.bytes)
    };
    assert_eq!(kept("lab"), (days(90), None, None));
    assert_eq!(kept("other"), (days(30), Some(10), None));
}

#[test]
fn defaults_file_environment_and_flags_win_in_this_order() {
    let file = "{\n  port: 1,\n  log: { level: 'warn' },\n  store: { path: '/file' },\n}";
    let variables = [
        ("BOT_HUB_STORE__PATH", "/variable"),
        ("BOT_HUB_LOG__LEVEL", "debug"),
        ("BOT_HUB_LIMITS__BUFFER_PER_BOT_PER_ROOM", "50"),
        ("BOT_HUB_RETENTION__BYTES", "null"),
        ("BOT_HUB_OPERATORS", "marlbot, Pelouse"),
        ("BOT_HUB_CREATE_ROOMS_ON_JOIN", "false"),
        ("BOT_HUB_ALLOWED_ORIGINS", ""),
    ];
    let loaded = loaded(file, &variables, vec![Override::new("--data", "store.path", "/flag")]);
    let config = &loaded.config;
    assert_eq!(config.store.path.as_deref(), Some("/flag".as_ref()));
    assert_eq!(config.log.level, LogLevel::Debug);
    assert_eq!(config.limits.buffer_per_bot_per_room, Some(50));
    assert_eq!(config.retention.bytes, None);
    assert_eq!(config.operators, ["marlbot", "pelouse"].map(|bot| BotId::new(bot).unwrap()));
    assert!(!config.create_rooms_on_join);
    let origins = ["port", "log.level", "store.path", "log.format"]
        .map(|path| loaded.origin(path).to_string());
    assert_eq!(origins, ["c:2:9", "$BOT_HUB_LOG__LEVEL", "--data", "default"]);
}

#[test]
fn rooms_and_tokens_of_the_layers_add_up() {
    let variables = [
        ("MARLBOT_TOKEN", "from-the-environment"),
        ("BOT_HUB_TOKENS", r#"{ "${MARLBOT_TOKEN}": { botId: "marlbot" } }"#),
        ("BOT_HUB_ROOMS", "{ lab: { open: true } }"),
    ];
    let loaded = loaded(
        "{ rooms: { hall: { open: true } }, tokens: { abc: { botId: 'a' } } }",
        &variables,
        vec![],
    );
    let rooms: Vec<_> = loaded.config.rooms.keys().map(RoomName::as_str).collect();
    let tokens: Vec<_> = loaded.config.tokens.keys().map(|token| token.reveal()).collect();
    assert_eq!(rooms, ["hall", "lab"]);
    assert_eq!(tokens, ["abc", "from-the-environment"]);
}

#[test]
fn variables_of_a_kubernetes_service_are_passed_over() {
    let variables = [
        ("BOT_HUB_PORT", "tcp://10.43.0.7:18795"),
        ("BOT_HUB_PORT_18795_TCP", "tcp://10.43.0.7:18795"),
        ("BOT_HUB_PORT_18795_TCP_ADDR", "10.43.0.7"),
        ("BOT_HUB_SERVICE_HOST", "10.43.0.7"),
        ("BOT_HUB_SERVICE_PORT", "18795"),
        ("BOT_HUB_TOKEN", "of-a-command"),
    ];
    let loaded = loaded("{}", &variables, Vec::new());
    assert_eq!((loaded.config, loaded.warnings), (Config::default(), Vec::new()));
}

#[test]
fn a_path_counts_from_its_file_and_the_data_directory_follows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json5");
    let data = |text: &str, variables: &[(&str, &str)]| {
        std::fs::write(&file, text).unwrap();
        let sources =
            Sources { file: Some(file.clone()), env: environment(variables), flags: vec![] };
        load(&sources).unwrap().data_dir
    };
    let home = [("HOME", "/home/ada")];
    assert_eq!(data("{ store: { path: 'data' } }", &[]), Some(folder.path().join("data")));
    assert_eq!(data("{ store: { path: '~/hub' } }", &home), Some("/home/ada/hub".into()));
    assert_eq!(data("{}", &home), Some("/home/ada/.local/share/bot-hub".into()));
    assert_eq!(data("{}", &[]), None);
    let variable = [("BOT_HUB_STORE__PATH", "data")];
    assert_eq!(data("{}", &variable), Some("data".into()));
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_its_path() {
    let sources = Sources { file: Some("/nowhere/hub.json5".into()), ..Sources::default() };
    insta::assert_snapshot!(load(&sources).unwrap_err(), @r"
    /nowhere/hub.json5: cannot be read: no such file or directory
      hint: check the path; `bot-hub config init` writes a new file
    ");
}

#[test]
fn what_is_probably_not_meant_is_warned_about_and_works() {
    let text = r#"{
  port: 1,
  listen: "127.0.0.1:2",
  tokens: {
    short: { botId: "Marlbot" },
    "long-enough-for-anybody": { botId: "marlbot" },
    "with-the-end-of-its-line\n": { botId: "pelouse" },
  },
  operators: ["marlbott", "marlbot", "marlbot"],
  rooms: {
    lab: { members: ["somebody-else"] },
    hall: {},
  },
  store: { kind: "memory", path: "/srv/hub" },
}"#;
    insta::assert_snapshot!(warnings(text, &[("BOT_HUB_PROT", "1")]), @r#"
    c:2:9 port: has no effect, because `listen` names other ports
      hint: remove `port`, or listen on it
    c:5:12 tokens.s…: this token is short enough to be guessed
      hint: use at least 16 random characters
    c:6:41 tokens.long….botId: `marlbot` and `Marlbot` are the same bot
      hint: spell both `marlbot`
    c:7:35 tokens.with…: this token has white space or control characters around it
      hint: was it copied with the end of its line?
    c:9:15 operators[0]: no token here belongs to `marlbott`
      hint: did you mean `marlbot`?
    c:9:38 operators[2]: `marlbot` is named twice
      hint: keep one of the two
    c:11:22 rooms.lab.members[0]: no token here belongs to `somebody-else`
      hint: fine if `bot-hub bot add somebody-else` made it, else add a token
    c:12:11 rooms.hall: nobody can join this room
      hint: name its `members`, or set `open: true`
    c:14:34 store.path: has no effect: the memory store keeps nothing on disk
      hint: remove it, or set `store.kind` to "sqlite"
    $BOT_HUB_PROT prot: is not a setting
      hint: did you mean `port`?
    "#);
    assert_eq!(config(text).store.kind, StoreKind::Memory);
}

#[test]
fn tokens_print_nowhere() {
    let loaded = loaded(SEED, &[("SECRET", "token-for-marlbot")], Vec::new());
    let json = serde_json::to_string(&loaded.config).unwrap();
    let debug = format!("{loaded:?} {:?}", environment(&[("SECRET", "token-for-marlbot")]));
    let settings = format!("{:?}", loaded.settings());
    for printed in [json, debug, settings] {
        assert!(!printed.contains("token-for"), "{printed}");
    }
}

#[test]
fn a_hundred_thousand_tokens_load_in_time() {
    let entries: String =
        (0..100_000).map(|at| format!("\"token-number-{at:06}\":{{botId:\"bot{at}\"}},")).collect();
    let started = std::time::Instant::now();
    let config = config(&format!("{{tokens:{{{entries}}}}}"));
    assert_eq!(config.tokens.len(), 100_000);
    assert!(started.elapsed() < Duration::from_secs(20), "it is linear: {:?}", started.elapsed());
}

#[test]
fn a_wrong_flag_is_told_by_its_name() {
    let flags = vec![
        Override::new("--data", "store.path", ""),
        Override::new("--listen", "listen", "localhost:0"),
        Override::new("--level", "log.levl", "debug"),
    ];
    let errors = load(&Sources { flags, ..Sources::default() }).unwrap_err();
    insta::assert_snapshot!(errors, @r#"
    --data store.path: a path must not be empty
      hint: write a folder, or null for the default
    --listen listen[0]: `localhost:0` is not an address
      hint: write "127.0.0.1:0"
    --level log.levl: is not a setting
      hint: did you mean `level`?
    "#);
}

#[test]
fn what_is_doubtful_about_very_many_rooms_is_told_of_the_first_and_counted() {
    let rooms = |count: usize, members: &str| {
        let room = |at: usize| format!("\"room-{at}\": {{ members: [{members}] }}");
        (0..count).map(room).collect::<Vec<_>>().join(",\n")
    };
    let check = |text: &str, count: usize, sum: &str| {
        let warnings = loaded(text, &[], Vec::new()).warnings;
        assert_eq!(warnings.len(), count, "{warnings:?}");
        assert!(warnings.iter().any(|it| it.to_string() == sum), "{warnings:?}");
    };
    let text = format!("{{ rooms: {{ {} }} }}", rooms(500, ""));
    check(
        &text,
        11,
        "c:1:10 rooms: nobody can join 490 more rooms\n  hint: name its `members`, or set `open: true`",
    );
    let token = r#"tokens: { "a-token-of-ann-0123456789": { botId: "ann" } }"#;
    let text = format!("{{ {token}, rooms: {{ {} }} }}", rooms(300, r#""bob", "cid""#));
    check(
        &text,
        11,
        "c:1:69 rooms: no token here belongs to 590 more members\n  hint: fine if `bot-hub bot add` made them",
    );
}
