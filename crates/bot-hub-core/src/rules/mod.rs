//! The rules, one file for each subject: who may do what, and what follows.

mod clearing;
mod connect;
mod directory;
mod invite;
mod lists;
mod membership;
mod numbers;
mod observe;
mod operate;
mod pages;
mod parting;
mod pause;
mod presence;
mod profile;
mod publish;
mod quota;
mod redact;
mod removal;
mod retention;
mod rights;
mod target;

pub use self::directory::delivery;
pub use self::numbers::Gauges;
pub(crate) use self::removal::Declared;
