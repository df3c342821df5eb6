//! Moments as the state file writes them: `2026-02-16T12:00:00.000Z`.
//!
//! Owns the conversion between that and milliseconds. Never asks what time it is.

use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// Days from 1 January of year 0 to the epoch, in the proleptic Gregorian calendar.
const EPOCH_DAYS: i64 = 719_528;

/// `at` in ISO 8601, UTC, with milliseconds.
pub fn write_stamp(at: Timestamp) -> String {
    // The year 9999, so that there are always four digits.
    let at = i64::try_from(at.0).unwrap_or(i64::MAX).min(253_402_300_799_999);
    let (days, ms) = (at / DAY_MS, at % DAY_MS);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let ms = ms % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Reads what [`write_stamp`] writes, with or without a fraction, with `Z` or an offset `+01:00`.
/// Moments before 1970 are none.
pub fn parse_stamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 24
        && minute < 60
        && second < 60;
    if !in_range || year > 9999 {
        return None;
    }
    digits(fraction)?;
    let thousandths = digits(format!("{fraction:0<3}").get(..3)?)?;
    let clock_ms = ((hour * 60 + minute) * 60 + second) * 1000 + thousandths;
    let at = days_before(year, month, day) * DAY_MS + clock_ms - offset_ms(zone)?;
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

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1 January of year 0 to 1 January of `year`.
fn days_before_year(year: i64) -> i64 {
    let full = year - 1;
    if year == 0 { 0 } else { year * 365 + full / 4 - full / 100 + full / 400 + 1 }
}

fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    days_before_year(year) + months + day - 1 - EPOCH_DAYS
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    // A year has at most 366 days, so this guess is never late and at most a few years early.
    let mut year = days / 366;
    while days_before_year(year + 1) <= days {
        year += 1;
    }
    let mut day = days - days_before_year(year);
    let mut month = 1;
    while day >= days_in_month(year, month) {
        day -= days_in_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
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
            let at = Timestamp(day * 86_400_000 + 1);
            assert_eq!(parse_stamp(&write_stamp(at)), Some(at));
        }
    }
}
