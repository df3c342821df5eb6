//! Names that a reader takes for another one: `pe1ouse` beside `pelouse`.
//!
//! Owns what looks alike. An operator may call bots what it likes; strangers choose no such name.

use bot_protocol::name::BotId;

/// What is left of a name when everything that looks alike is the same. Two names with the same are
/// easily mistaken for each other.
pub(super) fn of(name: &BotId) -> String {
    let drawn = |c: char| match c {
        '0' => 'o',
        '1' | 'i' => 'l',
        '5' => 's',
        other => other,
    };
    let letters = name.as_str().chars().filter(char::is_ascii_alphanumeric);
    letters.map(drawn).collect::<String>().replace("rn", "m").replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_look_alike_when_a_reader_must_look_twice() {
        let check = |one: &str, other: &str, expected: bool| {
            let [one, other] = [one, other].map(|name| BotId::new(name).unwrap());
            assert_eq!(of(&one) == of(&other), expected, "{one} {other}");
        };
        check("pelouse", "pe1ouse", true);
        check("pelouse", "pel0use", true);
        check("pelouse", "pelou5e", true);
        check("pelouse", "pe-louse", true);
        check("pelouse", "pelouse.", true);
        check("marlbot", "rnarlbot", true);
        check("weaver", "vveaver", true);
        check("mail", "mall", true);
        check("pelouse", "peluse", false);
        check("agent-1", "agent-2", false);
        check("worker1", "worker11", false);
    }
}
