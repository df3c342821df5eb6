//! A finding: how bad it is, what it is, why it matters, and what to do next.
//!
//! Owns the form of findings. Examines nothing itself.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::again::here;
use crate::cli::paint::{green, red, yellow};
use crate::cli::visible::visible;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// It will cause a problem, or somebody should look at it.
    Warning,
    /// Something does not work or is not secure.
    Problem,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Level {
    /// The level's name in its colour, padded to the longest name.
    fn painted(self) -> String {
        let word = format!("{:8}", self.name());
        match self {
            Self::Fine => green(word),
            Self::Note => word,
            Self::Warning => yellow(word),
            Self::Problem => red(word),
        }
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    level: Level,
    area: &'static str,
    what: String,
    why: String,
    next: String,
    can_be_fixed: bool,
}

impl Finding {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "level": self.level.name(), "area": self.area, "what": self.what, "why": self.why,
            "next": self.next, "can_be_fixed": self.can_be_fixed,
        })
    }
}

/// All findings, and what was fixed.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    pub(super) fixed: Vec<String>,
    /// How many findings `--fix` would fix.
    pub(super) fixable: usize,
    fixes: bool,
}

impl Findings {
    pub(super) fn new(fixes: bool) -> Self {
        Self { list: Vec::new(), fixed: Vec::new(), fixable: 0, fixes }
    }

    pub(super) fn fine(&mut self, area: &'static str, what: impl Into<String>) {
        self.add(Level::Fine, area, what, "", "");
    }

    pub(super) fn note(
        &mut self,
        area: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.add(Level::Note, area, what, why, next);
    }

    pub(super) fn warning(
        &mut self,
        area: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.add(Level::Warning, area, what, why, next);
    }

    pub(super) fn problem(
        &mut self,
        area: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.add(Level::Problem, area, what, why, next);
    }

    /// Reports something that can be fixed: fixes it with `--fix`, otherwise adds a finding. On success,
    /// `mending` returns a sentence about what it did, and how to undo that where somebody may want to.
    pub(super) fn mend(
        &mut self,
        level: Level,
        area: &'static str,
        what: String,
        (why, next): (&str, String),
        mending: impl FnOnce() -> Result<String, String>,
    ) {
        if !self.fixes {
            self.add(level, area, what, why, next);
            self.fixable += 1;
            if let Some(last) = self.list.last_mut() {
                last.can_be_fixed = true;
            }
            return;
        }
        match mending() {
            Ok(did) => {
                self.fine(area, format!("fixed: {did}"));
                self.fixed.push(did);
            }
            Err(error) => self.add(level, area, format!("{what}; not mended: {error}"), why, next),
        }
    }

    fn add(
        &mut self,
        level: Level,
        area: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        let (what, why, next) = (what.into(), why.into(), here(&next.into()));
        self.list.push(Finding { level, area, what, why, next, can_be_fixed: false });
    }

    pub(super) fn problems(&self) -> u64 {
        self.count(Level::Problem)
    }

    pub(super) fn warnings(&self) -> u64 {
        self.count(Level::Warning)
    }

    fn count(&self, level: Level) -> u64 {
        self.list.iter().filter(|it| it.level == level).count() as u64
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for it in &self.list {
            let level = it.level.painted();
            writeln!(text, "{level} {:9} {}", it.area, visible(&it.what))
                .expect("a string takes text");
            let indent = " ".repeat(19);
            if !it.why.is_empty() {
                writeln!(text, "{indent}{}", it.why).expect("a string takes text");
            }
            if !it.next.is_empty() {
                let word = if it.can_be_fixed { "fix" } else { "next" };
                writeln!(text, "{indent}{word}: {}", it.next).expect("a string takes text");
            }
        }
        text.trim_end().to_owned()
    }
}
