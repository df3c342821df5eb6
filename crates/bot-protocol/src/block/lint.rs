//! Everything that there is to say about a block, not only whether it is one.
//!
//! Owns the sentences for what the parser repaired or passed over. Never refuses more than it does.

use super::parse::{Note, read};
use super::{Kind, Part, Problem};

/// The most findings in one report; a megabyte of stray lines needs no more to be understood.
const FINDINGS_MAX: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// There is no act.
    Error,
    /// There is one, but perhaps not the one that was meant.
    Warning,
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1; warnings are about whole lines.
    pub column: usize,
    /// A word for scripts.
    pub name: &'static str,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// All findings about the first block of `text`; none if it is exactly as it should be.
pub fn lint(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let outcome = read(text, &mut |line, note| {
        if findings.len() < FINDINGS_MAX {
            findings.push(finding(line(), note));
        }
    });
    match outcome {
        Ok((act, end)) => {
            if act.depth.is_none() {
                findings.push(warning(1, "no_depth", "the act has no depth", NO_DEPTH));
            }
            if act.kind != Kind::Response && act.depth.is_some_and(|depth| depth.is_exhausted()) {
                findings.push(warning(1, "depth_reached", "only a RESPONSE may be so deep", DEPTH));
            }
            if let Some(Part { index, of }) = act.part() {
                let message = format!("this is part {index} of {of}");
                findings.push(warning(1, "part", &message, "join all parts before you act on it"));
            }
            if super::parse(&text[end..]).is_ok() {
                let line = 1 + text[..end].matches('\n').count();
                findings.push(warning(line, "second_block", "a second block is ignored", SECOND));
            }
        }
        Err(error) => findings.push(Finding {
            severity: Severity::Error,
            line: error.line,
            column: error.column,
            name: error.problem.name(),
            message: Problem::to_string(&error.problem),
            hint: error.problem.hint(),
        }),
    }
    findings
}

const NO_DEPTH: &str = "without `Depth: 1/5` nothing ends a loop";
const DEPTH: &str = "answer with a RESPONSE that says how far you got";
const SECOND: &str = "send one block per message";

fn warning(line: usize, name: &'static str, message: &str, hint: &'static str) -> Finding {
    let message = message.to_owned();
    Finding { severity: Severity::Warning, line, column: 1, name, message, hint }
}

fn finding(line: usize, note: Note) -> Finding {
    let (name, message, hint) = match note {
        Note::Quoted => {
            ("quoted", "the block is a quotation".into(), "send a block without quote marks")
        }
        Note::Lookalike => {
            ("lookalike_fence", "the fence is not made of backticks".into(), "v0.1 sees no block")
        }
        Note::CarriageReturns => (
            "crlf",
            "lines end in carriage returns".into(),
            "v0.1 sees no block; send plain newlines",
        ),
        Note::Tag => {
            ("tag", "a language tag after the fence".into(), "v0.1 sees no block; leave it out")
        }
        Note::Arrow => ("arrow", "the arrow is not `→`".into(), "v0.1 sees no block; write `→`"),
        Note::Mention => {
            ("mention", "the name is a resolved mention".into(), "write `@` and the plain name")
        }
        Note::Html => (
            "html",
            "`&lt;`, `&gt;` and `&amp;` were turned back in all values".into(),
            "give the parser the text as it was typed",
        ),
        Note::Stray => {
            ("stray", "text before the first field is ignored".into(), "put it into a field")
        }
        Note::Repeated(key) => (
            "repeated",
            format!("`{key}:` stands here again"),
            "one line per field; the builder escapes text",
        ),
        Note::Ignored(key) => {
            ("ignored", format!("the value of `{key}:` is none of its words and is ignored"), WORDS)
        }
        Note::OffKind(key) => {
            ("off_kind", format!("acts of this kind have no `{key}:`"), "leave the field out")
        }
    };
    warning(line, name, &message, hint)
}

const WORDS: &str =
    "Status: done, partial, failed. Priority: low, normal, high. Depth: two numbers like 1/5";
