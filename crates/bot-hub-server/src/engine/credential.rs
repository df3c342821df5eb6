//! Tokens and codes: how they are made, what their form tells, and the hash that they are kept as.
//!
//! Owns the grammar of both. Never keeps one.
//!
//! ```text
//! bh_bot_ + 43 of 0-9A-Za-z + 6 of 0-9A-Za-z     a bot's token     the last six are the CRC-32 of
//! bh_adm_ + 43              + 6                  an operator's     everything before them, in
//! bh_inv_ + 16 of Crockford + 6                  an invite's code  base 62
//! ```

use bot_protocol::secret::Secret;
use sha2::{Digest, Sha256};

/// SHA-256 of a token or a code. Both are random, 256 and 80 bits, so no slower hash is needed; a slow
/// one would only make it cheap to keep the hub busy.
pub type TokenHash = [u8; 32];

/// The hash under which a token is known.
pub fn hash_token(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// What a token is for. Secret scanners know it by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Speaks for a bot.
    Bot,
    /// Speaks for a bot that may operate the hub.
    Operator,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Bot => "bh_bot_",
            Self::Operator => "bh_adm_",
        }
    }
}

/// The other way to write an invite's code, for places that look for secrets by their prefix.
const CODE_PREFIX: &str = "bh_inv_";

/// The order in which ASCII has them.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Douglas Crockford's: no letter that is mistaken for a digit, and no U.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// log2(62) * 43 = 256.03 random bits.
const RANDOM_CHARS: usize = 43;

/// 62^6 is more than 2^32.
const CHECK_CHARS: usize = 6;

/// Characters of an invite's code, of 5 bits each.
const CODE_CHARS: usize = 16;

/// A new token.
pub fn make_token(kind: Kind) -> Result<Secret, getrandom::Error> {
    let mut text = kind.prefix().to_owned();
    let mut random = [0_u8; 64];
    while text.len() < kind.prefix().len() + RANDOM_CHARS {
        getrandom::fill(&mut random)?;
        // 248 is the last multiple of 62: beyond it the first characters would be likelier than others.
        let fair = random.iter().filter(|byte| **byte < 248);
        let missing = kind.prefix().len() + RANDOM_CHARS - text.len();
        text.extend(fair.take(missing).map(|byte| char::from(BASE62[usize::from(byte % 62)])));
    }
    Ok(Secret::new(with_checksum(text)))
}

/// A new code for an invite, as people read it: `K7QF-2M9D-XR4T-8W3A`.
pub(super) fn make_code() -> Result<Secret, getrandom::Error> {
    let mut random = [0_u8; CODE_CHARS];
    getrandom::fill(&mut random)?;
    let code: String =
        random.iter().map(|byte| char::from(CROCKFORD[usize::from(byte & 31)])).collect();
    Ok(Secret::new(grouped(&code)))
}

/// The hash of a code, however it was typed: with or without dashes and spaces, in any case, with O for
/// 0, as `bh_inv_…`, or as the whole link that it stands in. `None`: it is no code.
pub(super) fn hash_code(typed: &str) -> Option<TokenHash> {
    let code = typed.trim().rsplit('#').next()?;
    let code = match code.strip_prefix(CODE_PREFIX) {
        Some(_) if is_mistyped(code) => return None,
        Some(rest) => rest.get(..CODE_CHARS)?,
        None => code,
    };
    let letters = code.chars().filter(|c| !matches!(c, '-' | ' '));
    let letters: String = letters.map(crockford).collect::<Option<_>>()?;
    (letters.len() == CODE_CHARS).then(|| hash_token(&letters))
}

/// A code in the form that secret scanners know.
pub(super) fn scannable(code: &Secret) -> Secret {
    let letters: String = code.expose().chars().filter(|c| *c != '-').collect();
    Secret::new(with_checksum(format!("{CODE_PREFIX}{letters}")))
}

/// Whether it has the form of a token that a hub made, but not its checksum: somebody mistyped it, or
/// lost a part. Tokens from before there were checksums have another length.
pub(super) fn is_mistyped(token: &str) -> bool {
    let lengths = [("bh_bot_", RANDOM_CHARS), ("bh_adm_", RANDOM_CHARS), (CODE_PREFIX, CODE_CHARS)];
    let of_kind = lengths.iter().find(|(prefix, _)| token.starts_with(prefix));
    let Some((prefix, chars)) = of_kind.filter(|_| !is_of_old(token)) else { return false };
    let body = token.get(..prefix.len() + chars);
    body.is_none_or(|body| with_checksum(body.to_owned()) != token)
}

