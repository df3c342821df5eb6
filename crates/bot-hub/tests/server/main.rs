//! A whole hub in this process, real sockets, and the real client.

mod crowd;
mod disk;
mod identity;
mod pages;
mod stage;
