//! From a committed entry to a socket, and what becomes of it there.
//!
//! `live` serves readers that are up to date, `late` the others from the log; `flight` follows an entry to the
//! peer, `expiry` ends what nobody took in time.

mod expiry;
mod flight;
mod late;
mod live;

pub(crate) use self::live::Handed;
