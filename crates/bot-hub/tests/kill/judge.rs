//! Whether what was acknowledged is what was read: the history of a run as its clients know it.
//!
//! Owns the promises that can be held against a hub from outside. It knows what senders said and were
//! told, and what readers saw first, in which order; it never looks into the hub. Uses nothing but the
//! standard library, so that the chaos program (`tests/proof`) judges with the same eyes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

/// How many faults are told in words; the rest is counted.
const EXAMPLES_MAX: usize = 10;

/// What was wrong, counted. All zero but the first three, or a promise was broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) acked: u64,
    /// Over all readers, each message once.
    pub(crate) read: u64,
    /// Entries that a reader was told it will never get.
    pub(crate) announced: u64,
    /// Acknowledged, meant for a reader, and neither read nor announced as lost.
    pub(crate) lost: u64,
    /// Stored twice, or given to a reader's application twice.
    pub(crate) duplicated: u64,
    /// Not in the order of the log, or not in the order in which one sender spoke, or in another log.
    pub(crate) reordered: u64,
    /// Missing in between, without a word.
    pub(crate) gaps: u64,
    /// Read, though nobody said so, or refused for good and stored all the same.
    pub(crate) invented: u64,
    /// A receipt that said more than its recipient had done.
    pub(crate) untrue: u64,
    /// The first few faults in words.
    pub(crate) examples: Vec<String>,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        let Self { lost, duplicated, reordered, gaps, invented, untrue, .. } = self;
        [lost, duplicated, reordered, gaps, invented, untrue].iter().all(|&&count| count == 0)
    }

    fn fault(&mut self, which: impl FnOnce(&mut Self) -> &mut u64, what: impl FnOnce() -> String) {
        *which(self) += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(what());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acked, read, announced, lost, duplicated, reordered, gaps, .. } = self;
        write!(f, "{acked} acknowledged, {read} read, {lost} lost, {duplicated} duplicated, ")?;
        write!(f, "{reordered} reordered, {gaps} silent gaps, {announced} announced as lost, ")?;
        write!(f, "{} invented, {} untrue receipts", self.invented, self.untrue)?;
        self.examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}

/// A message, by what makes it different from every other.
#[derive(Debug)]
struct Said {
    sender: usize,
    room: usize,
    text: String,
    fate: Fate,
    /// Refused for a moment and sent again: others of its sender may have overtaken it.
    postponed: bool,
    /// Where it is in the log, as far as anybody was told.
    seqs: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its sender does not know, and does not ask.
    Unknown,
    Acked,
    Refused,
}

/// One reader in one room.
#[derive(Debug, Default)]
struct Reading {
    /// By number of the message, in the order in which they were seen first.
    first: Vec<usize>,
    /// When each was seen first.
    seen: HashMap<usize, u64>,
    /// In which lives of the reader's program: an application that is given one twice would notice.
    lives: HashMap<usize, HashSet<u64>>,
    again: u64,
    gaps: Vec<(u64, u64)>,
    /// A seed client is told how many, not which.
    lost: u64,
}

/// Everything that was said, told and seen.
#[derive(Debug, Default)]
pub(crate) struct History {
    names: Vec<String>,
    by_name: HashMap<String, usize>,
    said: Vec<Said>,
    by_text: HashMap<String, usize>,
    readings: BTreeMap<(usize, usize), Reading>,
    invented: Vec<String>,
    twice: Vec<String>,
    untrue: Vec<String>,
    /// `received`, for when all that was seen is known: message, reader, time.
    received: Vec<(usize, usize, u64)>,
    acks: u64,
}

