//! `bot-hub bot …`: who may come in.
//!
//! Owns what is printed about bots. A token is printed once, by whoever made it.

use bot_protocol::frame::operator::{Operation, Page};
use bot_protocol::frame::server::Slowed;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};

use super::again::here;
use super::ask::confirm_if_somebody_is_there;
use super::failure::{Failure, Kind};
use super::hub::{Hub, understood};
use super::losing;
use super::out::{counted, reserve_for_secret, say, table, why_unwritten};
use super::paint::label;
use super::target::{Directory, bot_argument};
use super::who::{bots_table, is_operator};
use super::words::{ago, local};
use bot_hub_server::config::Period;

/// The verbs.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum BotCommand {
    /// Make a bot, and print its token: once, on stdout
    #[command(after_help = "Example:\n  bot-hub bot add marlbot > marlbot.token")]
    Add {
        /// What it is called
        #[arg(value_parser = bot_argument)]
        name: BotId,
        /// Give it the rights of an operator: it may run these commands from another machine
        #[arg(long)]
        operator: bool,
    },
    /// List every bot; without operator rights, those that share a room with you
    List,
    /// Show what is known about a bot
    Show {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
    },
    /// Make a new token; older ones that were made at run time end, at once or a little later
    ///
    /// A token in the configuration file stays good until it is removed there.
    #[command(
        after_help = "Example:\n  bot-hub bot rotate-token pelouse --overlap 24h > pelouse.token"
    )]
    RotateToken {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        /// How long the old tokens are still good, so that nobody is cut off: 24h
        #[arg(long, value_name = "PERIOD")]
        overlap: Option<Period>,
    },
    /// End the tokens made at run time, and close the bot's connections
    RevokeToken {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
    },
    /// Keep a bot out until it is enabled again
    Disable {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
    },
    /// Let a disabled bot in again
    Enable {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
    },
    /// Forget a bot, its tokens and memberships; what it said stays
    Remove {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// A bot as the hub shows it.
#[derive(Deserialize)]
struct Bot {
    bot: BotId,
    online: bool,
    operator: bool,
    #[serde(default)]
    guest: bool,
    disabled: bool,
    origin: String,
    tokens: u64,
    created_at: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    #[serde(default)]
    slowed: Option<Slowed>,
}

impl BotCommand {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        match self {
            Self::Add { name, operator } => {
                reserve_for_secret()?;
                let made = hub.operate(Operation::BotAdd { bot: name.clone(), operator }).await?;
                match print_token(hub, made) {
                    Ok(way) => explain_token(hub, &name, &way),
                    Err(failure) => return Err(take_back(hub, name, &failure).await),
                }
                Ok(())
            }
            Self::RotateToken { name, overlap } => rotate(hub, name, overlap).await,
            Self::RevokeToken { name } => {
                let done = on(hub, &name, Operation::BotRevokeToken { bot: name.clone() }).await?;
                let left = done["tokens"].as_u64().unwrap_or_default();
                hub.out.done(&done, || revoked(&name, left))
            }
            Self::List => list(hub).await,
            Self::Show { name } => show(hub, &name).await,
            Self::Disable { name } => {
                let done = on(hub, &name, Operation::BotDisable { bot: name.clone() }).await?;
                hub.out.done(&done, || format!("{name} is disabled"))
            }
            Self::Enable { name } => {
                let done = on(hub, &name, Operation::BotEnable { bot: name.clone() }).await?;
                hub.out.done(&done, || format!("{name} is enabled"))
            }
            Self::Remove { name, yes } => {
                if !yes {
                    let what = format!("remove {name}, its tokens and memberships?");
                    let rooms = super::room::rooms_of(hub, &name).await.unwrap_or_default();
                    let waiting = rooms.iter().filter_map(|it| it["waiting"].as_u64()).sum();
                    let question = format!("{what}{}", losing::question(waiting));
                    confirm_if_somebody_is_there(question).await?;
                }
                let done = on(hub, &name, Operation::BotRemove { bot: name.clone() }).await?;
                let lost = losing::dropped(&done);
                hub.out.done(&done, || format!("{name} is removed; what it said stays{lost}"))
            }
        }
    }
}

/// An operation on a bot that should exist.
async fn on(hub: &Hub, bot: &BotId, operation: Operation) -> Result<Value, Failure> {
    let result = hub.operate(operation).await;
    match result {
        Err(failure) if failure.kind == Kind::NotFound => {
            Err(Directory::read(hub).await?.unknown(&format!("@{bot}")))
        }
        other => other,
    }
}

