//! Moments as the state file writes them: `2026-02-16T12:00:00.000Z`.
//!
//! Owns the conversion between that and milliseconds; days are [`calendar`](crate::calendar)'s. Never asks
//! what time it is.

use crate::calendar::Date;
use crate::time::Timestamp;

const DAY_MS: u64 = 86_400_000;

/// The last millisecond of the year 9999: later moments would need five digits.
const LAST_MS: u64 = 253_402_300_799_999;

/// `at` in ISO 8601, UTC, with milliseconds.
pub fn write_stamp(at: Timestamp) -> String {
    let at = at.0.min(LAST_MS);
    let days = u32::try_from(at / DAY_MS).expect("the year 9999 is within 2^32 days");
    let (date, ms) = (Date::after_epoch(days), at % DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let ms = ms % 1000;
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Reads what [`write_stamp`] writes, with or without a fraction, with `Z` or an offset `+01:00`.
/// Moments before 1970 are none.
pub fn parse_stamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(digits);
    let date = Date::new(date.next()??, date.next()??, date.next()??)?;
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    if hour > 24 || minute >= 60 || second >= 60 {
        return None;
    }
    digits(fraction)?;
    let thousandths = digits(format!("{fraction:0<3}").get(..3)?)?;
    let clock_ms = ((hour * 60 + minute) * 60 + second) * 1000 + thousandths;
    let at = date.days_after_epoch() * DAY_MS as i64 + clock_ms - offset_ms(zone)?;
    u64::try_from(at).ok().map(Timestamp)
}

fn digits(text: &str) -> Option<i64> {
    let ok = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if ok { text.parse().ok() } else { None }
}

fn offset_ms(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let minutes = digits(hours)? * 60 + digits(minutes)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    (minutes < 24 * 60).then_some(sign * minutes * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(parse_stamp(text), expected.map(Timestamp), "{text:?}");
    }

    #[test]
    fn stamps_are_read_as_javascript_writes_them() {
        check("1970-01-01T00:00:00.000Z", Some(0));
        check("2026-02-16T12:34:56.789Z", Some(1_771_245_296_789));
        check("2024-02-29T23:59:59.999Z", Some(1_709_251_199_999));
        check("2026-02-16T13:34:56+01:00", Some(1_771_245_296_000));
        check("2026-02-16T12:34:56.7891234Z", Some(1_771_245_296_789));
        check("2026-02-16T12:34Z", Some(1_771_245_240_000));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-02-16",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-16T12:34:56",
            "1969-12-31T23:59:59Z",
            "2026-02-16T12:60:00Z",
            "2026-02-16T12:00:00.é9Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..146_097 {
            let at = Timestamp(day * DAY_MS + 1);
            assert_eq!(parse_stamp(&write_stamp(at)), Some(at));
        }
    }
}
