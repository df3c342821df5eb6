//! `bot-hub tail`: watch messages as they come.
//!
//! Owns the options and how a message is printed. [`follow`] makes sure that no message is missed.

pub(super) mod exec;
mod follow;
mod merge;

use bot_protocol::frame::Opaque;
use bot_protocol::frame::answer::PauseLine;
use bot_protocol::frame::server::{Delivery, Gap, Pause, Redacted};
use bot_protocol::name::{BotId, RoomName};
use serde_json::json;

use super::failure::{Failure, Kind};
use super::history::page;
use super::hub::Hub;
use super::out::{Out, say};
use super::pause::with_way_out;
use super::target::{Destination, Directory};
use super::words;
use bot_hub_server::config::Period;

/// What to watch, and what to do with it.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
`@bot` shows what this bot says anywhere, and what is said to it directly. A token without operator rights
sees the rooms of its bot.

The command of --exec runs once per message, one at a time, with the text on stdin and BOT_HUB_ROOM,
BOT_HUB_FROM, BOT_HUB_ID, BOT_HUB_SEQ, BOT_HUB_SENT_AT, BOT_HUB_AGE_MS, BOT_HUB_REPLY_TO and BOT_HUB_THREAD set.
It is not run for what you said yourself, so that it cannot answer itself for ever, nor for what commands like it
have answered 8 times in a row.

Examples:
  bot-hub tail all
  bot-hub tail '#lab' --since 1h --json
  bot-hub tail @pelouse --count 1 --raw
  bot-hub tail lab --exec 'notify-send \"$BOT_HUB_FROM\" \"$(cat)\"'")]
pub(super) struct Tail {
    /// #room, @bot, a bare name that only one of them has, or `all`
    #[arg(value_name = "ROOM|@BOT|all")]
    what: String,
    /// Begin with what was said in this time: 10m, 1h30m, 7d
    #[arg(long, value_name = "PERIOD")]
    since: Option<Period>,
    /// End after so many messages
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Run this command for each message of others, instead of printing it
    #[arg(long, value_name = "CMD", conflicts_with = "raw")]
    exec: Option<String>,
    /// With --exec: also for what you said yourself
    #[arg(long, requires = "exec")]
    own: bool,
    /// Print the bare texts, exactly as they were sent
    #[arg(long)]
    raw: bool,
}

/// Which messages to show.
#[derive(Clone, Debug)]
enum Scope {
    All,
    Room(RoomName),
    Bot(BotId),
}

impl Scope {
    fn has_room(&self, room: &RoomName) -> bool {
        matches!(self, Self::All | Self::Bot(_)) || matches!(self, Self::Room(own) if own == room)
    }

    fn in_words(&self) -> String {
        match self {
            Self::All => "all rooms".to_owned(),
            Self::Room(room) => words::room(room.as_str()),
            Self::Bot(bot) => format!("@{bot}"),
        }
    }

    fn has(&self, message: &Delivery) -> bool {
        let Self::Bot(bot) = self else { return self.has_room(&message.room) };
        let pair = message.room.direct_pair();
        message.from == *bot || pair.is_some_and(|(one, other)| one == *bot || other == *bot)
    }
}

impl Tail {
    pub(super) async fn run(self, hub: &mut Hub) -> Result<(), Failure> {
        if hub.out.json && (self.raw || self.exec.is_some()) {
            let other = if self.raw { "--raw" } else { "--exec" };
            return Err(Failure::new(Kind::Usage, format!("what {other} prints is no JSON"))
                .hint(format!("leave out --json, or {other}")));
        }
        let scope = match self.what.as_str() {
            "all" => Scope::All,
            typed => scope(hub, typed).await?,
        };
        let form = match self.exec {
            Some(command) => Form::Exec { command, spares: (!self.own).then(|| hub.me.clone()) },
            None if self.raw => Form::Raw,
            None if hub.out.json => Form::Json,
            None => Form::Text,
        };
        let since = self.since.map(|period| hub.before(period.get()));
        let sink = Sink { out: hub.out, form, left: self.count };
        let followed = tokio::select! {
            followed = follow::Follow::new(hub, scope, sink).run(since) => followed,
            () = super::out::unheard() => Ok(()),
        };
        match followed {
            Err(failure) if failure.kind == Kind::Unheard => Ok(()),
            other => other,
        }
    }
}

