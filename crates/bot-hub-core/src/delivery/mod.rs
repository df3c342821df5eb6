//! From a committed entry to a socket, and what becomes of it there.
//!
//! `live` serves readers that are up to date, `late` the others from the log; `flight` follows an entry to the
//! peer, `expiry` ends what nobody took in time, `turns` is what follows for many when a pause begins or ends.

mod expiry;
mod flight;
mod late;
mod live;
mod turns;

pub(crate) use self::live::Handed;
pub(crate) use self::turns::Turns;
