//! A whole hub in this process, real sockets, and the real client.

mod crowd;
mod disk;
mod frames;
mod guide;
mod identity;
mod invites;
mod invites_over_http;
mod limits;
mod pages;
mod stage;
mod timing;
