//! `bot-hub bot …`: who may come in.
//!
//! Owns what is printed about bots. A token is printed only once, by the command that made it.

use bot_protocol::frame::answer::{Ask, BotLine, BotList, BotOrigin, BotProfile, Reply, TokenMade};
use bot_protocol::frame::operator::Page;
use bot_protocol::line::{OneLine, Skills};
use bot_protocol::name::BotId;
use clap::Subcommand;
use serde_json::{Value, json};

use super::again::here;
use super::ask::confirm_if_somebody_is_there;
use super::audit::Why;
use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::losing;
use super::out::{counted, reserve_for_secret, say, table, why_unwritten};
use super::paint::label;
use super::target::{Directory, bot_argument};
use super::who::{bots_table, is_operator, profile};
use super::words::{ago, local, visible_line};
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
        #[command(flatten)]
        why: Why,
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
        #[command(flatten)]
        why: Why,
    },
    /// End the tokens made at run time, and close the bot's connections
    RevokeToken {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        #[command(flatten)]
        why: Why,
    },
    /// Keep a bot out until it is enabled again
    Disable {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        #[command(flatten)]
        why: Why,
    },
    /// Let a disabled bot in again
    Enable {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        #[command(flatten)]
        why: Why,
    },
    /// Forget a bot, its tokens and memberships; what it said stays
    Remove {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Say what a bot is for and what it can do, for everybody who sees it; a bot may say it of itself
    #[command(after_help = "An empty text, or no skills, takes away what was said.\n\n\
                      Example:\n  bot-hub bot set pelouse --about 'Reads the news at six' --skills news,summaries")]
    Set {
        /// Which bot
        #[arg(value_parser = bot_argument)]
        name: BotId,
        /// What it is for: one line of at most 280 characters
        #[arg(long, value_name = "TEXT", required_unless_present = "skills")]
        about: Option<OneLine>,
        /// What it can do: at most 16 words, with commas between them
        #[arg(long, value_name = "WORDS")]
        skills: Option<Skills>,
        #[command(flatten)]
        why: Why,
    },
}

impl BotCommand {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        match self {
            Self::Add { name, operator, why } => {
                reserve_for_secret()?;
                let (value, made) = hub.ask(why.with(Ask::bot_add(name.clone(), operator))).await?;
                match print_token(hub, value, &made) {
                    Ok(way) => explain_token(hub, &name, &way),
                    Err(failure) => return Err(take_back(hub, name, &failure).await),
                }
                Ok(())
            }
            Self::RotateToken { name, overlap, why } => rotate(hub, name, overlap, why).await,
            Self::RevokeToken { name, why } => {
                let ask = why.with(Ask::bot_revoke_token(name.clone()));
                let (value, done) = on(hub, &name, ask).await?;
                hub.out.done(&value, || revoked(&name, done.tokens))
            }
            Self::List => list(hub).await,
            Self::Show { name } => show(hub, &name).await,
            Self::Disable { name, why } => {
                let ask = why.with(Ask::bot_disable(name.clone()));
                let (value, _) = on(hub, &name, ask).await?;
                hub.out.done(&value, || format!("{name} is disabled"))
            }
            Self::Enable { name, why } => {
                let ask = why.with(Ask::bot_enable(name.clone()));
                let (value, _) = on(hub, &name, ask).await?;
                hub.out.done(&value, || format!("{name} is enabled"))
            }
            Self::Remove { name, yes, why } => {
                if !yes {
                    let what = format!("remove {name}, its tokens and memberships?");
                    let rooms = super::room::rooms_of(hub, &name).await.ok();
                    let waiting = rooms.map(|rooms| rooms.iter().map(|it| it.waiting).sum());
                    let waits = waiting.map_or_else(String::new, losing::question);
                    let question = format!("{what}{waits}");
                    confirm_if_somebody_is_there(question).await?;
                }
                let ask = why.with(Ask::bot_remove(name.clone()));
                let (value, done) = on(hub, &name, ask).await?;
                let lost = losing::dropped(done.dropped);
                hub.out.done(&value, || format!("{name} is removed; what it said stays{lost}"))
            }
            Self::Set { name, about, skills, why } => {
                let ask = why.with(Ask::bot_set(name.clone(), about, skills));
                let (value, said) = on(hub, &name, ask).await?;
                hub.out.done(&value, || said_of(&said))
            }
        }
    }
}

