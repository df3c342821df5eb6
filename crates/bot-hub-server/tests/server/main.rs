//! A whole hub in this process, real sockets, and the real client.

mod audit;
mod authority;
mod crowd;
mod declared;
mod disk;
mod frames;
mod guide;
mod hosts;
mod identity;
mod invites;
mod invites_over_http;
mod limits;
mod lists;
mod names;
mod pages;
mod profiles;
mod removal;
mod reuse;
mod stage;
mod timing;

/// Held by the tests of this process that need much memory, and by the one that measures it.
static MEMORY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
