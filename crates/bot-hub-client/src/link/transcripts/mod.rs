//! The link's rules as transcripts: a script in, everything that the link did out.
//!
//! A line of a script is `TIME VERB ...`; what it caused follows, indented, in the transcript.

use std::fmt::Write as _;

use bot_protocol::frame::client::{Auth, ClientFrame, Message};
use bot_protocol::frame::server::ServerFrame;
use bot_protocol::id::MessageId;
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use insta::assert_snapshot;

use super::*;
use crate::options::Acknowledge;

mod asking;
mod connection;
mod receiving;
mod sending;

const WELCOME: &str = "
    0 tick
    0 opened
    0 < {'type':'auth_ok','bot':'me','caps':['ack'],'epoch':'00000000000000aa','rooms':[{'room':'lab','position':{'epoch':'00000000000000aa','seq':4},'head':4}]}
";

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

/// The transcript of a link that is connected, with room `lab` at position 4.
fn when_ready(script: &str) -> String {
    when_ready_with(config(), script)
}

fn when_ready_with(config: Config, script: &str) -> String {
    let mut link = Link::new(config, 7);
    run(&mut link, WELCOME);
    run(&mut link, script)
}

/// The transcript of a link that never connected.
fn from_the_start(script: &str) -> String {
    run(&mut Link::new(config(), 7), script)
}

fn run(link: &mut Link, script: &str) -> String {
    let mut transcript = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        writeln!(transcript, "{line}").unwrap();
        let (at, input) = line.split_once(' ').unwrap();
        link.handle(Timestamp(at.parse().unwrap()), parse(input));
        while let Some(output) = link.poll() {
            writeln!(transcript, "    {}", show(&output)).unwrap();
        }
    }
    transcript
}

fn parse(input: &str) -> Input {
    let (verb, rest) = input.split_once(' ').unwrap_or((input, ""));
    let client = |json: &str| {
        let json = json.replace('\'', "\"");
        Box::new(ClientFrame::decode(json.as_bytes(), &Limits::default()).unwrap())
    };
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
        "<" => {
            let json = rest.replace('\'', "\"");
            match ServerFrame::decode(json.as_bytes()) {
                Ok(frame) => frame.map_or(Input::Heard, |frame| Input::Frame(Box::new(frame))),
                Err(error) => Input::Unreadable(error),
            }
        }
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
        Output::Frame(frame) => format!("> {}", frame.encode().replace('"', "'")),
        Output::Waiting { why, retry_in_ms } => {
            format!("waiting {retry_in_ms} ms: {}", first_line(why.to_string()))
        }
        Output::Event { number, event } => format!("event {number}: {}", show_event(event)),
        Output::Sent { id, result: Ok(ack) } => format!("sent {id}: acked {:?}", ack.seq),
        Output::Sent { id, result: Err(error) } => {
            format!("sent {id}: {}", first_line(error.to_string()))
        }
        Output::Answer { key, result: Ok(frame) } => {
            format!("answer {key}: {}", frame.encode().replace('"', "'"))
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
        Event::Gap(gap) => format!("gap #{} from {} {:?}", gap.room, gap.from_seq, gap.reason),
        Event::Left(left) => format!("left #{} {:?}", left.room, left.reason),
        Event::GoingAway(going) => format!("going away {:?}", going.reason),
        other => format!("{other:?}"),
    }
}
