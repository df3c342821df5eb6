//! The text of a message: who says it, its number, filler up to the wanted length. Numbers are decimal digits
//! that are counted up in place, so that neither sending nor checking formats or parses anything.

use crate::ws;

const COUNTER_AT: usize = 7;
const COUNTER_LEN: usize = 12;

/// Message number zero of a lane: `s00042n000000000000 …`.
pub fn first(lane: usize, len: usize) -> Vec<u8> {
    let mut text = format!("s{lane:05}n{:0width$} ", 0, width = COUNTER_LEN).into_bytes();
    let words = b"the quick brown fox jumps over the lazy dog and back again ";
    text.extend(words.iter().cycle().take(len.saturating_sub(text.len())));
    text
}

/// Turns a text into the next one of its lane.
#[inline]
pub fn advance(text: &mut [u8]) {
    for digit in text[COUNTER_AT..COUNTER_AT + COUNTER_LEN].iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

/// A whole outgoing message, ready to be copied; only the digits change from one to the next.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    digits: [u8; COUNTER_LEN],
    counter_at: usize,
    mask: [u8; COUNTER_LEN],
}

impl Template {
    /// A message whose `text` (from [`first`]) starts at `text_at`; `payload_at` says where masking starts, if it does.
    pub fn new(bytes: Vec<u8>, text_at: usize, payload_at: Option<usize>) -> Self {
        let counter_at = text_at + COUNTER_AT;
        let mask = match payload_at {
            Some(start) => std::array::from_fn(|i| ws::KEY[(counter_at - start + i) & 3]),
            None => [0; COUNTER_LEN],
        };
        Self { bytes, digits: [b'0'; COUNTER_LEN], counter_at, mask }
    }

    /// Appends the next message.
    #[inline]
    pub fn write(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
        for i in (0..COUNTER_LEN).rev() {
            let full = self.digits[i] == b'9';
            self.digits[i] = if full { b'0' } else { self.digits[i] + 1 };
            self.bytes[self.counter_at + i] = self.digits[i] ^ self.mask[i];
            if !full {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_wanted_length_and_counts_in_decimal() {
        let mut text = first(42, 200);
        assert_eq!(text.len(), 200);
        assert!(text.starts_with(b"s00042n000000000000 the"));
        for _ in 0..1234 {
            advance(&mut text);
        }
        assert!(text.starts_with(b"s00042n000000001234 the"));
    }

    #[test]
    fn a_masked_template_says_the_same_as_the_plain_text() {
        let mut expected = first(7, 64);
        let body = [b"head ".as_slice(), &expected].concat();
        let mut bytes = Vec::new();
        ws::frame(&mut bytes, ws::opcode::TEXT, &body);
        let start = ws::payload_at(body.len());
        let mut template = Template::new(bytes, start + 5, Some(start));
        for _ in 0..120 {
            let mut out = Vec::new();
            template.write(&mut out);
            let plain: Vec<u8> =
                out[start..].iter().enumerate().map(|(i, byte)| byte ^ ws::KEY[i & 3]).collect();
            assert_eq!(&plain[5..], &expected[..]);
            advance(&mut expected);
        }
    }
}
