//! The header of a block: `[KIND → @name]`.
//!
//! Owns its grammar and the forms that platforms and hands give the arrow and the name.

use std::borrow::Cow;

use super::Kind;
use super::error::Problem;
use super::escape::unguard;
use super::parse::Note;
use super::text::{is_space, trim};

/// What a header says.
pub(super) struct Header<'a> {
    pub(super) kind: Kind,
    pub(super) to: Cow<'a, str>,
    /// The text came through something that writes `>` as `&gt;`.
    pub(super) is_html: bool,
}

/// Arrows that are one sign, however a platform shows or names it.
const ARROWS: [&str; 11] =
    ["→", "⇒", "➔", "➜", "⟶", "➡\u{FE0F}", "➡", "&rarr;", "&#8594;", "&#x2192;", ":arrow_right:"];

/// Reads a line, trimmed of white space. An error's number is the byte in the line where it is.
pub(super) fn parse<'a>(
    line: &'a str,
    note: &mut dyn FnMut(Note),
) -> Result<Header<'a>, (usize, Problem)> {
    let at = |rest: &str| line.len() - rest.len();
    let is_escaped = line.starts_with('\\');
    let rest = if is_escaped { &line[1..] } else { line };
    let rest = rest.strip_prefix('[').ok_or((0, Problem::NoHeader))?;
    let after_kind = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let word = &rest[..rest.len() - after_kind.len()];
    let arrow_at = after_kind.trim_start_matches(is_space);
    let Some((after_arrow, arrow)) = arrow(arrow_at) else {
        return Err(if Kind::parse(&word.to_ascii_uppercase()).is_some() {
            (at(arrow_at), Problem::NoArrow)
        } else {
            (0, Problem::NoHeader)
        });
    };
    let kind = Kind::parse(word).ok_or((at(rest), Problem::UnknownKind))?;
    let name_at = after_arrow.trim_start_matches(is_space);
    let inner = name_at.strip_suffix(']').ok_or((line.len(), Problem::HeaderNotClosed))?;
    let inner = if is_escaped { inner.strip_suffix('\\').unwrap_or(inner) } else { inner };
    if arrow != Arrow::Plain {
        note(Note::Arrow);
    }
    let is_html = arrow == Arrow::Html;
    let to = name(inner, is_html, note).ok_or((at(name_at), Problem::NoRecipient))?;
    if to.is_empty() || to.contains(is_space) {
        return Err((at(name_at), Problem::NoRecipient));
    }
    Ok(Header { kind, to, is_html })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrow {
    /// `→`
    Plain,
    /// Another sign, `->`, `=>`, an escaped `\->`.
    Other,
    /// With `&gt;` for `>`.
    Html,
}

/// The rest after an arrow.
fn arrow(text: &str) -> Option<(&str, Arrow)> {
    for (index, sign) in ARROWS.iter().enumerate() {
        if let Some(rest) = text.strip_prefix(sign) {
            return Some((rest, if index == 0 { Arrow::Plain } else { Arrow::Other }));
        }
    }
    let tip = text.trim_start_matches(['-', '=', '–', '—', '−', '\u{2010}', '\u{2011}', '\\']);
    if tip.len() == text.len() {
        return None;
    }
    let html = tip.strip_prefix("&gt;").map(|rest| (rest, Arrow::Html));
    html.or(tip.strip_prefix('>').map(|rest| (rest, Arrow::Other)))
}

/// `@name`, or a mention that a platform has resolved: `<@id>`, `<@id|name>`.
fn name<'a>(text: &'a str, is_html: bool, note: &mut dyn FnMut(Note)) -> Option<Cow<'a, str>> {
    let (open, close) = if is_html { ("&lt;@", "&gt;") } else { ("<@", ">") };
    if let Some(mention) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
        note(Note::Mention);
        let mention = mention.trim_start_matches(['!', '&']);
        return Some(Cow::Borrowed(mention.rsplit('|').next().unwrap_or(mention)));
    }
    text.strip_prefix('@').map(unguard)
}

/// Whether `line` means to be a header, however wrong: what follows is then worth a located error
/// instead of "not a block".
pub(super) fn is_attempt(line: &str) -> bool {
    let line = trim(line).trim_start_matches('\\');
    let Some(rest) = line.strip_prefix('[') else { return false };
    let word = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    Kind::parse(&word.to_ascii_uppercase()).is_some()
        || (arrow(rest[word.len()..].trim_start_matches(is_space)).is_some() && rest.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<(Kind, &str), (usize, Problem)>) {
        let parsed = parse(line, &mut |_| {});
        let parsed = parsed.as_ref().map(|header| (header.kind, &*header.to));
        assert_eq!(parsed.map_err(Clone::clone), expected, "{line:?}");
    }

    #[test]
    fn the_arrow_may_have_been_changed_on_the_way() {
        for arrow in ["→", "->", "=>", "-->", "-&gt;", "\\->", "\\-\\>", "—>", "➡\u{FE0F}"] {
            check(&format!("[REQUEST {arrow} @Mantis]"), Ok((Kind::Request, "Mantis")));
        }
        check("[REQUEST→@Mantis]", Ok((Kind::Request, "Mantis")));
        check("[REQUEST\u{A0}→\u{A0}@Mantis]", Ok((Kind::Request, "Mantis")));
        check("\\[REQUEST → @Mantis\\]", Ok((Kind::Request, "Mantis")));
    }

    #[test]
    fn a_mention_that_a_platform_resolved_is_a_name() {
        check("[REQUEST → <@U12AB|mantis>]", Ok((Kind::Request, "mantis")));
        check("[REQUEST → <@!123>]", Ok((Kind::Request, "123")));
        check("[REQUEST -&gt; &lt;@U1&gt;]", Ok((Kind::Request, "U1")));
        check("[REQUEST → @<@U1>]", Ok((Kind::Request, "<@U1>")));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        check("[INVALID HEADER]", Err((0, Problem::NoHeader)));
        check("[INVALID → @X]", Err((1, Problem::UnknownKind)));
        check("[Request → @X]", Err((1, Problem::UnknownKind)));
        check("[REQUEST @X]", Err((9, Problem::NoArrow)));
        check("[REQUEST → X]", Err((13, Problem::NoRecipient)));
        check("[REQUEST → @a b]", Err((13, Problem::NoRecipient)));
        check("[REQUEST → @X", Err((15, Problem::HeaderNotClosed)));
    }
}
