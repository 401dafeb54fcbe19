//! A page of which one byte was changed does not run, and says so.

use anyhow::Result;
use wardsum_e2e::{Browser, PageCopy, PageHost, Tab, settings};

/// The two files of the program, by how their names begin and end.
const PROGRAM: (&str, &str) = ("wardsum-web-", "_bg.wasm");
const SCRIPT: (&str, &str) = ("wardsum-web-", ".js");

/// What the page asks the hospital first, once its program runs.
const FIRST_QUESTION: &str = "/api/v1/studies";

#[tokio::test]
async fn an_unaltered_page_runs_and_is_loaded_once() -> Result<()> {
    let host = PageHost::open().await?;
    host.show(&settings::page()?)?;
    let browser = Browser::chromium().await?;
    runs(&browser.first_tab().await?, &host).await?;
    browser.quit().await
}

#[tokio::test]
async fn an_unaltered_page_runs_and_is_loaded_once_in_firefox() -> Result<()> {
    let Some((firefox, geckodriver)) = settings::firefox() else {
        println!("Firefox is not tested: it or geckodriver is missing");
        return Ok(());
    };
    let host = PageHost::open().await?;
    host.show(&settings::page()?)?;
    let browser = Browser::firefox(firefox.clone(), geckodriver.clone()).await?;
    let tab = browser.first_tab().await?;
    runs(&tab, &host).await?;

    let page = PageCopy::of_built()?;
    page.replace(SCRIPT, "async function __wbg_load(", "async function  __wbg_load(")?;
    host.show(&page.path())?;
    is_refused(&tab, &host).await?;
    browser.quit().await
}

#[tokio::test]
async fn altered_webassembly_is_refused() -> Result<()> {
    let page = PageCopy::of_built()?;
    // It would run as well as before, and only say something else.
    page.replace(PROGRAM, "wardsum:language", "wardsum:languagE")?;
    refused_in_chromium(&page).await
}

#[tokio::test]
async fn altered_sentences_are_refused() -> Result<()> {
    let page = PageCopy::of_built()?;
    page.replace(("en-", ".txt"), "This page sets no cookies.", "This page sets no cookieS.")?;
    refused_in_chromium(&page).await
}

#[tokio::test]
async fn an_altered_script_is_refused() -> Result<()> {
    let page = PageCopy::of_built()?;
    page.replace(SCRIPT, "async function __wbg_load(", "async function  __wbg_load(")?;
    refused_in_chromium(&page).await
}

#[tokio::test]
async fn an_altered_start_is_refused() -> Result<()> {
    let page = PageCopy::of_built()?;
    page.replace(("start-", ".js"), "Starts the page's program", "Starts the page's Program")?;
    refused_in_chromium(&page).await
}

#[tokio::test]
async fn where_no_script_can_say_so_the_page_says_it_by_itself() -> Result<()> {
    let page = PageCopy::of_built()?;
    // The scripts are not there at all, or their hashes do not fit.
    page.replace(("boot-", ".js"), "says in plain words", "says in plain Words")?;
    page.replace(("start-", ".js"), "Starts the page's program", "Starts the page's Program")?;
    let host = PageHost::open().await?;
    host.show(&page.path())?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open(&host.origin()).await?;
    assert!(tab.text("#main").await?.contains("Opening the page"));
    let late = "return document.querySelector('.boot-late').checkVisibility({ visibilityProperty: true });";
    assert_eq!(tab.run(late, vec![]).await?, false, "before it is late");
    tab.run("document.getAnimations().forEach((waiting) => waiting.finish());", vec![]).await?;
    assert_eq!(tab.run(late, vec![]).await?, true);
    let told = tab.text(".boot-late").await?;
    assert!(told.contains("is not what it should be") && told.contains("Nothing has been sent"));
    assert_eq!(tab.state().await?, "booting");
    tab.screenshots("boot-late").await?;
    browser.quit().await
}

/// The page's program runs, and no part of it was loaded twice.
async fn runs(tab: &Tab, host: &PageHost) -> Result<()> {
    tab.open(&host.origin()).await?;
    // There is no hospital here.
    tab.until_state("unreachable").await?;
    let requests = host.requests();
    assert!(requests.iter().any(|path| path == FIRST_QUESTION), "{requests:?}");
    for end in [".wasm", ".js", ".css", ".txt"] {
        let mut loaded: Vec<_> = requests.iter().filter(|path| path.ends_with(end)).collect();
        assert!(!loaded.is_empty(), "{requests:?}");
        let all = loaded.len();
        assert!(end != ".txt" || all == 1, "one language is loaded: {requests:?}");
        loaded.sort();
        loaded.dedup();
        assert_eq!(loaded.len(), all, "loaded twice: {requests:?}");
    }
    Ok(())
}

async fn refused_in_chromium(page: &PageCopy) -> Result<()> {
    let host = PageHost::open().await?;
    host.show(&page.path())?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    is_refused(&tab, &host).await?;
    tab.screenshots("altered").await?;
    browser.quit().await
}

/// The page says what is wrong, and its program does not run.
async fn is_refused(tab: &Tab, host: &PageHost) -> Result<()> {
    let before = host.requests().len();
    tab.open(&host.origin()).await?;
    tab.until_there("#boot-altered[data-code=page-altered]:not([hidden])").await?;
    let told = tab.text("#app").await?;
    for text in ["This page is not what it should be", "Nothing has been sent", "do not go on"] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    assert!(!told.contains("Opening the page") && !told.contains("did not start"), "{told}");
    assert_eq!(tab.heading_levels().await?, [1]);
    assert_eq!(tab.state().await?, "booting", "the program has drawn nothing");
    let requests = host.requests().split_off(before);
    assert!(!requests.iter().any(|path| path == FIRST_QUESTION), "{requests:?}");
    Ok(())
}
