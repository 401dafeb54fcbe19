//! `cargo xtask docs`: what is written from the program's own definitions.

use anyhow::Result;

use crate::announce;
use crate::process::Supervisor;
use crate::workspace::Workspace;

/// Writes docs/CONFIGURATION.md, by the test that otherwise compares it.
pub(crate) fn run(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    announce("Writing docs/CONFIGURATION.md");
    let test = ["--package", "wardsum-hospital", "--test", "behaviour", "configuration_reference"];
    supervisor.run(workspace.cargo("test").arg("--quiet").args(test).env("WARDSUM_WRITE_DOCS", "1"))
}
