//! The properties of the format, for inputs that a seed makes. The fuzz targets in `fuzz/` try the
//! same with inputs that a fuzzer finds.

use crate::common::bytes;
use crate::common::properties::{any_act, any_state, any_text};
use bot_protocol::block::{FIELDS_MAX, Problem, TEXT_BYTES_MAX, parse};

/// How many inputs per property; `CASES=1000000` for a long look.
fn cases() -> u64 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

#[test]
fn every_act_comes_back_and_none_of_its_values_becomes_a_field() {
    (0..cases()).for_each(|seed| any_act(&bytes(seed, 160)));
}

#[test]
fn every_text_is_read_or_refused_at_a_place() {
    for seed in 0..cases() {
        let bytes = bytes(seed, 400);
        let mut choices = crate::common::nasty::Choices::new(&bytes);
        let parts: [String; 4] = std::array::from_fn(|_| choices.text());
        let [before, header, fields, after] = &parts;
        any_text(&format!(
            "{before}```{header}[REQUEST → @a]\nFrom: b\nRequestId: c\n{fields}\nTask: d\n{after}```"
        ));
        any_text(&parts.concat());
    }
}

#[test]
fn every_state_file_is_read_or_refused_and_keeps_what_is_not_touched() {
    let entry = r#"{"type":"REQUEST","to":"b","from":"a","status":"open","createdAt":"x",
        "updatedAt":"2026-02-16T12:00:00.000Z","history":[{"type":"?"}],"mine":[1,{"a":2}]}"#;
    for seed in 0..cases() {
        let mut text = format!("{{\"a-1\": {entry}, \"__proto__\": {entry}, \"x\": 7}}");
        let bytes = bytes(seed, 3);
        let at = usize::from(bytes[0]) * 2 % text.len();
        if text.is_char_boundary(at) && seed > 0 {
            text.replace_range(at..=at, [",", "\"", "}", "0"][usize::from(bytes[1]) % 4]);
        }
        any_state(&text);
    }
}

#[test]
fn the_worst_megabyte_is_read_in_one_pass() {
    let head = "```\n[REQUEST → @a]\n";
    for (before, unit) in [
        ("", "`"),
        ("", "> ```\n"),
        ("", ">"),
        ("", "> ```x``` "),
        (head, "a:\n"),
        (head, "stray\n"),
        (head, "From: x\n"),
        ("```\n[REQUEST → @a]\nTask: x\n", " a:"),
        ("```\n[REQUEST → @a]\nTask: x\n", " \n"),
        ("```\n[REQUEST → @a]\nTask: x\n", "``\u{200B}`"),
        ("", "~~~ "),
        ("", "```\n[REQUEST -> @"),
    ] {
        let text = format!("{before}{}", unit.repeat((1 << 20) / unit.len() - 10));
        any_text(&text);
        any_text(&format!("{text}```"));
    }
}

#[test]
fn a_block_is_bounded() {
    let block = |fields: usize| {
        let meta = "a: b\n".repeat(fields - 3);
        format!("```\n[REQUEST → @a]\nFrom: b\nRequestId: c\nTask: d\n{meta}```")
    };
    let problem = |text: &str| parse(text).err().map(|error| error.problem);
    assert_eq!(problem(&block(FIELDS_MAX)), None);
    assert_eq!(problem(&block(FIELDS_MAX + 1)), Some(Problem::TooManyFields));
    let long = format!("{}{}", block(3), " ".repeat(TEXT_BYTES_MAX));
    assert_eq!(problem(&long), Some(Problem::TooLong));
    assert_eq!(problem(&long[..TEXT_BYTES_MAX]), None);
}
