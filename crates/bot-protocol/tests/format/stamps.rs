//! Moments at the edges of the calendar.

use bot_protocol::block::{parse_stamp, write_stamp};
use bot_protocol::time::Timestamp;

fn check(text: &str, expected: Option<u64>) {
    assert_eq!(parse_stamp(text), expected.map(Timestamp), "{text}");
}

#[test]
fn a_century_is_a_leap_year_only_every_fourth_time() {
    check("2000-02-29T00:00:00Z", Some(951_782_400_000));
    check("2100-02-28T00:00:00Z", Some(4_107_456_000_000));
    check("2100-02-29T00:00:00Z", None);
    check("2100-03-01T00:00:00Z", Some(4_107_542_400_000));
    check("2023-02-29T00:00:00Z", None);
}

#[test]
fn a_minute_has_sixty_seconds_and_a_day_may_end_at_24() {
    check("1970-01-01T00:00:59Z", Some(59_000));
    check("1970-01-01T00:00:60Z", None);
    check("1970-01-01T00:59:00Z", Some(59 * 60_000));
    check("1970-01-01T24:00:00Z", Some(86_400_000));
    check("1970-01-01T25:00:00Z", None);
}

#[test]
fn the_last_moment_is_the_end_of_the_year_9999() {
    check("9999-12-31T23:59:59.999Z", Some(253_402_300_799_999));
    check("10000-01-01T00:00:00Z", None);
    assert_eq!(write_stamp(Timestamp(u64::MAX)), "9999-12-31T23:59:59.999Z");
    assert_eq!(write_stamp(Timestamp(0)), "1970-01-01T00:00:00.000Z");
}

#[test]
fn an_offset_is_less_than_a_day_in_either_direction() {
    check("1970-01-02T01:30:00+01:30", Some(86_400_000));
    check("1970-01-01T22:45:00-01:15", Some(86_400_000));
    check("1970-01-02T23:59:00+23:59", Some(86_400_000));
    check("1970-01-03T00:00:00+24:00", None);
    check("1970-01-03T00:00:00+1", None);
}

#[test]
fn a_fraction_has_one_to_nine_digits() {
    check("1970-01-01T00:00:00.1Z", Some(100));
    check("1970-01-01T00:00:00.123456789Z", Some(123));
    check("1970-01-01T00:00:00.1234567891Z", None);
    check("1970-01-01T00:00:00.Z", None);
    check("1970-01-01T00:00:00.12xZ", None);
}
