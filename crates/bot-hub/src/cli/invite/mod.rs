//! `bot-hub invite …`: invite a bot of another owner with one line to paste.
//!
//! Owns what is printed about invites. A code is printed only once, by the command that made it.

mod qr;

use std::io::IsTerminal as _;

use bot_protocol::frame::answer::{Ask, InviteLine, InviteList, InviteMade, InviteState};
use bot_protocol::frame::operator::{InviteWish, Page};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use clap::Subcommand;
use serde_json::json;
use smol_str::SmolStr;

use super::again::here;
use super::audit::Why;
use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{reserve_for_secret, say, table, why_unwritten};
use super::paint::label;
use super::room::RIGHTS;
use super::target::{bot_argument, room_argument};
use super::words::{self, local, period, visible_line};
use bot_hub_server::config::{Period, PublicUrl, QuantityError};

const EXAMPLES: &str = "Examples:\n  bot-hub invite pelouse --room marlbot-pelouse\n  \
    bot-hub invite reporter --room lab --can post --expires 1h\n  bot-hub invite list";

/// What to do about invites.
#[derive(Clone, Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = EXAMPLES,
    after_long_help = format!("{RIGHTS}\n\n{EXAMPLES}")
)]
pub(super) struct Invite {
    #[command(subcommand)]
    command: Option<InviteCommand>,
    /// What the bot is to be called; it may ask for another name when it comes
    #[arg(value_parser = invited, required = true)]
    name: Option<BotId>,
    /// The room that it is let into; can be given more than once. One that is not there is made, closed
    #[arg(long = "room", value_name = "ROOM", value_parser = room_argument, required = true)]
    rooms: Vec<RoomName>,
    /// How long the code is good for: from 1m to 30d
    #[arg(long, value_name = "PERIOD", default_value = "24h", value_parser = lifetime)]
    expires: Period,
    /// What it may do in the rooms [default: read,post,request]
    #[arg(long, value_name = "RIGHTS")]
    can: Option<Rights>,
    /// Print no QR code on a terminal
    #[arg(long)]
    no_qr: bool,
    #[command(flatten)]
    why: Why,
}

/// Refuses a verb in the place of a name: it is most likely a mistake.
fn invited(text: &str) -> Result<BotId, String> {
    let name = bot_argument(text).map_err(|error| error.to_string())?;
    match name.as_str() {
        "create" | "list" | "revoke" => Err("is a verb, and no name to invite somebody by\n\
            hint: bot-hub invite NAME --room ROOM makes an invite; bot-hub invite list, bot-hub invite revoke ID"
            .to_owned()),
        _ => Ok(name),
    }
}

/// Checks the lifetime that the hub allows for invites.
fn lifetime(text: &str) -> Result<Period, String> {
    let period: Period = text.parse().map_err(|error: QuantityError| error.to_string())?;
    match period {
        it if it > Period::days(30) => {
            Err("is too long: an invite is good for 30d at most".to_owned())
        }
        it if it < Period::seconds(60) => {
            Err("is too short: an invite is good for 1m at least".to_owned())
        }
        it => Ok(it),
    }
}

/// The other verbs.
#[derive(Clone, Debug, Subcommand)]
enum InviteCommand {
    /// List invites: open ones, and who came by the others
    List,
    /// Revoke an invite: nobody can come by it any more
    Revoke {
        /// Which one, as `invite list` names it
        #[arg(value_name = "ID")]
        id: SmolStr,
        #[command(flatten)]
        why: Why,
    },
}

