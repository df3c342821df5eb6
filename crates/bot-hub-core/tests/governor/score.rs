//! Conversations as scripts: reads them, and makes every message. `traces/README.md` is the language.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::Random;
use crate::words;

/// One conversation, message by message.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) is_loop: bool,
    pub(crate) lines: Vec<Line>,
    /// Who comes only when there is something to answer: another name of somebody.
    pub(crate) newcomers: BTreeSet<String>,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// When it is said if nothing holds up its cause, in milliseconds.
    pub(crate) at: u64,
    pub(crate) from: String,
    pub(crate) is_person: bool,
    /// Whether the sender may read.
    pub(crate) reads: bool,
    pub(crate) room: String,
    pub(crate) text: String,
    /// What it answers, as a place among the lines.
    pub(crate) cause: Option<usize>,
    pub(crate) reply: Option<usize>,
    pub(crate) claim: Claim,
    pub(crate) notice: bool,
    pub(crate) usd_micro: u64,
    pub(crate) stale_ms: Option<u64>,
    pub(crate) must: bool,
}

/// What a client that names causes says is the cause.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Claim {
    Truth,
    Always(usize),
    /// The newest message of that member that was delivered to it.
    Newest(String),
}

/// All conversations of a file.
pub(crate) fn read(script: &str, seed: u64, pace: Pace) -> Vec<Trace> {
    let lines = script.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let mut chapters: Vec<(bool, &str, Vec<&str>)> = Vec::new();
    for line in lines {
        match line.split_once(' ') {
            Some(("loop", name)) => chapters.push((true, name, Vec::new())),
            Some(("fine", name)) => chapters.push((false, name, Vec::new())),
            _ => chapters.last_mut().expect("a conversation begins with its name").2.push(line),
        }
    }
    let make = |(is_loop, name, body): (bool, &str, Vec<&str>)| {
        let mut score = Score::new(name, seed, pace);
        score.play(&body, 0, 0);
        let Score { lines, newcomers, .. } = score;
        let mut trace = Trace { name: name.to_owned(), is_loop, lines, newcomers };
        trace.keep_rights();
        trace
    };
    chapters.into_iter().map(make).collect()
}

/// How much slower than written, as a fraction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(pub(crate) u64, pub(crate) u64);

impl Trace {
    /// Who may not read or is a person is so in all that it says.
    fn keep_rights(&mut self) {
        let marked = |it: &&Line| it.is_person || !it.reads;
        let marked: BTreeMap<String, (bool, bool)> = self
            .lines
            .iter()
            .filter(marked)
            .map(|it| (it.from.clone(), (it.is_person, it.reads)))
            .collect();
        for line in &mut self.lines {
            if let Some((is_person, reads)) = marked.get(&line.from) {
                (line.is_person, line.reads) = (*is_person, *reads);
            }
        }
    }
}

struct Score {
    name: String,
    random: Random,
    pace: Pace,
    lines: Vec<Line>,
    labels: BTreeMap<String, usize>,
    newcomers: BTreeSet<String>,
    /// When the line before was over.
    then: u64,
}

/// The options of a line, by name.
type Options<'a> = BTreeMap<&'a str, &'a str>;

impl Score {
    fn new(name: &str, seed: u64, pace: Pace) -> Self {
        Self {
            name: name.to_owned(),
            random: Random::new(name, seed),
            pace,
            lines: Vec::new(),
            labels: BTreeMap::new(),
            newcomers: BTreeSet::new(),
            then: 0,
        }
    }

    fn play(&mut self, body: &[&str], begin: u64, round: usize) {
        let mut at = 0;
        while at < body.len() {
            let words: Vec<&str> = body[at].split_whitespace().collect();
            at += 1;
            if words[0] != "repeat" {
                self.line(&words, begin, round);
                continue;
            }
            let inner = block(&body[at..]);
            at += inner.len() + 1;
            let mut start = begin;
            for round in 0..words[1].parse().expect("rounds") {
                self.play(inner, start, round);
                start += self.span(words[3]);
            }
        }
    }

