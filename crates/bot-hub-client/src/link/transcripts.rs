//! Runs the transcripts of `tests/transcripts/client`: inputs, and the outputs that each of them causes.
//! The README there explains the format; other clients run the same files.

use std::fs;
use std::path::Path;

use bot_protocol::frame::client::{Auth, ClientFrame, Message};
use bot_protocol::frame::server::ServerFrame;
use bot_protocol::id::MessageId;
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;

use super::*;
use crate::options::Acknowledge;

/// The inputs with which most transcripts begin.
const WELCOME: [&str; 3] = [
    "0 tick",
    "0 opened",
    r#"0 < {"type":"auth_ok","bot":"me","caps":["ack"],"epoch":"00000000000000aa","rooms":[{"room":"lab","position":{"epoch":"00000000000000aa","seq":4},"head":4}]}"#,
];

/// One transcript of a file, without the lines for other clients.
#[derive(Default)]
struct Transcript {
    title: String,
    given: Vec<String>,
    lines: Vec<String>,
}

#[test]
fn the_link_does_what_the_transcripts_say() {
    let transcripts = all();
    let differences: Vec<_> = transcripts.iter().filter_map(difference).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(transcripts.len() > 30, "only {} transcripts were found", transcripts.len());
}

fn all() -> Vec<Transcript> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts/client");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "txt"));
    files.sort();
    files.iter().flat_map(|path| read(&fs::read_to_string(path).unwrap())).collect()
}

fn read(text: &str) -> Vec<Transcript> {
    let mut transcripts: Vec<Transcript> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("== ") {
            transcripts.push(Transcript { title: title.to_owned(), ..Transcript::default() });
            continue;
        }
        let transcript = transcripts.last_mut().expect("a transcript begins with `== title`");
        if let Some(given) = line.strip_prefix("given ") {
            transcript.given = given.split(", ").map(str::to_owned).collect();
        } else if !line.starts_with("only rust: ") && !line.contains("[typescript] ") {
            transcript.lines.push(line.replacen("[rust] ", "", 1));
        }
    }
    transcripts
}

/// The difference between the link's outputs and the transcript.
fn difference(transcript: &Transcript) -> Option<String> {
    let given = |word: &str| transcript.given.iter().any(|it| it == word);
    let mut config = config();
    config.auth.side = given("side");
    if given("manual") {
        config.acknowledge = Acknowledge::Manual;
    }
    let mut link = Link::new(config, 7);
    if !given("fresh") {
        run(&mut link, WELCOME);
    }
    let lines = transcript.lines.iter().map(String::as_str);
    let done = run(&mut link, lines.clone().filter(|line| !line.starts_with(' ')));
    let expected: Vec<_> = lines.map(exact).collect();
    let is_same = done.len() == expected.len()
        && done.iter().zip(&expected).all(|(done, expected)| fits(done, expected));
    let (title, expected, done) = (&transcript.title, expected.join("\n"), done.join("\n"));
    (!is_same).then(|| format!("== {title}\nexpected:\n{expected}\nit did:\n{done}\n"))
}

fn fits(done: &str, expected: &str) -> bool {
    let beginning = expected.strip_suffix("...");
    beginning.map_or(done == expected, |beginning| done.starts_with(beginning))
}

/// The line without the range that other clients may have for a wait.
fn exact(line: &str) -> String {
    let Some((before, after)) = line.split_once(" ms (") else { return line.to_owned() };
    let (range, after) = after.split_once(')').expect("a range ends with `)`");
    let (least, most) = range.split_once(" to ").expect("a range is `LEAST to MOST`");
    let wait = before.rsplit(' ').next().unwrap_or_default();
    let [least, wait, most] = [least, wait, most].map(|it| it.parse::<u64>().unwrap());
    assert!((least..=most).contains(&wait), "{line}");
    format!("{before} ms{after}")
}

pub(super) fn config() -> Config {
    Config {
        auth: Auth {
            token: Some(Secret::new("t")),
            caps: Some(vec!["ack".into()]),
            ..Auth::default()
        },
        acknowledge: Acknowledge::Automatic,
        positions: BTreeMap::new(),
        unacked_max: 3,
        ask_timeout_ms: 10_000,
    }
}

/// The inputs, each followed by the outputs of the link.
fn run<'a>(link: &mut Link, inputs: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut done = Vec::new();
    for line in inputs {
        done.push(line.to_owned());
        let (at, input) = line.split_once(' ').unwrap();
        link.handle(Timestamp(at.parse().unwrap()), parse(input));
        while let Some(output) = link.poll() {
            done.push(format!("    {}", show(&output)));
        }
    }
    done
}