impl Invite {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        match self.command {
            None => {}
            Some(InviteCommand::List) => return list(hub).await,
            Some(InviteCommand::Revoke { id, why }) => return revoke(hub, id, why).await,
        }
        let Some(name) = self.name else { return Ok(()) };
        reserve_for_secret()?;
        let expires_in_ms = Some(self.expires.as_ms());
        let wish = InviteWish { name, rooms: self.rooms, can: self.can, expires_in_ms };
        let (mut value, made) = hub.ask(self.why.with(Ask::invite_create(wish))).await?;
        let base = hub.page_url(made.public_url.as_deref());
        let link = format!("{base}/join#{}", made.code.expose());
        let lines = lines(&base, &link, &made);
        let warning = warning(&made, &base);
        value["url"] = link.as_str().into();
        value["warning"] = json!(warning);
        let has_plugin = hub.has_page("/plugin.tgz").await;
        value["has_plugin"] = has_plugin.into();
        value["lines"] =
            lines.iter().map(|(whose, line)| ((*whose).to_owned(), json!(line))).collect();
        let is_terminal = std::io::stdout().is_terminal();
        let with_qr = is_terminal && !self.no_qr;
        let printed = hub.out.secret(&value, || text(hub, &made, &lines, &link, with_qr));
        if let Err(failure) = printed {
            return Err(take_back(hub, made, &failure).await);
        }
        if let Some(warning) = warning.filter(|_| !hub.out.json) {
            say(&format!("\n{} {warning}", label("warning:")));
        }
        if !has_plugin && !hub.out.json {
            say(&format!("\n{} {}", label("warning:"), no_plugin(&base)));
        }
        Ok(())
    }
}

/// Revokes an invite whose code could not be printed: nobody could use it.
async fn take_back(hub: &Hub, made: InviteMade, failure: &Failure) -> Failure {
    let id = made.id;
    let revoked = hub.ask(Ask::invite_revoke(id.clone())).await;
    let mut hint = match revoked {
        Ok(_) => "the invite is revoked".to_owned(),
        Err(_) => format!("nobody has its code; revoke it: bot-hub invite revoke {id}"),
    };
    for room in &made.rooms_made {
        hint += &format!("; {} was made for it, and stays", words::room(room.as_str()));
    }
    Failure::new(Kind::Failed, why_unwritten(failure)).hint(hint)
}

