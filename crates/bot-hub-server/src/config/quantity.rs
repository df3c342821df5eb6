//! Quantities as people write them: periods with a unit, sizes with or without one.
//!
//! Owns the two texts `"30s"` and `"256KiB"`, both ways. Never decides how large one may be: the
//! bounds stand beside each setting.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A hundred years: longer than any hub runs, and far from every overflow.
const PERIOD_MAX: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Milliseconds in each unit of a period, longest first, as they are printed.
const PERIOD_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Bytes in each unit of a size, largest first, as they are printed.
const SIZE_UNITS: [(&str, u64); 4] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Decimal units are read, because vendors of disks use them, and never printed.
const SIZE_UNITS_DECIMAL: [(&str, u64); 4] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];

/// A length of time, written `"10s"`, `"1h30m"`, `"30d"`. A bare number is refused: half of all
/// programs would read it as seconds and the other half as milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// A period of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A period of whole days.
    pub const fn days(days: u64) -> Self {
        Self::seconds(days * 86_400)
    }

    /// The period in milliseconds, as frames and records count it.
    pub fn as_ms(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// The period as the standard library counts it.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

/// A number of bytes, written `262144` or `"256KiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// A size of `count` times 1,024 bytes.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// A size of `count` times 1,048,576 bytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// The size in bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The size for a buffer's length; saturates where memory is addressed with fewer bits.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// A number without a unit, where one is needed.
    #[error("has no unit")]
    NoUnit,
    /// Something else than digits and known units.
    #[error("is not a number with a unit")]
    Malformed,
    /// Beyond what any hub could mean.
    #[error("is too large")]
    TooLarge,
}

impl FromStr for Period {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let mut rest = non_empty(text)?;
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (count, after) = split_number(rest)?;
            let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, next) = after.split_at(unit_end);
            if unit.is_empty() && !next.is_empty() {
                return Err(QuantityError::Malformed);
            }
            let millis = unit_of(unit, &PERIOD_UNITS, |known, found| known == found)?;
            let part = count.checked_mul(millis).ok_or(QuantityError::TooLarge)?;
            total = total.checked_add(part).ok_or(QuantityError::TooLarge)?;
            rest = next;
        }
        let period = Duration::from_millis(total);
        if period > PERIOD_MAX { Err(QuantityError::TooLarge) } else { Ok(Self(period)) }
    }
}

impl FromStr for ByteSize {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (count, unit) = split_number(non_empty(text)?)?;
        let unit = unit.trim_start();
        let bytes = if unit.is_empty() || unit.eq_ignore_ascii_case("b") {
            1
        } else {
            let known = |known: &str, found: &str| known.eq_ignore_ascii_case(found);
            unit_of(unit, &SIZE_UNITS, known)
                .or_else(|_| unit_of(unit, &SIZE_UNITS_DECIMAL, known))?
        };
        count.checked_mul(bytes).map(Self).ok_or(QuantityError::TooLarge)
    }
}

fn non_empty(text: &str) -> Result<&str, QuantityError> {
    let text = text.trim();
    if text.is_empty() { Err(QuantityError::Empty) } else { Ok(text) }
}

/// The digits at the start, and what follows them.
fn split_number(text: &str) -> Result<(u64, &str), QuantityError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Err(QuantityError::Malformed);
    }
    let (digits, rest) = text.split_at(end);
    Ok((digits.parse().map_err(|_| QuantityError::TooLarge)?, rest))
}

fn unit_of(
    found: &str,
    units: &[(&str, u64)],
    same: impl Fn(&str, &str) -> bool,
) -> Result<u64, QuantityError> {
    if found.is_empty() {
        return Err(QuantityError::NoUnit);
    }
    let unit = units.iter().find(|(known, _)| same(known, found));
    unit.map(|(_, factor)| *factor).ok_or(QuantityError::Malformed)
}

/// Prints a count in the largest unit that divides it without rest, so that nothing is rounded.
fn write_exact(
    f: &mut fmt::Formatter<'_>,
    count: u64,
    units: &[(&str, u64)],
    smallest: &str,
) -> fmt::Result {
    match units.iter().find(|(_, factor)| count > 0 && count.is_multiple_of(*factor)) {
        Some((unit, factor)) => write!(f, "{}{unit}", count / factor),
        None => write!(f, "{count}{smallest}"),
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_exact(f, self.as_ms(), &PERIOD_UNITS, "s")
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_exact(f, self.0, &SIZE_UNITS, "")
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    /// A count that no unit divides stays a number; both read back.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1 << 10) && self.0 > 0 {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Count(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Count(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "period", "pattern": "^([0-9]+(ms|s|m|h|d))+$" })
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "format": "size",
            "minimum": 1,
            "pattern": "^[0-9]+ *([KkMmGgTt][Ii]?)?[Bb]?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_period(text: &str, expected: Result<u64, QuantityError>) {
        let parsed = text.parse::<Period>().map(|period| period.0.as_millis() as u64);
        assert_eq!(parsed, expected, "{text:?}");
    }

    fn check_size(text: &str, expected: Result<u64, QuantityError>) {
        assert_eq!(text.parse::<ByteSize>().map(ByteSize::get), expected, "{text:?}");
    }

    #[test]
    fn a_period_needs_a_unit_and_may_have_several() {
        check_period("10s", Ok(10_000));
        check_period("1h30m", Ok(5_400_000));
        check_period("250ms", Ok(250));
        check_period("30d", Ok(30 * 86_400_000));
        check_period("10", Err(QuantityError::NoUnit));
        check_period("", Err(QuantityError::Empty));
        check_period("ten seconds", Err(QuantityError::Malformed));
        check_period("1.5h", Err(QuantityError::Malformed));
        check_period("10S", Err(QuantityError::Malformed));
        check_period("-1s", Err(QuantityError::Malformed));
        check_period("99999999d", Err(QuantityError::TooLarge));
        check_period("99999999999999999999s", Err(QuantityError::TooLarge));
    }

    #[test]
    fn a_size_counts_bytes_in_binary_or_decimal_units() {
        check_size("262144", Ok(262_144));
        check_size("256KiB", Ok(262_144));
        check_size("256 kib", Ok(262_144));
        check_size("1MB", Ok(1_000_000));
        check_size("12b", Ok(12));
        check_size("256K", Err(QuantityError::Malformed));
        check_size("lots", Err(QuantityError::Malformed));
        check_size("99999999999TiB", Err(QuantityError::TooLarge));
    }

    #[test]
    fn quantities_print_without_rounding_and_read_back() {
        for (period, text) in [(1_500, "1500ms"), (90_000, "90s"), (7_200_000, "2h"), (0, "0s")] {
            let printed = Period(Duration::from_millis(period)).to_string();
            assert_eq!(printed, text);
            check_period(&printed, Ok(period));
        }
        for (bytes, text) in [(262_144, "256KiB"), (1 << 20, "1MiB"), (1_500, "1500"), (0, "0")] {
            assert_eq!(ByteSize(bytes).to_string(), text);
            check_size(text, Ok(bytes));
        }
    }
}
