//! Networks and single addresses, as people write them.
//!
//! Owns their text form and membership. Never resolves a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network such as `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a network\nhint: write an address, or an address and a length as in `10.0.0.0/8`"
)]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parse = || {
            let (address, prefix) =
                text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
            let address = address.parse::<IpAddr>().ok()?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
            (prefix <= bits).then_some(Self::canonical(address, prefix)?)
        };
        parse().ok_or_else(|| NotANetwork(text.escape_debug().take(100).collect()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, prefix } = self;
        let is_one = *prefix == if address.is_ipv4() { 32 } else { 128 };
        if is_one { address.fmt(f) } else { write!(f, "{address}/{prefix}") }
    }
}

impl Network {
    /// An IPv4 network that is written in IPv6 is that IPv4 network: peers are compared so, too. A part
    /// of the space of such addresses that is no IPv4 network is none at all.
    fn canonical(address: IpAddr, prefix: u8) -> Option<Self> {
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), v4 @ IpAddr::V4(_)) => {
                Some(Self { address: v4, prefix: prefix.checked_sub(96)? })
            }
            _ => Some(Self { address, prefix }),
        }
    }

    /// Whether every address of its kind is in it.
    #[must_use]
    pub fn is_everything(self) -> bool {
        self.prefix == 0
    }

    /// The network with its first address.
    #[must_use]
    pub fn base(self) -> Self {
        let Self { address, prefix } = self;
        let address = match address {
            IpAddr::V4(v4) => {
                let rest = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() & !rest).into()
            }
            IpAddr::V6(v6) => {
                let rest = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() & !rest).into()
            }
        };
        Self { address, prefix }
    }

    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let differ = net.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= self.prefix.into()
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let differ = net.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= self.prefix.into()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_compared_as_numbers() {
        let contains = |network: &str, address: &str| {
            let network: Network = network.parse().expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.1.1.1", "10.1.1.1"));
        assert!(!contains("10.1.1.1", "10.1.1.2"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::ffff:10.0.0.0/104", "10.9.9.9"));
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/-1",
            "127.evil.com",
            "::ffff:10.0.0.0/8",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_is_printed_as_short_as_it_can_be() {
        let check = |text: &str, printed: &str, base: &str| {
            let network: Network = text.parse().expect("a network");
            assert_eq!(
                (network.to_string(), network.base().to_string()),
                (printed.into(), base.into())
            );
        };
        check("10.42.0.0/16", "10.42.0.0/16", "10.42.0.0/16");
        check("10.42.3.4/16", "10.42.3.4/16", "10.42.0.0/16");
        check("127.0.0.1/32", "127.0.0.1", "127.0.0.1");
        check("FD00:0::1/8", "fd00::1/8", "fd00::/8");
        check("::1", "::1", "::1");
        check("::ffff:10.0.0.1/128", "10.0.0.1", "10.0.0.1");
        check("1.2.3.4/0", "1.2.3.4/0", "0.0.0.0/0");
        assert!("::/0".parse::<Network>().is_ok_and(Network::is_everything));
    }
}
