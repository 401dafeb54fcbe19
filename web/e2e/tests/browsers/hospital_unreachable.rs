//! A hospital that cannot be reached is named, and trying again works once it is back.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

/// The first question to the hospital is not answered.
const FIRST_IN_VAIN: &str = "{
    const { fetch } = window;
    let asked = 0;
    window.fetch = (...given) => String(given[0]).startsWith('/api/') && asked++ === 0
      ? Promise.reject(new TypeError('away')) : fetch(...given);
    }";

#[tokio::test]
async fn trying_again_works_once_it_is_back() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.run_before_pages(FIRST_IN_VAIN).await?;
    tab.open(&hospital.origin()).await?;
    tab.until_state("unreachable").await?;
    let notice = tab.failure().await?;
    assert_eq!(notice.code, "hospital-unreachable");
    for text in [
        "cannot be reached",
        "check your connection",
        "Nothing of your answer has left this device",
    ] {
        assert!(notice.text.contains(text), "“{text}” is not in: {}", notice.text);
    }
    // A screen reader reads what has the focus; an alert besides would make it say the same twice.
    let focused = "return document.activeElement.id === 'failure-title';";
    tab.until("the focus on the heading", focused, &[]).await?;
    assert!(!tab.has("#failure[role]").await?);
    tab.screenshots("unreachable").await?;

    tab.click("#try-again").await?;
    tab.until_state("asking").await?;
    browser.quit().await
}