/// The lines to paste, one for each kind of client. Only lines that work with this hub are printed.
fn lines(
    base: &str,
    link: &str,
    InviteMade { code, bots, .. }: &InviteMade,
) -> [(&'static str, String); 4] {
    let code = code.expose();
    let names: Vec<_> = bots.iter().map(BotId::as_str).collect();
    let admitted =
        if names.is_empty() { String::new() } else { format!(" --bots {}", names.join(",")) };
    [
        (
            "openclaw",
            format!(
                "curl -fsS '{base}/plugin.tgz' -o bot-hub-openclaw.tgz && openclaw plugins install \
                 npm-pack:./bot-hub-openclaw.tgz --force --accept-capabilities && openclaw channels add \
                 --channel bot-hub --code '{link}'{admitted}"
            ),
        ),
        ("any_bot", format!("Read {base}/skill.md and join with code {code}")),
        ("command_line", format!("bot-hub join '{link}'")),
        ("person", link.to_owned()),
    ]
}

fn text(
    hub: &Hub,
    made: &InviteMade,
    lines: &[(&'static str, String); 4],
    link: &str,
    with_qr: bool,
) -> String {
    let rooms = made.rooms.iter().map(|room| words::room(room.as_str())).collect::<Vec<_>>();
    let lasts = period(made.expires_at.since(hub.now()) + 59_000);
    let mut text = format!(
        "Invite for {} into {} · one use · expires in {lasts} · revoke: bot-hub invite revoke {}\n",
        made.name,
        rooms.join(", "),
        made.id
    );
    for ((_, line), label) in lines.iter().zip(["OpenClaw", "any bot", "command line", "a person"])
    {
        let line = if label == "a person" { format!("open {line}") } else { line.clone() };
        text += &format!("\n  {label:<13} {line}");
    }
    text += &format!("\n\n{}", admission(&made.bots));
    for room in &made.rooms_made {
        text += &format!(
            "\n\n{} was made, closed: only who is invited gets in.",
            words::room(room.as_str())
        );
    }
    if with_qr {
        text += &format!("\n\n{}", qr::picture(link));
    }
    text
}

/// Which bots the line for OpenClaw admits; its owner agrees by pasting it.
fn admission(bots: &[BotId]) -> String {
    let names = match bots {
        [] => {
            return "An OpenClaw agent answers nobody until its owner names who may talk to it: ` --bots NAME` at \
                    the end of its line."
                .to_owned();
        }
        [one] => one.to_string(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(BotId::as_str).collect();
            format!("{} and {last}", first.join(", "))
        }
    };
    format!(
        "Pasted as it is, the line for OpenClaw lets {names} talk to that agent (`--bots`), and nobody else. \
         Without `--bots` nobody may."
    )
}

/// The remark that this hub has no plugin for OpenClaw to offer.
fn no_plugin(base: &str) -> String {
    format!(
        "there is no plugin at {base}/plugin.tgz yet, and the line for OpenClaw needs it\n\
         hint: `plugins/openclaw/pack` in Bot Hub's source makes `bot-hub-openclaw.tgz`; copy it into the hub's \
         data directory as `plugin.tgz`"
    )
}

/// A warning if the link may not work on other machines.
fn warning(made: &InviteMade, base: &str) -> Option<String> {
    let url = base.parse::<PublicUrl>().ok();
    let is_here_only = url.as_ref().is_none_or(PublicUrl::is_loopback);
    match (&made.public_url, is_here_only) {
        (None, true) => Some(
            "`publicUrl` is not set, and the hub is known by a loopback address only: this link works on this \
             machine only\nhint: docs/expose.md says how to be reached from elsewhere"
                .to_owned(),
        ),
        (None, false) => Some(format!(
            "`publicUrl` is not set: the link names `{base}`, which may lead nowhere from elsewhere\n\
             hint: set `publicUrl` in the configuration"
        )),
        (Some(url), true) => Some(format!("`publicUrl` is `{url}`: this link works on this machine only")),
        (Some(url), false) if url.starts_with("http://") => Some(format!(
            "`publicUrl` is `{url}`: codes are taken over `https://` only, so nobody can come by this link\n\
             hint: docs/expose.md says how to get a certificate"
        )),
        _ => None,
    }
}

async fn list(hub: &Hub) -> Result<(), Failure> {
    let (value, InviteList { invites, .. }) = hub.ask(Ask::invite_list(Page::default())).await?;
    let rows: Vec<_> = invites
        .iter()
        .map(|it| {
            let rooms: Vec<_> = it.rooms.iter().map(|room| words::room(room.as_str())).collect();
            let (id, by) = (it.id.to_string(), it.by.to_string());
            [id, it.name.to_string(), rooms.join(" "), it.can.to_string(), by, became(it)]
        })
        .collect();
    hub.out.answer(&value, || table(["id", "for", "rooms", "can", "by", "state"], &rows))?;
    let may_invite = super::who::may_invite(hub).await;
    if rows.is_empty() && !hub.out.json {
        say(&here(if may_invite {
            "nobody is invited; invite somebody's bot: bot-hub invite NAME --room ROOM"
        } else {
            "you have invited nobody, and may invite into no room; what you may do: bot-hub whoami"
        }));
    }
    Ok(())
}

fn became(invite: &InviteLine) -> String {
    let Some(claim) = &invite.claim else {
        return match invite.state.known() {
            Some(InviteState::Open) => format!("open until {}", local(invite.expires_at)),
            _ => visible_line(invite.state.as_str()).into_owned(),
        };
    };
    let from =
        claim.address.as_ref().map_or_else(String::new, |it| format!(" from {}", visible_line(it)));
    let with = if claim.client.is_empty() {
        String::new()
    } else {
        format!(" with {}", visible_line(&claim.client))
    };
    format!("{} joined {}{from}{with}", claim.bot, local(claim.at))
}

async fn revoke(hub: &Hub, id: SmolStr, why: Why) -> Result<(), Failure> {
    let (value, _) = hub.ask(why.with(Ask::invite_revoke(id.clone()))).await?;
    hub.out.done(&value, || format!("{id} is revoked: nobody can come by it"))
}
