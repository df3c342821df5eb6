//! Messages and times in a form for people.
//!
//! Owns that form. Text of bots is not trusted: it goes through [`visible`], so that no message can move
//! the cursor, hide a line or control the terminal.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use bot_protocol::block::write_stamp;
use bot_protocol::frame::server::{Delivery, Redaction, Slowed};
use bot_protocol::time::Timestamp;

use super::out::counted;
use super::paint::{bold, dim};
pub(super) use crate::cli::visible::{visible, visible_line};

const DAY_MS: u64 = 86_400_000;

/// A message: time, room, sender and text; further lines are indented.
pub(super) fn message(delivery: &Delivery) -> String {
    let at = dim(delivery.sent_at.map_or_else(|| "-".to_owned(), local));
    let room = room(delivery.room.as_str());
    let text = said(delivery);
    let text = text.trim_end_matches('\n').replace('\n', "\n    ");
    format!("{at} {room} {}: {text}", bold(&delivery.from))
}

/// What a message says, or who redacted it.
pub(super) fn said(delivery: &Delivery) -> Cow<'_, str> {
    match &delivery.redacted {
        Some(redaction) => format!("[redacted {}]", redacted_by(redaction)).into(),
        None => visible(&delivery.text),
    }
}

/// `by op at 2026-11-20T07:52:31Z: a key`
pub(super) fn redacted_by(redaction: &Redaction) -> String {
    let why = redaction.why.as_deref().map(|why| format!(": {}", visible_line(why)));
    format!("by {} at {}{}", redaction.by, local(redaction.at), why.unwrap_or_default())
}

/// A room's name as it may be typed again: `#lab`, or `dm:a:b`.
pub(super) fn room(name: &str) -> String {
    if name.starts_with("dm:") { name.to_owned() } else { format!("#{name}") }
}

/// The time of this machine's clock.
pub(super) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A time in this machine's zone, with its offset: `2026-11-20T08:52:31+01:00`. JSON has milliseconds since
/// 1970 instead, and file names use [`utc`].
pub(super) fn local(at: Timestamp) -> String {
    let ms = i64::try_from(at.0).ok();
    let Some(at_utc) = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) else {
        return utc(at);
    };
    let here = at_utc.to_zoned(jiff::tz::TimeZone::system());
    if here.offset().is_zero() {
        return utc(at);
    }
    here.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `2026-11-20T07:52:31Z`, without the milliseconds.
pub(super) fn utc(at: Timestamp) -> String {
    let stamp = write_stamp(at);
    let seconds = stamp.split_once('.').map_or(&*stamp, |(seconds, _)| seconds);
    format!("{seconds}Z")
}

/// A length of time in its largest unit: `40 ms`, `3 s`, `5 min`, `2 h`, `3 d`.
pub(super) fn period(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..DAY_MS => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / DAY_MS),
    }
}

/// How long ago it was: `3 s ago`, `never`.
pub(super) fn ago(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", period(now.since(at))))
}

/// Why a bot is slowed down: `3 times, for 2 s; its frames kept the hub busy for 5 s`.
pub(super) fn slowed(it: Slowed) -> String {
    let (times, waited, busy) = (counted(it.times, "time"), period(it.ms), period(it.busy_ms));
    format!("{times}, for {waited} altogether; its frames kept the hub busy for {busy}")
}

/// `4 KiB`; rounded down.
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let mut rest = bytes;
    for unit in units {
        if rest < 1_024 {
            return format!("{rest} {unit}");
        }
        rest /= 1_024;
    }
    format!("{rest} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_in_utc() {
        let check = |ms: u64, expected: &str| assert_eq!(utc(Timestamp(ms)), expected);
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_400_000, "2000-02-29T00:00:00Z");
        check(1_795_161_151_999, "2026-11-20T07:52:31Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00Z");
        check(13_569_465_600_000, "2400-01-01T00:00:00Z");
    }

    #[test]
    fn a_bot_is_told_why_it_waits() {
        let check = |times, expected: &str| {
            assert_eq!(slowed(Slowed { times, ms: 2_500, busy_ms: 40 }), expected);
        };
        check(1, "1 time, for 2 s altogether; its frames kept the hub busy for 40 ms");
        check(3, "3 times, for 2 s altogether; its frames kept the hub busy for 40 ms");
    }

    #[test]
    fn a_length_of_time_has_one_unit() {
        let check = |ms: u64, expected: &str| assert_eq!(period(ms), expected);
        check(999, "999 ms");
        check(1_999, "1 s");
        check(61_000, "1 min");
        check(7_200_000, "2 h");
        check(3 * DAY_MS, "3 d");
    }
}
