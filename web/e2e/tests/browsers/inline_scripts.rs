//! A script that somebody has put into the page's own text does not run, and one that runs reaches nobody but the
//! hospital.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, PageCopy, PageHost, Tab, TestStudy};

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
    connects_to_its_own_origin_only(&tab, &hospital.origin()).await?;
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
    connects_to_its_own_origin_only(&tab, &host.origin()).await?;
    browser.quit().await
}

/// Asks as a script of the page would that needs nobody's leave to read what is answered; says what the policy forbids.
const ASK: &str = "
    const forbidden = new Promise((tell) => {
      document.addEventListener('securitypolicyviolation', (event) => tell(event.effectiveDirective), { once: true });
    });
    return fetch(arguments[0], { mode: 'no-cors' }).then(() => 'answered', () => forbidden);";

async fn connects_to_its_own_origin_only(tab: &Tab, own: &str) -> Result<()> {
    let elsewhere = PageHost::open().await?;
    assert_eq!(tab.run(ASK, vec![own.into()]).await?, "answered");
    assert_eq!(tab.run(ASK, vec![elsewhere.origin().into()]).await?, "connect-src");
    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
    Ok(())
}
