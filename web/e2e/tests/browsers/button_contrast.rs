//! Buttons can be read in light and dark, as they are, under the mouse, with the focus and pressed, also in the very
//! moment in which the colours change: at least 4.5 to 1 (WCAG 2.2, 1.4.3).

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wardsum_e2e::{Browser, Colours, Hospital, Tab, TestStudy};

use crate::round::address;

const STATES: [&[&str]; 5] =
    [&[], &["hover"], &["focus", "focus-visible"], &["hover", "active"], &["hover", "focus"]];

/// The contrast of a button's text with what is behind it. Colours are opaque but for `transparent`.
const CONTRAST: &str = "
    const channels = (colour) => colour.match(/[0-9.]+/g).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = channels(colour).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const button = document.querySelector(arguments[0]);
    let behind = button;
    while ((channels(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
    const pair = [getComputedStyle(button).color, getComputedStyle(behind).backgroundColor].map(luminance);
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);";

#[tokio::test]
async fn every_button_can_be_read_in_every_state() -> Result<()> {
    let study = TestStudy::of("pain", 3);
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&address(&hospital.origin(), &study)).await?;
    can_be_read(&tab, &["#take-part"]).await?;
    tab.propose("4").await?;
    can_be_read(&tab, &["#send"]).await?;
    tab.watch_stages().await?;
    tab.click("#send").await?;
    let others = hospital.native_rounds("pain", &[3, 4]);
    let visit = async {
        tab.words().await?;
        can_be_read(&tab, &["#words-match", "#words-differ", "#words-copy"]).await?;
        tab.click("#words-match").await
    };
    let (others, visit) = tokio::join!(others, visit);
    others?;
    visit?;
    tab.result().await?;
    can_be_read(&tab, &["#download-receipt", "#transcript"]).await?;
    browser.quit().await
}

async fn can_be_read(tab: &Tab, selectors: &[&str]) -> Result<()> {
    tab.devtools("DOM.enable", json!({})).await?;
    tab.devtools("CSS.enable", json!({})).await?;
    let document = tab.devtools("DOM.getDocument", json!({})).await?;
    let root = &document["root"]["nodeId"];
    for selector in selectors {
        tab.until_there(selector).await?;
        let query = json!({ "nodeId": root, "selector": selector });
        let found = tab.devtools("DOM.querySelector", query).await?;
        let force = async |states: &[&str]| -> Result<Value> {
            let forced = json!({ "nodeId": found["nodeId"], "forcedPseudoClasses": states });
            tab.devtools("CSS.forcePseudoState", forced).await
        };
        for states in STATES {
            force(states).await?;
            // Twice round, so that each scheme is come to from the other.
            for colours in [Colours::Dark, Colours::Light, Colours::Dark, Colours::Light] {
                tab.show_in(colours).await?;
                let contrast = tab.run(CONTRAST, vec![json!(selector)]).await?;
                let contrast = contrast.as_f64().context("a number")?;
                println!("{selector} {states:?} {}: {contrast:.2}", colours.name());
                assert!(contrast >= 4.5, "{selector} {states:?} {}: {contrast:.2}", colours.name());
            }
        }
        force(&[]).await?;
    }
    Ok(())
}
