//! Commands that are named anywhere exist: in hints, in help texts and in the documents.

use std::path::{Path, PathBuf};

use clap::Command;
use clap::builder::ValueParser;
use clap::error::ErrorKind;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The real definition; that `NAME` is no number is nobody's mistake here.
fn definition() -> Command {
    fn of_any_value(command: Command) -> Command {
        let command = command.mut_args(|it| {
            let takes = it.get_action().takes_values();
            if takes { it.value_parser(ValueParser::os_string()) } else { it }
        });
        let names: Vec<String> =
            command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
        names.iter().fold(command, |command, name| command.mut_subcommand(name, of_any_value))
    }
    of_any_value(bot_hub::cli::definition())
}

/// What is behind `bot-hub ` in a text: words up to the end of the command.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("bot-hub ") {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        // A path, a service, a package, a sentence about the thing itself.
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '@' | '.');
        // The value of another program's option.
        let is_value = line.split_whitespace().next_back().is_some_and(|it| it.starts_with('-'));
        if line.ends_with(is_part) || is_value {
            continue;
        }
        found.push(words_of(&text[at + "bot-hub ".len()..]));
    }
    found
}

/// Words as a shell would see them, up to where the command ends.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text
        .split(['\n', '`', '|', '>', ';', ')', '"', '…', '·', '&', '\\'])
        .next()
        .unwrap_or_default();
    rest = rest.split("  ").next().unwrap_or_default();
    rest = rest.split(" #").next().unwrap_or_default();
    while !rest.is_empty() {
        rest = rest.trim_start();
        let (word, more) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        rest = more;
        // `[OPTIONS]` and `<NAME>` stand for something.
        if word.starts_with(['[', '<']) {
            continue;
        }
        let bare = word.trim_end_matches([',', ':', '.', '"', '?', ']', '\'']);
        if !bare.is_empty() {
            words.push(bare.to_owned());
        }
        if bare != word {
            break;
        }
    }
    words
}

/// A sentence may go on behind a command: the longest beginning that is one counts, but it must name a
/// verb, and every flag.
fn is_known(definition: &Command, words: &[String]) -> bool {
    // `--data …`: the value was left out.
    let mut words = words.to_vec();
    if words.len() > 1 && words.last().is_some_and(|it| it.starts_with("--")) {
        let with_value = [&words[..], &["x".to_owned()]].concat();
        if parses(definition, &with_value, true) {
            words = with_value;
        }
    }
    let flags = words.iter().filter(|it| it.starts_with("--")).count();
    (1..=words.len()).rev().any(|length| {
        let head = &words[..length];
        let has_all = head.iter().filter(|it| it.starts_with("--")).count() == flags;
        let names_verb = head.iter().any(|it| !it.starts_with('-'));
        // What stands for an argument is no part of a sentence.
        let drops_argument = words.get(length).is_some_and(|it| is_placeholder(it));
        let is_whole = length == words.len();
        has_all
            && !drops_argument
            && (names_verb || flags > 0)
            && parses(definition, head, is_whole)
    })
}

fn is_placeholder(word: &str) -> bool {
    word.starts_with('{') || word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase())
}

/// A family of verbs alone is one only if nothing comes behind it.
fn parses(definition: &Command, words: &[String], is_whole: bool) -> bool {
    let line = std::iter::once("bot-hub").chain(words.iter().map(String::as_str));
    match definition.clone().try_get_matches_from(line) {
        Ok(_) => true,
        Err(error) => match error.kind() {
            ErrorKind::MissingRequiredArgument
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion => true,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                is_whole
            }
            _ => false,
        },
    }
}

/// Pieces of a document that are commands: blocks and spans of code.
fn code_of(markdown: &str) -> String {
    let mut code = String::new();
    for (number, part) in markdown.split("```").enumerate() {
        if number % 2 == 1 {
            code.push_str(part);
        } else {
            for span in part.split('`').skip(1).step_by(2) {
                code.push_str(span);
                code.push('\n');
            }
        }
        code.push('\n');
    }
    code
}

/// The texts between quotes of a source file, tests aside.
fn strings_of(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.replace("\\n", "\n").replace("\\\"", "'")).collect::<Vec<_>>().join("\n")
}

fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_foreign =
            matches!(name.as_str(), "target" | "node_modules" | ".git" | ".tools" | "dist");
        if path.is_dir() && !is_foreign {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_command_that_is_named_anywhere_exists() {
    let definition = definition();
    let mut wrong = Vec::new();
    let mut check = |file: &Path, text: &str| {
        for words in commands(text) {
            // `bot-hub {version}` and the like are no commands.
            let is_one = words.first().is_some_and(|it| {
                it.starts_with('-') || it.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            });
            if is_one && !is_known(&definition, &words) {
                wrong.push(format!("{}: bot-hub {}", file.display(), words.join(" ")));
            }
        }
    };
    let mut sources = Vec::new();
    files(&root().join("crates"), ".rs", &mut sources);
    sources.retain(|path| path.components().all(|part| part.as_os_str() != "tests"));
    assert!(sources.len() > 100, "the sources have moved");
    for file in sources {
        check(&file, &strings_of(&std::fs::read_to_string(&file).unwrap()));
    }
    let mut documents = vec![root().join("README.md")];
    for dir in ["docs", "deploy", "skills", "plugins/openclaw", "sdk"] {
        files(&root().join(dir), ".md", &mut documents);
    }
    for file in documents {
        check(&file, &code_of(&std::fs::read_to_string(&file).unwrap()));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_command_that_does_not_exist_would_be_noticed() {
    let definition = definition();
    let check = |text: &str, expected: bool| {
        let found = commands(text).iter().all(|words| is_known(&definition, words));
        assert_eq!(found, expected, "{text}");
    };
    check("see bot-hub room list, or bot-hub verify names them", true);
    check("bot-hub bot add", true);
    check("bot-hub context list", true);
    check("bot-hub room frobnicate", false);
    check("bot-hub status {id} says more", false);
    check("bot-hub status ID", false);
    check("bot-hub frobnicate", false);
    check("bot-hub doctor --mend", false);
}
