//! Numbers of JSON5: decimal, hexadecimal, with a sign, and the three that are none.
//!
//! Owns their grammar. Never decides which numbers a setting allows.

use super::super::node::Value;
use super::cursor::{Cursor, is_name};
use super::{Flaw, Place};

const HINT: &str =
    "write a plain number like `50`; an address or a value with a unit needs quotes: \"10s\"";

/// Reads a number; the cursor stands on its first character.
pub(super) fn number(cursor: &mut Cursor<'_>) -> Result<Value, Flaw> {
    let place = cursor.place();
    let mut written = String::new();
    while let Some(next) = cursor.peek().filter(|next| belongs(*next, &written)) {
        written.push(next);
        cursor.next();
    }
    parse(&written).ok_or_else(|| malformed(place, &written))
}

/// Takes in letters too, so that `10s` is one wrong number and not a number and a riddle.
fn belongs(next: char, written: &str) -> bool {
    let exponent = written.ends_with(['e', 'E']) && !is_hex(written);
    is_name(next) || next == '.' || (matches!(next, '+' | '-') && (written.is_empty() || exponent))
}

fn is_hex(written: &str) -> bool {
    let digits = written.trim_start_matches(['+', '-']);
    digits.starts_with("0x") || digits.starts_with("0X")
}

fn parse(written: &str) -> Option<Value> {
    let negative = written.starts_with('-');
    let digits = written.strip_prefix(['+', '-']).unwrap_or(written);
    match digits {
        "Infinity" => {
            return Some(Value::Real(if negative { -f64::INFINITY } else { f64::INFINITY }));
        }
        "NaN" => return Some(Value::Real(f64::NAN)),
        _ => {}
    }
    let signed = |count: i128| Value::Integer(if negative { -count } else { count });
    if is_hex(digits) {
        // `from_str_radix` would take a second sign.
        let hex = digits[2..].chars().all(|c| c.is_ascii_hexdigit()).then_some(&digits[2..])?;
        return i128::from_str_radix(hex, 16).ok().map(signed);
    }
    let plain =
        digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let leading_zero =
        digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if !plain || leading_zero {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(count) = digits.parse()
    {
        return Some(signed(count));
    }
    let real: f64 = digits.parse().ok()?;
    Some(Value::Real(if negative { -real } else { real }))
}

/// Quotes only digits: what else was written may be a token.
fn malformed(place: Place, written: &str) -> Flaw {
    let digits = written.strip_prefix(['+', '-']).unwrap_or(written);
    if digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Flaw::new(place, "a number with a leading zero", "remove the zero");
    }
    Flaw::new(place, "this is not a number", HINT)
}
