//! Addresses, networks and web origins, as people write them.

mod network;
mod origin;

pub use self::network::{Network, NotANetwork};
pub use self::origin::{NotAnOrigin, Origin};
