//! A whole hub in this process, real sockets, and the real client.

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
mod names;
mod pages;
mod stage;
mod timing;
