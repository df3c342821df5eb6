//! The words and the text format, as their users meet them.

mod blocks;
mod common;
mod corpus;
mod errors;
mod frames;
mod lint;
mod parts;
mod properties;
mod stamps;
mod state;
mod vectors;
mod words;
