//! `bot-hub who` and `whoami`, and what an ordinary bot may see of rooms and of itself.
//!
//! Owns what is printed about facts that every bot may see; other modules print those for operators only.

use bot_protocol::frame::answer::Ask;
use bot_protocol::frame::server::{BotInfo, RoomInfo};
use bot_protocol::name::RoomName;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{counted, say, table};
use super::target::{Directory, room_argument};
use super::words::{self, ago, visible_line};

/// Where.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  bot-hub who\n  bot-hub who lab")]
pub(super) struct Who {
    /// Only the members of this room
    #[arg(value_parser = room_argument)]
    room: Option<RoomName>,
}

impl Who {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let asked = hub.client.who(self.room.clone()).await.map_err(Failure::from);
        let found = match (asked, &self.room) {
            (Err(failure), Some(room)) if failure.kind == Kind::NotFound => {
                return Err(Directory::read(hub).await?.unknown(&words::room(room.as_str())));
            }
            (found, _) => found?,
        };
        let value = json!({ "room": found.room, "bots": found.bots });
        hub.out.answer(&value, || bots_table(hub, &found.bots))?;
        if found.bots.is_empty() && !hub.out.json {
            say(match &self.room {
                Some(_) => "nobody is a member of that room",
                None => "you share no room with anybody",
            });
        }
        Ok(())
    }
}

/// The bot's state in the wire's own word: a newer hub may use words that this program does not know.
fn state_word(bot: &BotInfo) -> String {
    json!(bot.state).as_str().unwrap_or("-").to_owned()
}

/// Whether the bot is connected.
pub(super) fn is_online(bot: &BotInfo) -> bool {
    state_word(bot) != "offline"
}

/// Bots as everybody may see them.
pub(super) fn bots_table(hub: &Hub, bots: &[BotInfo]) -> String {
    let rows: Vec<_> = bots
        .iter()
        .map(|it| {
            let state = state_word(it);
            let seen = if is_online(it) { "now".to_owned() } else { ago(it.last_seen, hub.now()) };
            let note = it.note.as_deref().map_or_else(String::new, |it| visible_line(it).into());
            let about = profile(it.about.as_deref(), &it.skills);
            [it.bot.to_string(), visible_line(&state).into(), seen, note, about]
        })
        .collect();
    // Where nothing is said of anybody there is no column for it.
    if rows.iter().all(|[.., about]| about.is_empty()) {
        let rows = rows.into_iter().map(|[bot, state, seen, note, _]| [bot, state, seen, note]);
        return table(["bot", "state", "last seen", "note"], &rows.collect::<Vec<_>>());
    }
    table(["bot", "state", "last seen", "note", "about"], &rows)
}

/// What is said of a bot: `Reads the news at six [news, summaries]`. It is that bot's word, or an
/// operator's.
pub(super) fn profile(about: Option<&str>, skills: &[SmolStr]) -> String {
    let mut text = about.map_or_else(String::new, |about| visible_line(about).into_owned());
    if !skills.is_empty() {
        let skills: Vec<_> = skills.iter().map(|skill| visible_line(skill)).collect();
        let space = if text.is_empty() { "" } else { " " };
        text += &format!("{space}[{}]", skills.join(", "));
    }
    text
}

/// Rooms as everybody may see them.
pub(super) fn rooms_table(rooms: &[RoomInfo]) -> String {
    let rows: Vec<_> = rooms
        .iter()
        .map(|it| {
            [
                words::room(it.room.as_str()),
                if it.closed { "closed" } else { "open" }.to_owned(),
                it.members.to_string(),
                it.online.to_string(),
                it.head.to_string(),
                if it.member { "member" } else { "-" }.to_owned(),
            ]
        })
        .collect();
    table(["room", "is", "members", "online", "said", "you"], &rows)
}

/// How far the bot of this token has read its rooms.
pub(super) struct Own {
    pub(super) room: RoomName,
    pub(super) can: Option<String>,
    /// The number of entries after its cursor.
    pub(super) waiting: u64,
}

/// The rooms that the hub listed when we connected.
pub(super) fn own_rooms(hub: &Hub) -> Vec<Own> {
    let rooms = hub.hello.rooms.iter().flatten();
    rooms
        .map(|it| Own {
            room: it.room.clone(),
            can: it.can.as_ref().map(ToString::to_string),
            waiting: it.head.saturating_sub(it.position.seq),
        })
        .collect()
}

/// Whether this token may operate the hub.
pub(super) async fn is_operator(hub: &Hub) -> Result<bool, Failure> {
    match hub.ask(Ask::hub_status()).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.kind == Kind::Refused => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Whether this token may invite anybody anywhere.
pub(super) async fn may_invite(hub: &Hub) -> bool {
    let may = |it: &Own| it.can.as_ref().is_some_and(|can| can.split(',').any(|it| it == "invite"));
    own_rooms(hub).iter().any(may) || is_operator(hub).await.unwrap_or(false)
}

/// `whoami`.
pub(super) async fn whoami(hub: &Hub) -> Result<(), Failure> {
    let operator = is_operator(hub).await?;
    let rooms = own_rooms(hub);
    let version = hub.hello.hub.as_ref().map(|it| it.version.to_string());
    let listed: Vec<Value> = rooms
        .iter()
        .map(|it| json!({ "room": it.room, "can": it.can, "waiting": it.waiting }))
        .collect();
    let value = json!({
        "bot": hub.me, "operator": operator, "url": hub.url, "version": version,
        "context": hub.context_name, "rooms": listed,
    });
    hub.out.answer(&value, || {
        let role = if operator { "an operator" } else { "an ordinary bot" };
        let version = version.as_deref().map_or_else(|| "-".into(), visible_line);
        let what = if hub.is_token_given { "the hub of context" } else { "context" };
        let context =
            hub.context_name.as_ref().map_or_else(String::new, |it| format!(", {what} {it}"));
        format!(
            "{} · {role}\n  hub    {} (Bot Hub {version}){context}\n  rooms  {}",
            hub.me,
            hub.url,
            memberships(&rooms)
        )
    })
}

fn memberships(rooms: &[Own]) -> String {
    if rooms.is_empty() {
        return "none".to_owned();
    }
    let each = rooms.iter().map(|it| {
        let can = it.can.as_ref().map_or_else(String::new, |can| format!(" ({can})"));
        let waits = match it.waiting {
            0 => String::new(),
            waiting => format!(", {} to read", counted(waiting, "message")),
        };
        format!("{}{can}{waits}", words::room(it.room.as_str()))
    });
    each.collect::<Vec<_>>().join("\n         ")
}
