//! Pauses as they are stored: which one it is, and the form of its record.
//!
//! Owns the names and values of these records. Never decides whom a pause holds.

use bot_protocol::frame::pause::PauseLine;
use bot_protocol::name::{BotId, RoomName};
use smol_str::{SmolStr, format_smolstr};

/// Who paused. A person and a rule may pause the same, and each of the two pauses ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// An operator. Whom it pauses may not speak either.
    Person,
    /// A rule.
    Rule,
}

impl By {
    const ALL: [Self; 2] = [Self::Person, Self::Rule];

    /// The word in names of records and of metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Rule => "rule",
        }
    }

    /// Who made that pause.
    #[must_use]
    pub fn of(line: &PauseLine) -> Self {
        if line.by.is_some() { Self::Person } else { Self::Rule }
    }
}

/// Which pause. There is one of each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PauseKey {
    /// In which room; `None` for all.
    pub room: Option<RoomName>,
    /// Which bot; `None` for all.
    pub bot: Option<BotId>,
    /// Who paused.
    pub by: By,
}

/// Stands for all rooms and for all bots. No name contains it.
const ALL: &str = "*";

impl PauseKey {
    /// Which one that is.
    #[must_use]
    pub fn of(line: &PauseLine) -> Self {
        Self { room: line.room.clone(), bot: line.bot.clone(), by: By::of(line) }
    }

    /// The name of its record: `ROOM BOT WHO`. No name contains a space.
    #[must_use]
    pub fn name(&self) -> SmolStr {
        let room = self.room.as_ref().map_or(ALL, RoomName::as_str);
        let bot = self.bot.as_ref().map_or(ALL, BotId::as_str);
        format_smolstr!("{room} {bot} {}", self.by.word())
    }

    /// Reads the name of a record.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split(' ');
        let (room, bot, by) = (parts.next()?, parts.next()?, parts.next()?);
        let by = By::ALL.into_iter().find(|it| it.word() == by)?;
        let room = if room == ALL { None } else { Some(RoomName::new(room).ok()?) };
        let bot = if bot == ALL { None } else { Some(BotId::new(bot).ok()?) };
        parts.next().is_none().then_some(Self { room, bot, by })
    }
}

/// The value of a pause's record.
///
/// # Panics
///
/// Never: a pause holds nothing that JSON cannot express.
#[must_use]
pub fn value_of(line: &PauseLine) -> Vec<u8> {
    serde_json::to_vec(line).expect("a pause is made of strings and numbers")
}

/// What a record says; `None` where this program cannot read it, or where its name says something else.
#[must_use]
pub fn read(name: &str, value: &[u8]) -> Option<PauseLine> {
    let line: PauseLine = serde_json::from_slice(value).ok()?;
    (PauseKey::parse(name)? == PauseKey::of(&line)).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_which_pause_it_is() {
        let check = |json: &str, name: &str| {
            let line: PauseLine = serde_json::from_str(json).expect(json);
            let key = PauseKey::of(&line);
            assert_eq!(key.name(), name);
            assert_eq!(PauseKey::parse(name), Some(key));
            assert_eq!(read(name, &value_of(&line)), Some(line));
        };
        check(r#"{"since":1,"by":"ana"}"#, "* * person");
        check(r#"{"since":1,"room":"lab","until":9}"#, "lab * rule");
        check(r#"{"since":1,"bot":"bob","by":"ana"}"#, "* bob person");
        check(r#"{"since":1,"room":"dm:ana:bob","bot":"bob"}"#, "dm:ana:bob bob rule");
        for name in ["", "lab", "lab bob", "lab bob nobody", "lab bob rule more", "l/b * rule"] {
            assert_eq!(PauseKey::parse(name), None, "{name}");
        }
        let of_another = br#"{"since":1,"room":"den"}"#;
        assert_eq!(read("lab * rule", of_another), None);
    }
}
