//! Broken configurations, and what is said about them.
//!
//! The cases are data, in `cases/*.txt`: a `##` line with the case's name, `$ NAME=value`
//! lines for the environment, the file, a `--` line, and what the person reads. `UPDATE=1` writes
//! the last part anew; read the difference before committing it.

use std::path::{Path, PathBuf};

use bot_hub_server::config::{ConfigErrors, Environment, Source, Sources, load_bytes, load_text};

/// A corpus that shrinks without anybody noticing protects nobody.
const CASES_MIN: usize = 200;

/// Every token of the corpus starts with it, so that a printed one is noticed.
const SECRET: &str = "s3cr3t";

struct Case {
    name: String,
    environment: Vec<(String, String)>,
    text: String,
    expected: String,
}

fn cases(file: &Path) -> Vec<Case> {
    let corpus = std::fs::read_to_string(file).unwrap();
    corpus.split("## ").skip(1).map(case).collect()
}

fn case(block: &str) -> Case {
    let (name, rest) = block.split_once('\n').unwrap();
    let (given, expected) =
        rest.split_once("\n--\n").unwrap_or_else(|| panic!("no `--` in {name}"));
    let variables = given.lines().take_while(|line| line.starts_with("$ "));
    let environment: Vec<_> = variables
        .map(|line| line[2..].split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let text: Vec<_> = given.lines().skip(environment.len()).collect();
    Case {
        name: name.to_owned(),
        environment,
        text: text.join("\n"),
        expected: expected.trim_end().to_owned(),
    }
}

fn errors(case: &Case) -> ConfigErrors {
    let env: Environment = case.environment.iter().cloned().collect();
    let sources = Sources { env, ..Sources::default() };
    match load_text("c", &case.text, &sources) {
        Ok(_) => panic!("`{}` was accepted:\n{}", case.name, case.text),
        Err(errors) => errors,
    }
}

/// What holds for every error: a place, a reason, a next step, and no secret.
fn judge(case: &Case, errors: &ConfigErrors) {
    assert!(!errors.errors.is_empty(), "{}", case.name);
    let lines = case.text.lines().count().max(1) as u32 + 1;
    for problem in errors.errors.iter().chain(&errors.warnings) {
        let name = &case.name;
        if matches!(problem.origin.source, Source::File(_)) {
            let place = problem.origin.place.unwrap_or_else(|| panic!("no place: {name}"));
            assert!((1..=lines).contains(&place.line) && place.column >= 1, "{name}: {place:?}");
        }
        assert!(!problem.message.is_empty() && !problem.message.ends_with('.'), "{name}");
        assert!(!problem.message.starts_with(char::is_uppercase), "{name}: {}", problem.message);
        assert!(problem.hint.len() > 3 && !problem.hint.ends_with('.'), "{name}: {}", problem.hint);
    }
    let everything = format!("{errors} {errors:?}");
    assert!(!everything.contains(SECRET), "`{}` prints a secret: {everything}", case.name);
}

#[test]
fn every_broken_configuration_is_told_with_place_and_hint() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/config/cases");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut count = 0;
    let mut stale = Vec::new();
    for file in files {
        let cases = cases(&file);
        count += cases.len();
        let mut renewed = String::new();
        for case in &cases {
            let errors = errors(case);
            judge(case, &errors);
            let told = errors.to_string();
            if told != case.expected {
                stale.push(format!("{}\n{}\n{told}", case.name, case.text));
            }
            let variables =
                case.environment.iter().map(|(name, value)| format!("$ {name}={value}\n"));
            let variables: String = variables.collect();
            renewed += &format!("## {}\n{variables}{}\n--\n{told}\n\n", case.name, case.text);
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, renewed.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(count >= CASES_MIN, "{count} cases");
    let fresh = std::env::var_os("UPDATE").is_some() || stale.is_empty();
    assert!(fresh, "{} cases read differently:\n\n{}", stale.len(), stale.join("\n\n"));
}

/// A file that uses most of what there is.
const WHOLE: &str = r##"{
  // a comment
  $schema: "./bot-hub.schema.json",
  port: 18795, listen: ["127.0.0.1:18795", '[::1]:0'],
  tokens: { "s3cr3t-for-marlbot": { botId: "marlbot" }, "s3cr3t-for-pelouse": { bot_id: "pelouse", disabled: false } },
  operators: ["marlbot"], /* and
  so on */
  rooms: { "marlbot-pelouse": { members: ["marlbot", "pelouse"], open: false, retain: { age: "90d", bytes: null } } },
  limits: { frameBytes: 0x40000, bufferPerBotPerRoom: +50, jsonDepth: 32 },
  timeouts: { auth: "10s", },
}"##;

#[test]
fn a_file_that_was_cut_short_is_told_at_any_length() {
    let end = WHOLE.len() - 1;
    for cut in (0..end).filter(|cut| WHOLE.is_char_boundary(*cut)) {
        let case = Case {
            name: format!("cut at {cut}"),
            environment: Vec::new(),
            text: WHOLE[..cut].to_owned(),
            expected: String::new(),
        };
        judge(&case, &errors(&case));
    }
}

#[test]
fn a_file_with_one_byte_changed_never_panics_and_never_prints_a_token() {
    for at in 0..WHOLE.len() {
        for byte in [b'\0', b'"', b'{', b'}', b',', b'x', b'\n', b'\\', 0xff] {
            let mut bytes = WHOLE.as_bytes().to_owned();
            bytes[at] = byte;
            let told = match load_bytes("c", &bytes, &Sources::default()) {
                Ok(loaded) => format!("{loaded:?} {:?}", loaded.settings()),
                Err(errors) => errors.to_string(),
            };
            assert!(!told.contains(&SECRET[1..]), "byte {at} as {byte}: {told}");
        }
    }
}

#[test]
fn what_is_not_utf_8_is_located() {
    let errors = load_bytes("c", b"{\n  port: 1, // \xff\n}", &Sources::default()).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "c:2:15: not UTF-8 from here on\n  hint: save the file as UTF-8"
    );
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(":"),
            Just(","),
            Just("\""),
            Just("null"),
            Just("port"),
            Just("listen"),
            Just("tokens"),
            Just("botId"),
            Just("rooms"),
            Just("limits"),
            Just("frameBytes"),
            Just("retain"),
            Just("age"),
            Just("'30d'"),
            Just("1"),
            Just("-0x1"),
            Just("1e9"),
            Just("true"),
            Just("'127.0.0.1:1'"),
            Just("${X}"),
            Just("\\u12"),
            Just("/*"),
            Just("//"),
            Just("\n"),
            Just("store"),
            Just("path"),
            Just("'~/x'"),
            Just("é"),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let loaded = load_bytes("c", &bytes, &Sources::default());
            prop_assert!(loaded.map_or_else(|refused| !refused.errors.is_empty(), |_| true));
        }

        #[test]
        fn that_look_like_a_configuration_never_panic(text in pieces(), value in pieces()) {
            let variables = ["PORT", "LISTEN", "TOKENS", "ROOMS", "LIMITS", "STORE__PATH", "RETENTION__AGE"];
            let variables = variables.map(|name| (format!("BOT_HUB_{name}"), value.clone()));
            let env: Environment = variables.into_iter().collect();
            if let Err(errors) = load_text("c", &text, &Sources { env, ..Sources::default() }) {
                prop_assert!(errors.errors.iter().all(|problem| !problem.hint.is_empty()));
            }
        }
    }
}
