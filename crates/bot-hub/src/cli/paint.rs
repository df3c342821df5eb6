//! Colours on a terminal.
//!
//! Owns when colours are used: on a terminal, unless `NO_COLOR` is set. A colour never says more than the
//! words do.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};

static ON_STDOUT: LazyLock<bool> = LazyLock::new(|| is_wanted(&std::io::stdout()));
static ON_STDERR: LazyLock<bool> = LazyLock::new(|| is_wanted(&std::io::stderr()));

fn is_wanted(stream: &impl IsTerminal) -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    // Tests compare plain text, even if somebody runs them in a terminal.
    !cfg!(test) && !is_refused && !is_dumb && stream.is_terminal()
}

fn paint(is_on: bool, style: Style, text: impl Display) -> String {
    if is_on { format!("{style}{text}{style:#}") } else { text.to_string() }
}

/// A name or a heading, on stdout.
pub(super) fn bold(text: impl Display) -> String {
    paint(*ON_STDOUT, Style::new().bold(), text)
}

/// Less important text, on stdout.
pub(super) fn dim(text: impl Display) -> String {
    paint(*ON_STDOUT, Style::new().dimmed(), text)
}

/// A good state, on stdout.
pub(super) fn green(text: impl Display) -> String {
    paint(*ON_STDOUT, AnsiColor::Green.on_default(), text)
}

/// A warning, on stdout.
pub(super) fn yellow(text: impl Display) -> String {
    paint(*ON_STDOUT, AnsiColor::Yellow.on_default(), text)
}

/// A problem, on stdout.
pub(super) fn red(text: impl Display) -> String {
    paint(*ON_STDOUT, AnsiColor::Red.on_default().bold(), text)
}

/// The word that begins a line on stderr: `error:`, `warning:`, `hint:`.
pub(super) fn label(word: &str) -> String {
    let style = match word {
        "error:" => AnsiColor::Red.on_default().bold(),
        "warning:" => AnsiColor::Yellow.on_default().bold(),
        _ => Style::new().bold(),
    };
    paint(*ON_STDERR, style, word)
}
