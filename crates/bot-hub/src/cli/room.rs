//! `bot-hub room …`: rooms and their members.
//!
//! Owns what is printed about rooms, and the wording of a retention rule.

use bot_protocol::frame::answer::{Ask, Done, Reply, RoomLine, RoomList};
use bot_protocol::frame::operator::{Page, Retention};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::{Right, Rights};
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Value, json};

use super::again::here;
use super::ask::confirm_if_somebody_is_there;
use super::audit::Why;
use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::losing;
use super::out::{counted, say, table};
use super::target::{Directory, bot_argument, room_argument};
use super::who::{bots_table, own_rooms, rooms_table};
use super::words;
use bot_hub_server::config::{ByteSize, Period};

/// The verbs.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum RoomCommand {
    /// List every room; without operator rights, those that you may see
    List,
    /// Show a room: rules, members, and how far each has received
    Show {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
    },
    /// Make a room
    Create {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
        /// Only operators admit members
        #[arg(long)]
        closed: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Make a bot a member, or change what it may do; what is said from then on waits for it
    #[command(after_help = RIGHTS)]
    Add {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
        /// Which bot
        #[arg(value_parser = bot_argument)]
        bot: BotId,
        /// What it may do there [default: read,post,request; no change for a member]
        #[arg(long, value_name = "RIGHTS")]
        can: Option<Rights>,
        /// Do not ask, where it loses the right to read and something waits for it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Join an open room, as the bot of the token; what is said from then on waits for it
    #[command(
        after_help = "A room that is not there is made, open, if this hub lets bots make rooms.\n\n\
                            Example:\n  bot-hub room join '#lab' --token-file ann.token"
    )]
    Join {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
    },
    /// Leave a room, as the bot of the token
    Leave {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// End the membership of a bot
    Kick {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
        /// Which bot
        #[arg(value_parser = bot_argument)]
        bot: BotId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Remove a room with all its messages; what its members have not received is dropped
    #[command(
        after_help = "Its name is free then. Backups that were made before still have it.\n\n\
                            Example:\n  bot-hub room remove '#lab' --why 'the project is over'"
    )]
    Remove {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Change how long a room keeps its messages; without options, print it
    #[command(after_help = "Examples:\n  bot-hub room retain lab --age 90d --entries 500000\n  \
                            bot-hub room retain lab --bytes none")]
    Retain {
        /// Which room
        #[arg(value_parser = room_argument)]
        room: RoomName,
        /// Messages older than this go: 30d, 12h, or none
        #[arg(long, value_name = "PERIOD", value_parser = bound::<Period>)]
        age: Option<Bound<Period>>,
        /// The oldest messages beyond this number go, or none
        #[arg(long, value_name = "COUNT", value_parser = bound::<u64>)]
        entries: Option<Bound<u64>>,
        /// The oldest messages beyond this size go: 256MiB, or none
        #[arg(long, value_name = "SIZE", value_parser = bound::<ByteSize>)]
        bytes: Option<Bound<ByteSize>>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        why: Why,
    },
}

/// The meaning of the rights, for `--help`.
pub(super) const RIGHTS: &str = "\
Rights, with a comma between two:
  read     it is delivered what is said, and may read it back
  post     it may say something
  request  what it says may ask others for work (REQUEST, HANDOFF, BROADCAST)
  invite   it may invite others into the room";

/// A bound of a retention rule, or none.
#[derive(Clone, Debug)]
pub(super) struct Bound<T>(Option<T>);

/// Refuses a bound of 0: it would remove even messages that an absent bot has not read.
fn bound<T>(text: &str) -> Result<Bound<T>, String>
where
    T: Copy + Into<Amount> + std::str::FromStr<Err: std::fmt::Display>,
{
    if text == "none" {
        return Ok(Bound(None));
    }
    let value: T = text.parse().map_err(|error: T::Err| error.to_string())?;
    let Amount(amount) = value.into();
    if amount == 0 {
        return Err(
            "is too small: nothing would be kept\nhint: for no bound at all: none".to_owned()
        );
    }
    Ok(Bound(Some(value)))
}

