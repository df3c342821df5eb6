//! Whether what was acknowledged is what was read.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::load::{Acked, Book, Seen};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) acked: u64,
    pub(crate) read: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) gaps: u64,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acked, read, lost, duplicated, reordered, gaps } = self;
        write!(f, "{acked} acknowledged, {read} read, {lost} lost, {duplicated} duplicated, ")?;
        write!(f, "{reordered} reordered, {gaps} gaps")
    }
}

/// What one reader saw, against what the writers know.
pub(crate) fn judge(acked: &[Acked], book: &Book) -> Verdict {
    let places: HashMap<&str, u64> =
        acked.iter().flatten().map(|(text, seq)| (text.as_str(), *seq)).collect();
    let seen: HashSet<&str> = book.seen.iter().map(|it| it.text.as_str()).collect();
    let lost = places.keys().filter(|text| !seen.contains(*text)).count();
    let moved = |it: &&Seen| places.get(it.text.as_str()).is_some_and(|&seq| seq != it.seq);
    let reordered = book.seen.windows(2).filter(|two| two[0].seq >= two[1].seq).count()
        + book.seen.iter().filter(moved).count()
        + acked.iter().map(unsorted).sum::<usize>();
    Verdict {
        acked: places.len() as u64,
        read: book.seen.len() as u64,
        lost: lost as u64,
        duplicated: (book.seen.len() - seen.len()) as u64,
        reordered: reordered as u64,
        gaps: book.gaps,
    }
}

/// Messages of one writer that were stored before one that it had said earlier.
fn unsorted(writer: &Acked) -> usize {
    writer.windows(2).filter(|two| two[0].1 >= two[1].1).count()
}

#[test]
fn the_judge_sees_each_fault() {
    let check = |acked: &[(&str, u64)], seen: &[(u64, &str)], expected: [u64; 3]| {
        let acked = acked.iter().map(|(text, seq)| ((*text).to_owned(), *seq)).collect();
        let seen = seen.iter().map(|(seq, text)| Seen { seq: *seq, text: (*text).to_owned() });
        let verdict = judge(&[acked], &Book { seen: seen.collect(), ..Book::default() });
        assert_eq!([verdict.lost, verdict.duplicated, verdict.reordered], expected);
    };
    check(&[("a", 1), ("b", 2)], &[(1, "a"), (2, "b"), (3, "unacknowledged")], [0, 0, 0]);
    check(&[("a", 1), ("b", 2)], &[(1, "a")], [1, 0, 0]);
    check(&[("a", 1)], &[(1, "a"), (2, "a")], [0, 1, 1]);
    check(&[("a", 1), ("b", 2)], &[(2, "b"), (1, "a")], [0, 0, 1]);
    check(&[("a", 2), ("b", 1)], &[(1, "b"), (2, "a")], [0, 0, 1]);
}
