//! Resolves what a person typed to a room or a bot.
//!
//! Owns resolution and suggestions. A bare name is accepted only if exactly one room or bot has it; nothing
//! is guessed.

use bot_protocol::frame::answer::Ask;
use bot_protocol::frame::operator::Page;
use bot_protocol::name::{BotId, NameError, RoomName, Target};
use bot_protocol::suggest::alike;
use serde_json::json;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::words;

/// How many suggestions one wrong name gets.
const SUGGESTIONS_MAX: usize = 3;

/// A room or a bot that messages can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Room(RoomName),
    Bot(BotId),
}

impl Destination {
    /// The name with its sign, as it is typed.
    pub(super) fn typed(&self) -> String {
        match self {
            Self::Room(room) => words::room(room.as_str()),
            Self::Bot(bot) => format!("@{bot}"),
        }
    }

    /// The room that holds its messages.
    pub(super) fn room(&self, me: &BotId) -> RoomName {
        match self {
            Self::Room(room) => room.clone(),
            Self::Bot(bot) => RoomName::direct(me, bot),
        }
    }
}

/// The rooms and bots that this bot can see.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) rooms: Vec<RoomName>,
    pub(super) bots: Vec<BotId>,
    /// Nothing is hidden: a name that is missing here does not exist.
    pub(super) is_complete: bool,
}

impl Directory {
    /// All rooms and bots for an operator; for other bots those that they may see.
    pub(super) async fn read(hub: &Hub) -> Result<Self, Failure> {
        let rooms = hub.client.rooms().await?.rooms.into_iter().map(|it| it.room).collect();
        match hub.ask(Ask::bot_list(Page::default())).await {
            Ok((_, bots)) => {
                let bots = bots.bots.into_iter().map(|it| it.bot).collect();
                Ok(Self { rooms, bots, is_complete: true })
            }
            Err(failure) if failure.kind == Kind::Refused => {
                let bots = hub.client.who(None).await?.bots.into_iter().map(|it| it.bot).collect();
                Ok(Self { rooms, bots, is_complete: false })
            }
            Err(failure) => Err(failure),
        }
    }

    /// The one room or bot that the name refers to.
    pub(super) fn find(&self, typed: &str) -> Result<Destination, Failure> {
        let target = Target::parse(typed).map_err(|error| not_a_name(typed, &error))?;
        let (room, bot) = match &target {
            Target::Room(room) => (Some(room.clone()), None),
            Target::Bot(bot) => (None, Some(bot.clone())),
            Target::Bare(name) => (RoomName::new(name).ok(), BotId::new(name).ok()),
        };
        let named_room =
            room.clone().filter(|room| self.rooms.contains(room)).map(Destination::Room);
        let named_bot = bot.clone().filter(|bot| self.bots.contains(bot)).map(Destination::Bot);
        match (named_room, named_bot, target) {
            (Some(room), Some(bot), _) => Err(ambiguous(typed, &room, &bot)),
            (Some(destination), None, _) | (None, Some(destination), _) => Ok(destination),
            // A direct conversation comes into being with its first message.
            (None, None, Target::Room(room)) if room.direct_pair().is_some() => {
                Ok(Destination::Room(room))
            }
            // The room or bot may exist and be hidden from this bot; the hub decides.
            (None, None, Target::Room(room)) if !self.is_complete => Ok(Destination::Room(room)),
            (None, None, Target::Bot(bot)) if !self.is_complete => Ok(Destination::Bot(bot)),
            _ => Err(self.unknown(typed)),
        }
    }

    /// The failure for a name that does not exist, with suggestions.
    pub(super) fn unknown(&self, typed: &str) -> Failure {
        let bare = typed.trim_start_matches(['#', '@']).to_lowercase();
        let is_room = self.rooms.iter().any(|room| room.as_str() == bare);
        let is_bot = self.bots.iter().any(|bot| bot.as_str() == bare);
        let message = match typed.chars().next() {
            Some('#') if is_bot => format!("`{bare}` is a bot, not a room"),
            Some('@') if is_room => format!("`{bare}` is a room, not a bot"),
            Some('#') => format!("there is no room `{bare}`"),
            Some('@') => format!("there is no bot `{bare}`"),
            _ => format!("there is neither a room nor a bot `{bare}`"),
        };
        let suggestions = self.similar(typed, &bare);
        let failure = Failure::new(Kind::NotFound, message);
        let failure = failure.details(json!({ "suggestions": suggestions }));
        match &suggestions[..] {
            [] => failure.hint("see what there is: bot-hub room list, bot-hub bot list"),
            [one] => failure.hint(format!("did you mean `{one}`?")),
            [first @ .., last] => {
                failure.hint(format!("did you mean `{}`, or `{last}`?", first.join("`, `")))
            }
        }
    }

