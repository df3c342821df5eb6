//! Single entries of a stretch of the log, at a bit for each entry in it.
//!
//! Owns a bounded stretch: where ranges would be too many, a bit is cheaper than a range. What does not fit
//! is not marked.

use std::collections::VecDeque;
use std::ops::Range;

/// 128 KiB for one member, which are a million entries.
const WORDS_MAX: usize = 16_384;

const BITS: u64 = u64::BITS as u64;

/// Marked seqs.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Which word is the first; seq 0 is the lowest bit of word 0.
    first: u64,
    words: VecDeque<u64>,
}

impl Marks {
    pub(crate) fn set(&mut self, seq: u64) {
        let word = seq / BITS;
        if self.words.is_empty() {
            self.first = word;
        }
        let from = self.first.min(word);
        let to = word.max(self.first + (self.words.len() as u64).saturating_sub(1));
        if to - from >= WORDS_MAX as u64 {
            return;
        }
        for _ in word..self.first {
            self.words.push_front(0);
        }
        self.first = from;
        let length = usize::try_from(to - from + 1).expect("it is bounded");
        self.words.resize(length, 0);
        let at = usize::try_from(word - from).expect("it is bounded");
        self.words[at] |= 1 << (seq % BITS);
    }

    /// None from `from` to `to` is marked any more.
    pub(crate) fn clear(&mut self, from: u64, to: u64) {
        let (first, span) = (self.first, self.span(from, to));
        for (at, word) in span.clone().zip(self.words.range_mut(span)) {
            *word &= !within(first + at as u64, from, to);
        }
    }

    /// The places of the words that have something to do with entries from `from` to `to`.
    fn span(&self, from: u64, to: u64) -> Range<usize> {
        let place = |word: u64| {
            let after = word.saturating_sub(self.first);
            usize::try_from(after).map_or(self.words.len(), |at| at.min(self.words.len()))
        };
        let end = place(to / BITS + 1);
        place(from / BITS).min(end)..end
    }

    /// Everything up to `seq` is not needed any more.
    pub(crate) fn forget_through(&mut self, seq: u64) {
        while !self.words.is_empty() && (self.first + 1) * BITS - 1 <= seq {
            self.words.pop_front();
            self.first += 1;
        }
        self.clear(0, seq);
    }

    /// How many are marked from `from` to `to`.
    pub(crate) fn count(&self, from: u64, to: u64) -> u64 {
        let span = self.span(from, to);
        let words = span.clone().zip(self.words.range(span));
        let meant = words.map(|(at, word)| word & within(self.first + at as u64, from, to));
        meant.map(|word| u64::from(word.count_ones())).sum()
    }

    /// Those from `from` to `to`, in order.
    pub(crate) fn between(&self, from: u64, to: u64) -> impl Iterator<Item = u64> {
        let span = self.span(from, to);
        span.clone().zip(self.words.range(span)).flat_map(move |(at, word)| {
            let number = self.first + at as u64;
            let word = word & within(number, from, to);
            (0..BITS).filter(move |bit| word >> bit & 1 == 1).map(move |bit| number * BITS + bit)
        })
    }
}

/// The bits of a word that stand for seqs from `from` to `to`.
fn within(word: u64, from: u64, to: u64) -> u64 {
    let (low, high) = (word * BITS, word * BITS + (BITS - 1));
    if from > to || to < low || from > high {
        return 0;
    }
    let (first, last) = (from.max(low) - low, to.min(high) - low);
    (u64::MAX << first) & (u64::MAX >> (BITS - 1 - last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(seqs: &[u64]) -> Marks {
        let mut marks = Marks::default();
        seqs.iter().for_each(|&seq| marks.set(seq));
        marks
    }

    fn all(marks: &Marks) -> Vec<u64> {
        marks.between(0, u64::MAX).collect()
    }

    #[test]
    fn what_is_marked_is_counted_and_listed() {
        let marks = marked(&[200, 1, 63, 64, 130, 64]);
        assert_eq!(all(&marks), [1, 63, 64, 130, 200]);
        let check =
            |from, to, expected| assert_eq!(marks.count(from, to), expected, "{from}..{to}");
        check(0, u64::MAX, 5);
        check(2, 63, 1);
        check(64, 130, 2);
        check(65, 129, 0);
        check(131, 130, 0);
        check(201, 5_000, 0);
        check(64, 64, 1);
        check(1, 64, 3);
        check(63, 64, 2);
        assert_eq!(marks.span(64, 64), 1..2, "one word is looked at for one entry");
        assert_eq!(marked(&[200, 300]).span(0, 199), 0..1);
    }

    #[test]
    fn what_is_cleared_or_forgotten_is_not_marked() {
        let mut marks = marked(&[1, 63, 64, 130, 200]);
        marks.clear(64, 130);
        assert_eq!(all(&marks), [1, 63, 200]);
        marks.forget_through(63);
        assert_eq!(all(&marks), [200]);
        marks.forget_through(500);
        assert_eq!(all(&marks), [0; 0]);
        marks.set(700);
        assert_eq!(all(&marks), [700]);
    }

    #[test]
    fn what_is_too_far_away_is_not_marked() {
        let mut marks = marked(&[10]);
        marks.set(u64::MAX);
        marks.set(WORDS_MAX as u64 * BITS);
        marks.set(WORDS_MAX as u64 * BITS - 1);
        assert_eq!(all(&marks), [10, WORDS_MAX as u64 * BITS - 1]);
    }

    #[test]
    fn how_far_away_is_too_far_counts_from_the_first_that_is_needed() {
        let far = WORDS_MAX as u64 * BITS;
        let mut marks = marked(&[10, 100]);
        marks.forget_through(62);
        marks.set(far);
        assert_eq!(all(&marks), [100]);
        marks.forget_through(63);
        marks.set(far);
        assert_eq!(all(&marks), [100, far]);
        marks.forget_through(far + BITS - 1);
        marks.set(3 * far);
        assert_eq!(all(&marks), [3 * far]);
        assert_eq!(all(&marked(&[far / 2, far / 2 + BITS])), [far / 2, far / 2 + BITS]);
    }
}
