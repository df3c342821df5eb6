//! The command line as people and scripts meet it: the built program, a hub on a port that the system
//! hands out, and stdout, stderr and exit code as data.

mod again;
mod audit;
mod backups;
mod clocks;
mod config;
mod docs;
mod doctor;
mod elsewhere;
mod first_run;
mod fixture;
mod foreign;
mod friend;
mod hints;
mod invites;
mod keeping;
mod local_operator;
mod logs;
mod mistakes;
mod names;
mod next_steps;
mod outputs;
mod pauses;
mod readers;
mod recovery;
mod redacting;
mod restarts;
mod secrets;
mod sending;
mod service;
mod serving;
#[cfg(feature = "otel")]
mod spans;
mod terminal;
mod tls;
mod tokens;
mod unread;
mod watching;
mod world;