    /// Names that contain this one or are spelt like it, the most similar first. `@` restricts them to bots
    /// and `#` to rooms, except for an exactly equal name.
    fn similar(&self, typed: &str, bare: &str) -> Vec<String> {
        let is_meant = |name: &str, told: &str| {
            let said = typed.chars().next().filter(|sign| matches!(sign, '#' | '@'));
            name == bare || said.is_none_or(|sign| told.starts_with(sign))
        };
        let rooms = self.rooms.iter().filter(|room| room.direct_pair().is_none());
        let rooms = rooms.map(|room| (room.as_str(), words::room(room.as_str())));
        let bots = self.bots.iter().map(|bot| (bot.as_str(), format!("@{bot}")));
        let candidates = bots.chain(rooms).filter(|(name, told)| is_meant(name, told));
        let found = alike(bare, candidates, |(name, _)| name);
        found.into_iter().take(SUGGESTIONS_MAX).map(|(_, typed)| typed).collect()
    }
}

fn ambiguous(typed: &str, room: &Destination, bot: &Destination) -> Failure {
    let (room, bot) = (room.typed(), bot.typed());
    Failure::new(Kind::NotFound, format!("`{typed}` is a room and a bot"))
        .hint(format!("say which: `{room}`, or `{bot}`"))
        .details(json!({ "suggestions": [room, bot] }))
}

fn not_a_name(typed: &str, error: &NameError) -> Failure {
    Failure::new(Kind::Usage, format!("`{typed}` is no name: {error}"))
        .hint("write #room, @bot, dm:bot:bot, or a bare name that only one of them has")
}

/// A bot's name as an argument, with or without `@`.
pub(super) fn bot_argument(text: &str) -> Result<BotId, NameError> {
    BotId::new(text.strip_prefix('@').unwrap_or(text))
}

/// A room's name as an argument, with or without `#`.
pub(super) fn room_argument(text: &str) -> Result<RoomName, NameError> {
    RoomName::new(text.strip_prefix('#').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: Result<&str, &str>) {
        let room = |name: &str| RoomName::new(name).unwrap();
        let bot = |name: &str| BotId::new(name).unwrap();
        let directory = Directory {
            rooms: ["marlbot-pelouse", "lab", "twin"].map(room).to_vec(),
            bots: ["marlbot", "pelouse", "twin"].map(bot).to_vec(),
            is_complete: true,
        };
        let found = directory.find(typed).map(|destination| destination.typed());
        let told = found.map_err(|failure| {
            format!("{} | {}", failure.message, failure.hint.unwrap_or_default())
        });
        assert_eq!(told.as_deref().map_err(String::as_str), expected, "{typed}");
    }

    #[test]
    fn a_name_means_what_exactly_one_thing_has() {
        check("#lab", Ok("#lab"));
        check("lab", Ok("#lab"));
        check("Pelouse", Ok("@pelouse"));
        check("@twin", Ok("@twin"));
        check("dm:pelouse:marlbot", Ok("dm:marlbot:pelouse"));
        check("twin", Err("`twin` is a room and a bot | say which: `#twin`, or `@twin`"));
    }

    #[test]
    fn a_wrong_name_says_what_was_probably_meant() {
        check("@pelous", Err("there is no bot `pelous` | did you mean `@pelouse`?"));
        check("#marlbo", Err("there is no room `marlbo` | did you mean `#marlbot-pelouse`?"));
        check(
            "#pelouse",
            Err("`pelouse` is a bot, not a room | did you mean `@pelouse`, or `#marlbot-pelouse`?"),
        );
        check("@lab", Err("`lab` is a room, not a bot | did you mean `#lab`?"));
        check(
            "pelous",
            Err(
                "there is neither a room nor a bot `pelous` | did you mean `@pelouse`, or `#marlbot-pelouse`?",
            ),
        );
        check(
            "#zzz",
            Err("there is no room `zzz` | see what there is: bot-hub room list, bot-hub bot list"),
        );
    }

    #[test]
    fn what_may_be_hidden_is_left_to_the_hub() {
        let directory = Directory::default();
        assert!(directory.find("#lab").is_ok());
        assert!(directory.find("@ann").is_ok());
        assert!(directory.find("lab").is_err());
    }
}
