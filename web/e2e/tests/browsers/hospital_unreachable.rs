//! A hospital that cannot be reached is named, and trying again works once it is back.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, TestStudy};

#[tokio::test]
async fn trying_again_works_once_it_is_back() -> Result<()> {
    let studies = [TestStudy::of("pain", 3)];
    let mut hospital = Hospital::start(&studies).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;

    hospital.kill()?;
    tab.until_state("failed").await?;
    assert_eq!(tab.failure().await?.code, "connection-lost");

    tab.click("#try-again").await?;
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

    let options = HospitalOptions { port: hospital.port(), ..HospitalOptions::default() };
    let _hospital = Hospital::start_with(&studies, options).await?;
    tab.click("#try-again").await?;
    tab.until_state("asking").await?;
    browser.quit().await
}