/// 256 bits in base 32, without a checksum.
fn is_of_old(token: &str) -> bool {
    token.len() == "bh_bot_".len() + 51
}

fn grouped(code: &str) -> String {
    let mut text = String::with_capacity(CODE_CHARS + 3);
    for (at, c) in code.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(c);
    }
    text
}

fn crockford(typed: char) -> Option<char> {
    let c = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    (c.is_ascii() && CROCKFORD.contains(&(c as u8))).then_some(c)
}

fn with_checksum(mut text: String) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut digits = [b'0'; CHECK_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    text.extend(digits.map(char::from));
    text
}

/// CRC-32 as in zip and PNG (IEEE 802.3), so that every language has it.
fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let low = crc & 1;
            (crc >> 1) ^ (low * 0xedb8_8320)
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(with_checksum("bh_bot_".to_owned() + &"0".repeat(43)).len(), 56);
        // python3: n = zlib.crc32(b"bh_inv_K7QF2M9DXR4T8W3A"), six digits in base 62
        let code = scannable(&Secret::new("K7QF-2M9D-XR4T-8W3A"));
        assert_eq!(code.expose(), "bh_inv_K7QF2M9DXR4T8W3A1ObaF1");
    }

    #[test]
    fn a_token_is_long_never_the_same_and_checks_itself() {
        for kind in [Kind::Bot, Kind::Operator] {
            let one = make_token(kind).unwrap();
            assert_eq!(one.expose().len(), 7 + 43 + 6);
            assert_ne!(one, make_token(kind).unwrap());
            assert!(!is_mistyped(one.expose()));
            let cut = &one.expose()[..one.expose().len() - 1];
            assert!(is_mistyped(cut) && is_mistyped(&one.expose().to_lowercase()));
        }
        assert!(!is_mistyped("bh_bot_24wsrekqec2eukkbhmtmdgrcp663b7pgufteagbqg5y7sts5wo5"));
        assert!(!is_mistyped("token-for-marlbot"));
    }

    #[test]
    fn a_code_is_known_however_it_was_typed() {
        let code = hash_code("K7QF-2M9D-XR4T-8W30");
        assert!(code.is_some());
        for typed in [
            "k7qf2m9dxr4t8w30",
            " K7QF 2M9D XR4T 8W3O\n",
            "https://hub.example/join#K7QF-2M9D-XR4T-8W30",
        ] {
            assert_eq!(hash_code(typed), code, "{typed}");
        }
        let scanned = scannable(&Secret::new("K7QF-2M9D-XR4T-8W30"));
        assert_eq!(hash_code(scanned.expose()), code);
        for wrong in [
            "",
            "K7QF",
            "K7QF-2M9D-XR4T-8W3U",
            "K7QF-2M9D-XR4T-8W300",
            "bh_inv_K7QF2M9DXR4T8W30000000",
        ] {
            assert_eq!(hash_code(wrong), None, "{wrong}");
        }
        assert_ne!(make_code().unwrap(), make_code().unwrap());
    }

    #[test]
    fn every_character_that_is_drawn_may_be_any_of_its_alphabet() {
        let check = |drawn: &[Secret], places: &[usize], alphabet: &[u8]| {
            for at in places {
                let seen = drawn.iter().map(|secret| secret.expose().as_bytes()[*at]);
                let seen: std::collections::BTreeSet<u8> = seen.collect();
                assert_eq!(seen, alphabet.iter().copied().collect(), "at {at}");
            }
        };
        let tokens: Vec<Secret> = (0..2_000).map(|_| make_token(Kind::Bot).unwrap()).collect();
        check(&tokens, &(7..50).collect::<Vec<_>>(), BASE62);
        let codes: Vec<Secret> = (0..1_000).map(|_| make_code().unwrap()).collect();
        let (dashes, letters): (Vec<_>, Vec<_>) = (0..19).partition(|at| at % 5 == 4);
        check(&codes, &letters, CROCKFORD);
        check(&codes, &dashes, b"-");
    }
}
