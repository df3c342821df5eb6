//! Dates of the Gregorian calendar, counted in days since 1970-01-01.
//!
//! Owns leap years and the lengths of months. Knows no time zones and never asks which day it is.

/// Days from 1 January of year 0 to the epoch, in the proleptic Gregorian calendar.
const EPOCH_DAYS: i64 = 719_528;

/// A day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// The date with these numbers, if there is one in the years 0 to 9999.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let exists = (0..=9_999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The date that is `days` days after 1970-01-01.
    pub fn after_epoch(days: u32) -> Self {
        let days = i64::from(days) + EPOCH_DAYS;
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
        Self { year, month, day: day + 1 }
    }

    /// Days since 1970-01-01; negative for earlier dates.
    pub fn days_after_epoch(self) -> i64 {
        let months: i64 = (1..self.month).map(|month| days_in_month(self.year, month)).sum();
        days_before_year(self.year) + months + self.day - 1 - EPOCH_DAYS
    }
}

/// `2026-11-20`.
impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for days in 0..146_097 {
            assert_eq!(Date::after_epoch(days).days_after_epoch(), i64::from(days));
        }
    }

    #[test]
    fn only_days_that_exist_are_dates() {
        let check = |year, month, day, expected: Option<&str>| {
            let found = Date::new(year, month, day).map(|date| date.to_string());
            assert_eq!(found.as_deref(), expected, "{year}-{month}-{day}");
        };
        check(2000, 2, 29, Some("2000-02-29"));
        check(2100, 2, 29, None);
        check(0, 1, 1, Some("0000-01-01"));
        check(10_000, 1, 1, None);
        check(2026, 4, 31, None);
        check(2026, 0, 1, None);
        check(2026, 13, 1, None);
    }
}
