//! The `bot-hub` program.

fn main() {}
