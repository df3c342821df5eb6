//! What somebody probably meant.

/// The known word that is nearest to `found`, if any is near: at most a third of it differs.
pub(super) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = fold(found);
    let distance = |word: &&str| match fold(word) {
        // `warning` for `warn`: more letters than a typo has, and no doubt.
        longer if starts_one_another(&folded, &longer) => 1,
        other => strsim::damerau_levenshtein(&folded, &other),
    };
    let best = known.into_iter().min_by_key(distance)?;
    let allowed = (folded.chars().count().max(3) / 3).min(3);
    (distance(&best) <= allowed).then_some(best)
}

fn starts_one_another(one: &str, other: &str) -> bool {
    let shorter = one.len().min(other.len());
    shorter >= 4
        && one.len().abs_diff(other.len()) <= 3
        && one.as_bytes()[..shorter] == other.as_bytes()[..shorter]
}

/// Spelling that carries no meaning: case, and the signs between words.
pub(super) fn fold(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.take(64).flat_map(char::to_lowercase).collect()
}

/// `frameBytes` as `frame_bytes`.
pub(super) fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let check = |found: &str, expected: Option<&str>| {
            let known = ["port", "listen", "botId", "frameBytes", "bufferPerBotPerRoom"];
            assert_eq!(nearest(found, known), expected, "{found}");
        };
        check("prot", Some("port"));
        check("botid", Some("botId"));
        check("bot-id", Some("botId"));
        check("frame_byte", Some("frameBytes"));
        check("bufferPerBot", None);
        check("portal", Some("port"));
        check("colour", None);
        check("", None);
    }

    #[test]
    fn camel_case_has_one_snake_case() {
        assert_eq!(snake_case("bufferPerBotPerRoom"), "buffer_per_bot_per_room");
        assert_eq!(snake_case("$schema"), "$schema");
    }
}
