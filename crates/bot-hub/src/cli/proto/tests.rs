//! Transcripts of the verbs: command line and input, then output and exit code.

use clap::Parser;
use serde_json::{Value, json};

use super::{ProtoArgs, run};

const REQUEST: &str = "```\n[REQUEST → @Mantis]\nFrom: Lotbot\nRequestId: lotbot-abc123\n\
    Task: Check the CLI\nand report\nDepth: 1/5\n```";

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ProtoArgs,
}

struct Said {
    code: u8,
    out: String,
    err: String,
}

fn say(line: &[&str], input: &str) -> Said {
    let args = Cli::parse_from([&["proto"], line].concat()).args;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let json = args.json;
    let done = run(args, &mut input.as_bytes(), &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let mut said = Said { code: 0, out: text(out), err: text(err) };
    match done {
        Ok(code) => said.code = code,
        Err(failure) => {
            said.code = failure.kind.exit_code();
            if json {
                said.out += &format!("{}\n", failure.to_json());
            } else {
                said.err += &(failure.to_text("error:") + "\n");
            }
        }
    }
    said
}

#[track_caller]
fn check(line: &[&str], input: &str, code: u8, out: &str, err: &str) {
    let said = say(line, input);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (code, out, err), "{line:?}");
}

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn parse_shows_fields_to_people_and_the_shape_of_v0_1_to_scripts() {
    let fields = "type: REQUEST\nto: Mantis\nfrom: Lotbot\nrequestId: lotbot-abc123\n\
        task: Check the CLI\n  and report\ndepth: 1/5\n";
    check(&["parse"], REQUEST, 0, fields, "");
    let block = &json_of(&say(&["parse", "--json"], REQUEST))["block"];
    assert_eq!(block["task"], "Check the CLI\nand report");
    assert_eq!(block["depth"], json!({"current": 1, "max": 5}));
    assert_eq!(block["callback"], Value::Null);
    assert_eq!(block["raw"], REQUEST);
}

#[test]
fn parse_tells_chat_from_mistakes() {
    let hint = "put the block between two lines of three backticks";
    let err = format!("error: 1:1: there is no fenced text\nhint: {hint}\n");
    check(&["parse"], "hello", 3, "", &err);
    let broken = REQUEST.replace("Task", "  Task");
    let err = "error: 7:11: REQUEST: expected a line `Task:`\n\
        hint: add the line; a key stands at the very start of its line\n";
    check(&["parse"], &broken, 1, "", err);
    let envelope = json!({"ok": false, "error": {
        "type": "not_a_block", "message": "1:1: there is no fenced text", "hint": hint,
    }});
    let said = say(&["parse", "--json"], "hello");
    assert_eq!((json_of(&said), said.err.as_str()), (envelope, ""));
}

#[test]
fn what_a_message_says_does_not_drive_the_terminal() {
    let said = say(&["parse"], &REQUEST.replace("CLI", "\u{1B}]0;owned\u{7}"));
    assert!(said.out.contains("\\u{1b}]0;owned\\u{7}"), "{}", said.out);
}

#[test]
fn build_writes_a_block_from_options_or_json() {
    let block = "```\n[RESPONSE → @a]\nFrom: b\nRequestId: a-1\nStatus: done\nResult: r\n\
        Depth: 2/5\n```\n";
    let options = ["--to=a", "--from=b", "--id=a-1", "--status=done", "--result=r", "--depth=2/5"];
    check(&[&["build", "response"], &options[..]].concat(), "", 0, block, "");
    let json = r#"{"type":"RESPONSE","to":"a","from":"b","requestId":"a-1","status":"done",
        "result":"r","depth":{"current":2,"max":5}}"#;
    check(&["build"], json, 0, block, "");
    let said = say(&["build", "request", "--to=b", "--from=Lot Bot", "--task=t", "--json"], "");
    let id = json_of(&said)["requestId"].as_str().unwrap().to_owned();
    assert!(id.starts_with("lotbot-") && id.len() == 13, "{id}");
}

