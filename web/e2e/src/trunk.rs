//! The page as `trunk serve` serves it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;

use crate::certificates::certificates;
use crate::child::Child;
use crate::settings;
use crate::wait::until_within;

/// How web/Trunk.toml names the hospital.
const HOSPITAL_IN_TRUNK_TOML: &str = "localhost:8443";

/// How long trunk may take to build the page: all of it, where somebody runs the tests without building the page first
/// or while another cargo is at work.
const BUILD_PATIENCE: Duration = Duration::from_mins(15);

/// A running `trunk serve`. It ends when it is dropped.
#[derive(Debug)]
pub struct Trunk {
    child: Child,
    port: u16,
    config: PathBuf,
}

impl Trunk {
    /// A port for [`Trunk::serve`], which the hospital has to know first: it allows the page's origin.
    pub fn choose_port() -> Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        Ok(listener.local_addr()?.port())
    }

    /// Serves the page on `port`, in front of the hospital on `hospital_port`.
    ///
    /// The page is the one that is shipped (`--release`), which `cargo xtask build` has compiled already; apart from that
    /// trunk is started as `cargo xtask run` starts it.
    pub async fn serve(port: u16, hospital_port: u16) -> Result<Self> {
        let web = settings::root().join("web");
        let toml = fs::read_to_string(web.join("Trunk.toml")).context("cannot read Trunk.toml")?;
        let toml = toml.replace(HOSPITAL_IN_TRUNK_TOML, &format!("localhost:{hospital_port}"));
        // Paths in the file are relative to it, so the changed one lies in the same directory; git ignores it.
        let config = web.join(format!(".trunk-{hospital_port}.toml"));
        fs::write(&config, toml).context("cannot write trunk's configuration")?;

        let certificates = certificates()?;
        let bindgen = settings::wasm_bindgen()?;
        let bindgen = bindgen.parent().context("a program lies in a directory")?.to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([bindgen].into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = Command::new(settings::trunk()?);
        command
            .current_dir(settings::root())
            .args(["serve", "--release", "--color=never", "--no-autoreload=true"])
            .args(["--port", &port.to_string()])
            .arg("--config")
            .arg(&config)
            .arg("--dist")
            .arg(settings::scratch(&format!("page-{port}"))?)
            // Whoever edits the page while its tests run does not change it under them.
            .arg("--watch")
            .arg(&config)
            .arg("--tls-cert-path")
            .arg(&certificates.leaf_cert)
            .arg("--tls-key-path")
            .arg(&certificates.leaf_key)
            .env("PATH", path)
            .env("TRUNK_SKIP_VERSION_CHECK", "true")
            .env("CARGO_NET_OFFLINE", "true")
            // Trunk has no flag that makes it trust an authority towards the hospital.
            .env("SSL_CERT_FILE", &certificates.ca_cert);
        // With other flags than `cargo xtask build` had, all of the page would be compiled anew.
        if let Some(flags) = std::env::var_os("WARDSUM_PAGE_RUSTFLAGS") {
            command.env("CARGO_ENCODED_RUSTFLAGS", flags);
        }
        let trunk = Self { child: Child::start("trunk", &mut command)?, port, config };
        trunk.wait_until_ready().await?;
        Ok(trunk)
    }

    /// The origin of the page.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let ready = until_within(BUILD_PATIENCE, "trunk to serve the page", async || {
            ensure!(!self.child.has_ended(), "trunk has ended");
            let built = self.child.output().contains("success");
            let answers = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_ok();
            Ok((built && answers).then_some(()))
        });
        ready.await.with_context(|| format!("trunk printed:\n{}", self.child.output()))
    }
}

impl Drop for Trunk {
    fn drop(&mut self) {
        let _ = self.child.terminate();
        // Files that stay behind are ignored by git.
        let _ = fs::remove_file(&self.config);
        if let Ok(page) = settings::scratch(&format!("page-{}", self.port)) {
            let _ = fs::remove_dir_all(page);
        }
    }
}
