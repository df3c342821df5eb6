//! The codes and their document say the same.

use bot_protocol::code::{Code, Retry};

const DOCUMENT: &str = include_str!("../../../../docs/errors.md");

#[test]
fn every_code_stands_in_the_document_with_its_sentence_and_no_other_does() {
    let rows: Vec<&str> = DOCUMENT.lines().filter(|line| line.contains(" | `")).collect();
    let expected: Vec<String> = Code::ALL.iter().map(|code| row(*code)).collect();
    assert_eq!(rows, expected);
}

fn row(code: Code) -> String {
    let retry = match code.retry() {
        Retry::Never => "never",
        Retry::Later => "later",
        Retry::AfterFix => "after_fix",
    };
    format!("| {} | `{}` | {retry} | {} |", code.number(), code.name(), code.sentence())
}