/// The value of a bound, in its unit.
pub(super) struct Amount(u64);

impl From<Period> for Amount {
    fn from(period: Period) -> Self {
        Self(period.as_ms())
    }
}

impl From<u64> for Amount {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<ByteSize> for Amount {
    fn from(size: ByteSize) -> Self {
        Self(size.get())
    }
}

impl RoomCommand {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        match self {
            Self::List => list(hub).await,
            Self::Show { room } if !super::who::is_operator(hub).await? => {
                show_seen(hub, &room).await
            }
            Self::Show { room } => {
                let (value, shown) = on(hub, &room, show_of(&room)).await?;
                hub.out.answer(&value, || text(&shown))
            }
            Self::Create { room, closed, why } => {
                hub.ask(why.with(Ask::room_create(room.clone(), closed))).await?;
                let done = json!({ "room": room, "closed": closed });
                hub.out.done(&done, || format!("{} is there", words::room(room.as_str())))
            }
            Self::Add { room, bot, can, yes, why } => {
                if !yes && can.is_some_and(|can| !can.has(Right::Read)) {
                    confirm_loss(hub, &room, &bot).await?;
                }
                let ask = why.with(Ask::room_add(room.clone(), bot.clone(), can));
                membership(hub, &room, &bot, ask, "is a member of").await
            }
            Self::Kick { room, bot, yes, why } => {
                if !yes {
                    let name = words::room(room.as_str());
                    let waiting = waiting_for(hub, &room, &bot).await;
                    let waits = waiting.map_or_else(String::new, losing::question);
                    let question = format!("end {bot}'s membership of {name}?{waits}");
                    confirm_if_somebody_is_there(question).await?;
                }
                let ask = why.with(Ask::room_kick(room.clone(), bot.clone()));
                membership(hub, &room, &bot, ask, "is no longer a member of").await
            }
            Self::Remove { room, yes, why } => remove(hub, &room, yes, why).await,
            Self::Join { room } => {
                let joined = hub.client.join(room.clone()).await?;
                let done = json!({ "room": room, "bot": hub.me, "policy": joined.policy });
                hub.out.done(&done, || {
                    format!("{} is a member of {}", hub.me, words::room(room.as_str()))
                })
            }
            Self::Leave { room, yes } => leave(hub, &room, yes).await,
            Self::Retain { room, age, entries, bytes, yes, why } => {
                retain(hub, &room, Wish { age, entries, bytes, yes, why }).await
            }
        }
    }
}

/// Runs an operation on a room that must exist.
async fn on<A: Reply>(hub: &Hub, room: &RoomName, ask: Ask<A>) -> Result<(Value, A), Failure> {
    match hub.ask(ask).await {
        Err(failure) if failure.kind == Kind::NotFound => {
            Err(Directory::read(hub).await?.unknown(&words::room(room.as_str())))
        }
        other => other,
    }
}

/// A member without the right to read loses the messages that wait for it; as with `kick`, a person
/// confirms that.
async fn confirm_loss(hub: &Hub, room: &RoomName, bot: &BotId) -> Result<(), Failure> {
    let waiting = waiting_for(hub, room, bot).await.unwrap_or(0);
    if waiting == 0 {
        return Ok(());
    }
    let (name, waits) = (words::room(room.as_str()), losing::question(waiting));
    let question = format!("take the right to read {name} from {bot}?{waits}");
    confirm_if_somebody_is_there(question).await
}

/// How many messages of a room wait for a bot. `None` if the hub refuses the question; the operation itself
/// then reports why.
async fn waiting_for(hub: &Hub, room: &RoomName, bot: &BotId) -> Option<u64> {
    let (_, shown) = hub.ask(show_of(room)).await.ok()?;
    let member = shown.members.iter().find(|member| member.bot == *bot);
    Some(member.map_or(0, |member| member.waiting))
}

