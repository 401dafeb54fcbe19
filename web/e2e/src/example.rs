//! The plain HTML example of `peer-wasm/`, built as its README says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::settings;

/// Builds the JavaScript class and puts it next to the example; gives the directory to serve.
pub fn build() -> Result<PathBuf> {
    let root = settings::root();
    let directory = settings::scratch("example")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Unoptimised, since the WebAssembly tests have compiled most of it so already.
    perform(
        Command::new(cargo)
            .current_dir(&root)
            .args(["build", "--locked", "--quiet", "--package", "wardsum-peer"])
            .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
            .arg(settings::target()?),
    )?;
    let module = settings::target()?.join("wasm32-unknown-unknown/debug/wardsum_peer.wasm");
    perform(
        Command::new(settings::wasm_bindgen()?)
            .args(["--target", "web", "--out-dir"])
            .arg(directory.join("pkg"))
            .arg(module),
    )?;
    for file in ["index.html", "example.js"] {
        let from = root.join("peer-wasm/example").join(file);
        fs::copy(&from, directory.join(file))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(directory)
}

fn perform(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_owned();
    let output = command.output().with_context(|| format!("cannot run {}", name.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed:\n{said}", name.display());
    Ok(())
}
