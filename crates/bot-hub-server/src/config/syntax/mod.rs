//! JSON5, read into a tree that knows the line and column of every key and value.
//!
//! Owns the grammar and the sentence for each way to break it. Never knows what a key means, never
//! quotes a text from the file (it may be a token), and is bounded: depth, and linear time.
//!
//! The `json5` crate gives positions for syntax errors only, none for values; and it follows nested
//! brackets until the stack ends. It is the oracle of the tests: both accept the same texts.
//! Left out on purpose: `\u` escapes in keys without quotes.

mod cursor;
mod flaw;
mod number;
mod text;

use self::cursor::{Cursor, is_name, is_name_start, is_space};
use self::flaw::{Flaw, closing, missing_colon, shown, strange};
use super::node::{Member, Node, Value};
use super::problem::{Origin, Path, Place, Problem, Source};

/// Objects and lists inside one another. The deepest setting is at five.
const DEPTH_MAX: u32 = 32;

/// Bytes of a configuration: a hundred thousand bots fit.
pub(super) const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// Reads one document. The first mistake ends it: what follows a broken bracket is guesswork.
pub(super) fn read(text: &str, source: &Source) -> Result<Node, Box<Problem>> {
    let mut reader = Reader { cursor: Cursor::new(text), source, depth: 0 };
    reader.document().map_err(|flaw| {
        let origin = Origin::at(source, flaw.place);
        Box::new(Problem::new(&origin, &Path::default(), flaw.message, flaw.hint))
    })
}

