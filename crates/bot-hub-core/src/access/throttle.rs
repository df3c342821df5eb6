//! The rate limit on guessing.
//!
//! Owns the counting of failures per address (an IPv6 address counts as its /64) and overall. The caller
//! decides whom that stops: never somebody with a good secret that cannot be guessed.

use core::net::IpAddr;
use std::collections::BTreeMap;

use bot_protocol::time::Timestamp;

/// Addresses remembered at most. When more have failed, the oldest memory goes first: that many
/// addresses at once are an attack that an address list cannot stop anyway.
const ADDRESSES_MAX: usize = 10_000;

/// The window in which failures are counted.
const WINDOW_MS: u64 = 60_000;

/// Counts failures.
#[derive(Debug)]
pub(super) struct Throttle {
    pub(super) per_address: u32,
    overall: u32,
    all: Count,
    addresses: BTreeMap<u128, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    since: Timestamp,
    failures: u32,
}

impl Count {
    fn add(&mut self, now: Timestamp) {
        if self.is_over(now) {
            *self = Self { since: now, failures: 0 };
        }
        self.failures += 1;
    }

    fn wait(self, failures_max: u32, now: Timestamp) -> Option<u64> {
        let is_reached = self.failures >= failures_max && !self.is_over(now);
        is_reached.then(|| WINDOW_MS - now.since(self.since))
    }

    /// A clock that was set back ends a window, or it would last until the clock is there again.
    fn is_over(self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= WINDOW_MS
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(0, u32::MAX)
    }
}

impl Throttle {
    /// So many failures in a minute, from one address and from all of them.
    pub(super) fn new(per_address: u32, overall: u32) -> Self {
        Self { per_address, overall, all: Count::default(), addresses: BTreeMap::new() }
    }

    /// How long somebody from there has to wait.
    pub(super) fn wait(&self, address: IpAddr, now: Timestamp) -> Option<u64> {
        let own = self.addresses.get(&network_of(address));
        let own = own.and_then(|count| count.wait(self.per_address, now));
        own.or_else(|| self.all.wait(self.overall, now))
    }

    pub(super) fn failed(&mut self, address: IpAddr, now: Timestamp) {
        let key = network_of(address);
        if self.addresses.len() >= ADDRESSES_MAX && !self.addresses.contains_key(&key) {
            self.make_room(now);
        }
        self.addresses.entry(key).or_default().add(now);
        self.all.add(now);
    }

    fn make_room(&mut self, now: Timestamp) {
        self.addresses.retain(|_, count| !count.is_over(now));
        let oldest = self.addresses.iter().min_by_key(|(_, count)| count.since);
        let oldest = oldest.filter(|_| self.addresses.len() >= ADDRESSES_MAX).map(|(key, _)| *key);
        if let Some(oldest) = oldest {
            self.addresses.remove(&oldest);
        }
    }
}

/// The address that counts: all of an IPv6 network of 64 bits is one.
#[must_use]
pub fn network_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & (u128::MAX << 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_per_address_and_overall() {
        let address = |last: u8| IpAddr::from([203, 0, 113, last]);
        let mut throttle = Throttle::new(3, 5);
        let at = Timestamp(1_000_000);
        for _ in 0..3 {
            assert_eq!(throttle.wait(address(1), at), None);
            throttle.failed(address(1), at);
        }
        assert_eq!(throttle.wait(address(1), at + 10), Some(59_990));
        assert_eq!(throttle.wait(address(2), at + 10), None);
        throttle.failed(address(2), at + 10);
        throttle.failed(address(3), at + 10);
        assert_eq!(throttle.wait(address(4), at + 20), Some(59_980));
        assert_eq!(throttle.wait(address(4), at + 60_000), None);
        assert_eq!(throttle.wait(address(1), at - 1), None, "the clock was set back");
    }

    #[test]
    fn of_too_many_addresses_the_one_that_failed_longest_ago_is_forgotten() {
        let nth = |n: u32| IpAddr::from(core::net::Ipv4Addr::from_bits(0x0a00_0000 + n));
        let mut throttle = Throttle::new(1, u32::MAX);
        // The oldest has the highest address.
        let last = u32::try_from(ADDRESSES_MAX).unwrap() - 1;
        for n in 0..=last {
            throttle.failed(nth(last - n), Timestamp(1_000_000 + u64::from(n)));
        }
        let now = Timestamp(1_020_000);
        let is_limited = |throttle: &Throttle, n| throttle.wait(nth(n), now).is_some();
        throttle.failed(nth(7), now);
        assert!(is_limited(&throttle, last), "an address that is known needs no room");
        throttle.failed(nth(last + 1), now);
        assert!(!is_limited(&throttle, last), "the oldest had to make room");
        for n in [0, 7, last - 1, last + 1] {
            assert!(is_limited(&throttle, n), "{n}");
        }
    }
}
