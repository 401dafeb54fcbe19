//! One tab of a browser.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use thirtyfour::{By, TypingData, WebDriver, WindowHandle};

use crate::settings;
use crate::wait::until;

/// A tab. Whatever is asked of it, it is first switched to.
#[derive(Clone, Debug)]
pub struct Tab {
    session: WebDriver,
    window: WindowHandle,
}

/// A size of screen, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    /// Its name, for files.
    pub name: &'static str,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Viewport {
    /// A common phone.
    pub const PHONE: Self = Self { name: "phone", width: 390, height: 844 };
    /// A common desktop.
    pub const DESKTOP: Self = Self { name: "desktop", width: 1280, height: 900 };
}

/// What the visitor's system asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Colours {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// The value of `prefers-color-scheme`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Tab {
    pub(crate) fn new(session: WebDriver, window: WindowHandle) -> Self {
        Self { session, window }
    }

    /// Goes to an address.
    pub async fn open(&self, address: &str) -> Result<()> {
        self.switch().await?;
        self.session.goto(address).await.with_context(|| format!("cannot open {address}"))?;
        Ok(())
    }

    /// Loads the page again, as somebody does who presses that button.
    pub async fn reload(&self) -> Result<()> {
        self.switch().await?;
        self.session.refresh().await.context("cannot reload the page")
    }

    /// Closes the tab.
    pub async fn close(self) -> Result<()> {
        self.switch().await?;
        self.session.close_window().await.context("cannot close the tab")
    }

    /// Cuts the tab off from every network, or connects it again.
    pub async fn offline(&self, offline: bool) -> Result<()> {
        self.devtools("Network.enable", json!({})).await?;
        let parameters = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.devtools("Network.emulateNetworkConditions", parameters).await?;
        Ok(())
    }

    /// Runs a script, and gives what it returns.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.switch().await?;
        let returned = self.session.execute(script, arguments).await?;
        Ok(returned.json().clone())
    }

    /// Gives a command of the Chrome `DevTools` protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.switch().await?;
        let tools = self.session.cdp();
        tools.send_raw(command, parameters).await.with_context(|| command.to_owned())
    }

    /// Runs a script before the scripts of every page that is opened from here on.
    pub async fn run_before_pages(&self, script: &str) -> Result<()> {
        let parameters = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", parameters).await?;
        Ok(())
    }

    /// Waits until a script returns something other than `null`, `undefined`, `false` or an empty string.
    pub async fn until(&self, what: &str, script: &str, arguments: &[Value]) -> Result<Value> {
        let found = until(what, async || {
            let value = self.run(script, arguments.to_vec()).await?;
            let empty = matches!(&value, Value::Null | Value::Bool(false))
                || value.as_str().is_some_and(str::is_empty);
            Ok((!empty).then_some(value))
        });
        match found.await {
            Ok(value) => Ok(value),
            Err(error) => {
                let shown = self.description().await;
                let picture = match self.screenshot(&format!("in-vain-{}", slug(what))).await {
                    Ok(path) => format!("a picture is at {}", path.display()),
                    Err(error) => format!("there is no picture: {error:#}"),
                };
                Err(error.context(format!("instead the page shows ({picture}):\n{shown}")))
            }
        }
    }

    /// Waits until an element is there.
    pub async fn until_there(&self, selector: &str) -> Result<()> {
        let script = "return document.querySelector(arguments[0]) !== null;";
        self.until(&format!("the element {selector}"), script, &[json!(selector)]).await?;
        Ok(())
    }

    /// Whether an element is there.
    pub async fn has(&self, selector: &str) -> Result<bool> {
        let script = "return document.querySelector(arguments[0]) !== null;";
        Ok(self.run(script, vec![json!(selector)]).await? == json!(true))
    }

    /// Clicks an element, as a mouse does.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.until_there(selector).await?;
        let element = self.session.find(By::Css(selector)).await?;
        element.click().await.with_context(|| format!("cannot click {selector}"))?;
        Ok(())
    }

    /// Replaces what is in a field.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        self.until_there(selector).await?;
        let field = self.session.find(By::Css(selector)).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("cannot type into {selector}"))?;
        Ok(())
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: impl Into<TypingData>) -> Result<()> {
        self.switch().await?;
        self.session.action_chain().send_keys(keys).perform().await?;
        Ok(())
    }

    /// The text that an element shows.
    pub async fn text(&self, selector: &str) -> Result<String> {
        let script = "return document.querySelector(arguments[0])?.innerText ?? null;";
        let text = self.run(script, vec![json!(selector)]).await?;
        let text = text.as_str().with_context(|| format!("there is no {selector}"))?;
        Ok(text.trim().to_owned())
    }

    /// An attribute of an element; `None` where either is not there.
    pub async fn attribute(&self, selector: &str, name: &str) -> Result<Option<String>> {
        let script =
            "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null;";
        let value = self.run(script, vec![json!(selector), json!(name)]).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// A short name of the element that has the focus.
    pub async fn focused(&self) -> Result<String> {
        let script = "const a = document.activeElement;
            return a.id || a.getAttribute('name') || a.className || a.tagName.toLowerCase();";
        let name = self.run(script, Vec::new()).await?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks what downloads a file, and gives the file once it is whole.
    pub async fn download(&self, selector: &str) -> Result<PathBuf> {
        self.download_by(selector, async || self.click(selector).await).await
    }

    /// Does what downloads a file, and gives the file once it is whole.
    pub async fn download_by(
        &self,
        what: &str,
        begin: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<PathBuf> {
        let directory = settings::scratch("downloads")?;
        let directory = tempfile::Builder::new().tempdir_in(directory)?.keep();
        let parameters = json!({ "behavior": "allow", "downloadPath": directory });
        self.devtools("Browser.setDownloadBehavior", parameters).await?;
        begin().await?;
        until(&format!("the file of {what}"), async || {
            let mut files = fs::read_dir(&directory)?;
            let file = files.next().transpose()?.map(|entry| entry.path());
            // What is not whole yet is called so.
            Ok(file.filter(|file| file.extension().is_some_and(|end| end != "crdownload")))
        })
        .await
    }

    /// Pretends to be a screen of another size.
    pub async fn show_on(&self, viewport: Viewport) -> Result<()> {
        let Viewport { width, height, .. } = viewport;
        let parameters = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", parameters).await?;
        Ok(())
    }

    /// Pretends that the visitor's system asks for these colours.
    pub async fn show_in(&self, colours: Colours) -> Result<()> {
        let feature = json!({ "name": "prefers-color-scheme", "value": colours.name() });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await?;
        Ok(())
    }

    /// Pretends that the visitor's system asks for less motion.
    pub async fn with_less_motion(&self) -> Result<()> {
        let feature = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await?;
        Ok(())
    }

    /// Keeps a picture of the whole page among the artifacts.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        // A tab in the background is not painted.
        self.devtools("Page.bringToFront", json!({})).await?;
        let parameters = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.devtools("Page.captureScreenshot", parameters).await?;
        let picture = picture["data"].as_str().context("a screenshot has data")?;
        let path = settings::artifacts()?.join(format!("{name}.png"));
        fs::write(&path, BASE64_STANDARD.decode(picture)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Keeps pictures for a phone and a desktop, light and dark.
    pub async fn screenshots(&self, name: &str) -> Result<()> {
        self.hide_scrollbars(true).await?;
        for viewport in [Viewport::PHONE, Viewport::DESKTOP] {
            self.show_on(viewport).await?;
            for colours in Colours::ALL {
                self.show_in(colours).await?;
                let name = format!("{name}-{}-{}", viewport.name, colours.name());
                self.screenshot(&name).await?;
            }
        }
        self.show_in(Colours::Light).await?;
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await?;
        self.hide_scrollbars(false).await
    }

    /// A picture of a whole page has nothing to scroll.
    async fn hide_scrollbars(&self, hidden: bool) -> Result<()> {
        self.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": hidden })).await?;
        Ok(())
    }

    /// What a person at this tab would see, for messages.
    pub async fn description(&self) -> String {
        let script = "return location.href + '  #app[data-state=' +
            (document.getElementById('app')?.dataset.state ?? '?') + ']\\n' + document.body.innerText;";
        match self.run(script, Vec::new()).await {
            Ok(shown) => shown.as_str().unwrap_or("nothing").to_owned(),
            Err(error) => format!("nothing, because the tab does not answer: {error:#}"),
        }
    }

    async fn switch(&self) -> Result<()> {
        self.session.switch_to_window(self.window.clone()).await.context("the tab is gone")
    }
}

/// Words for a file's name.
fn slug(text: &str) -> String {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}