/// In two steps: the old tokens end when the new one is out, and not before.
async fn rotate(hub: &Hub, name: BotId, overlap: Option<Period>) -> Result<(), Failure> {
    reserve_for_secret()?;
    let mut made = on(hub, &name, Operation::BotPrepareToken { bot: name.clone() }).await?;
    let token_id = made["token_id"].as_str().unwrap_or_default().into();
    let of_file = is_of_file(hub, &name).await;
    let overlap_ms = overlap.map(Period::as_ms).filter(|it| *it > 0);
    let old_ends_at = overlap_ms.map(|overlap_ms| hub.now() + overlap_ms);
    if let Some(document) = made.as_object_mut() {
        // They are between the two steps, and nobody else's.
        document.remove("token_id");
        document.remove("keep_until");
        document.insert("file_token_stays".to_owned(), of_file.into());
        document.extend(old_ends_at.map(|at| ("old_ends_at".to_owned(), json!(at))));
    }
    let way = print_token(hub, made).map_err(|failure| {
        let hint = "the old token is still good, and the new one ends within minutes";
        Failure::new(Kind::Failed, why_unwritten(&failure)).hint(hint)
    })?;
    let keep = Operation::BotKeepToken { bot: name.clone(), token_id, old_ends_at };
    hub.operate(keep).await.map_err(|failure| {
        let hint = format!(
            "the token that was printed ends within minutes, and the old one is still good; once more: \
             bot-hub bot rotate-token {name}"
        );
        failure.hint(hint)
    })?;
    explain_token(hub, &name, &way);
    if hub.out.json {
        return Ok(());
    }
    if let Some(at) = old_ends_at {
        say(&format!("\nThe tokens made before are good until {}.", local(at)));
    }
    if of_file {
        say(&format!(
            "\n{} the token in the configuration file stays good: remove it there, and reload",
            label("warning:")
        ));
    }
    Ok(())
}

/// Whether it has a token that no verb ends.
async fn is_of_file(hub: &Hub, name: &BotId) -> bool {
    let shown = hub.ask::<Bot>(Operation::BotShow { bot: name.clone() }).await;
    shown.is_ok_and(|(_, bot)| bot.origin == FILE_ORIGIN)
}

/// A bot whose token nobody has is of no use, and its name would be taken.
async fn take_back(hub: &Hub, bot: BotId, failure: &Failure) -> Failure {
    let cause = why_unwritten(failure);
    let hint = match hub.operate(Operation::BotRemove { bot: bot.clone() }).await {
        Ok(_) => {
            format!("{bot} was not made; the name is good for bot add, and not for guests any more")
        }
        Err(_) => format!("the token is lost; for another one: bot-hub bot rotate-token {bot}"),
    };
    Failure::new(Kind::Failed, cause).hint(hint)
}

/// Prints a token, and returns what to say of it.
fn print_token(hub: &Hub, mut made: Value) -> Result<Way, Failure> {
    let url = hub.bot_url(made["public_url"].as_str());
    made["url"] = url.as_str().into();
    hub.out.secret(&made, || made["token"].as_str().unwrap_or_default().to_owned())?;
    let is_operator = made["token"].as_str().is_some_and(|it| it.starts_with("bh_adm_"));
    Ok(Way { url, is_operator })
}

/// Where a token is good, and whether for everything.
struct Way {
    url: String,
    is_operator: bool,
}

fn explain_token(hub: &Hub, bot: &BotId, Way { url, is_operator }: &Way) {
    if hub.out.json {
        return;
    }
    // On the hub's own machine there is a way that needs neither name nor certificate.
    let is_nearer = hub.running.is_some() && hub.url != *url && hub.url.starts_with("ws://");
    let nearer =
        if is_nearer { format!(" (on this machine also {})", hub.url) } else { String::new() };
    let rights = if *is_operator { ", an operator of this hub" } else { "" };
    say(&here(&format!(
        "\nThis is the token of {bot}{rights}. It is not shown again; keep it like a password.\n\
         A bot connects to {url}{nearer} and sends first\n  \
         {{\"type\":\"auth\",\"token\":\"…\"}}\n\
         To speak as {bot} from here, put the token into BOT_HUB_TOKEN, or into a file for --token-file:\n  \
         bot-hub room join --token-file {bot}.token '#lab'\n  \
         bot-hub send --token-file {bot}.token '#lab' hello",
    )));
}

