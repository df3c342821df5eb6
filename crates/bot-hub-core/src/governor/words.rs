//! Whether a message says anything new.
//!
//! Owns how a text is split into words, and which words a room has heard lately. A word is kept as a number of 32
//! bits that its letters give; nothing of a text can be read out of it again.
//!
//! Numbers and single letters are no words: what differs only in them says the same. Chinese, Japanese, Thai and
//! their neighbours write without spaces; there every two signs that follow each other are a word.

use rustc_hash::FxHashMap;

/// So much of a text is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// So many different words of one message count.
pub(super) const WORDS_MAX: usize = 128;

/// What was said in so many messages before is not new.
const MESSAGES: u64 = 24;

/// Beyond so many words those that are no longer counted are forgotten.
const HEARD_MAX: usize = WORDS_MAX * MESSAGES as usize;

/// The words that a room has heard.
///
/// **Bound:** at most 3,200 words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Worn {
    /// Messages heard so far.
    pub(super) messages: u64,
    /// By word, in which of them it was heard last.
    pub(super) heard: FxHashMap<u32, u64>,
}

impl Worn {
    /// Hears a message, and says whether less than a quarter of its words are new.
    pub(super) fn hear(&mut self, text: &str) -> bool {
        let words = split(text);
        self.messages += 1;
        let oldest = self.messages.saturating_sub(MESSAGES);
        let is_new = |last: Option<u64>| last.is_none_or(|last| last < oldest.max(1));
        let new =
            words.iter().filter(|word| is_new(self.heard.insert(**word, self.messages))).count();
        if self.heard.len() > HEARD_MAX {
            self.heard.retain(|_, last| *last >= oldest);
        }
        new * 4 < words.len()
    }
}

/// The different words of a text, in order.
fn split(text: &str) -> Vec<u32> {
    let mut words = Vec::with_capacity(48);
    let (mut word, mut letters, mut before) = (0_u32, 0_u32, None);
    let mut last = 0;
    for (at, letter) in text.char_indices() {
        last = at;
        if letter.is_ascii_alphabetic() {
            (word, letters) = (mix(word, u32::from(letter as u8 | 0x20)), letters + 1);
            before = None;
            continue;
        }
        let is_sign = letter as u32 >= 0x0e00 && is_unspaced(letter);
        if !letter.is_ascii() && !is_sign && letter.is_alphabetic() {
            (word, letters) = (mix(word, lower(letter) as u32), letters + 1);
            before = None;
            continue;
        }
        if letters > 1 {
            words.push(word);
        }
        (word, letters) = (0, 0);
        if is_sign && let Some(before) = before {
            words.push(mix(mix(1, before), letter as u32));
        }
        before = is_sign.then_some(letter as u32);
        if at >= TEXT_BYTES_MAX || words.len() >= 2 * WORDS_MAX {
            break;
        }
    }
    if letters > 1 {
        words.push(word);
    }
    if words.is_empty() && last > 0 {
        // A move, a vote, a face: as a whole it is one word.
        words.push(text.chars().take(8).fold(2, |word, letter| mix(word, letter as u32)));
    }
    words.sort_unstable();
    words.dedup();
    words.truncate(WORDS_MAX);
    words
}

fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn mix(word: u32, letter: u32) -> u32 {
    (word.rotate_left(5) ^ letter).wrapping_mul(0x9e37_79b9)
}

/// Scripts that put no spaces between words.
fn is_unspaced(letter: char) -> bool {
    matches!(letter as u32,
        0x0e00..=0x0eff        // Thai, Lao
        | 0x1000..=0x109f      // Burmese
        | 0x1780..=0x17ff      // Khmer
        | 0x3005..=0x3007
        | 0x3041..=0x30ff      // Hiragana, Katakana
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(texts: &[&str]) -> Vec<bool> {
        let mut worn = Worn::default();
        texts.iter().map(|text| worn.hear(text)).collect()
    }

    #[test]
    fn what_was_said_before_is_not_new_whatever_the_case_and_the_numbers() {
        let said = hears(&["Load is 12 percent", "load IS 99 PERCENT!", "disk space runs out"]);
        assert_eq!(said, [false, true, false]);
    }

    #[test]
    fn a_quarter_of_new_words_is_enough() {
        let first = "one two three four five six";
        assert_eq!(hears(&[first, "one two three news"]), [false, false]);
        assert_eq!(hears(&[first, "one two three four news"]), [false, true]);
    }

    #[test]
    fn chinese_japanese_and_thai_have_words_without_spaces() {
        assert_eq!(hears(&["我们明天再讨论", "我们明天再讨论。"]), [false, true]);
        assert_eq!(hears(&["我们明天再讨论", "明天我们讨论再"]), [false, false]);
        assert_eq!(hears(&["ありがとうございます", "ありがとうございます!"]), [false, true]);
        assert_eq!(hears(&["ขอบคุณมากครับ", "ขอบคุณมากครับ"]), [false, true]);
        assert_eq!(split("中文 and more").len(), 3);
    }

    #[test]
    fn a_text_without_words_is_one_word() {
        assert_eq!(
            hears(&["e4 e5", "e4 e5", "42", "43", "🙂🙂"]),
            [false, true, false, false, false]
        );
        assert!(split("").is_empty());
    }

    #[test]
    fn a_word_is_new_again_after_24_messages() {
        let mut worn = Worn::default();
        worn.hear("alpha");
        for at in 0..23_u8 {
            assert!(!worn.hear(&format!("word{}", char::from(b'a' + at)).repeat(2)));
        }
        assert!(worn.hear("alpha"), "the 24th before");
        for at in 0..24_u8 {
            worn.hear(&format!("more{}", char::from(b'a' + at)).repeat(2));
        }
        assert!(!worn.hear("alpha"));
    }

    #[test]
    fn what_a_room_has_heard_has_a_bound() {
        let mut worn = Worn::default();
        for at in 0..1_000_u32 {
            let word = |it: u32| char::from_u32(0x4e00 + (at * 131 + it) % 20_000).unwrap();
            worn.hear(&(0..400).map(word).collect::<String>());
            assert!(worn.heard.len() <= HEARD_MAX + WORDS_MAX);
        }
        assert!(split(&"word ".repeat(100_000)).len() <= WORDS_MAX);
    }
}