impl History {
    fn name(&mut self, name: &str) -> usize {
        if let Some(&at) = self.by_name.get(name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// A reader is a member of a room from before the first message on.
    pub(crate) fn reads(&mut self, reader: &str, room: &str) {
        let key = (self.name(reader), self.name(room));
        self.readings.entry(key).or_default();
    }

    /// A sender is about to say something that nobody said before.
    pub(crate) fn said(&mut self, sender: &str, room: &str, text: &str) {
        let (sender, room) = (self.name(sender), self.name(room));
        let (fate, seqs) = (Fate::Unknown, BTreeSet::new());
        self.by_text.insert(text.to_owned(), self.said.len());
        self.said.push(Said { sender, room, text: text.to_owned(), fate, postponed: false, seqs });
    }

    fn find(&mut self, text: &str) -> Option<&mut Said> {
        self.by_text.get(text).map(|&at| &mut self.said[at])
    }

    /// The hub acknowledged it; a seed client is not told the place.
    pub(crate) fn acked(&mut self, text: &str, seq: Option<u64>) {
        self.acks += 1;
        if let Some(said) = self.find(text) {
            said.fate = Fate::Acked;
            said.seqs.extend(seq);
        }
    }

    /// The hub refused it, and its sender gave it up.
    pub(crate) fn refused(&mut self, text: &str) {
        if let Some(said) = self.find(text) {
            said.fate = Fate::Refused;
        }
    }

    /// The hub refused it for now, and its sender will repeat it.
    pub(crate) fn postponed(&mut self, text: &str) {
        if let Some(said) = self.find(text) {
            said.postponed = true;
        }
    }

    /// A reader's application is given a message, in this life of its program.
    pub(crate) fn saw(
        &mut self,
        reader: &str,
        life: u64,
        place: (&str, Option<u64>),
        text: &str,
        at: u64,
    ) {
        let (room, seq) = place;
        let key = (self.name(reader), self.name(room));
        let Some(&message) = self.by_text.get(text) else {
            return self.invented.push(format!("{reader} read `{text}` in {room}"));
        };
        let said = &mut self.said[message];
        if said.room != key.1 {
            return self.invented.push(format!("{reader} read `{text}` in {room}, another room"));
        }
        said.seqs.extend(seq);
        let reading = self.readings.entry(key).or_default();
        // A seed client knows no id to deduplicate by.
        if !reading.lives.entry(message).or_default().insert(life) && seq.is_some() {
            self.twice.push(format!("{reader} was given `{text}` twice"));
        }
        if reading.seen.contains_key(&message) {
            reading.again += 1;
            return;
        }
        reading.seen.insert(message, at);
        reading.first.push(message);
    }

    /// A reader is told that it will not get these.
    pub(crate) fn gap(&mut self, reader: &str, room: &str, from: u64, to: u64) {
        let key = (self.name(reader), self.name(room));
        self.readings.entry(key).or_default().gaps.push((from, to));
    }

    /// A seed client is told that it will not get so many.
    pub(crate) fn lost(&mut self, reader: &str, room: &str, count: u64) {
        let key = (self.name(reader), self.name(room));
        self.readings.entry(key).or_default().lost += count;
    }

    /// A sender is told that a reader has received a message.
    pub(crate) fn told_received(&mut self, text: &str, reader: &str, at: u64) {
        let reader_at = self.name(reader);
        match self.by_text.get(text) {
            Some(&message) => self.received.push((message, reader_at, at)),
            None => self.untrue.push(format!("a receipt of {reader} for `{text}`")),
        }
    }

    /// Readers in rooms that are known.
    pub(crate) fn readings(&self) -> usize {
        self.readings.len()
    }

    /// Messages that were acknowledged so far.
    pub(crate) fn acks(&self) -> u64 {
        self.acks
    }

    /// Deliveries that a reader had had before.
    pub(crate) fn again(&self) -> u64 {
        self.readings.values().map(|reading| reading.again).sum()
    }

    /// What some reader still has to get: acknowledged, and neither read nor announced.
    pub(crate) fn owed(&self) -> u64 {
        let readings = self.readings.iter();
        readings.map(|(&(_, room), reading)| self.missing(room, reading).len() as u64).sum()
    }

    /// Acknowledged messages of a room that a reading has not, and was not told about.
    fn missing(&self, room: usize, reading: &Reading) -> Vec<usize> {
        let told = |seq: &u64| reading.gaps.iter().any(|(from, to)| (from..=to).contains(&seq));
        let all = self.said.iter().enumerate();
        let mine = all.filter(|(_, said)| said.room == room && said.fate == Fate::Acked);
        let unseen = mine.filter(|(at, _)| !reading.seen.contains_key(at));
        let silent = unseen.filter(|(_, said)| !said.seqs.iter().any(told));
        silent.map(|(at, _)| at).skip(usize::try_from(reading.lost).unwrap_or(usize::MAX)).collect()
    }

    /// Everything that was wrong.
    pub(crate) fn judge(&self) -> Verdict {
        let acked = self.said.iter().filter(|said| said.fate == Fate::Acked).count() as u64;
        let mut verdict = Verdict { acked, ..Verdict::default() };
        for what in &self.invented {
            verdict.fault(|it| &mut it.invented, || what.clone());
        }
        for what in &self.twice {
            verdict.fault(|it| &mut it.duplicated, || what.clone());
        }
        for what in &self.untrue {
            verdict.fault(|it| &mut it.untrue, || what.clone());
        }
        self.judge_log(&mut verdict);
        self.judge_senders(&mut verdict);
        self.judge_receipts(&mut verdict);
        for (&(reader, room), reading) in &self.readings {
            self.judge_reading(&mut verdict, (reader, room), reading);
        }
        verdict
    }

    /// One log for all: one place per message, one message per place.
    fn judge_log(&self, verdict: &mut Verdict) {
        let mut places: HashMap<(usize, u64), usize> = HashMap::new();
        for (at, said) in self.said.iter().enumerate() {
            if said.seqs.len() > 1 {
                verdict.fault(
                    |it| &mut it.duplicated,
                    || format!("`{}` is in the log at {:?}", said.text, said.seqs),
                );
            }
            if said.fate == Fate::Refused && !said.seqs.is_empty() {
                let seqs = &said.seqs;
                verdict.fault(
                    |it| &mut it.invented,
                    || format!("`{}` was refused and is in the log at {seqs:?}", said.text),
                );
            }
            for &seq in &said.seqs {
                if let Some(other) = places.insert((said.room, seq), at) {
                    let other = &self.said[other].text;
                    verdict.fault(
                        |it| &mut it.reordered,
                        || format!("`{other}` and `{}` have the same place {seq}", said.text),
                    );
                }
            }
        }
    }

    /// What one sender said to one room is in the order in which it was said.
    fn judge_senders(&self, verdict: &mut Verdict) {
        let mut last: HashMap<(usize, usize), (u64, usize)> = HashMap::new();
        for (at, said) in self.said.iter().enumerate().filter(|(_, said)| !said.postponed) {
            let Some(&seq) = said.seqs.first() else { continue };
            let before = last.insert((said.sender, said.room), (seq, at));
            if let Some((_, other)) = before.filter(|(before, _)| *before >= seq) {
                let other = &self.said[other].text;
                verdict.fault(
                    |it| &mut it.reordered,
                    || format!("`{}` was stored before `{other}`, said later", said.text),
                );
            }
        }
    }

    fn judge_receipts(&self, verdict: &mut Verdict) {
        for &(message, reader, at) in &self.received {
            let said = &self.said[message];
            // Senders read too, and nobody writes down what.
            let Some(reading) = self.readings.get(&(reader, said.room)) else { continue };
            let seen = reading.seen.get(&message);
            if seen.is_none_or(|&seen| seen > at) {
                let reader = &self.names[reader];
                verdict.fault(
                    |it| &mut it.untrue,
                    || format!("{reader} `received` `{}` at {at}, and saw it {seen:?}", said.text),
                );
            }
        }
    }

    fn judge_reading(&self, verdict: &mut Verdict, key: (usize, usize), reading: &Reading) {
        let (reader, room) = (&self.names[key.0], &self.names[key.1]);
        verdict.read += reading.first.len() as u64;
        verdict.announced +=
            reading.gaps.iter().map(|(from, to)| (to + 1).saturating_sub(*from)).sum::<u64>();
        verdict.announced += reading.lost;
        for message in self.missing(key.1, reading) {
            let text = &self.said[message].text;
            verdict.fault(|it| &mut it.lost, || format!("{reader} never got `{text}` in {room}"));
        }
        let place = |&message: &usize| self.said[message].seqs.first().copied();
        let places: Vec<u64> = reading.first.iter().filter_map(place).collect();
        for pair in places.windows(2).filter(|pair| pair[0] >= pair[1]) {
            let (one, two) = (pair[0], pair[1]);
            verdict.fault(
                |it| &mut it.reordered,
                || format!("{reader} saw {room} #{two} after #{one}"),
            );
        }
        for seq in self.holes(key.1, reading, &places) {
            verdict.fault(|it| &mut it.gaps, || format!("{reader} saw nothing of {room} #{seq}"));
        }
    }

    /// Places up to the last one seen that somebody knows of and this reader does not.
    fn holes(&self, room: usize, reading: &Reading, places: &[u64]) -> Vec<u64> {
        let Some(&last) = places.iter().max() else { return Vec::new() };
        let seen: HashSet<u64> = places.iter().copied().collect();
        let known = self.said.iter().filter(|said| said.room == room);
        let known = known.filter_map(|said| said.seqs.first().copied()).filter(|&seq| seq < last);
        let told = |seq: &u64| reading.gaps.iter().any(|(from, to)| (from..=to).contains(&seq));
        let holes = known.filter(|seq| !seen.contains(seq) && !told(seq));
        holes.skip(usize::try_from(reading.lost).unwrap_or(usize::MAX)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    /// A script, one fact per word: `+a` is said, `!a1` acknowledged at 1, `-a` refused, `<a1` seen at 1
    /// in a life of its own, `=a1` in the same life as others, `(1-2)` a gap, `?a` a receipt.
    /// Expected: lost, duplicated, reordered, gaps, invented, untrue.
    fn check(script: &str, expected: [u64; 6]) {
        let mut history = History::default();
        history.reads("rhea", "lab");
        for (time, word) in (0..).zip(script.split(' ')) {
            let (kind, rest) = word.split_at(1);
            let (text, seq) = rest.split_at(1);
            let seq = seq.trim_matches(['-', ')']).parse().ok();
            match kind {
                "+" => history.said("wanda", "lab", text),
                "!" => history.acked(text, seq),
                "-" => history.refused(text),
                "<" => history.saw("rhea", time, ("lab", seq), text, time),
                "=" => history.saw("rhea", 0, ("lab", seq), text, time),
                "(" => history.gap("rhea", "lab", text.parse().unwrap(), seq.unwrap()),
                _ => history.told_received(text, "rhea", time),
            }
        }
        let it = history.judge();
        let found = [it.lost, it.duplicated, it.reordered, it.gaps, it.invented, it.untrue];
        assert_eq!(found, expected, "{script}: {it}");
        assert_eq!(it.is_clean(), expected == [0; 6]);
    }

    #[test]
    fn the_judge_sees_each_fault() {
        check("+a +b +c !a1 !b2 <a1 <b2 <c3", [0; 6]);
        check("+a +b !a1 !b2 <a1", [1, 0, 0, 0, 0, 0]);
        check("+a !a1 =a1 =a1", [0, 1, 0, 0, 0, 0]);
        check("+a !a1 <a1 <a1", [0; 6]);
        check("+a !a1 <a1 <a2", [0, 1, 0, 0, 0, 0]);
        check("+a +b !a1 !b2 <b2 <a1", [0, 0, 1, 0, 0, 0]);
        check("+a +b !b1 !a2 <b1 <a2", [0, 0, 1, 0, 0, 0]);
        check("+a +b !a1 !b1 <a1 <b1", [0, 0, 3, 0, 0, 0]);
        check("+a +b +c !a1 !c3 <a1 <c3", [0; 6]);
        check("+a +b +c !a1 !b2 !c3 <a1 <c3", [1, 0, 0, 1, 0, 0]);
        check("+a +b +c !a1 !b2 !c3 <a1 (2-2) <c3", [0; 6]);
        check("<a1", [0, 0, 0, 0, 1, 0]);
        check("+a -a <a1", [0, 0, 0, 0, 1, 0]);
        check("+a !a1 <a1 ?a", [0; 6]);
        check("+a !a1 ?a <a1", [0, 0, 0, 0, 0, 1]);
    }
}
