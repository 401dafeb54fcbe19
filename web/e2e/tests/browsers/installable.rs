//! The page can be put on a home screen: browsers find its manifest and icons, and these are what the drawing shows.

use anyhow::{Context, Result};
use serde_json::json;
use wardsum_e2e::{Browser, Hospital, TestStudy};

/// How much the pixels of an icon differ from those of the drawing at that size, of 255, at the worst one in a hundred
/// of them: edges are drawn somewhat differently from one browser to the next.
const DIFFERENCE: &str = "
    const [icon, size, margin] = arguments;
    const load = async (address) => { const image = new Image(); image.src = address; await image.decode(); return image; };
    const pixels = (draw) => {
      const context = Object.assign(document.createElement('canvas'), { width: size, height: size }).getContext('2d');
      draw(context);
      return context.getImageData(0, 0, size, size).data;
    };
    return Promise.all([load('/icon.svg'), load(icon)]).then(([drawing, icon]) => {
      if (icon.naturalWidth !== size || icon.naturalHeight !== size) return 'another size';
      const is = pixels((context) => context.drawImage(icon, 0, 0));
      const shall = pixels((context) => {
        if (margin) { context.fillStyle = '#0b5560'; context.fillRect(0, 0, size, size); }
        context.drawImage(drawing, margin, margin, size - 2 * margin, size - 2 * margin);
      });
      const off = is.map((value, at) => Math.abs(value - shall[at])).sort();
      return off[Math.floor(off.length * 0.99)];
    });";

#[tokio::test]
async fn a_browser_finds_nothing_that_keeps_it_from_being_installed() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    let manifest = tab.devtools("Page.getAppManifest", json!({})).await?;
    let address = manifest["url"].as_str().context("there is a manifest")?;
    assert_eq!(address, format!("{}/manifest.webmanifest", hospital.origin()));
    assert_eq!(manifest["errors"], json!([]), "{manifest}");
    let kind = "return fetch('/manifest.webmanifest').then((answer) => answer.headers.get('content-type'));";
    assert_eq!(tab.run(kind, vec![]).await?, "application/manifest+json");
    let found = tab.devtools("Page.getInstallabilityErrors", json!({})).await?;
    assert_eq!(found["installabilityErrors"], json!([]));
    browser.quit().await
}

#[tokio::test]
async fn the_icons_are_what_the_drawing_shows() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    for (icon, size, margin) in
        [("/icon-192.png", 192, 0), ("/icon-512.png", 512, 0), ("/icon-maskable-512.png", 512, 51)]
    {
        let arguments = vec![json!(icon), json!(size), json!(margin)];
        let off = tab.run(DIFFERENCE, arguments).await?;
        assert!(off.as_u64().is_some_and(|off| off <= 16), "{icon} is off by {off}");
    }
    browser.quit().await
}
