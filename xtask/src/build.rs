//! `cargo xtask build`: what is shipped.

use anyhow::Result;

use crate::announce;
use crate::page;
use crate::process::Supervisor;
use crate::workspace::{Profile, Workspace};

/// Builds the page and the hospital's binary for release.
pub(crate) fn run(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    page::build(workspace, supervisor)?;
    announce("Building the hospital");
    supervisor.run(&mut workspace.build_hospital(Profile::Release))?;
    println!("page:     {}", page::directory(workspace).display());
    println!("hospital: {}", workspace.hospital(Profile::Release).display());
    Ok(())
}