/// The document's bytes as text; what is not UTF-8 is located.
pub(super) fn decode<'a>(bytes: &'a [u8], source: &Source) -> Result<&'a str, Box<Problem>> {
    let whole = Path::default();
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let message = format!("larger than {} MiB", DOCUMENT_BYTES_MAX >> 20);
        let hint = "this is probably not the configuration file; check the path";
        return Err(Box::new(Problem::new(&Origin::of(source), &whole, message, hint)));
    }
    str::from_utf8(bytes).map_err(|error| {
        let before = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let mut cursor = Cursor::new(before);
        while cursor.next().is_some() {}
        let origin = Origin::at(source, cursor.place());
        let hint = "save the file as UTF-8";
        Box::new(Problem::new(&origin, &whole, "not UTF-8 from here on", hint))
    })
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    source: &'a Source,
    depth: u32,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Node, Flaw> {
        self.space()?;
        if self.cursor.peek().is_none() {
            let hint =
                "an empty configuration is `{}`; `bot-hub config init` writes one to start from";
            return Err(Flaw::new(self.cursor.place(), "the file is empty", hint));
        }
        let start = self.cursor.place();
        let braceless = self.cursor.is_braceless();
        let root = match self.value() {
            Err(_) if braceless => {
                let hint = "write JSON5, for example { port: 18795 }; YAML and TOML are not read";
                return Err(Flaw::new(start, "the configuration does not start with `{`", hint));
            }
            other => other?,
        };
        self.space()?;
        match self.cursor.peek() {
            None => Ok(root),
            Some(found) => Err(Flaw::new(
                self.cursor.place(),
                format!("unexpected {} after the end", shown(found)),
                "the configuration is one object; remove what follows its closing `}`, or a `}` \
                 too many before it",
            )),
        }
    }

    /// Skips white space and comments.
    fn space(&mut self) -> Result<(), Flaw> {
        while let Some(next) = self.cursor.peek() {
            if is_space(next) {
                self.cursor.next();
            } else if next == '/' {
                self.comment()?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Flaw> {
        let start = self.cursor.place();
        self.cursor.next();
        match self.cursor.next() {
            Some('/') => {
                while !self.cursor.at_line_end() && self.cursor.next().is_some() {}
                Ok(())
            }
            Some('*') => loop {
                match self.cursor.next() {
                    Some('*') if self.cursor.peek() == Some('/') => {
                        self.cursor.next();
                        return Ok(());
                    }
                    Some(_) => {}
                    None => {
                        return Err(Flaw::new(
                            start,
                            "this comment has no end",
                            "close it with `*/`",
                        ));
                    }
                }
            },
            _ => Err(Flaw::new(start, "unexpected `/`", "a comment starts with `//` or `/*`")),
        }
    }

    fn value(&mut self) -> Result<Node, Flaw> {
        self.space()?;
        let place = self.cursor.place();
        let value = match self.cursor.peek() {
            Some('{') => self.nested(place, Self::object)?,
            Some('[') => self.nested(place, Self::list)?,
            Some('"' | '\'') => Value::Text(text::quoted(&mut self.cursor)?),
            Some('0'..='9' | '+' | '-' | '.') => number::number(&mut self.cursor)?,
            Some(next) if is_name_start(next) => self.word(place)?,
            Some('}' | ']' | ',') => {
                return Err(Flaw::new(
                    place,
                    "a value is missing here",
                    "write the value, or remove the key or comma before it",
                ));
            }
            Some(next) => return Err(strange(place, next)),
            None => {
                return Err(Flaw::new(
                    place,
                    "the file ends where a value should stand",
                    "is the file complete? write the value and close what is open",
                ));
            }
        };
        Ok(Node { origin: Origin::at(self.source, place), value })
    }

    fn nested(
        &mut self,
        start: Place,
        inner: fn(&mut Self, Place) -> Result<Value, Flaw>,
    ) -> Result<Value, Flaw> {
        if self.depth == DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} brackets inside one another");
            return Err(Flaw::new(
                start,
                message,
                "no setting is nested like this; remove the extra brackets",
            ));
        }
        self.depth += 1;
        self.cursor.next();
        let value = inner(self, start);
        self.depth -= 1;
        value
    }

    fn object(&mut self, start: Place) -> Result<Value, Flaw> {
        let mut members = Vec::new();
        loop {
            self.space()?;
            match self.cursor.peek() {
                Some('}') => {
                    self.cursor.next();
                    return Ok(Value::Object(members));
                }
                Some(']') => return Err(self.mismatch(']', '{', start)),
                None => return Err(self.unclosed('{', start)),
                Some(_) => members.push(self.member()?),
            }
            self.separator('{', start)?;
        }
    }

    fn member(&mut self) -> Result<Member, Flaw> {
        let place = self.cursor.place();
        let key = self.key(place)?;
        self.space()?;
        match self.cursor.peek() {
            Some(':') => self.cursor.next(),
            found => return Err(missing_colon(self.cursor.place(), found)),
        };
        let node = self.value()?;
        Ok(Member { origin: Origin::at(self.source, place), key, node })
    }

    fn key(&mut self, place: Place) -> Result<String, Flaw> {
        match self.cursor.peek() {
            Some('"' | '\'') => text::quoted(&mut self.cursor),
            Some(next) if is_name_start(next) => Ok(self.name()),
            Some(':') => Err(Flaw::new(place, "a key is missing before `:`", "write the key")),
            Some(',') => Err(Flaw::new(place, "a comma too many", "remove it")),
            Some('{') => {
                let hint = "is this a template that was not filled in?";
                Err(Flaw::new(place, "an object cannot be a key", hint))
            }
            Some(next) if next.is_ascii_digit() || next == '-' || next == '.' => {
                let hint =
                    "put the key in quotes: only letters, digits, `_` and `$` may stand without";
                Err(Flaw::new(place, format!("a key cannot start with {}", shown(next)), hint))
            }
            Some(next) => Err(strange(place, next)),
            None => Err(Flaw::new(
                place,
                "the file ends where a key should stand",
                "is the file complete?",
            )),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(next) = self.cursor.peek().filter(|next| is_name(*next)) {
            name.push(next);
            self.cursor.next();
        }
        name
    }

    fn list(&mut self, start: Place) -> Result<Value, Flaw> {
        let mut items = Vec::new();
        loop {
            self.space()?;
            match self.cursor.peek() {
                Some(']') => {
                    self.cursor.next();
                    return Ok(Value::List(items));
                }
                Some('}') => return Err(self.mismatch('}', '[', start)),
                None => return Err(self.unclosed('[', start)),
                Some(_) => items.push(self.value()?),
            }
            self.separator('[', start)?;
        }
    }

    /// Between two members or items: a comma, or the end, which is left for the caller.
    fn separator(&mut self, open: char, start: Place) -> Result<(), Flaw> {
        self.space()?;
        let place = self.cursor.place();
        match (self.cursor.peek(), open) {
            (Some(','), _) => {
                self.cursor.next();
                Ok(())
            }
            (Some('}'), '{') | (Some(']'), '[') => Ok(()),
            (None, _) => Err(self.unclosed(open, start)),
            (Some(found @ ('}' | ']')), _) => Err(self.mismatch(found, open, start)),
            (Some(found), _) => {
                let message =
                    format!("expected `,` or `{}`, found {}", closing(open), shown(found));
                let hint = match found {
                    ';' => "settings are separated by `,`",
                    '*' | '+' => "expressions are not computed: write the result",
                    _ => {
                        "put a comma after the value before this; a text or a value with a unit \
                         needs quotes"
                    }
                };
                Err(Flaw::new(place, message, hint))
            }
        }
    }

    fn mismatch(&self, found: char, open: char, start: Place) -> Flaw {
        let Place { line, column } = start;
        let message = format!("`{found}` closes the `{open}` from {line}:{column}");
        Flaw::new(self.cursor.place(), message, format!("close it with `{}`", closing(open)))
    }

    fn unclosed(&self, open: char, start: Place) -> Flaw {
        let message = format!(
            "the file ends, and the `{open}` from {}:{} is not closed",
            start.line, start.column
        );
        let hint = format!("is the file complete? close it with `{}`", closing(open));
        Flaw::new(self.cursor.place(), message, hint)
    }

    /// `true`, `null` and the like. Other words are not quoted back: they may be a token.
    fn word(&mut self, place: Place) -> Result<Value, Flaw> {
        let word = self.name();
        let meant = match word.as_str() {
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            "null" => return Ok(Value::Null),
            "Infinity" => return Ok(Value::Real(f64::INFINITY)),
            "NaN" => return Ok(Value::Real(f64::NAN)),
            "True" | "TRUE" | "yes" | "Yes" | "on" | "On" => "true",
            "False" | "FALSE" | "no" | "No" | "off" | "Off" => "false",
            "None" | "nil" | "undefined" | "Null" | "NULL" => "null",
            _ if word.starts_with('$') => {
                let hint = "write the value, or set it by its own variable, as BOT_HUB_PORT";
                return Err(Flaw::new(place, "variables are only replaced inside tokens", hint));
            }
            _ => return Err(Flaw::new(place, "a text without quotes", "put it in quotes: \"…\"")),
        };
        Err(Flaw::new(place, format!("`{word}` is not a JSON5 value"), format!("write `{meant}`")))
    }
}

#[cfg(test)]
mod tests;