fn parse(input: &str) -> Input {
    let (verb, rest) = input.split_once(' ').unwrap_or((input, ""));
    let client =
        |json: &str| Box::new(ClientFrame::decode(json.as_bytes(), &Limits::default()).unwrap());
    match verb {
        "tick" => Input::Tick,
        "opened" => Input::Opened,
        "heard" => Input::Heard,
        "stop" => Input::Stop,
        "deaf" => Input::Deaf,
        "closed" => Input::Closed(Why::Broken(rest.to_owned())),
        "taken" => Input::Taken(rest.parse().unwrap()),
        "tell" => Input::Tell(client(rest)),
        "ask" => {
            let (key, json) = rest.split_once(' ').unwrap();
            Input::Ask { key: key.parse().unwrap(), frame: client(json) }
        }
        "send" => send(rest),
        "<" => match ServerFrame::decode(rest.as_bytes()) {
            Ok(frame) => frame.map_or(Input::Heard, |frame| Input::Frame(Box::new(frame))),
            Err(error) => Input::Unreadable(error),
        },
        _ => panic!("no such verb: {verb}"),
    }
}

fn send(rest: &str) -> Input {
    let mut words = rest.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (id, target, text) = (word(), word(), word());
    let message = Message {
        room: target.strip_prefix('#').map(|room| RoomName::new(room).unwrap()),
        to: target.strip_prefix('@').map(|bot| BotId::new(bot).unwrap()),
        text: text.to_owned(),
        ..Message::default()
    };
    Input::Send { id: MessageId::new(id).unwrap(), message: Box::new(message) }
}

fn show(output: &Output) -> String {
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    match output {
        Output::Connect => "connect".to_owned(),
        Output::Disconnect => "disconnect".to_owned(),
        Output::Frame(frame) => format!("> {}", frame.encode()),
        Output::Waiting { why, retry_in_ms } => {
            format!("waiting {retry_in_ms} ms: {}", first_line(why.to_string()))
        }
        Output::Event { number, event } => format!("event {number}: {}", show_event(event)),
        Output::Sent { id, result: Ok(ack) } => match ack.seq {
            Some(seq) => format!("sent {id}: acked {seq}"),
            None => format!("sent {id}: acked without a number"),
        },
        Output::Sent { id, result: Err(error) } => {
            format!("sent {id}: {}", first_line(error.to_string()))
        }
        Output::Answer { key, result: Ok(frame) } => {
            format!("answer {key}: {}", frame.encode())
        }
        Output::Answer { key, result: Err(error) } => {
            format!("answer {key}: {}", first_line(error.to_string()))
        }
        Output::Ended(end) => format!("ended: {}", first_line(end.to_string())),
    }
}

fn show_event(event: &Event) -> String {
    match event {
        Event::Connected(_) => "connected".to_owned(),
        Event::Disconnected { why, retry_in_ms } => {
            format!(
                "disconnected for {retry_in_ms} ms: {}",
                why.to_string().lines().next().unwrap()
            )
        }
        Event::Message(message) => {
            format!("message #{} <{}> {}", message.room, message.from, message.text)
        }
        Event::Postponed { id, retry_in_ms, .. } => format!("postponed {id} {retry_in_ms} ms"),
        Event::Refused(error) => format!("refused {}", error.name),
        Event::Gap(gap) => format!("gap #{} from {} {}", gap.room, gap.from_seq, gap.reason),
        Event::Joined(joined) => format!("joined #{}", joined.room),
        Event::Left(left) => match &left.reason {
            Some(reason) => format!("left #{}: {reason}", left.room),
            None => format!("left #{}", left.room),
        },
        Event::GoingAway(going) => format!("going away {}", going.reason),
        Event::Unreadable { count, problem } => format!("unreadable {count}: {problem}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_message_that_the_hub_could_not_even_name_is_not_sent() {
    let meta = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let mut link = Link::new(config(), 7);
    run(&mut link, WELCOME);
    let Input::Send { id, mut message } = send("m1 #lab x") else { unreachable!() };
    message.meta = Some(bot_protocol::frame::Opaque::from_json(meta).unwrap());
    link.handle(Timestamp(1), Input::Send { id, message });
    let Some(Output::Sent { result: Err(SendError::Invalid(error)), .. }) = link.poll() else {
        panic!("it was sent");
    };
    assert_eq!(error.message, "at most 32 levels are allowed");
}
