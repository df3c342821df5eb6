//! What must hold for what people paste: the link of an invite, and its code.

use bot_hub_server::config::PublicUrl;
use bot_protocol::secret::Secret;

use crate::credential_source::{hash_code, hash_token, is_mistyped, scannable};
use crate::grow::{self, Seeds};
use crate::link_source::Link;

/// A link leads to one hub with one code, encrypted or not beyond this machine; or it is refused, and its code not
/// repeated.
pub fn invite_link(data: &[u8]) {
    link(&String::from_utf8_lossy(data));
    link(&grow::link(&mut Seeds::new(data)));
}

fn link(text: &str) {
    match Link::parse(text) {
        Ok(link) => {
            assert!(link.base.is_encrypted() || link.base.is_loopback(), "{text}");
            let code = link.code.expose();
            assert!(!code.is_empty() && code == code.trim(), "{text}");
            let base = link.base.to_string();
            assert_eq!(base.parse::<PublicUrl>().as_ref(), Ok(&link.base), "{text}");
            // However it was pasted, the form in which a hub gives it means the same.
            for again in [format!("{base}/join#{code}"), format!("\t{base}/join/#{code}\n")] {
                assert_eq!(Link::parse(&again).as_ref(), Ok(&link), "{text} became {again}");
            }
        }
        Err(error) => {
            assert!(!error.message.is_empty() && !error.hint.is_empty());
            // The codes that `grow` makes begin with it, and nothing that is said of a link does.
            let is_repeated = [&*error.message, error.hint].iter().any(|it| it.contains("QQ7F"));
            assert!(!is_repeated, "{text}: {error:?}");
        }
    }
}

/// The order in which the alphabet of codes is documented.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code is known in every way in which people write it, and nothing else is a code.
pub fn code(data: &[u8]) {
    let mut seeds = Seeds::new(data);
    let letters: String =
        (0..16).map(|_| char::from(ALPHABET[usize::from(seeds.byte() % 32)])).collect();
    let hash = Some(hash_token(&letters));
    let written = grow::typed(&mut seeds, &letters);
    assert_eq!(hash_code(&written), hash, "{letters} as {written}");

    let scanned = scannable(&Secret::new(&letters));
    let scanned = scanned.expose();
    assert_eq!(hash_code(scanned), hash);
    assert!(!is_mistyped(scanned));
    // A checksum of 32 bits misses no single letter.
    let at = usize::from(seeds.byte()) % scanned.len();
    let instead = char::from(ALPHABET[usize::from(seeds.byte() % 32)]);
    let mut mistyped = scanned.to_owned();
    mistyped.replace_range(at..=at, instead.encode_utf8(&mut [0; 4]));
    assert!(mistyped == scanned || hash_code(&mistyped).is_none(), "{mistyped}");

    let text = String::from_utf8_lossy(data);
    let bare = text.trim().rsplit('#').next().unwrap_or_default();
    if !bare.starts_with("bh_inv_") {
        assert_eq!(hash_code(&text), by_the_letter(bare), "{text}");
    }
}

/// The rule in other words.
fn by_the_letter(text: &str) -> Option<[u8; 32]> {
    let folded: String = text
        .replace(['-', ' '], "")
        .to_ascii_uppercase()
        .replace('O', "0")
        .replace(['I', 'L'], "1");
    let is_code = folded.len() == 16 && folded.bytes().all(|byte| ALPHABET.contains(&byte));
    is_code.then(|| hash_token(&folded))
}
