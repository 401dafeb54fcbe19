//! What a contributor repeats: `cargo xtask run`, `test`, `build`, `bench`, `fuzz` and `docs`.
//!
//! Each command does all of its own set-up, says what it does, and is quick the second time. Ctrl-C
//! stops what it started and nothing else.

mod bench;
mod browsers;
mod build;
mod docs;
mod fuzz;
mod page;
mod process;
mod reproduce;
mod run;
mod rustflags;
mod suite;
#[cfg(test)]
mod threats;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use process::{Interrupted, Supervisor};
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about = "What a contributor repeats")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a hospital and the page, and print the address to open in several tabs
    Run(run::Options),
    /// Build what is shipped: the page in web/dist and the hospital's binary
    Build(build::Options),
    /// Format, lints, native tests, WebAssembly tests and browser tests
    Test(suite::Options),
    /// Measure operations, rounds and the relay, next to what they must cost at least
    Bench(bench::Options),
    /// Look for inputs that break the protocol's decoders or state machines
    Fuzz(fuzz::Options),
    /// Write the configuration reference anew, from the definitions of flags and the studies file
    Docs,
}

fn main() -> ExitCode {
    if fuzz::is_compiling() {
        return fuzz::compile();
    }
    let arguments = Arguments::parse();
    match perform(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
                eprintln!("{interrupted}");
                return ExitCode::from(interrupted.exit_code());
            }
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command) -> Result<()> {
    let workspace = Workspace::here()?;
    let mut supervisor = Supervisor::new()?;
    match command {
        Command::Run(options) => run::run(&workspace, &mut supervisor, &options),
        Command::Build(options) => build::run(&workspace, &mut supervisor, &options),
        Command::Test(options) => suite::run(&workspace, &mut supervisor, &options),
        Command::Bench(options) => bench::run(&workspace, &mut supervisor, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &mut supervisor, &options),
        Command::Docs => docs::run(&workspace, &mut supervisor),
    }
}

/// Says what is about to happen, so that somebody who waits knows what for.
fn announce(text: &str) {
    eprintln!("==> {text}");
}
