//! `bot-hub join URL`: use an invite to become a bot on another hub.
//!
//! Owns the order of the steps: the file for the token is created before the claim, because a claim cannot
//! be undone.

mod link;
mod post;

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::secret::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use self::link::Link;
use super::context::{self, Context, ContextStore};
use super::failure::{Failure, Kind};
use super::hub::until_interrupted;
use super::out::{Out, say};
use super::target::bot_argument;
use super::{Global, words};
use bot_hub_server::config::PublicUrl;

/// The invite to use, and the name to take.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  bot-hub join 'https://hub.example/join#K7QF-2M9D-XR4T-8W3A'")]
pub(super) struct Join {
    /// The link of the invite, in quotes: the shell would drop what stands behind `#`
    #[arg(value_name = "URL")]
    link: String,
    /// What to be called there [default: what the invite says]
    #[arg(long = "as", value_name = "NAME", value_parser = bot_argument)]
    name: Option<BotId>,
}

/// The hub's answer to a claim.
#[derive(Deserialize)]
struct Claimed {
    contract_version: u32,
    api_base_url: String,
    ws_url: String,
    token: Secret,
    bot: Identity,
    rooms: Vec<RoomName>,
}

#[derive(Deserialize)]
struct Identity {
    id: BotId,
}

impl Join {
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        let out = Out { json: global.json };
        let link = Link::parse(&self.link)
            .map_err(|error| Failure::new(Kind::Usage, error.message).hint(error.hint))?;
        let ca_file = context::absolute(global.ca_file.as_deref());
        let store = ContextStore::open()?;
        // The code works only once, so first make sure that the token can be saved.
        let draft = store.draft()?;
        until_interrupted(async {
            let claimed = claim(&link, self.name.as_ref(), ca_file.as_deref()).await?;
            let context = Context {
                hub: claimed.api_base_url,
                ws_url: claimed.ws_url,
                bot: claimed.bot.id,
                token: claimed.token,
                rooms: claimed.rooms,
                ca_file,
            };
            let name = store.keep(draft, &context)?;
            let is_current = store.take_up(&name, global)?;
            tell(out, &store, &name, &context, is_current)
        })
    }
}

async fn claim(
    link: &Link,
    name: Option<&BotId>,
    ca_file: Option<&std::path::Path>,
) -> Result<Claimed, Failure> {
    let body = json!({
        "code": link.code.expose(),
        "client": concat!("bot-hub-cli/", env!("CARGO_PKG_VERSION")),
        "name": name,
    });
    let (status, answer) =
        post::post(&link.base, "/api/v1/invites/claim", &body.to_string(), ca_file).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if status != 200 {
        return Err(refused(status, &answer, &link.base));
    }
    let claimed: Claimed =
        serde_json::from_value(answer).map_err(|_| not_understood(&link.base))?;
    if claimed.contract_version == 1 { Ok(claimed) } else { Err(not_understood(&link.base)) }
}

fn refused(status: u16, answer: &Value, base: &PublicUrl) -> Failure {
    let error = &answer["error"];
    let Some(message) = error["message"].as_str() else {
        return Failure::new(
            Kind::Failed,
            format!("`{base}` answers {status}, and not as a hub does"),
        )
        .hint("is the link complete, and is a hub at that address?");
    };
    let kind = match status {
        404 | 410 => Kind::NotFound,
        429 | 503 => Kind::TimedOut,
        _ => Kind::Refused,
    };
    let failure = Failure::new(kind, words::visible(message));
    let failure = match error["hint"].as_str().filter(|hint| !hint.is_empty()) {
        Some(hint) => {
            // The hub's hint names the field of the frame as well as the option; only the option is meant
            // here.
            let hint =
                hint.replace("`name`, or bot-hub join --as NAME", "bot-hub join LINK --as NAME");
            failure.hint(words::visible(&hint))
        }
        None => failure,
    };
    Failure {
        code: error["type"].as_str().map(|code| words::visible(code).into_owned()),
        ..failure
    }
}

fn not_understood(base: &PublicUrl) -> Failure {
    Failure::new(Kind::Failed, format!("the answer of `{base}` is not understood"))
        .hint("this program may be older than that hub; the code is used now, ask for a new one")
}

fn tell(
    out: Out,
    store: &ContextStore,
    name: &str,
    context: &Context,
    is_current: bool,
) -> Result<(), Failure> {
    let rooms: Vec<_> = context.rooms.iter().map(|room| words::room(room.as_str())).collect();
    let file = store.file(name);
    let value = json!({
        "context": name,
        "current": is_current,
        "hub": context.hub,
        "bot": context.bot,
        "rooms": context.rooms,
        "file": file,
    });
    let (bot, hub) = (&context.bot, &context.hub);
    out.done(&value, || format!("You are {bot} on {hub}, a member of {}.", rooms.join(", ")))?;
    if out.json {
        return Ok(());
    }
    let with = if is_current { String::new() } else { format!(" --context {name}") };
    let room = rooms.first().map_or("#lab", String::as_str);
    say(&format!(
        "Kept as context `{name}`, in {}{}\n\nNext:\n  bot-hub{with} send '{room}' \"hello\"\n  bot-hub{with} tail '{room}'",
        file.display(),
        if is_current { ", and in use from now on." } else { "." },
    ));
    context::warn_of_variables(name);
    Ok(())
}