/// What a name refers to. If this bot does not see everything, the hub is asked whether the name exists;
/// otherwise the command would wait forever for a room that does not exist.
async fn scope(hub: &Hub, typed: &str) -> Result<Scope, Failure> {
    let directory = Directory::read(hub).await?;
    match directory.find(typed)? {
        Destination::Bot(bot) if bot == hub.me || directory.bots.contains(&bot) => {
            Ok(Scope::Bot(bot))
        }
        Destination::Bot(bot) => Err(directory.unknown(&format!("@{bot}"))),
        Destination::Room(room) => {
            if directory.is_complete {
                // A direct conversation of two existing bots may still begin.
                let pair = room.direct_pair().map(|(one, other)| [one, other]);
                let nobody = pair.into_iter().flatten().find(|bot| !directory.bots.contains(bot));
                if let Some(nobody) = nobody {
                    return Err(directory.unknown(&format!("@{nobody}")));
                }
            } else {
                page(hub, &room, None, None, Some(1)).await?;
            }
            Ok(Scope::Room(room))
        }
    }
}

enum Form {
    Text,
    Json,
    Raw,
    Exec {
        command: String,
        /// Messages of this bot do not run the command.
        spares: Option<BotId>,
    },
}

/// Whether to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Enough,
}

/// Where messages are written.
struct Sink {
    out: Out,
    form: Form,
    left: Option<u64>,
}

impl Sink {
    async fn message(&mut self, message: &Delivery) -> Result<Next, Failure> {
        match &self.form {
            Form::Text => self.out.text(&words::message(message))?,
            Form::Json => self.out.json_line(&json_of(message))?,
            Form::Raw => super::out::write_line(&message.text)?,
            Form::Exec { spares: Some(me), .. } if *me == message.from => return Ok(Next::GoOn),
            Form::Exec { command, .. } => exec::run(command, message).await?,
        }
        let Some(left) = &mut self.left else { return Ok(Next::GoOn) };
        *left -= 1;
        Ok(if *left == 0 { Next::Enough } else { Next::GoOn })
    }

    /// Reports that a message is not to be shown any more.
    fn redacted(&self, told: &Redacted) -> Result<(), Failure> {
        let (room, by) = (words::room(told.room.as_str()), words::redacted_by(&told.redacted));
        let line = format!("! {room}: message {} is redacted {by}", told.seq);
        match self.form {
            Form::Text => self.out.text(&line),
            Form::Json => {
                let mut line = json!(told);
                line["type"] = "redacted".into();
                self.out.json_line(&line)
            }
            Form::Raw | Form::Exec { .. } => {
                say(&line);
                Ok(())
            }
        }
    }

    /// Reports that bots stand still, or go on.
    fn pause(&self, pause: &Pause) -> Result<(), Failure> {
        let Pause { room, bot, on, by, why, since, until } = pause.clone();
        let line = PauseLine { bot, by, room, since, until, why };
        let told = match on {
            true => format!("! {}", with_way_out(&line)),
            false => format!("! {} goes on", line.subject()),
        };
        match self.form {
            Form::Text => self.out.text(&told),
            Form::Json => {
                let mut line = json!(pause);
                line["type"] = "pause".into();
                self.out.json_line(&line)
            }
            Form::Raw | Form::Exec { .. } => {
                say(&told);
                Ok(())
            }
        }
    }

    /// Reports that messages are missing.
    fn gap(&self, gap: &Gap) -> Result<(), Failure> {
        let room = words::room(gap.room.as_str());
        let reason = &gap.reason;
        let told = match gap.lost {
            0 => format!("! {room}: the log was replaced; what was said in between is unknown"),
            1 => format!("! {room}: message {} is gone ({reason})", gap.from_seq),
            _ => {
                format!("! {room}: messages {} to {} are gone ({reason})", gap.from_seq, gap.to_seq)
            }
        };
        match self.form {
            Form::Text => self.out.text(&told),
            Form::Json => {
                let mut line = json!(gap);
                line["type"] = "gap".into();
                self.out.json_line(&line)
            }
            Form::Raw | Form::Exec { .. } => {
                say(&told);
                Ok(())
            }
        }
    }
}

/// A message as a line of a stream.
pub(super) fn json_of(message: &Delivery) -> serde_json::Value {
    let readable = |json: &Option<Opaque>| json.as_ref().map(Opaque::readable);
    let message =
        Delivery { act: readable(&message.act), meta: readable(&message.meta), ..message.clone() };
    let fields = [("act", &message.act), ("meta", &message.meta)];
    let mended = fields.into_iter().filter(|(_, it)| it.as_ref().is_some_and(Opaque::is_mended));
    let mended: Vec<&str> = mended.map(|(name, _)| name).collect();
    let mut line = json!(message);
    line["type"] = "message".into();
    if !mended.is_empty() {
        line["mended"] = json!(mended);
    }
    line
}
