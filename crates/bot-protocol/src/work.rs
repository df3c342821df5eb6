//! How much work reading a text takes, for the tests that hold it to a bound.
//!
//! Owns the count and those tests. Every loop whose length a stranger decides says here how many bytes it
//! looks at; outside of this crate's own tests that costs nothing. Time is never measured: it depends on
//! who else uses the machine.

/// So many bytes (or entries) are being looked at.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn spend(_steps: usize) {}

/// So many bytes (or entries) are being looked at.
#[cfg(test)]
pub(crate) fn spend(steps: usize) {
    STEPS.with(|all| all.set(all.get() + steps));
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::STEPS;
    use crate::block::{
        Filter, Kind, Message, State, join, lint, parse, parse_all, parse_stamp, split, to_json,
    };
    use crate::frame::{ClientFrame, ServerFrame};
    use crate::limits::Limits;
    use crate::time::Timestamp;

    /// Steps per byte. What the slowest one takes, and some air; plain text takes about three.
    const STEPS_PER_BYTE_MAX: usize = 40;

    const BYTES: usize = 120_000;

    fn steps(work: impl FnOnce()) -> usize {
        STEPS.with(|all| all.set(0));
        work();
        STEPS.with(std::cell::Cell::get)
    }

    #[track_caller]
    fn check(what: &str, bytes: usize, work: impl FnOnce()) {
        let steps = steps(work);
        let bound = STEPS_PER_BYTE_MAX * (bytes + 1_000);
        assert!(steps <= bound, "{what}: {steps} steps for {bytes} bytes");
    }

    const HEAD: &str = "```\n[REQUEST → @a]\nFrom: b\nRequestId: c\n";

    /// What stands before, what is said again and again, and what stands after.
    const TEXTS: &[(&str, &str, &str)] = &[
        ("", "plain text, as most of it is. ", ""),
        ("", "\">```\n", ""),
        ("", "> ```\n", ""),
        ("", ">", "```\nx\n```"),
        ("", "> > > ```\n> > > x\n> > > ```\n", ""),
        ("", "> ```x``` ", ""),
        ("> > > > > > > > > > > > > > > > > > > > > > > > ", "```x``` ", ""),
        ("", "&gt; ```\n&gt; [REQUEST → @a]\n&gt; ```\n", "```\n[REQUEST → @\n```"),
        ("", "> ```\n> [REQUEST → @a]\n> From: b\n> RequestId: c\n> Task: d\n> ```\n", "```x```"),
        ("", "```\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: d\n```\n", ""),
        ("", "```", ""),
        ("", "````", ""),
        ("", "`", ""),
        ("", "``\u{200B}`", ""),
        ("", "```\r\n", ""),
        ("", "~~~\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: d\n~~~\n", ""),
        ("", "~~~\n[", ""),
        ("", "'''", "["),
        (HEAD, "Task: x\n", "```"),
        (HEAD, "stray\n", "Task: x\n```"),
        (HEAD, "From: x\n", "Task: x\n```"),
        (HEAD, "Depth: x\n", "Task: x\n```"),
        ("```\n[REQUEST → @a]\n", "stray\n", "From: b\nRequestId: c\nTask: x\n```"),
        ("```\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: x\n", " Task: y\n", "```"),
        ("```\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: x", "\u{A0}\n", "```"),
        ("```\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: x", "``\u{200B}`", "```"),
        ("```\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: x", "&lt;&amp;", "```"),
        ("```\n[REQUEST -&gt; @a]\nFrom: b\nRequestId: c\nTask: x", "&lt;&amp;", "```"),
        ("```\n[REQUEST → @", "a", "]\n```"),
        ("```\n[", "→", "]\n```"),
        ("```\n[REQUEST ", "-", "> @a]\n```"),
    ];

    /// All of them at some sizes, and blocks with as many unknown fields as there may be.
    fn texts() -> Vec<String> {
        let mut texts = Vec::new();
        for (before, again, after) in TEXTS {
            for bytes in [1_000, 30_000, BYTES] {
                texts.push([before, again.repeat(bytes / again.len()).as_str(), after].concat());
            }
        }
        for letters in [1, 40] {
            let field = |at: usize| format!("{}: x\n", word(at).repeat(letters));
            let fields: String = (0..240).map(field).collect();
            let block = format!("{HEAD}Task: d\n{fields}```\n");
            texts.push(block.repeat(BYTES / block.len()));
            texts.push(format!("> {}", block.replace('\n', "\n> ")).repeat(BYTES / block.len()));
        }
        texts
    }

    /// The letters that stand for a number.
    fn word(number: usize) -> String {
        let digit = |at: u32| {
            char::from(b'a' + u8::try_from(number / 26_usize.pow(at) % 26).expect("< 26"))
        };
        (0..4).map(digit).collect()
    }

    #[test]
    fn a_text_is_read_in_steps_that_grow_with_it_alone() {
        for text in texts() {
            let what = |verb: &str| format!("{verb} {:?}…", &text[..text.floor_char_boundary(60)]);
            check(&what("parse"), text.len(), || drop(parse(&text)));
            check(&what("parse_all"), text.len(), || parse_all(&text).for_each(drop));
            check(&what("lint"), text.len(), || drop(lint(&text)));
            let parts: Vec<_> = parse_all(&text).collect();
            check(&what("join"), text.len(), || drop(join(&parts)));
            check(&what("stamp"), text.len(), || assert!(parse_stamp(&text).is_none()));
            let Ok(act) = parse(&text) else { continue };
            check(&what("to_json"), text.len(), || drop(to_json(&act, &text)));
            for limit in [120, 2_000, 40_000] {
                let made =
                    split(&act, limit).map_or(0, |parts| parts.iter().map(String::len).sum());
                check(&what("split"), text.len() + made + 999 * 120, || drop(split(&act, limit)));
            }
        }
    }

    #[test]
    fn many_parts_with_fields_of_their_own_are_joined_in_steps_that_grow_with_them() {
        let part = |at: usize| {
            let fields: String = (0..20).map(|it| format!("{}: x\n", word(at * 20 + it))).collect();
            format!("{HEAD}Task: d\n{fields}Part: {}/900\n```\n", at + 1)
        };
        let text: String = (0..900).map(part).collect();
        let parts: Vec<_> = parse_all(&text).collect();
        assert_eq!(parts.len(), 900);
        check("join", text.len(), || assert!(join(&parts).is_ok()));
    }

    fn message(kind: Kind, from: String, to: String, id: String) -> Message {
        Message { kind: kind.as_str().into(), from, to, request_id: id, ..Message::default() }
    }

    #[test]
    fn a_conversation_is_heard_in_steps_that_grow_with_its_history() {
        let mut state = State::default();
        let id = || "r-1".to_owned();
        let open = message(Kind::Request, "ann".into(), "ben".into(), id());
        state.track(&open, Timestamp(0)).expect("it is new");
        let mut from = "ben".to_owned();
        for at in 0..300 {
            let next = message(Kind::Handoff, from.clone(), word(at), id());
            from.clone_from(&next.to);
            state.track(&next, Timestamp(1)).expect("it is there");
        }
        let bytes = state.to_json().len();
        let last = message(Kind::Response, from, "ann".into(), id());
        check("hear", bytes, || drop(state.track(&last, Timestamp(2))));
    }

    #[test]
    fn a_state_file_is_worked_on_in_steps_that_grow_with_it() {
        let mut state = State::default();
        for at in 0..600 {
            let open = message(Kind::Request, "ann".into(), "ben".into(), word(at));
            state.track(&open, Timestamp(0)).expect("it is new");
        }
        let bytes = state.to_json().len();
        check("list", bytes, || state.list(&Filter::default()).for_each(drop));
        check("timeouts", bytes, || {
            assert_eq!(state.check_timeouts(Timestamp(10_000_000_000)).len(), 600);
        });
        check("cleanup", bytes, || assert_eq!(state.cleanup(0, Timestamp(20_000_000_000)), 600));
    }

    #[test]
    fn a_frame_is_read_in_steps_that_grow_with_it_alone() {
        let mut frames: Vec<String> = Vec::new();
        for bytes in [1_000, BYTES] {
            for (before, again, after) in [
                (r#"{"type":"message","room":"lab","text":""#, "x", r#""}"#),
                (r#"{"type":"message","room":"lab","text":""#, r"\u0001", r#""}"#),
                (r#"{"type":"message","room":"lab","text":""#, r"\\", r#""}"#),
                (r#"{"type":"message","room":"lab","text":""#, r"\", ""),
                (r#"{"type":"message","room":"lab","text":"x","meta":"#, "[", ""),
                (r#"{"type":"message","room":"lab","text":"x","meta":[0"#, ",0", "]}"),
                (r#"{"type":"message","room":"lab","text":"x","meta":[0"#, ",{}", "]}"),
                (r#"{"#, r#""a":0,"#, r#""type":"message"}"#),
                (r#"{"type":"#, " ", r#""message"}"#),
                ("", " ", ""),
                ("", "{", ""),
                ("", "\"", ""),
                (r#"{"type":"operate","ref":"x","do":{"#, r#""a":0,"#, r#""a":0}}"#),
            ] {
                frames.push([before, again.repeat(bytes / again.len()).as_str(), after].concat());
            }
            let keys: Vec<_> = (0..bytes / 9).map(|at| format!("\"{}\":0", word(at))).collect();
            frames.push(format!("{{{}}}", keys.join(",")));
            frames.push(format!(r#"{{"type":"message","meta":{{{}}}}}"#, keys.join(",")));
        }
        for json in frames {
            let what = &json[..json.floor_char_boundary(60)];
            check(what, json.len(), || {
                drop(ClientFrame::decode(json.as_bytes(), &Limits::default()));
            });
            check(what, json.len(), || drop(ServerFrame::decode(json.as_bytes())));
        }
    }

    /// How often each byte of a frame is looked at: nested brackets and sizes, the short way, the rules of
    /// strict readers with their comparisons of keys, and the parser; and once more for the id of a refusal.
    const LOOKS_MAX: usize = 5;

    /// The same for a frame with a part beyond its bound.
    const LOOKS_AT_TOO_LARGE_MAX: usize = 3;

    #[track_caller]
    fn check_looks(json: &str, looks_max: usize, is_taken: bool) {
        let mut decoded = None;
        let steps = steps(|| decoded = Some(ClientFrame::decode_text(json, &WIDE)));
        let (bytes, what) = (json.len(), &json[..json.floor_char_boundary(60)]);
        assert_eq!(decoded.map(|it| it.is_ok()), Some(is_taken), "{what}");
        assert!(steps <= looks_max * bytes, "{what}: {steps} steps for {bytes} bytes");
    }

    /// The bounds of a hub that takes every way to escape a text.
    const WIDE: Limits = Limits { wire_bytes: Some(900_000), ..Limits::DEFAULT };

    fn keys(bytes: usize) -> String {
        (0..bytes / 9).map(|at| format!("\"{}\":0", word(at))).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn a_frame_is_walked_over_once_whatever_it_holds() {
        let (few, many) = (keys(16_000), keys(250_000));
        let message = |rest: &str| format!(r#"{{"type":"message","room":"lab","text":"x"{rest}}}"#);
        check_looks(&message(&format!(r#","meta":{{{few}}}"#)), LOOKS_MAX, true);
        check_looks(&message(&format!(r#","act":[{{{few}}}]"#)), LOOKS_MAX, true);
        check_looks(&message(&format!(",{many}")), LOOKS_MAX, true);
        check_looks(&format!(r#"{{"type":"rooms",{many}}}"#), LOOKS_MAX, true);
        check_looks(&format!(r#"{{"type":"zzz",{many}}}"#), LOOKS_MAX, false);
    }

    #[test]
    fn a_frame_with_a_part_beyond_its_bound_is_refused_before_it_is_walked_over() {
        let many = keys(430_000);
        for json in [
            format!(r#"{{"type":"message","room":"lab","text":"x","meta":{{{many}}}}}"#),
            format!(r#"{{"type":"message","act":[{{{many}}}],"room":"lab","text":"x"}}"#),
            format!(r#"{{"type":"message","room":"lab","text":"x","x":{{{many}}}}}"#),
            format!(r#"{{{many},"type":"operate","ref":"r"}}"#),
            format!(r#"{{{many}}}"#),
        ] {
            check_looks(&json, LOOKS_AT_TOO_LARGE_MAX, false);
        }
    }
}
