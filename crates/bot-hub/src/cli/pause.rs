//! `bot-hub pause`, `resume`, `stop-all` and `pauses`: let bots stand still, and go on.
//!
//! Owns how a pause is named and printed. What it does is the hub's.

use bot_protocol::frame::answer::{Ask, PauseLine, PauseList, Resumed};
use bot_protocol::frame::operator::Page;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use super::ask::confirm_if_somebody_is_there;
use super::audit::Why;
use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{counted, say, table};
use super::target::{Destination, Directory, bot_argument};
use super::words::{self, local, visible_line};
use bot_hub_server::config::Period;

/// What to pause.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Nothing is lost: what is said waits, in its order, until you resume. What is paused may not speak.

Examples:
  bot-hub pause '#lab' --why 'they thank each other'
  bot-hub pause lab pelouse --for 2h
  bot-hub pause @pelouse")]
pub(super) struct Pause {
    /// A room with all its bots, or a bot in all its rooms
    #[arg(value_name = "ROOM|BOT")]
    what: String,
    /// Only this bot of the room
    #[arg(value_parser = bot_argument)]
    bot: Option<BotId>,
    /// It ends by itself after so long: 2h, 30m [default: when you resume]
    #[arg(long = "for", value_name = "PERIOD")]
    lasts: Option<Period>,
    #[command(flatten)]
    why: Why,
}

/// Everything.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Nothing is lost: what is said waits, in its order. To go on: bot-hub resume --all")]
pub(super) struct StopAll {
    /// It ends by itself after so long: 2h, 30m [default: when you resume]
    #[arg(long = "for", value_name = "PERIOD")]
    lasts: Option<Period>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

/// What to resume.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Ends every pause of what you name, by whomever. What waited is handed over in its order.

Examples:
  bot-hub resume '#lab'
  bot-hub resume lab pelouse --skip
  bot-hub resume --all")]
pub(super) struct Resume {
    /// A room with all its bots, or a bot in all its rooms
    #[arg(value_name = "ROOM|BOT", required_unless_present = "all", conflicts_with = "all")]
    what: Option<String>,
    /// Only this bot of the room
    #[arg(value_parser = bot_argument)]
    bot: Option<BotId>,
    /// Every pause there is
    #[arg(long)]
    all: bool,
    /// What waits is not handed over, but settled as declined; its senders are told
    #[arg(long)]
    skip: bool,
    /// Do not ask, where something is skipped
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

/// A room, a bot, or a bot in a room; neither is everything.
#[derive(Clone, Debug, Default)]
struct Scope {
    room: Option<RoomName>,
    bot: Option<BotId>,
}

impl Scope {
    async fn find(hub: &Hub, what: &str, bot: Option<BotId>) -> Result<Self, Failure> {
        let directory = Directory::read(hub).await?;
        let found = match bot {
            // With a bot behind it, it is a room.
            Some(_) if !what.starts_with(['#', '@']) => directory.find(&words::room(what)),
            _ => directory.find(what),
        };
        match (found?, bot) {
            (Destination::Room(room), bot) => Ok(Self { room: Some(room), bot }),
            (Destination::Bot(bot), None) => Ok(Self { room: None, bot: Some(bot) }),
            (Destination::Bot(bot), Some(_)) => {
                Err(Failure::new(Kind::Usage, format!("`{bot}` is a bot, and a room comes first"))
                    .hint("bot-hub pause ROOM BOT"))
            }
        }
    }

    /// `bob in #lab`, `everything`.
    fn subject(&self) -> String {
        let room = self.room.as_ref().map(|room| words::room(room.as_str()));
        match (room, &self.bot) {
            (None, None) => "everything".to_owned(),
            (None, Some(bot)) => format!("{bot} in all rooms"),
            (Some(room), None) => format!("all bots in {room}"),
            (Some(room), Some(bot)) => format!("{bot} in {room}"),
        }
    }

    /// How it is named behind `bot-hub resume`.
    fn typed(&self) -> String {
        let room = self.room.as_ref().map(ToString::to_string);
        let bot = self.bot.as_ref().map(|bot| format!("@{bot}"));
        match (room, bot) {
            (None, None) => "--all".to_owned(),
            (room, bot) => room.into_iter().chain(bot).collect::<Vec<_>>().join(" "),
        }
    }

