//! A real browser without a window, driven by `WebDriver`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{Capabilities, WebDriver};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::certificates::{certificates, key_hash};
use crate::child::Child;
use crate::settings;
use crate::tab::Tab;
use crate::wait::until;

/// It reaches nobody but this computer, and needs neither a graphics card nor a sandbox that containers do not allow.
const CHROMIUM_ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Two browsers at once are as many as two cores can drive without making each other late.
static SEATS: Semaphore = Semaphore::const_new(2);

/// How a browser is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Further arguments for Chromium.
    pub arguments: Vec<String>,
    /// The languages that its visitor reads, the best first, instead of English.
    pub languages: Option<&'static str>,
}

/// What tests look for is English wherever they run.
const ENGLISH: &str = "en-GB,en";

/// A browser with a profile of its own. Both end when it is dropped.
#[derive(Debug)]
pub struct Browser {
    session: WebDriver,
    driver: Child,
    _profile: TempDir,
    _seat: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts Chromium.
    pub async fn chromium() -> Result<Self> {
        Self::chromium_with(Launch::default()).await
    }

    /// Starts Chromium with further arguments.
    pub async fn chromium_with(launch: Launch) -> Result<Self> {
        let seat = SEATS.acquire().await?;
        let profile = TempDir::new().context("cannot make a profile")?;
        let certificates = certificates()?;
        let mut arguments: Vec<String> = CHROMIUM_ARGUMENTS.map(str::to_owned).into();
        arguments.extend(launch.arguments);
        arguments.push(format!("--user-data-dir={}", profile.path().join("profile").display()));
        arguments.push(format!(
            "--ignore-certificate-errors-spki-list={}",
            key_hash(&certificates.leaf_cert)?
        ));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {
                "binary": settings::chromium()?,
                "args": arguments,
                "prefs": { "intl.accept_languages": launch.languages.unwrap_or(ENGLISH) },
            },
        });
        Self::start(settings::chromedriver()?, &["--port=0"], capabilities, profile, seat).await
    }

    /// Starts Firefox, which is to be found at these paths.
    pub async fn firefox(firefox: PathBuf, geckodriver: PathBuf) -> Result<Self> {
        let seat = SEATS.acquire().await?;
        let profile = TempDir::new().context("cannot make a profile")?;
        let capabilities = json!({
            "browserName": "firefox",
            "acceptInsecureCerts": true,
            "moz:firefoxOptions": {
                "binary": firefox,
                "args": ["-headless"],
                "prefs": {
                    "intl.accept_languages": ENGLISH,
                    "datareporting.policy.dataSubmissionEnabled": false,
                    "app.normandy.enabled": false,
                    "app.update.enabled": false,
                    "network.captive-portal-service.enabled": false,
                    "network.connectivity-service.enabled": false,
                    "browser.safebrowsing.update.enabled": false,
                    "extensions.update.enabled": false,
                },
            },
        });
        let root = profile.path().to_string_lossy().into_owned();
        let arguments = ["--port=0", "--profile-root", &root];
        Self::start(geckodriver, &arguments, capabilities, profile, seat).await
    }

    async fn start(
        driver: PathBuf,
        arguments: &[&str],
        capabilities: Value,
        profile: TempDir,
        seat: SemaphorePermit<'static>,
    ) -> Result<Self> {
        let mut command = Command::new(driver);
        // What a browser that is cut off leaves behind goes with its profile.
        command.args(arguments).env("TMPDIR", profile.path());
        let driver = Child::start("the browser's driver", &mut command)?;
        let port = driver.wait_for("its port", port_of).await?;
        let Value::Object(capabilities) = capabilities else {
            unreachable!("capabilities are an object")
        };
        let session =
            WebDriver::new(format!("http://127.0.0.1:{port}"), Capabilities::from(capabilities))
                .await
                .with_context(|| format!("no browser; its driver printed:\n{}", driver.output()))?;
        Ok(Self { session, driver, _profile: profile, _seat: seat })
    }

    /// The tab that the browser opened by itself.
    pub async fn first_tab(&self) -> Result<Tab> {
        let window = self.session.window().await?;
        Ok(Tab::new(self.session.clone(), window))
    }

    /// Opens another tab.
    pub async fn new_tab(&self) -> Result<Tab> {
        let window = self.session.new_tab().await?;
        Ok(Tab::new(self.session.clone(), window))
    }

    /// Duplicates a tab, as the browser's menu does: with a copy of its session storage.
    pub async fn duplicate(&self, tab: &Tab) -> Result<Tab> {
        let before = self.session.windows().await?;
        // A window that knows its opener starts with a copy of the opener's session storage.
        tab.run("window.open(location.href);", Vec::new()).await?;
        let window = until("the duplicated tab", async || {
            let windows = self.session.windows().await?;
            Ok(windows.into_iter().find(|window| !before.contains(window)))
        })
        .await?;
        Ok(Tab::new(self.session.clone(), window))
    }

    /// Opens this many tabs at an address.
    pub async fn tabs(&self, count: usize, address: &str) -> Result<Vec<Tab>> {
        let mut tabs = Vec::with_capacity(count);
        for _ in 0..count {
            let tab = self.new_tab().await?;
            tab.open(address).await?;
            tabs.push(tab);
        }
        Ok(tabs)
    }

    /// Ends the browser in an orderly way.
    pub async fn quit(mut self) -> Result<()> {
        self.session.clone().quit().await?;
        self.driver.terminate()?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends with its driver, and need not be asked to; tabs that outlive it would ask in vain for minutes.
        let _ = self.session.clone().leak();
    }
}

/// The port in `ChromeDriver was started successfully on port 1234.` or `Listening on 127.0.0.1:1234`.
fn port_of(line: &str) -> Option<u16> {
    let (_, port) = line
        .split_once("started successfully on port ")
        .or_else(|| line.split_once("Listening on 127.0.0.1:"))?;
    port.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port_of;

    #[test]
    fn a_driver_says_where_it_listens() {
        assert_eq!(port_of("ChromeDriver was started successfully on port 45793."), Some(45793));
        assert_eq!(port_of("1763801\tgeckodriver\tINFO\tListening on 127.0.0.1:4444"), Some(4444));
        assert_eq!(port_of("Only local connections are allowed."), None);
    }
}
