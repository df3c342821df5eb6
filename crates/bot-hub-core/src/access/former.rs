//! Names that were somebody's, and that no stranger may take.
//!
//! Owns what is known of names beyond the bots that are here: who ever said something or had a
//! conversation, and who was removed. A direct conversation, old messages and whatever people remember
//! hang on a name; a guest that chose one would be taken for whoever had it. Never forgets a name.

use std::collections::BTreeSet;

use bot_protocol::name::{BotId, RoomName};
use rustc_hash::FxHashMap;

use super::confusables;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// Every name that the store had at the start.
    heard: BTreeSet<BotId>,
    /// Of a direct conversation, or removed: whatever the configuration says.
    sealed: BTreeSet<BotId>,
    /// Members that the configuration expects. One that never came has a name in the store, too.
    expected: BTreeSet<BotId>,
    /// One of them of each appearance.
    alike: FxHashMap<String, BotId>,
}

impl Former {
    /// What the store remembers: every name, the rooms, and who was removed.
    pub(super) fn restore<'a>(
        names: Vec<BotId>,
        rooms: impl IntoIterator<Item = &'a RoomName>,
        removed: impl IntoIterator<Item = &'a BotId>,
    ) -> Self {
        let pairs = rooms.into_iter().filter_map(RoomName::direct_pair);
        let pairs = pairs.flat_map(|(one, other)| [one, other]);
        let sealed: BTreeSet<BotId> = pairs.chain(removed.into_iter().cloned()).collect();
        let all = names.iter().chain(&sealed).map(|name| (confusables::of(name), name.clone()));
        let alike = all.collect();
        Self { heard: names.into_iter().collect(), sealed, expected: BTreeSet::new(), alike }
    }

    /// Whom the configuration names as members from now on.
    pub(super) fn expect(&mut self, members: BTreeSet<BotId>) {
        self.expected = members;
    }

    /// A bot was removed.
    pub(super) fn seal(&mut self, bot: BotId) {
        self.alike.insert(confusables::of(&bot), bot.clone());
        self.sealed.insert(bot);
    }

    /// Whether somebody had the name, here or in the store.
    pub(super) fn knows(&self, name: &BotId) -> bool {
        self.sealed.contains(name) || self.heard.contains(name)
    }

    /// Whether the configuration names it as a member.
    pub(super) fn expects(&self, name: &BotId) -> bool {
        self.expected.contains(name)
    }

    /// Whether it was the name of somebody else, as far as a newcomer is concerned.
    pub(super) fn holds(&self, name: &BotId) -> bool {
        self.sealed.contains(name) || (self.heard.contains(name) && !self.expected.contains(name))
    }

    /// One that a reader takes for what looks like this.
    pub(super) fn alike(&self, appearance: &str) -> Option<&BotId> {
        self.alike.get(appearance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_past_is_held_unless_the_configuration_only_expects_it() {
        let bot = |name: &str| BotId::new(name).unwrap();
        let names = ["bob", "carl", "dora", "gus", "zoe"].map(bot).to_vec();
        let direct = RoomName::direct(&bot("bob"), &bot("zoe"));
        let mut former = Former::restore(names, [&direct], [&bot("gus")]);
        former.expect(BTreeSet::from(["carl", "zoe", "eve", "gus"].map(bot)));
        let check = |former: &Former, name: &str, expected: bool| {
            assert_eq!(former.holds(&bot(name)), expected, "{name}");
        };
        check(&former, "zoe", true);
        check(&former, "dora", true);
        check(&former, "gus", true);
        check(&former, "carl", false);
        check(&former, "eve", false);
        check(&former, "new", false);
        former.seal(bot("carl"));
        check(&former, "carl", true);
    }
}
