//! A browser that keeps nothing, or has no room, is said in plain words before anything is sent.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

const BLOCKED: &str =
    "IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); };";
const FULL: &str = "IDBObjectStore.prototype.put = () => { throw new DOMException('no room', 'QuotaExceededError'); };";

#[tokio::test]
async fn who_cannot_come_back_is_told_before_answering_and_takes_part() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.run_before_pages(BLOCKED).await?;
    tab.open_question(&hospital.origin()).await?;
    tab.until_there("#not-kept:not([hidden])").await?;
    let told = tab.text("#not-kept").await?;
    for text in ["does not let this page keep anything", "keep this page open"] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    tab.screenshots("not-kept").await?;
    tab.answer(5).await?;
    hospital.native_rounds("pain", &[3, 4]).await?;
    assert_eq!(tab.result().await?.sum, "12");
    browser.quit().await
}

#[tokio::test]
async fn a_full_device_sends_nothing_and_says_so() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.run_before_pages(FULL).await?;
    tab.open_question(&hospital.origin()).await?;
    tab.answer(5).await?;
    tab.until_state("failed").await?;
    let notice = tab.failure().await?;
    assert_eq!(notice.code, "storage-full");
    for text in ["no room left", "your answer was not sent"] {
        assert!(notice.text.contains(text), "“{text}” is not in: {}", notice.text);
    }
    tab.screenshots("storage-full").await?;
    assert_eq!(hospital.study("pain").await?["enrolled"], 0);
    // Trying again begins anew.
    tab.click("#try-again").await?;
    tab.until_state("asking").await?;
    browser.quit().await
}
