//! What is said: texts that no two messages share and that show any change.

use rustix::time::{ClockId, clock_gettime};

/// The part of a message that makes it different from every other.
#[must_use]
pub fn key(sender: &str, room: &str, number: u64) -> String {
    format!("{sender}/{room}/{number}")
}

/// The whole text: its length and its contents follow from the key, so that a reader can check both.
#[must_use]
pub fn text(key: &str) -> String {
    let mut hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // Most are short; some fill several packets, so that a cut in the middle of a frame is one.
    let words = if hash.is_multiple_of(16) { hash >> 52 } else { (hash >> 32) % 24 };
    let mut text = format!("{key} ");
    for _ in 0..words {
        hash = hash.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        text.push_str(["ö", "chaos ", "\"", "🧵", "…\n", "0123456789"][(hash >> 40) as usize % 6]);
    }
    text
}

/// The key of a text that arrived unchanged.
#[must_use]
pub fn intact(said: &str) -> Option<&str> {
    let key = said.split(' ').next()?;
    (text(key) == said).then_some(key)
}

/// Microseconds on a clock that all processes of this machine share and that never jumps.
#[must_use]
pub fn now_us() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1_000
}

#[cfg(test)]
mod tests {
    use super::{intact, key, text};

    #[test]
    fn a_text_comes_back_as_its_key_and_a_changed_one_does_not() {
        for number in 0..200 {
            let key = key("sam", "lab", number);
            assert_eq!(intact(&text(&key)), Some(&*key));
            assert_eq!(intact(&format!("{}.", text(&key))), None);
        }
    }
}
