//! What is said of bots: what one is for, and what it can do.
//!
//! Owns who may say it, and its record in the store, which ends with the bot. The brain shows it.

use bot_hub_core::access::Origin;
use bot_hub_core::io::{Input, Profile};
use bot_protocol::code::Code;
use bot_protocol::frame::answer::{BotLine, BotList, BotProfile};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::line::{OneLine, Skills};
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::decided::ReplyTo;
use super::{Engine, Owner};
use crate::door::ConnId;
use bot_hub_store::record::{Record, RecordKind, RecordQuery, RecordWrite};
use bot_hub_store::{Reader, StoreError, Write};

/// What is said, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skills: Vec<SmolStr>,
    /// When it was said; never before the bot was made.
    at: Timestamp,
}

/// What was promised to whoever said it.
#[derive(Debug)]
pub(super) struct Promise {
    to: ReplyTo,
    bot: BotId,
    profile: Profile,
}

/// Everything that the store has of bots, with the time at which it was said.
///
/// # Errors
///
/// The store cannot be read.
pub fn stored(reader: &mut dyn Reader) -> Result<Vec<(BotId, Profile, Timestamp)>, StoreError> {
    let mut found = Vec::new();
    let mut next = Some(RecordQuery::all(RecordKind::PROFILE));
    while let Some(query) = next {
        let page = reader.records(&query)?;
        found.extend(page.records.iter().filter_map(read));
        next = page.next;
    }
    Ok(found)
}

fn read(record: &Record) -> Option<(BotId, Profile, Timestamp)> {
    let bot = BotId::new(record.key()).ok()?;
    let Stored { about, skills, at } = serde_json::from_slice(record.value()).ok()?;
    Some((bot, Profile { about, skills }, at))
}

/// So many bytes of profiles fit on a page of bots: with all else it is as long as others are.
const PAGE_BYTES: usize = 256 * 1024;

/// A page of bots in the order of their names; where much is said of them, it ends sooner.
pub(super) fn fitting(mut bots: Vec<BotLine>, next: Option<SmolStr>) -> BotList {
    let mut bytes = 0;
    let fits = bots.iter().take_while(|bot| {
        let has_room = bytes < PAGE_BYTES;
        let skills: usize = bot.skills.iter().map(SmolStr::len).sum();
        bytes += bot.about.as_ref().map_or(0, SmolStr::len) + skills;
        has_room
    });
    let count = fits.count();
    let is_whole = count == bots.len();
    bots.truncate(count);
    let last = bots.last().map(|line| SmolStr::new(line.bot.as_str()));
    BotList { bots, next: if is_whole { next } else { last } }
}

/// Forgets what is said of a bot.
pub(super) fn forgotten(bot: &BotId) -> Write {
    Write::Record(RecordWrite::Remove(RecordKind::PROFILE, bot.as_str().into()))
}

fn write(bot: &BotId, profile: &Profile, at: Timestamp) -> Write {
    if *profile == Profile::default() {
        return forgotten(bot);
    }
    let Profile { about, skills } = profile.clone();
    let value = serde_json::to_vec(&Stored { about, skills, at });
    let value = value.expect("a profile is made of strings and a number");
    let record = Record::new(RecordKind::PROFILE, bot.as_str(), value);
    Write::Record(RecordWrite::Put(record.expect("a profile is short")))
}

impl Engine {
    /// Remembers what is said of the bots that are here. What was said of another bot of that name, while
    /// a program that knows no profiles ran, is not said of this one.
    pub fn restore_profiles(&mut self, profiles: Vec<(BotId, Profile, Timestamp)>) {
        for (bot, profile, at) in profiles {
            let registry = self.access.registry();
            let is_here = match registry.record(&bot) {
                Some(record) => record.created_at <= at,
                // The store has no record of the local operator.
                None => registry.origin(&bot) == Some(Origin::Process),
            };
            if is_here {
                self.input(Input::Profile { bot, profile });
            }
        }
    }

    pub(super) fn say_of_bot(
        &mut self,
        conn: ConnId,
        reference: SmolStr,
        bot: BotId,
        said: (Option<OneLine>, Option<Skills>),
    ) {
        let to = ReplyTo::Frame(conn, reference);
        if let Err(error) = self.may_say_of(conn, &bot) {
            return self.reply(to, Err(error));
        }
        let known = self.hub.profile_of(&bot).cloned().unwrap_or_default();
        let profile = changed(&known, said);
        let is_so_already = profile == known;
        let promise = Promise { to, bot, profile };
        if is_so_already {
            return self.tell_profile(promise);
        }
        let made = self.access.registry().record(&promise.bot).map(|record| record.created_at);
        let at = self.now.max(made.unwrap_or_default());
        let mut writes = vec![write(&promise.bot, &promise.profile, at)];
        writes.extend(self.audit.record());
        // Behind what the brain has asked for already, so that the store sees one order.
        self.flush_brain();
        self.spoken_of.insert(promise.bot.clone());
        self.write(writes, Owner::Profile(Box::new(promise)));
    }

    fn may_say_of(&self, conn: ConnId, bot: &BotId) -> Result<(), ErrorFrame> {
        let may = |asker: &BotId| asker == bot || self.access.registry().is_operator(asker);
        if !self.bot_of(conn).is_some_and(|asker| may(&asker)) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("what `{bot}` is for says `{bot}` itself, or an operator"))
                .hint("for others than oneself this needs an operator's token"));
        }
        self.access.existing(bot)?;
        // What is left out stays as it is now, and a bot that is being removed is gone then.
        if self.access.registry().is_changing(bot) || self.spoken_of.contains(bot) {
            return Err(ErrorFrame::new(Code::Overloaded)
                .message(format!("`{bot}` is being changed just now"))
                .hint("try again in a second"));
        }
        Ok(())
    }

    fn tell_profile(&mut self, promise: Promise) {
        let Promise { to, bot, profile: Profile { about, skills } } = promise;
        self.reply(to, Ok(BotProfile { about, bot, skills }.into()));
    }

    /// The store has committed it. The bot may have been removed since: then that is committed next.
    pub(super) fn profile_settled(&mut self, promise: Promise) {
        let (bot, profile) = (promise.bot.clone(), promise.profile.clone());
        self.spoken_of.remove(&bot);
        self.input(Input::Profile { bot, profile });
        self.tell_profile(promise);
    }

    pub(super) fn profile_refused(&mut self, promise: Promise, code: Code) {
        self.spoken_of.remove(&promise.bot);
        self.reply(promise.to, Err(ErrorFrame::new(code)));
    }
}

fn changed(known: &Profile, (about, skills): (Option<OneLine>, Option<Skills>)) -> Profile {
    Profile {
        about: about.map_or_else(|| known.about.clone(), OneLine::into_text),
        skills: skills.map_or_else(|| known.skills.clone(), |it| it.into_words().collect()),
    }
}