#[test]
fn build_refuses_depth_with_a_code_of_its_own() {
    let line = ["build", "request", "--to=b", "--from=a", "--task=t", "--depth=5/5"];
    let err = "error: Depth limit reached (5/5). Cannot send REQUEST. Must send RESPONSE instead.\n\
        hint: answer with a RESPONSE that says how far you got\n";
    check(&line, "", 5, "", err);
    let said = say(&["build", "request", "--to=b"], "");
    assert_eq!(
        (said.code, said.err.lines().next()),
        (1, Some("error: REQUEST requires field: from"))
    );
    assert_eq!(say(&["build", "wish"], "").code, 2);
    assert_eq!(say(&["build"], "{").code, 1);
}

#[test]
fn lint_names_every_oddity_and_its_line() {
    check(&["lint"], REQUEST, 0, "", "");
    let odd = REQUEST.replace('→', "->").replace("Depth", "Status: late\nDeepness");
    let out = "-:2:1: warning: the arrow is not `→`\n  hint: v0.1 sees no block; write `→`\n\
        -:7:1: warning: acts of this kind have no `Status:`\n  hint: leave the field out\n\
        -:7:1: warning: the value of `Status:` is none of its words and is ignored\n  \
        hint: Status: done, partial, failed. Priority: low, normal, high. Depth: two numbers like \
        1/5\n-:1:1: warning: the act has no depth\n  \
        hint: without `Depth: 1/5` nothing ends a loop\n";
    check(&["lint"], &odd, 0, out, "");
    assert_eq!(say(&["lint"], "hello").code, 1);
}

#[test]
fn split_divides_and_joins() {
    let long = REQUEST.replace("report", &"report ".repeat(600));
    let said = say(&["split"], &long);
    assert_eq!(said.out.matches("[REQUEST → @Mantis]").count(), 3);
    let joined = say(&["split", "--join"], &said.out);
    assert_eq!(joined.out.matches("report ").count(), 600 - 1);
    assert_eq!(say(&["split", "--join"], &said.out[..2500]).code, 1);
    assert_eq!(say(&["split", "--limit=50"], &long).code, 1);
}

#[test]
fn conversations_are_tracked_listed_shown_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let state = format!("--state={}", dir.path().join("state.json").display());
    let run = |line: &[&str], input: &str| say(&[line, &[state.as_str()]].concat(), input);
    check(&["list", &state], "", 0, "", "");
    assert_eq!(run(&["track"], REQUEST).code, 0);
    let err = "warning: duplicate RequestId `lotbot-abc123`: `Lotbot` opens a conversation that \
        exists\n";
    assert_eq!(run(&["track"], REQUEST).err, err);
    let list = run(&["list", "--status=open"], "").out;
    assert!(list.starts_with("lotbot-abc123\topen\tREQUEST\tLotbot → Mantis\t"), "{list}");
    assert_eq!(run(&["list", "--from=eve"], "").out, "");
    let shown = json_of(&run(&["show", "lotbot-abc123", "--json"], ""));
    assert_eq!(shown["conversation"]["history"].as_array().unwrap().len(), 2);
    assert_eq!(run(&["show", "other-1"], "").code, 3);
    assert_eq!(run(&["timeouts"], "").code, 0);
    let answer =
        "```\n[RESPONSE → @Lotbot]\nFrom: Mantis\nRequestId: lotbot-abc123\nResult: ok\n```";
    assert_eq!(json_of(&run(&["track", "--json"], answer))["conversation"]["status"], "done");
    check(&["cleanup", &state], "", 0, "0 removed\n", "");
}

#[test]
fn who_did_not_answer_in_time_has_a_code_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    let old = r#"{"a-1":{"type":"REQUEST","to":"b","from":"a","task":"t","status":"open","depth":1,
        "createdAt":"2026-02-16T12:00:00.000Z","updatedAt":"2026-02-16T12:00:00.000Z",
        "lastType":"REQUEST","history":[]}}"#;
    std::fs::write(&path, old).unwrap();
    let state = format!("--state={}", path.display());
    let said = say(&["timeouts", "--json", &state], "");
    assert_eq!((said.code, json_of(&said)), (6, json!({"ok": true, "timedOut": ["a-1"]})));
    assert_eq!(say(&["timeouts", &state], "").code, 0);
    assert_eq!(say(&["list", "--status=timeout", &state], "").out.lines().count(), 1);
}
