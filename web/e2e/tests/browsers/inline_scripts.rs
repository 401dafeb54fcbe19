//! A script that somebody has put into the page's own text does not run.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, PageCopy, PageHost, TestStudy};

const INDEX: (&str, &str) = ("index", ".html");

/// What is put in: a script, a handler, and a module that is made up on the spot.
const INJECTED: &str = "<script>window.injected = 'script';</script>
    <script type=\"module\">window.injected = 'module';</script>
    <link rel=\"stylesheet\" href=\"/no-such.css\" onerror=\"window.injected = 'handler';\">
    <script src=\"data:text/javascript,window.injected='data';\"></script>";

#[tokio::test]
async fn under_the_hospitals_policy() -> Result<()> {
    let page = PageCopy::of_built()?;
    // In front of everything that the page itself says.
    page.replace(INDEX, "<head>", &format!("<head>{INJECTED}"))?;
    let options = HospitalOptions { page: Some(page.path()), ..HospitalOptions::default() };
    let hospital = Hospital::start_with(&[TestStudy::of("pain", 3)], options).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    assert_eq!(tab.run("return window.injected ?? 'nothing';", vec![]).await?, "nothing");
    hospital.says("is not as it was built").await?;
    browser.quit().await
}

#[tokio::test]
async fn under_the_pages_own_policy() -> Result<()> {
    let page = PageCopy::of_built()?;
    page.replace(INDEX, "</head>", &format!("{INJECTED}</head>"))?;
    let host = PageHost::open().await?;
    host.show(&page.path())?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open(&host.origin()).await?;
    tab.until_state("unreachable").await?;
    assert_eq!(tab.run("return window.injected ?? 'nothing';", vec![]).await?, "nothing");
    browser.quit().await
}
