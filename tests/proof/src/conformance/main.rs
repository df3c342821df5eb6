//! `bot-hub-conformance`: whether a hub keeps to docs/protocol.md, seen from outside.
//!
//! ```text
//! bot-hub-conformance --url ws://127.0.0.1:18795 --token ana=SECRET --token bo=SECRET --token cy=SECRET \
//!     --restart './kill-and-start-again'
//! ```
//!
//! Any hub: it needs an address, the tokens of three bots without rights, and, for the rules about durability, a command
//! that ends the hub without warning and starts it again at the same address. Each rule makes rooms of its own, so a hub
//! that has been used before will do. One line per rule; the last line is `N passed, N failed`.

mod connecting;
mod delivery;
mod durability;
mod frames;
mod names;
mod receipts;
mod seed;
mod stage;
mod websocket;

use std::process::ExitCode;

use clap::Parser;

use stage::{Rule, Stage};

/// Holds a hub to docs/protocol.md, from outside.
#[derive(Debug, Parser)]
#[command(name = "bot-hub-conformance")]
struct Arguments {
    /// Where the hub is.
    #[arg(long, value_name = "ws://HOST:PORT")]
    url: String,
    /// A bot and its token; three of them.
    #[arg(long = "token", value_name = "BOT=TOKEN", required = true)]
    tokens: Vec<String>,
    /// Ends the hub without warning and starts it again, at the same address.
    #[arg(long, value_name = "COMMAND")]
    restart: Option<String>,
    /// Only the rules whose name contains this.
    #[arg(long, value_name = "PART", default_value = "")]
    only: String,
    /// Say which paragraph each rule is from, also of those that hold.
    #[arg(long)]
    verbose: bool,
}

fn rules() -> Vec<Rule> {
    let parts = [
        seed::RULES,
        connecting::RULES,
        frames::RULES,
        names::RULES,
        delivery::RULES,
        receipts::RULES,
        websocket::RULES,
        // Last: it restarts the hub.
        durability::RULES,
    ];
    parts.concat()
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stage = match Stage::new(&arguments.url, &arguments.tokens, arguments.restart) {
        Ok(stage) => stage,
        Err(problem) => {
            eprintln!("bot-hub-conformance: {problem}");
            return ExitCode::from(2);
        }
    };
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for rule in rules().iter().filter(|rule| rule.name.contains(&arguments.only)) {
        if rule.restarts && !stage.can_restart() {
            println!("SKIPPED {} (no --restart command)", rule.name);
            skipped += 1;
            continue;
        }
        match (rule.check)(&stage) {
            Ok(()) => {
                passed += 1;
                let paragraph = if arguments.verbose { rule.paragraph } else { "" };
                println!(
                    "ok      {}{}{paragraph}",
                    rule.name,
                    if arguments.verbose { "  ‖ " } else { "" }
                );
            }
            Err(why) => {
                failed += 1;
                println!(
                    "FAILED  {}\n        docs/protocol.md, {}\n        {why}",
                    rule.name, rule.paragraph
                );
            }
        }
    }
    if skipped > 0 {
        println!("{skipped} skipped");
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}