/// Replaces the hint to join the room, which does not help with removing a bot, by one that lists the
/// members.
fn is_no_member(failure: Failure, room: &RoomName) -> Failure {
    if failure.code.as_deref() != Some("not_a_member") {
        return failure;
    }
    let hint = format!("who is in it: bot-hub room show '{}'", words::room(room.as_str()));
    Failure { code: None, ..failure }.hint(hint)
}

async fn membership(
    hub: &Hub,
    room: &RoomName,
    bot: &BotId,
    ask: Ask<Done>,
    is: &str,
) -> Result<(), Failure> {
    let result = hub.ask(ask).await.map_err(|failure| is_no_member(failure, room));
    if result.as_ref().is_err_and(|failure| failure.kind == Kind::NotFound) {
        let directory = Directory::read(hub).await?;
        let room_is_there = directory.rooms.contains(room);
        let wrong = if room_is_there { format!("@{bot}") } else { words::room(room.as_str()) };
        return Err(directory.unknown(&wrong));
    }
    let dropped = result?.1.dropped.unwrap_or(0);
    let done = json!({ "room": room, "bot": bot, "dropped": dropped });
    hub.out.done(&done, || {
        format!("{bot} {is} {}{}", words::room(room.as_str()), losing::dropped(dropped))
    })
}

async fn remove(hub: &Hub, room: &RoomName, yes: bool, why: Why) -> Result<(), Failure> {
    let name = words::room(room.as_str());
    if !yes {
        let (_, known) = on(hub, room, show_of(room)).await?;
        let waiting: u64 = known.members.iter().map(|member| member.waiting).sum();
        let question = format!(
            "remove {name} with {} and {}, for good?{}",
            counted(known.entries, "message"),
            counted(known.members.len() as u64, "member"),
            losing::with_a_room(waiting),
        );
        confirm_if_somebody_is_there(question).await?;
    }
    let (value, gone) = on(hub, room, why.with(Ask::room_remove(room.clone()))).await?;
    hub.out.done(&value, || {
        let messages = counted(gone.entries, "message");
        let dropped = losing::dropped_with_a_room(gone.dropped);
        format!("{name} is gone, with {messages}{dropped}")
    })
}

/// All rooms for an operator; for other bots the rooms that they may see.
pub(super) async fn list(hub: &Hub) -> Result<(), Failure> {
    let (value, RoomList { rooms, .. }) = match hub.ask(Ask::room_list(Page::default())).await {
        Err(failure) if failure.kind == Kind::Refused => {
            let seen = hub.client.rooms().await?;
            let value = json!({ "rooms": seen.rooms, "complete": false });
            hub.out.answer(&value, || rooms_table(&seen.rooms))?;
            if !hub.out.json {
                say("these are the rooms that you may see; who waits for what, operators are told");
            }
            return Ok(());
        }
        asked => asked?,
    };
    let rows: Vec<_> = rooms
        .iter()
        .map(|room| {
            let online = room.members.iter().filter(|member| member.online).count();
            let waiting: u64 = room.members.iter().map(|member| member.waiting).sum();
            [
                words::room(room.room.as_str()),
                is(room),
                room.members.len().to_string(),
                online.to_string(),
                room.entries.to_string(),
                waiting.to_string(),
            ]
        })
        .collect();
    let head = ["room", "is", "members", "online", "messages", "waiting"];
    hub.out.answer(&value, || table(head, &rows))?;
    if rows.is_empty() && !hub.out.json {
        say(&here("there is no room yet; make one: bot-hub room create lab"));
    }
    Ok(())
}

/// `closed`; `open, paused`.
fn is(room: &RoomLine) -> String {
    let kind = if room.closed { "closed" } else { "open" };
    let held = room.members.iter().filter(|member| member.paused.is_some()).count();
    match (&room.paused, held) {
        (Some(_), _) => format!("{kind}, paused"),
        (None, 0) => kind.to_owned(),
        (None, held) => format!("{kind}, {held} paused"),
    }
}