    fn line(&mut self, words: &[&str], begin: u64, round: usize) {
        let verb = words
            .iter()
            .position(|it| matches!(*it, "says" | "answers" | "take" | "wander" | "storm" | "all"))
            .unwrap_or_else(|| panic!("{}: no verb in {words:?}", self.name));
        let at = self.moment(words[0], begin);
        let who: Vec<String> = words[1..verb].iter().flat_map(|name| names(name, round)).collect();
        let rest = &words[verb + 1..];
        let kind = match words[verb] {
            "says" | "answers" => rest[0],
            "all" => rest[1],
            _ => rest[rest.iter().position(|it| *it == "with").expect("with what") + 1],
        };
        let options: Options<'_> =
            rest.iter().map(|it| it.split_once('=').unwrap_or((it, ""))).collect();
        if let Some(percent) = options.get("maybe")
            && !self.random.percent(percent.parse().expect("percent"))
        {
            return;
        }
        let cause = match options.get("to") {
            Some(label) => Some(self.label(label, round)),
            None if words[verb] == "says" => None,
            None => Some(self.lines.len().checked_sub(1).expect("something to answer")),
        };
        let mut voice = Voice { kind, options: &options, round, turn: 0 };
        match words[verb] {
            "says" | "answers" => {
                self.say(at, &who[0], cause, &voice);
                self.then = at;
            }
            "all" => {
                for from in &who {
                    let at = self.moment(words[0], begin);
                    self.say(at, from, cause, &voice);
                }
            }
            "storm" => self.storm(at, &who, cause.expect("a storm answers"), rest, &voice),
            verb => {
                let turns = self.count(rest[0]);
                self.chain(at, &who, cause, verb == "wander", turns, rest[3], &mut voice);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one line of a script")]
    fn chain(
        &mut self,
        mut at: u64,
        who: &[String],
        mut cause: Option<usize>,
        wanders: bool,
        turns: u64,
        gap: &str,
        voice: &mut Voice<'_>,
    ) {
        // Nobody answers himself.
        let begun = cause.map(|it| self.lines[it].from.clone()).filter(|_| wanders);
        let mut next = who.iter().position(|it| Some(it) != begun.as_ref()).expect("two of them");
        for turn in 0..turns {
            voice.turn = usize::try_from(turn).expect("few turns");
            let own = voice.turn / who.len();
            let alias = voice.options.get("rename").map(|every| {
                format!("{}{}", who[next], own / every.parse::<usize>().expect("turns"))
            });
            self.newcomers.extend(alias.clone());
            cause = Some(self.say(at, alias.as_ref().unwrap_or(&who[next]), cause, voice));
            at += self.span(gap);
            next = match wanders {
                true => (next + 1 + self.random.below(who.len() - 1)) % who.len(),
                false => (next + 1) % who.len(),
            };
        }
        self.then = at;
    }

    /// Everybody answers everything, and the answers too.
    fn storm(&mut self, at: u64, who: &[String], first: usize, rest: &[&str], voice: &Voice<'_>) {
        let chance: u64 =
            voice.options.get("chance").map_or(100, |it| it.parse().expect("percent"));
        let (mut left, mut front) = (self.count(rest[0]), vec![(at, first)]);
        while left > 0 && !front.is_empty() {
            let mut answers = Vec::new();
            for (heard_at, cause) in front {
                for bot in who {
                    let answers_itself = *bot == self.lines[cause].from;
                    if left == 0 || answers_itself || !self.random.percent(chance) {
                        continue;
                    }
                    let at = heard_at + self.span(rest[3]);
                    answers.push((at, self.say(at, bot, Some(cause), voice)));
                    left -= 1;
                }
            }
            front = answers;
        }
    }

    fn say(&mut self, at: u64, who: &str, cause: Option<usize>, voice: &Voice<'_>) -> usize {
        let from = who.trim_end_matches(['!', '?']).to_owned();
        let is_person = who.ends_with('!');
        let options = voice.options;
        let rooms: Vec<&str> = options.get("in").unwrap_or(&"lab").split(',').collect();
        let reply = options.get("reply").and_then(|label| match *label {
            "" => cause,
            label => Some(self.label(label, voice.round)),
        });
        let claim = options.get("claims").map_or(Claim::Truth, |it| match it.split_once(':') {
            Some((_, of)) => Claim::Newest(of.to_owned()),
            None => Claim::Always(self.label(it, voice.round)),
        });
        let usd_micro = match options.get("cost") {
            _ if is_person => 0,
            Some(dollars) => (dollars.parse::<f64>().expect("dollars") * 1e6) as u64,
            None => words::usd_micro(voice.kind),
        };
        let text = words::text(&mut self.random, voice.kind, &from);
        let stale_ms = options.get("stale").map(|it| self.paced(millis(it)));
        self.lines.push(Line {
            at,
            from,
            is_person,
            reads: !who.ends_with('?'),
            room: rooms[voice.turn % rooms.len()].to_owned(),
            text,
            cause,
            reply,
            claim,
            notice: options.contains_key("notice"),
            usd_micro,
            stale_ms,
            must: options.contains_key("must"),
        });
        let place = self.lines.len() - 1;
        if let Some(label) = options.get("as") {
            self.labels.insert(label.replace('#', &voice.round.to_string()), place);
        }
        place
    }

    fn label(&self, label: &str, round: usize) -> usize {
        let label = label.replace('#', &round.to_string());
        *self.labels.get(&label).unwrap_or_else(|| panic!("{}: no `{label}`", self.name))
    }

    fn moment(&mut self, text: &str, begin: u64) -> u64 {
        match text.strip_prefix("then") {
            Some("") => self.then,
            Some(more) if more.starts_with('-') => self.then - self.span(&more[1..]),
            Some(more) => self.then + self.span(&more[1..]),
            None => begin + self.span(text),
        }
    }

    /// A length of time: `8s`, `8s~30` or `2s..20s`.
    fn span(&mut self, text: &str) -> u64 {
        let millis = if let Some((from, to)) = text.split_once("..") {
            self.random.between(millis(from), millis(to))
        } else if let Some((about, percent)) = text.split_once('~') {
            let about = millis(about);
            let off = about * percent.parse::<u64>().expect("percent") / 100;
            self.random.between(about - off, about + off)
        } else {
            millis(text)
        };
        self.paced(millis)
    }

    fn paced(&self, millis: u64) -> u64 {
        millis * self.pace.0 / self.pace.1
    }

    fn count(&mut self, text: &str) -> u64 {
        match text.split_once("..") {
            Some((from, to)) => {
                self.random.between(from.parse().expect("from"), to.parse().expect("to"))
            }
            None => text.parse().expect("a number"),
        }
    }
}

/// How the messages of one line are said.
struct Voice<'a> {
    kind: &'a str,
    options: &'a Options<'a>,
    round: usize,
    turn: usize,
}

/// The lines up to the `end` of the block that has begun.
fn block<'a, 'b>(body: &'b [&'a str]) -> &'b [&'a str] {
    let mut depth = 1;
    for (at, line) in body.iter().enumerate() {
        depth += usize::from(line.starts_with("repeat"));
        depth -= usize::from(*line == "end");
        if depth == 0 {
            return &body[..at];
        }
    }
    panic!("a repeat without an end")
}

/// Whom a word of a script names in a round.
fn names(word: &str, round: usize) -> Vec<String> {
    let turns: Vec<&str> = word.split('/').collect();
    let name = turns[round % turns.len()];
    let (plain, mark) = match name.strip_suffix('!') {
        Some(plain) => (plain, "!"),
        None => (name, ""),
    };
    if let Some((stem, count)) = plain.split_once('*') {
        let count: usize = count.parse().expect("how many");
        (0..count).map(|at| format!("{stem}{at}{mark}")).collect()
    } else if let Some((stem, count)) = plain.split_once('%') {
        vec![format!("{stem}{}{mark}", round % count.parse::<usize>().expect("how many"))]
    } else {
        vec![name.to_owned()]
    }
}

fn millis(text: &str) -> u64 {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let unit = units.iter().find(|(unit, _)| text.ends_with(unit)).expect("a unit of time");
    text.trim_end_matches(unit.0).parse::<u64>().expect("a number") * unit.1
}
