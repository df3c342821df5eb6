//! When a certificate is renewed, and how long a failure is waited out. Arithmetic only.

use std::time::{Duration, SystemTime};

use crate::tls::Facts;

/// The first pause after a failure. Let's Encrypt allows five failed proofs per hour and name.
const PAUSE_MIN: Duration = Duration::from_secs(60);

/// The longest: a certificate that is renewed at two thirds of 90 days leaves a hundred of these.
const PAUSE_MAX: Duration = Duration::from_secs(6 * 3_600);

/// The period in which an authority wants to be asked for the next certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: SystemTime,
    pub(super) to: SystemTime,
}

/// A number from 0 to 1 that spreads the requests of many hubs.
pub(super) fn dice() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

/// A time in the authority's window, or shortly before two thirds of the certificate's lifetime. Never so
/// late that a failure could not be retried.
pub(super) fn renew_at(facts: &Facts, wish: Option<Window>, dice: f64) -> SystemTime {
    let lifetime = facts.lifetime();
    let usual = facts.not_before + lifetime.mul_f64(2.0 / 3.0) - lifetime.mul_f64(dice / 30.0);
    let Some(Window { from, to }) = wish else { return usual };
    let spread = to.duration_since(from).unwrap_or_default().mul_f64(dice);
    (from + spread).min(facts.not_after - lifetime / 10)
}

/// How long no new certificate is requested after one was issued, whatever the authority and the clock say:
/// a clock that is wrong by weeks would use up the authority's limits within minutes.
pub(super) fn rest(facts: &Facts) -> Duration {
    PAUSE_MAX.min(facts.lifetime() / 2)
}

/// The pause after this many failures in a row: doubled each time, plus or minus a quarter.
pub(super) fn pause(failures: u32, dice: f64) -> Duration {
    let doubled = PAUSE_MIN.saturating_mul(1 << (failures.saturating_sub(1)).min(16));
    doubled.min(PAUSE_MAX).mul_f64(0.75 + dice / 2.0)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(days: u32) -> SystemTime {
        UNIX_EPOCH + DAY * days
    }

    fn facts() -> Facts {
        Facts { names: Vec::new(), not_before: at(100), not_after: at(190) }
    }

    #[test]
    fn renewal_is_at_two_thirds_or_when_the_authority_wants() {
        let check = |wish: Option<(u32, u32)>, dice: f64, expected: u32| {
            let wish = wish.map(|(from, to)| Window { from: at(from), to: at(to) });
            assert_eq!(renew_at(&facts(), wish, dice), at(expected), "{wish:?} {dice}");
        };
        check(None, 0.0, 160);
        check(None, 1.0, 157);
        check(Some((120, 124)), 0.0, 120);
        check(Some((120, 124)), 0.5, 122);
        // In the past: at once.
        check(Some((50, 51)), 1.0, 51);
        // After the end of the certificate: before it.
        check(Some((300, 400)), 0.0, 181);
    }

    #[test]
    fn an_issued_certificate_is_rested_upon() {
        let check = |lifetime_s: u64, expected_s: u64| {
            let not_after = at(100) + Duration::from_secs(lifetime_s);
            let rested = rest(&Facts { not_after, ..facts() });
            assert_eq!(rested.as_secs(), expected_s, "{lifetime_s}");
        };
        check(90 * 86_400, 6 * 3_600);
        check(18, 9);
    }

    #[test]
    fn pauses_grow_up_to_six_hours() {
        let check = |failures: u32, dice: f64, expected_s: u64| {
            assert_eq!(pause(failures, dice).as_secs(), expected_s, "{failures} {dice}");
        };
        check(1, 0.5, 60);
        check(2, 0.5, 120);
        check(1, 0.0, 45);
        check(1, 1.0, 75);
        check(9, 0.5, 60 << 8);
        check(10, 0.5, 6 * 3_600);
        check(u32::MAX, 1.0, 27_000);
    }
}