fn revoked(bot: &BotId, left: u64) -> String {
    match left {
        0 => format!("{bot} has no token any more; for a new one: bot-hub bot rotate-token {bot}"),
        _ => format!(
            "the tokens of {bot} that were made at run time are revoked; {} in the configuration file {}",
            counted(left, "token"),
            if left == 1 { "stays" } else { "stay" },
        ),
    }
}

/// Where the hub says that it read of a bot in its configuration.
const FILE_ORIGIN: &str = "configuration file";

/// Where the hub says that it made its own operator, who is nobody's bot.
pub(super) const OPERATOR_ORIGIN: &str = "this process";

/// Bots that somebody made, and how many of them are connected.
pub(super) async fn counts(hub: &Hub) -> Result<(u64, u64), Failure> {
    let (_, Bots { mut bots }): (_, Bots) = hub.ask(Operation::BotList(Page::default())).await?;
    bots.retain(|bot| bot.origin != OPERATOR_ORIGIN);
    let online = bots.iter().filter(|bot| bot.online).count() as u64;
    Ok((bots.len() as u64, online))
}

#[derive(Deserialize)]
struct Bots {
    bots: Vec<Bot>,
}

async fn list(hub: &Hub) -> Result<(), Failure> {
    let (value, Bots { bots }) = match hub.ask(Operation::BotList(Page::default())).await {
        Err(failure) if failure.kind == Kind::Refused => return list_seen(hub, None).await,
        asked => asked?,
    };
    let rows: Vec<_> = bots
        .iter()
        .map(|bot| {
            let rights = rights(bot);
            let seen = if bot.online { "now".to_owned() } else { ago(bot.last_seen, hub.now()) };
            [
                bot.bot.to_string(),
                state(bot).to_owned(),
                rights.to_owned(),
                seen,
                bot.origin.clone(),
            ]
        })
        .collect();
    hub.out.answer(&value, || table(["bot", "state", "rights", "last seen", "made in"], &rows))
}

/// For a bot that is no operator: who shares a room with it.
async fn list_seen(hub: &Hub, only: Option<&BotId>) -> Result<(), Failure> {
    let mut bots = hub.client.who(None).await?.bots;
    if let Some(only) = only {
        bots.retain(|it| it.bot == *only);
        if bots.is_empty() {
            return Err(Directory::read(hub).await?.unknown(&format!("@{only}")));
        }
    }
    hub.out.answer(&json!({ "bots": bots, "complete": false }), || bots_table(hub, &bots))?;
    if !hub.out.json {
        say("these are the bots that share a room with you; of the others, operators are told");
    }
    Ok(())
}

async fn show(hub: &Hub, name: &BotId) -> Result<(), Failure> {
    if !is_operator(hub).await? {
        return list_seen(hub, Some(name)).await;
    }
    let value = on(hub, name, Operation::BotShow { bot: name.clone() }).await?;
    let bot: Bot = understood(&value)?;
    let rooms: Vec<Value> = super::room::rooms_of(hub, name).await?;
    let mut document = value.clone();
    document["rooms"] = json!(rooms);
    hub.out.answer(&document, || {
        let rights = rights(&bot);
        let slowed = bot.slowed.map(|it| format!("\n  slowed     {}", super::words::slowed(it)));
        let slowed = slowed.unwrap_or_default();
        let rooms = rooms.iter().map(|it| {
            let room = super::words::room(it["room"].as_str().unwrap_or("-"));
            format!("\n  {room}  received up to {} of {}", it["cursor"], it["head"])
        });
        format!(
            "{}\n  state      {}\n  rights     {rights}\n  made       {}\n  tokens     {}\n  last seen  {}{slowed}{}",
            bot.bot,
            state(&bot),
            made_in(&bot),
            bot.tokens,
            if bot.online { "now".to_owned() } else { ago(bot.last_seen, hub.now()) },
            rooms.collect::<String>(),
        )
    })
}

fn made_in(bot: &Bot) -> String {
    if bot.origin == OPERATOR_ORIGIN {
        return "by the hub itself, with a new token at every start".to_owned();
    }
    let made = bot.created_at.map_or_else(|| "-".to_owned(), local);
    format!("{made}, in the {}", bot.origin)
}

fn rights(bot: &Bot) -> &'static str {
    match (bot.operator, bot.guest) {
        (true, _) => "operator",
        (false, true) => "guest",
        (false, false) => "bot",
    }
}

fn state(bot: &Bot) -> &'static str {
    match (bot.disabled, bot.online) {
        (true, _) => "disabled",
        (false, true) => "online",
        (false, false) => "offline",
    }
}
