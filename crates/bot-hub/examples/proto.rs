//! The `proto` verbs as a program of their own, for tests that need processes.

use std::io::{stderr, stdin, stdout};
use std::process::ExitCode;

use bot_hub::proto::{ProtoArgs, run};
use clap::Parser;

#[derive(Parser)]
#[command(name = "proto")]
struct Cli {
    #[command(flatten)]
    args: ProtoArgs,
}

fn main() -> ExitCode {
    ExitCode::from(run(Cli::parse().args, &mut stdin(), &mut stdout(), &mut stderr()))
}
