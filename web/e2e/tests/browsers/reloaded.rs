//! A tab that is reloaded goes on where it was, in every stage, with the same keys and one answer.

use anyhow::{Context, Result};
use serde_json::json;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::{address, figures_of};

/// What the browser keeps for this tab, all of it, and how many records it has in the database.
const KEPT: &str = "return (async () => {
    const opened = indexedDB.open('wardsum');
    await new Promise((resolve) => opened.onsuccess = resolve);
    const count = opened.result.transaction('identities').objectStore('identities').count();
    await new Promise((resolve) => count.onsuccess = resolve);
    opened.result.close();
    const { 'wardsum:outcome': outcome = null, ...others } = { ...sessionStorage, ...localStorage };
    if (Object.keys(others).length > 0) throw new Error(JSON.stringify(others));
    return [outcome, count.result];
    })();";

async fn goes_on(tab: &Tab) -> Result<()> {
    tab.reload().await?;
    tab.until_state("running").await?;
    tab.agree().await?;
    assert!(tab.text("[data-testid=resumed]").await?.contains("You are back"));
    Ok(())
}

#[tokio::test]
async fn in_every_stage() -> Result<()> {
    let study = TestStudy::of("pain", 3).x25519();
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    let page = address(&hospital.origin(), &study);

    // The question: nothing was given, so it is asked again.
    tab.open_question(&page).await?;
    tab.reload().await?;
    tab.until_state("asking").await?;

    // Waiting for others.
    tab.answer(5).await?;
    tab.until_stage("waiting", "current").await?;
    goes_on(&tab).await?;
    tab.until_stage("waiting", "current").await?;
    let enrolled = hospital.study("pain").await?["enrolled"].clone();
    assert_eq!(enrolled, json!(1), "the same person");

    // Shares are arriving: the two others enrol, one of them sleeps.
    let mut sleeper = hospital.native_patient("pain").await?;
    let other = hospital.native_rounds("pain", &[4]);
    let visit = async {
        sleeper.answer_number(1).await?;
        tab.until_stage("sent", "done").await?;
        goes_on(&tab).await?;
        tab.until_stage("sent", "done").await?;
        tab.screenshots("reloaded").await?;
        while sleeper.next_event().await.is_some() {}
        assert_eq!(tab.result().await?, figures_of(&[5, 4, 1]));
        assert!(
            tab.text("[data-testid=result-checked]").await?.contains("Your answer is one of the 3")
        );
        anyhow::Ok(())
    };
    let (other, visit) = tokio::join!(other, visit);
    other?;
    visit?;

    // Over: the result is all that is kept, and the receipt, which says that the answer counts.
    tab.reload().await?;
    assert_eq!(tab.result().await?, figures_of(&[5, 4, 1]));
    let told = tab.text("[data-testid=result-checked]").await?;
    for text in ["Your answer is one of the 3", "Your answer and its keys have been erased"] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    tab.screenshots("reloaded-after-the-result").await?;
    let kept = tab.run(KEPT, vec![]).await?;
    let (until, rest) =
        kept[0].as_str().and_then(|kept| kept.split_once(' ')).context("it is kept")?;
    let parts: Vec<&str> = rest.splitn(4, '\n').collect();
    let [figures, study, cells, receipt] = parts[..] else { anyhow::bail!("not kept: {rest}") };
    assert_eq!((figures, cells), ("3 0 1 pain", "10 "));
    assert!(!study.is_empty() && study.bytes().all(|byte| byte.is_ascii_hexdigit()), "{study}");
    assert!(receipt.starts_with("wardsum receipt 2\n"), "{receipt}");
    assert_eq!(kept[1], 0);

    // It expires, and then the page shows what it shows to everybody.
    let expired = "sessionStorage.setItem('wardsum:outcome', sessionStorage.getItem('wardsum:outcome').replace(...arguments));";
    tab.run(expired, vec![until.into(), "1".into()]).await?;
    tab.reload().await?;
    tab.until_state("too-late").await?;
    assert!(tab.has("[data-testid=latest-result]").await?);
    assert_eq!(tab.run(KEPT, vec![]).await?, json!([null, 0]), "nothing is kept");
    browser.quit().await
}
