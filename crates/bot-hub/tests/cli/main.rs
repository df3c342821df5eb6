//! The command line as people and scripts meet it: the built program, a hub on a port that the system
//! hands out, and stdout, stderr and exit code as data.

mod clocks;
mod docs;
mod doctor;
mod first_run;
mod fixture;
mod invites;
mod keeping;
mod logs;
mod names;
mod sending;
mod service;
mod serving;
#[cfg(feature = "otel")]
mod spans;
mod unread;
mod watching;
