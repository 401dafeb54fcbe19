//! `cargo xtask build`: what is shipped.

use anyhow::Result;

use crate::announce;
use crate::page;
use crate::process::Supervisor;
use crate::reproduce;
use crate::workspace::{Profile, Workspace};

/// Flags of `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build the page a second time, from nothing, under other paths, and compare both file by file; this
    /// takes some minutes
    #[arg(long)]
    check: bool,
}

/// Builds the page and the hospital's binary for release, or only compares two builds of the page.
pub(crate) fn run(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    options: &Options,
) -> Result<()> {
    page::build(workspace, supervisor)?;
    if options.check {
        return reproduce::check(workspace, supervisor);
    }
    announce("Building the hospital");
    supervisor.run(&mut workspace.build_hospital(Profile::Release))?;
    println!("page:     {}", page::directory(workspace).display());
    println!("hospital: {}", workspace.hospital(Profile::Release).display());
    Ok(())
}
