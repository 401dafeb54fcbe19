//! A browser without WebAssembly is told so in plain words.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Launch, TestStudy};

#[tokio::test]
async fn the_page_says_what_is_missing_and_what_to_do() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    // What hardened browsers do: no compiler for scripts, and with it no WebAssembly.
    let launch = Launch { arguments: vec!["--js-flags=--jitless".to_owned()], ..Launch::default() };
    let browser = Browser::chromium_with(launch).await?;
    let tab = browser.first_tab().await?;
    tab.open(&hospital.origin()).await?;
    assert_eq!(tab.run("return typeof WebAssembly;", vec![]).await?, "undefined");

    tab.until_there("[data-testid=no-wasm]:not([hidden])").await?;
    let notice = tab.text("[data-testid=no-wasm]").await?;
    for text in [
        "This browser cannot run the page",
        "WebAssembly",
        "Please use a current version",
        "Nothing has been sent",
    ] {
        assert!(notice.contains(text), "“{text}” is not in: {notice}");
    }
    assert!(tab.has("[data-testid=no-wasm][role=alert]").await?);
    assert!(tab.has("#boot-loading[hidden]").await?, "it also says that the page is opening");
    tab.screenshots("no-webassembly").await?;
    assert_eq!(hospital.study("pain").await?["enrolled"], 0);
    browser.quit().await
}
