//! The reader against texts that people and fuzzers write, with the crate `json5` as the oracle.

use proptest::prelude::*;

use super::*;

/// The tree without places, or `None` where the text is refused.
fn ours(text: &str) -> Option<serde_json::Value> {
    read(text, &Source::File("t".into())).ok().map(Node::into_json)
}

/// What the oracle makes of it. Duplicate keys are judged later, and numbers beyond 64 bits differ.
fn oracle(text: &str) -> Option<serde_json::Value> {
    json5::from_str(text).ok()
}

#[track_caller]
fn check(text: &str) {
    assert_eq!(ours(text), oracle(text), "{text:?}");
}

#[track_caller]
fn check_place(text: &str, line: u32, column: u32) {
    let problem = read(text, &Source::File("t".into())).err().expect("is refused");
    assert_eq!(problem.origin.place, Some(Place { line, column }), "{text:?}: {problem}");
    assert!(!problem.hint.is_empty());
}

#[test]
fn the_grammar_is_that_of_the_oracle() {
    for text in [
        "{}",
        "[]",
        "{a:1,}",
        "[1,]",
        "[,]",
        "{,}",
        "{a:1,,}",
        "{'a b':\"c\"}",
        "// c\n{}// d",
        "/* * / */{}",
        "/**/",
        "",
        " ",
        "{a:0x1F}",
        "{a:-0x1f}",
        "[+1,-1,.5,5.,1e3,1E-3,0,-0,0.5]",
        "[01]",
        "[1.2.3]",
        "[1e]",
        "[+]",
        "[.]",
        "[--1]",
        "[0x]",
        "[0xg]",
        "[1_000]",
        "[10s]",
        "[tru]",
        "[true,false,null]",
        "['\\x41\\u0042\\n\\\n\\\r\n\\0\\q\\'']",
        "['\\01']",
        "['\\1']",
        "['\\u12']",
        "['\\ud83d\\ude00']",
        "['\\ud83d']",
        "['\\ud83dx']",
        "['\\ud83d\\ud83d']",
        "['a\nb']",
        "['a",
        "['a\\",
        "{a",
        "{a:",
        "{a:1",
        "[1",
        "{a:1}}",
        "{a:1} x",
        "{a:1]",
        "[1}",
        "[1 2]",
        "{a 1}",
        "{a=1}",
        "\u{feff}{}",
        "{\u{a0}a:1}",
        "{ä:1}",
        "{1a:1}",
        "{a-b:1}",
        "{$a_1:1}",
        "{\"\":1}",
        "{a:'\u{2028}'}",
        "// c\u{2028}{}",
        "/",
        "//",
        "/*",
        "/* *",
        "[Infinity]",
        "[NaN]",
        "[-Infinity]",
        "[+NaN]",
        "[1,2",
        "[\"]",
        "['\"']",
        "{true:1}",
        "[0e1]",
        "[1e400]",
    ] {
        check(text);
    }
}

#[test]
fn a_mistake_is_located_in_lines_and_characters() {
    check_place("{\n  port: ,\n}", 2, 9);
    check_place("{\r\n  \"é\": x\r\n}", 2, 8);
    check_place("{\r  a 1\r}", 2, 5);
    check_place("{ tokens: {\n", 2, 1);
    check_place("", 1, 1);
}

#[test]
fn nesting_is_bounded_before_the_stack_is() {
    check_place(&"[".repeat(1_000_000), 1, 33);
    assert!(ours(&format!("{}{}", "[".repeat(32), "]".repeat(32))).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_as_the_oracle_reads_it(text in "[\\[\\]{}:,'\"/*a1.eE+\\-x0 \n\\\\]{0,24}") {
        prop_assert_eq!(ours(&text), oracle(&text));
    }

    #[test]
    fn json_is_read_as_json(text in "[a-z]{1,4}", number in any::<i64>(), real in any::<f64>()) {
        let value = serde_json::json!({ "a": [text, number, real, null, true], "b": {} });
        prop_assert_eq!(ours(&value.to_string()), Some(value));
    }
}
