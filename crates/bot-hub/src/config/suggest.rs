//! What somebody probably meant.

/// The known word that is nearest to `found`, if any is near: at most a third of it differs.
pub(super) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = fold(found);
    let distance = |word: &&str| strsim::damerau_levenshtein(&folded, &fold(word));
    let best = known.into_iter().min_by_key(distance)?;
    let allowed = (folded.chars().count().max(3) / 3).min(4);
    (distance(&best) <= allowed).then_some(best)
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
        check("colour", None);
        check("", None);
    }

    #[test]
    fn camel_case_has_one_snake_case() {
        assert_eq!(snake_case("bufferPerBotPerRoom"), "buffer_per_bot_per_room");
        assert_eq!(snake_case("$schema"), "$schema");
    }
}
