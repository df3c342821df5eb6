//! Removes recognizable secrets from a text.
//!
//! Owns their patterns: tokens and invites of this hub by their prefix, the value after `Bearer`, the code
//! in the link of an invite, and user and password in a URL. This is the second line of defence: the hub
//! logs nothing that it knows to be secret, but a client may call itself whatever it likes.

use std::borrow::Cow;

/// After the prefix of a token, fewer characters than this are a word and no secret.
const TOKEN_CHARS_MIN: usize = 12;

/// The text with `…` in the place of each secret.
pub fn redact(text: &str) -> Cow<'_, str> {
    if !["bh_", "earer ", "join#", "://"].iter().any(|mark| text.contains(mark)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_inside_a_word = clean.ends_with(char::is_alphanumeric);
        let (kept, secret) = secret_at(rest, is_inside_a_word);
        if secret > 0 {
            clean.push_str(&rest[..kept]);
            clean.push('…');
            rest = &rest[kept + secret..];
        } else {
            clean.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Cow::Owned(clean)
}

/// If a secret begins here: how many bytes before it are kept, and how many are removed.
fn secret_at(text: &str, is_inside_a_word: bool) -> (usize, usize) {
    if let Some(behind) = text.strip_prefix("bh_") {
        let kind = behind.bytes().take_while(u8::is_ascii_lowercase).count();
        let kept = "bh_".len() + kind + 1;
        let secret = run(text.get(kept..).unwrap_or(""), |c| c.is_ascii_alphanumeric());
        if behind.as_bytes().get(kind) == Some(&b'_') && secret >= TOKEN_CHARS_MIN {
            return (kept, secret);
        }
    }
    for word in ["Bearer ", "bearer "] {
        if let Some(behind) = text.strip_prefix(word).filter(|_| !is_inside_a_word) {
            return (word.len(), run(behind, is_of_token));
        }
    }
    if let Some(behind) = text.strip_prefix("join#") {
        return ("join#".len(), run(behind, is_of_token));
    }
    if let Some(behind) = text.strip_prefix("://") {
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\\');
        let authority = &behind[..behind.find(ends).unwrap_or(behind.len())];
        return ("://".len(), authority.rfind('@').unwrap_or(0));
    }
    (0, 0)
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=')
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_go_and_what_introduces_them_stays() {
        let check = |text: &str, expected: &str| assert_eq!(redact(text), expected);
        check("client bh_bot_abcdefghijkl234567 came", "client bh_bot_… came");
        check("{\"client\":\"bh_inv_0123456789abcdef\"}", "{\"client\":\"bh_inv_…\"}");
        check("Authorization: Bearer abc.def-1", "Authorization: Bearer …");
        check("https://hub.example/join#K7QF-2M9D-XR4T", "https://hub.example/join#…");
        check("wss://ann:secret@hub.example/ws", "wss://…@hub.example/ws");
        check("wss://ann:p@ss@hub.example", "wss://…@hub.example");
    }

    #[test]
    fn what_only_looks_like_a_secret_stays() {
        let check = |text: &str| assert_eq!(redact(text), text);
        check("bh_bot_add");
        check("bh_ and bh__");
        check("https://hub.example/a@b");
        check("plain text, forbearer of nothing://");
    }
}
