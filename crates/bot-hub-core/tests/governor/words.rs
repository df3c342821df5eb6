//! What is said: texts of each kind, as new or as worn as such messages are.

use crate::random::Random;

/// The text of one message of `kind`.
pub(crate) fn text(random: &mut Random, kind: &str, from: &str) -> String {
    let number = |random: &mut Random, to| random.between(1, to);
    match kind {
        "talk" => talk(random, 14, 60),
        "request" => format!("REQUEST {}", talk(random, 10, 30)),
        "response" => format!("RESPONSE {}", talk(random, 20, 80)),
        "guess" => format!("{} {}", word(random), word(random)),
        "ack" => {
            let first = random.pick(&ACKS);
            if random.percent(30) {
                format!("{first} {}", random.pick(&ACKS))
            } else {
                first.into()
            }
        }
        "bye" => worn(random, &FAREWELL, 12, 25),
        "clarify" => format!("{} q{}", worn(random, &DOUBT, 15, 35), number(random, 999)),
        "echo" => format!("as I said before {from}"),
        "poll" => "how are things".into(),
        "error" => format!(
            "sorry, attempt {} went wrong, quota of {} used up",
            number(random, 10),
            number(random, 999)
        ),
        "status" => format!(
            "{from}: load {} percent, memory {} percent, fine",
            number(random, 99),
            number(random, 99)
        ),
        "ticket" => format!("your message has number {} and will be read", number(random, 99_999)),
        "move" => chess(random),
        "vote" => random.pick(&["yes", "no", "abstain", "yes from here", "my vote is no"]).into(),
        "hanzi" => hanzi(random, 1_500, 20, 80),
        "hanzi-thanks" => hanzi(random, 24, 20, 40),
        other => panic!("no words for `{other}`"),
    }
}

/// What a message of that kind costs unless its line says so, in millionths of a dollar.
pub(crate) fn usd_micro(kind: &str) -> u64 {
    match kind {
        "status" | "error" | "ticket" | "vote" | "move" | "poll" => 0,
        _ => 48_000,
    }
}

const ACKS: [&str; 14] = [
    "fine",
    "all clear",
    "cheers",
    "many thanks",
    "waiting",
    "will do",
    "right",
    "noted",
    "perfect",
    "agreed",
    "nothing to add",
    "no problem",
    "thanks for that",
    "whenever you like",
];

const FAREWELL: [&str; 48] = [
    "it",
    "has",
    "been",
    "such",
    "a",
    "joy",
    "working",
    "on",
    "this",
    "with",
    "you",
    "thanks",
    "again",
    "for",
    "all",
    "your",
    "help",
    "and",
    "patience",
    "take",
    "good",
    "care",
    "until",
    "next",
    "time",
    "dear",
    "colleague",
    "what",
    "wonderful",
    "team",
    "we",
    "make",
    "so",
    "kind",
    "of",
    "wishing",
    "lovely",
    "evening",
    "always",
    "here",
    "whenever",
    "warm",
    "regards",
    "stay",
    "well",
    "see",
    "soon",
    "goodbye",
];

const DOUBT: [&str; 40] = [
    "which", "figure", "do", "you", "mean", "exactly", "please", "check", "the", "source", "of",
    "table", "again", "before", "i", "can", "sign", "off", "need", "more", "detail", "about",
    "numbers", "in", "report", "is", "unclear", "to", "me", "could", "confirm", "once", "updated",
    "data", "still", "missing", "review", "when", "ready", "section",
];

/// Syllables make some 2,500 words, of which the first ones are said most.
fn word(random: &mut Random) -> String {
    const ONSETS: [&str; 16] =
        ["b", "br", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "w"];
    const ENDS: [&str; 32] = [
        "al", "an", "ar", "as", "el", "en", "er", "es", "il", "in", "ir", "is", "ol", "on", "or",
        "os", "ul", "un", "ur", "us", "ade", "ane", "ate", "eed", "eem", "ide", "ine", "ite",
        "ode", "one", "ote", "ude",
    ];
    const TAILS: [&str; 5] = ["", "ly", "ment", "ing", "er"];
    let all = ONSETS.len() * ENDS.len() * TAILS.len();
    let at = if random.percent(45) { common(random, all) } else { random.below(all) };
    let (onset, rest) = (at % ONSETS.len(), at / ONSETS.len());
    format!("{}{}{}", ONSETS[onset], ENDS[rest % ENDS.len()], TAILS[rest / ENDS.len()])
}

/// Few of them often: each half of the rest is as likely as the half before it.
fn common(random: &mut Random, all: usize) -> usize {
    let mut end = 16;
    while end < all && random.percent(55) {
        end *= 2;
    }
    random.below(end.min(all))
}

fn talk(random: &mut Random, from: u64, to: u64) -> String {
    let words: Vec<String> = (0..random.between(from, to)).map(|_| word(random)).collect();
    words.join(" ")
}

fn worn(random: &mut Random, words: &[&str], from: u64, to: u64) -> String {
    let words: Vec<&str> = (0..random.between(from, to)).map(|_| random.pick(words)).collect();
    words.join(" ")
}

fn chess(random: &mut Random) -> String {
    let piece = random.pick(&["", "K", "Q", "R", "B", "N"]);
    let file = random.pick(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    let from = random.pick(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    format!("{piece}{from}{file}{}", random.between(1, 8))
}

/// Chinese characters without spaces, out of so many, the first ones most.
fn hanzi(random: &mut Random, of: usize, from: u64, to: u64) -> String {
    let sign = |random: &mut Random| {
        let at = if random.percent(40) { common(random, of) } else { random.below(of) };
        char::from_u32(0x4e00 + u32::try_from(at).expect("few signs")).expect("a sign")
    };
    (0..random.between(from, to)).map(|_| sign(random)).collect()
}