    fn of(line: &PauseLine) -> Self {
        Self { room: line.room.clone(), bot: line.bot.clone() }
    }
}

/// A pause in one line, as the other verbs show it: `30 of 30 turns without a person, since …`.
pub(super) fn in_words(line: &PauseLine) -> String {
    let reason = visible_line(&line.reason()).into_owned();
    let until = line.until.map_or_else(String::new, |at| format!(", until {}", local(at)));
    format!("{reason}, since {}{until}", local(line.since))
}

/// The same with what it holds, and what ends it.
pub(super) fn with_way_out(line: &PauseLine) -> String {
    let scope = Scope::of(line);
    let (subject, typed) = (scope.subject(), scope.typed());
    format!("paused: {subject}, {}; to go on: bot-hub resume {typed}", in_words(line))
}

impl Pause {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let scope = Scope::find(hub, &self.what, self.bot).await?;
        pause(hub, scope, self.lasts, self.why).await
    }
}

impl StopAll {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        if !self.yes {
            let question = "stop everything? No bot gets or says anything until you resume; \
                            nothing is lost.";
            confirm_if_somebody_is_there(question.to_owned()).await?;
        }
        pause(hub, Scope::default(), self.lasts, self.why).await
    }
}

async fn pause(hub: &Hub, scope: Scope, lasts: Option<Period>, why: Why) -> Result<(), Failure> {
    let for_ms = lasts.map(Period::as_ms);
    let ask = why.with(Ask::pause(scope.room.clone(), scope.bot.clone(), for_ms));
    let (value, line) = hub.ask(ask).await?;
    hub.out.done(&value, || {
        let (subject, typed) = (scope.subject(), scope.typed());
        format!("{subject}: paused {}; to go on: bot-hub resume {typed}", in_words(&line))
    })
}

impl Resume {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let scope = match &self.what {
            Some(what) => Scope::find(hub, what, self.bot).await?,
            None => Scope::default(),
        };
        if self.skip && !self.yes {
            let subject = scope.subject();
            let question = format!("skip what waits for {subject}? It is handed to nobody.");
            confirm_if_somebody_is_there(question).await?;
        }
        let ask = Ask::resume(scope.room.clone(), scope.bot.clone(), self.skip);
        let (value, Resumed { ended, holds, skipped }) = hub.ask(self.why.with(ask)).await?;
        let subject = scope.subject();
        if let Some(line) = &holds
            && ended == 0
        {
            let wider = Scope::of(line);
            let (wide, words) = (wider.subject(), in_words(line));
            let what = format!("{subject}: no pause of that, but one of {wide}, {words}");
            return Err(Failure::new(Kind::Refused, what)
                .hint(format!("bot-hub resume {}", wider.typed()))
                .details(value));
        }
        hub.out.done(&value, || match ended {
            0 => format!("{subject}: nothing was paused"),
            _ => format!("{subject}: {} ended{}", counted(ended, "pause"), skipped_words(skipped)),
        })?;
        if let Some(line) = holds.filter(|_| !hub.out.json) {
            say(&with_way_out(&line));
        }
        Ok(())
    }
}

fn skipped_words(skipped: u64) -> String {
    match skipped {
        0 => String::new(),
        count => format!("; {} skipped", counted(count, "message")),
    }
}

/// Every pause of the hub.
pub(super) async fn list(hub: &Hub) -> Result<(), Failure> {
    let (value, PauseList { pauses, .. }) = hub.ask(Ask::pause_list(Page::default())).await?;
    let stamp = |at: Option<Timestamp>| at.map_or_else(|| "somebody resumes".to_owned(), local);
    let row = |line: &PauseLine| {
        let scope = Scope::of(line);
        let why = visible_line(&line.reason()).into_owned();
        let way_out = format!("bot-hub resume {}", scope.typed());
        [scope.subject(), local(line.since), stamp(line.until), why, way_out]
    };
    let rows: Vec<_> = pauses.iter().map(row).collect();
    hub.out.answer(&value, || table(["paused", "since", "until", "why", "to go on"], &rows))?;
    if rows.is_empty() && !hub.out.json {
        say("nothing is paused");
    }
    Ok(())
}

/// What other verbs add where something is paused: nothing, if nothing is.
pub(super) fn note(line: Option<&PauseLine>) -> String {
    line.map_or_else(String::new, |line| format!("\n  paused     {}", in_words(line)))
}
