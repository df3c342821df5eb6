//! `bot-hub audit`: what operators did.
//!
//! Owns how it is printed, and the option by which the other verbs say why. What is kept is the hub's.

use bot_protocol::frame::answer::{Ask, AuditLine};
use bot_protocol::frame::audit::AuditWish;
use bot_protocol::line::OneLine;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{counted, say, table};
use super::pages::Walk;
use super::paint::label;
use super::target::bot_argument;
use super::words::{self, local, visible_line};
use bot_hub_server::config::Period;

/// Why somebody does something.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Why {
    /// Why you do it: `bot-hub audit` shows that beside what was done
    #[arg(long, value_name = "TEXT")]
    why: Option<OneLine>,
}

impl Why {
    /// A question with that reason.
    pub(super) fn with<A>(self, ask: Ask<A>) -> Ask<A> {
        ask.because(self.why)
    }

    /// The reason alone.
    pub(super) fn into_text(self) -> Option<SmolStr> {
        self.why.and_then(OneLine::into_text)
    }
}

/// Which acts.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The oldest act stands first. Who changed the configuration by its file is `config`.

Examples:
  bot-hub audit --since 7d
  bot-hub audit --bot pelouse --limit 20
  bot-hub audit --since 2026-11-20 --json")]
pub(super) struct Audit {
    /// Only what was done from then on: so long ago (7d), a day, or a moment (2026-11-20T08:00:00Z)
    #[arg(long, value_name = "PERIOD|DATE", value_parser = since)]
    since: Option<Since>,
    /// Only what was done about this bot
    #[arg(long, value_name = "NAME", value_parser = bot_argument)]
    bot: Option<BotId>,
    /// Only what this one did: a bot, `config` or `restore`
    #[arg(long, value_name = "NAME", value_parser = bot_argument)]
    by: Option<BotId>,
    /// Only the newest so many
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// A moment, or how long ago it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Ago(Period),
    At(Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(period) = text.parse() {
        return Ok(Since::Ago(period));
    }
    // A date is also what a moment begins with: the moment has to be tried first.
    let moment = text.parse::<jiff::Timestamp>().ok();
    let at = moment.or_else(|| {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::system()).ok()?.timestamp())
    });
    let ms = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    ms.map(|ms| Since::At(Timestamp(ms))).ok_or_else(|| {
        "is neither a period nor a day\nhint: 7d, 2026-11-20 or 2026-11-20T08:00:00Z".to_owned()
    })
}

/// What was found, the oldest first.
#[derive(Default)]
struct Found {
    /// As the hub sent it, for JSON.
    documents: Vec<Value>,
    acts: Vec<AuditLine>,
    damaged: u64,
}

impl Audit {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let found = self.read(hub).await?;
        let value = json!({ "acts": found.documents, "damaged": found.damaged });
        let rows: Vec<_> = found.acts.iter().map(row).collect();
        hub.out.answer(&value, || table(["when", "who", "did", "about", "from", "why"], &rows))?;
        if hub.out.json {
            return Ok(());
        }
        if rows.is_empty() {
            say("nothing of that is recorded");
        }
        if found.damaged > 0 {
            let damaged = counted(found.damaged, "record");
            say(&format!("{} {damaged} cannot be read: bot-hub verify", label("warning:")));
        }
        Ok(())
    }

    /// With a bound from the newest on, which is then turned round.
    async fn read(self, hub: &Hub) -> Result<Found, Failure> {
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let since = self.since.map(|since| match since {
            Since::Ago(period) => hub.before(period.get()),
            Since::At(at) => at,
        });
        let newest = self.limit.is_some();
        let (bot, by) = (self.bot, self.by.map(|by| SmolStr::new(by.as_str())));
        let mut wish = AuditWish { bot, by, since, newest, after: None, limit: None };
        let (mut found, mut walk) = (Found::default(), Walk::default());
        loop {
            let (mut value, page) = hub.ask_once(Ask::audit(wish.clone())).await?;
            found.acts.extend(page.acts);
            if let Some(documents) = value["acts"].as_array_mut() {
                found.documents.append(documents);
            }
            found.damaged += page.damaged;
            let Some(next) = page.next.filter(|_| found.acts.len() < limit) else { break };
            if !walk.is_new(&next) {
                let what = "the pages of the hub's answer lead back to an earlier one";
                return Err(Failure::new(Kind::Failed, what));
            }
            wish.after = Some(next);
        }
        found.acts.truncate(limit);
        found.documents.truncate(limit);
        if newest {
            found.acts.reverse();
            found.documents.reverse();
        }
        Ok(found)
    }
}

fn row(act: &AuditLine) -> [String; 6] {
    let shown = |text: &str| visible_line(text).into_owned();
    let why = act.why.as_deref().map(shown).unwrap_or_default();
    [local(act.at), shown(&act.by), shown(&act.operation), about(act), from(act), why]
}

fn about(act: &AuditLine) -> String {
    let mut parts: Vec<String> = act.bot.iter().map(ToString::to_string).collect();
    parts.extend(act.rooms.iter().map(|room| words::room(room.as_str())));
    parts.extend(act.can.as_ref().map(ToString::to_string));
    let texts = [&act.invite, &act.detail].into_iter().flatten();
    parts.extend(texts.map(|text| visible_line(text).into_owned()));
    parts.join(" ")
}

fn from(act: &AuditLine) -> String {
    let parts = [Some(SmolStr::new(act.via.as_str())), act.address.clone(), act.client.clone()];
    let parts = parts.iter().flatten().map(|text| visible_line(text));
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_period_a_day_or_a_moment() {
        assert_eq!(since("7d"), Ok(Since::Ago(Period::days(7))));
        let at = Since::At(Timestamp(1_795_161_600_000));
        assert_eq!(since("2026-11-20T08:00:00Z"), Ok(at));
        assert_eq!(since("2026-11-20T09:00:00+01:00"), Ok(at));
        assert!(matches!(since("2026-11-20"), Ok(Since::At(_))));
        assert!(since("yesterday").is_err());
    }

    #[test]
    fn an_act_is_one_row_and_nothing_in_it_moves_a_terminal() {
        let act: AuditLine = serde_json::from_value(json!({
            "at": 0, "by": "ana", "operation": "room_add", "outcome": "done", "via": "frame",
            "bot": "bob", "rooms": ["lab"], "can": ["read"], "address": "::1",
            "client": "x\u{1b}[31m", "why": "a\u{202e}b",
        }))
        .unwrap();
        let [_, who, did, about, from, why] = row(&act);
        assert_eq!([&*who, &*did, &*about], ["ana", "room_add", "bob #lab read"]);
        assert_eq!([&*from, &*why], ["frame ::1 x\\u{1b}[31m", "a\\u{202e}b"]);
    }
}