/// A room as a bot that is no operator sees it.
async fn show_seen(hub: &Hub, name: &RoomName) -> Result<(), Failure> {
    let rooms = hub.client.rooms().await?.rooms;
    let Some(room) = rooms.iter().find(|it| it.room == *name) else {
        return Err(Directory::read(hub).await?.unknown(&words::room(name.as_str())));
    };
    let bots = hub.client.who(Some(name.clone())).await?.bots;
    let value = json!({ "room": room, "bots": bots, "complete": false });
    hub.out.answer(&value, || {
        let rooms = rooms_table(std::slice::from_ref(room));
        [rooms, bots_table(hub, &bots)].join("\n\n").trim_end().to_owned()
    })
}

async fn leave(hub: &Hub, room: &RoomName, yes: bool) -> Result<(), Failure> {
    let name = words::room(room.as_str());
    let waiting = own_rooms(hub).into_iter().find(|it| it.room == *room).map_or(0, |it| it.waiting);
    if !yes && waiting > 0 {
        let waits = counted(waiting, "message");
        // The hub counts all entries after the cursor, including what this bot sent itself.
        let question =
            format!("leave {name}? Up to {waits} that you have not received would be dropped.");
        confirm_if_somebody_is_there(question).await?;
    }
    let left = hub.client.leave(room.clone()).await.map_err(|error| {
        let failure = Failure::from(error);
        let is_outside = matches!(failure.code.as_deref(), Some("not_a_member" | "no_such_room"));
        let failure = super::send::in_our_words(failure, hub, &name);
        if is_outside { failure.hint("see yours: bot-hub rooms") } else { failure }
    })?;
    let dropped = left.dropped.unwrap_or(0);
    let done = json!({ "room": room, "bot": hub.me, "dropped": dropped });
    hub.out.done(&done, || {
        format!("{} is no longer a member of {name}{}", hub.me, losing::dropped(dropped))
    })
}

/// The retention rule that the user asks for.
struct Wish {
    age: Option<Bound<Period>>,
    entries: Option<Bound<u64>>,
    bytes: Option<Bound<ByteSize>>,
    yes: bool,
    why: Why,
}

impl Wish {
    fn changes(&self, before: &Retention) -> Retention {
        let mut rule = *before;
        if let Some(Bound(age)) = self.age {
            rule.age_ms = age.map(Period::as_ms);
        }
        if let Some(Bound(entries)) = self.entries {
            rule.entries = entries;
        }
        if let Some(Bound(bytes)) = self.bytes {
            rule.bytes = bytes.map(ByteSize::get);
        }
        rule
    }
}

async fn retain(hub: &Hub, room: &RoomName, wish: Wish) -> Result<(), Failure> {
    let (_, known) = on(hub, room, show_of(room)).await?;
    let rule = wish.changes(&known.retain);
    let name = words::room(room.as_str());
    let goes = what_goes(&known, &rule);
    let is_change = wish.age.is_some() || wish.entries.is_some() || wish.bytes.is_some();
    if let Some(goes) = goes.as_ref().filter(|_| is_change && !wish.yes) {
        let question = format!("{name} keeps {} now, and {goes} for good. Do it?", known.entries);
        confirm_if_somebody_is_there(question).await?;
    }
    let told = || {
        let goes = goes.filter(|_| is_change).map_or_else(String::new, |goes| format!("; {goes}"));
        format!("{name} keeps {}{goes}", rule_in_words(&rule))
    };
    let answer = json!({ "room": room, "retain": rule });
    if !is_change {
        return hub.out.answer(&answer, told);
    }
    hub.ask(wish.why.with(Ask::room_retain(room.clone(), rule))).await?;
    hub.out.done(&answer, told)
}