/// Runs an operation on a bot that must exist.
async fn on<A: Reply>(hub: &Hub, bot: &BotId, ask: Ask<A>) -> Result<(Value, A), Failure> {
    match hub.ask(ask).await {
        Err(failure) if failure.kind == Kind::NotFound => {
            Err(Directory::read(hub).await?.unknown(&format!("@{bot}")))
        }
        other => other,
    }
}

/// Works in two steps: the old tokens end only after the new one was printed.
async fn rotate(hub: &Hub, name: BotId, overlap: Option<Period>, why: Why) -> Result<(), Failure> {
    reserve_for_secret()?;
    let (mut value, mut made) =
        on(hub, &name, why.clone().with(Ask::bot_prepare_token(name.clone()))).await?;
    let token_id = made.token_id.take().unwrap_or_default();
    let of_file = is_of_file(hub, &name).await;
    let overlap_ms = overlap.map(Period::as_ms).filter(|it| *it > 0);
    let old_ends_at = overlap_ms.map(|overlap_ms| hub.now() + overlap_ms);
    if let Some(document) = value.as_object_mut() {
        // These fields connect the two steps and mean nothing to the caller.
        document.remove("token_id");
        document.remove("keep_until");
        document.insert("file_token_stays".to_owned(), of_file.into());
        document.extend(old_ends_at.map(|at| ("old_ends_at".to_owned(), json!(at))));
    }
    let way = print_token(hub, value, &made).map_err(|failure| {
        let hint = "the old token is still good, and the new one ends within minutes";
        Failure::new(Kind::Failed, why_unwritten(&failure)).hint(hint)
    })?;
    let keep = why.with(Ask::bot_keep_token(name.clone(), token_id, old_ends_at));
    hub.ask(keep).await.map_err(|failure| {
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

/// Whether the bot has a token in the configuration file, which no verb can end.
async fn is_of_file(hub: &Hub, name: &BotId) -> bool {
    let shown = hub.ask(Ask::bot_show(name.clone())).await;
    shown.is_ok_and(|(_, bot)| bot.origin == BotOrigin::ConfigurationFile)
}

/// Removes a new bot whose token could not be printed: nobody could use it, and its name would stay taken.
async fn take_back(hub: &Hub, bot: BotId, failure: &Failure) -> Failure {
    let cause = why_unwritten(failure);
    let hint = match hub.ask(Ask::bot_remove(bot.clone())).await {
        Ok(_) => {
            format!("{bot} was not made; the name is good for bot add, and not for guests any more")
        }
        Err(_) => format!("the token is lost; for another one: bot-hub bot rotate-token {bot}"),
    };
    Failure::new(Kind::Failed, cause).hint(hint)
}

/// Prints a token, and returns the remarks that belong to it.
fn print_token(hub: &Hub, mut value: Value, made: &TokenMade) -> Result<Way, Failure> {
    let url = hub.bot_url(made.public_url.as_deref());
    value["url"] = url.as_str().into();
    hub.out.secret(&value, || made.token.expose().to_owned())?;
    let is_operator = made.token.expose().starts_with("bh_adm_");
    Ok(Way { url, is_operator })
}

/// An address at which a token works, and whether it works there for everything.
struct Way {
    url: String,
    is_operator: bool,
}

fn explain_token(hub: &Hub, bot: &BotId, Way { url, is_operator }: &Way) {
    if hub.out.json {
        return;
    }
    // On the hub's own machine, the loopback address needs neither DNS nor a certificate.
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

/// All bots except the local operator, which the hub made for itself.
pub(super) async fn bots(hub: &Hub) -> Result<Vec<BotLine>, Failure> {
    let (_, BotList { mut bots, .. }) = hub.ask(Ask::bot_list(Page::default())).await?;
    bots.retain(|bot| bot.origin != BotOrigin::ThisProcess);
    Ok(bots)
}

/// How many bots there are, and how many of them are connected; without the local operator.
pub(super) async fn counts(hub: &Hub) -> Result<(u64, u64), Failure> {
    let bots = bots(hub).await?;
    let online = bots.iter().filter(|bot| bot.online).count() as u64;
    Ok((bots.len() as u64, online))
}

async fn list(hub: &Hub) -> Result<(), Failure> {
    let (value, BotList { bots, .. }) = match hub.ask(Ask::bot_list(Page::default())).await {
        Err(failure) if failure.kind == Kind::Refused => return list_seen(hub, None).await,
        asked => asked?,
    };
    let rows: Vec<_> = bots
        .iter()
        .map(|bot| {
            let rights = rights(bot);
            let seen = if bot.online { "now".to_owned() } else { ago(bot.last_seen, hub.now()) };
            [bot.bot.to_string(), state(bot).to_owned(), rights.to_owned(), seen, origin(bot)]
        })
        .collect();
    hub.out.answer(&value, || table(["bot", "state", "rights", "last seen", "made in"], &rows))
}

/// The list for a bot that is no operator: the bots that share a room with it.
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
    let (mut document, bot) = on(hub, name, Ask::bot_show(name.clone())).await?;
    let rooms = super::room::rooms_of(hub, name).await?;
    document["rooms"] = json!(rooms);
    hub.out.answer(&document, || {
        let rights = rights(&bot);
        let slowed = bot.slowed.map(|it| format!("\n  slowed     {}", super::words::slowed(it)));
        let slowed = slowed.unwrap_or_default();
        let about = profile(bot.about.as_deref(), &bot.skills);
        let about = if about.is_empty() { about } else { format!("\n  about      {about}") };
        let rooms = rooms.iter().map(|it| {
            let room = super::words::room(it.room.as_str());
            format!("\n  {room}  received up to {} of {}", it.cursor, it.head)
        });
        format!(
            "{}\n  state      {}\n  rights     {rights}\n  made       {}\n  tokens     {}\n  last seen  {}{about}{slowed}{}\n  said       {} within a day{}",
            bot.bot,
            state(&bot),
            made_in(&bot),
            bot.tokens,
            if bot.online { "now".to_owned() } else { ago(bot.last_seen, hub.now()) },
            super::pause::note(bot.paused.as_ref()),
            super::words::size(bot.said_in_a_day),
            rooms.collect::<String>(),
        )
    })
}

/// `pelouse: Reads the news at six [news, summaries]`
fn said_of(said: &BotProfile) -> String {
    match profile(said.about.as_deref(), &said.skills) {
        text if text.is_empty() => format!("nothing is said of {} any more", said.bot),
        text => format!("{}: {text}", said.bot),
    }
}

fn origin(bot: &BotLine) -> String {
    visible_line(bot.origin.as_str()).into_owned()
}

fn made_in(bot: &BotLine) -> String {
    if bot.origin == BotOrigin::ThisProcess {
        return "by the hub itself, with a new token at every start".to_owned();
    }
    let made = bot.created_at.map_or_else(|| "-".to_owned(), local);
    format!("{made}, in the {}", origin(bot))
}

fn rights(bot: &BotLine) -> &'static str {
    match (bot.operator, bot.guest) {
        (true, _) => "operator",
        (false, true) => "guest",
        (false, false) => "bot",
    }
}

fn state(bot: &BotLine) -> &'static str {
    match (bot.disabled, bot.online) {
        (true, _) => "disabled",
        (false, true) => "online",
        (false, false) => "offline",
    }
}