/// What a narrower rule would remove from a room with messages, as a number where it is known.
fn what_goes(room: &RoomLine, rule: &Retention) -> Option<String> {
    let narrower =
        |new: Option<u64>, old: Option<u64>| new.is_some_and(|new| old.is_none_or(|old| new < old));
    let over = rule.entries.map_or(0, |max| room.entries.saturating_sub(max));
    let oldest =
        rule.bytes.filter(|&max| narrower(rule.bytes, room.retain.bytes) && room.bytes > max);
    let by_age =
        rule.age_ms.filter(|_| narrower(rule.age_ms, room.retain.age_ms) && room.entries > 0);
    let parts = [
        (over > 0).then(|| {
            format!("{} {}", counted(over, "message"), if over == 1 { "goes" } else { "go" })
        }),
        oldest.map(|max| {
            format!("the oldest of {} beyond {} go", words::size(room.bytes), words::size(max))
        }),
        by_age.map(|age| format!("what is older than {} goes", words::period(age))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { None } else { Some(parts.join(", and ")) }
}

fn show_of(room: &RoomName) -> Ask<RoomLine> {
    Ask::room_show(room.clone(), Page::default())
}

/// How far a bot has read one of its rooms.
#[derive(Debug, Serialize)]
pub(super) struct Position {
    pub(super) room: RoomName,
    pub(super) cursor: u64,
    pub(super) head: u64,
    pub(super) waiting: u64,
}

/// The memberships of one bot.
pub(super) async fn rooms_of(hub: &Hub, bot: &BotId) -> Result<Vec<Position>, Failure> {
    let (_, RoomList { rooms, .. }) = hub.ask(Ask::room_list(Page::default())).await?;
    let own = rooms.into_iter().filter_map(|RoomLine { room, head, members, .. }| {
        let member = members.iter().find(|member| member.bot == *bot)?;
        Some(Position { room, cursor: member.cursor, head, waiting: member.waiting })
    });
    Ok(own.collect())
}

fn text(room: &RoomLine) -> String {
    let rows: Vec<_> = room
        .members
        .iter()
        .map(|member| {
            let state = match (member.online, member.paused.is_some()) {
                (true, false) => "online",
                (false, false) => "offline",
                (true, true) => "online, paused",
                (false, true) => "offline, paused",
            };
            let received = member.cursor.to_string();
            let can = member.can.to_string();
            let waiting = member.waiting.to_string();
            [format!("  {}", member.bot), state.to_owned(), can, received, waiting]
        })
        .collect();
    let paused = room.paused.as_ref();
    let members = table(["  member", "state", "can", "received", "waiting"], &rows);
    format!(
        "{}\n  admits    {}\n  messages  {}\n  keeps     {}{}\n{}",
        words::room(room.room.as_str()),
        admits(room),
        numbers(room),
        rule_in_words(&room.retain),
        paused
            .map_or_else(String::new, |it| format!("\n  paused    {}", super::pause::in_words(it))),
        if members.is_empty() { "  nobody is a member" } else { &members },
    )
}

fn numbers(room: &RoomLine) -> String {
    match (room.entries, room.head) {
        (0, 0) => "0".to_owned(),
        (0, head) => format!("0, the last one had number {head}"),
        (entries, head) => {
            format!("{entries} ({}), numbers {} to {head}", words::size(room.bytes), room.first)
        }
    }
}

fn admits(room: &RoomLine) -> String {
    let inviting = room.members.iter().filter(|member| member.can.rights().has(Right::Invite));
    let inviting: Vec<&str> = inviting.map(|member| member.bot.as_str()).collect();
    let who = if room.closed { "whom an operator adds" } else { "everybody" };
    match &inviting[..] {
        [] => who.to_owned(),
        bots => format!("{who}, and whom {} invites", bots.join(" or ")),
    }
}

fn rule_in_words(rule: &Retention) -> String {
    let bounds = [
        rule.age_ms.map(words::period),
        rule.entries.map(|entries| counted(entries, "message")),
        rule.bytes.map(words::size),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    if bounds.is_empty() {
        "everything".to_owned()
    } else {
        format!("at most {}", bounds.join(", "))
    }
}
