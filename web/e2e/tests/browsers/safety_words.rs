//! The safety words: the same in all tabs, computed beside the page, and what comes of words that differ.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::{address, figures_of};

/// Begins to write down the tasks that kept the page from reacting, in milliseconds, and when the words came.
const WATCH: &str = "
    window.longTasks = [];
    const observer = new PerformanceObserver((list) => {
      for (const task of list.getEntries()) window.longTasks.push({ start: task.startTime, ms: task.duration });
    });
    observer.observe({ type: 'longtask', buffered: false });
    const note = () => {
      if (!window.asked && document.getElementById('words')) window.asked = performance.now();
      if (!window.shown && document.querySelector('#words li')) window.shown = performance.now();
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });";

/// Everybody has answered and sees the words.
async fn comparing(browser: &Browser, hospital: &Hospital, answers: &[i128]) -> Result<Vec<Tab>> {
    let study = TestStudy::of("pain", 3);
    let tabs = browser.tabs(answers.len(), &address(&hospital.origin(), &study)).await?;
    for (tab, answer) in tabs.iter().zip(answers) {
        tab.until_state("asking").await?;
        tab.run(WATCH, Vec::new()).await?;
        tab.answer_and_compare(*answer).await?;
    }
    Ok(tabs)
}

#[tokio::test]
async fn all_tabs_show_the_same_eight_and_send_nothing_before_they_match() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tabs = comparing(&browser, &hospital, &[2, 3, 4]).await?;
    let mut all = Vec::new();
    for tab in &tabs {
        all.push(tab.words().await?);
    }
    assert_eq!(all[0].len(), 8, "{:?}", all[0]);
    assert!(all.iter().all(|words| *words == all[0]), "{all:?}");
    for tab in &tabs {
        assert_eq!(tab.left().await?.shares, 0);
        assert!(tab.text("#words").await?.contains("3 people hold the shares, and you are one"));
    }
    tabs[0].screenshots("words").await?;

    // A reload shows the same words and asks again.
    tabs[1].reload().await?;
    assert_eq!(tabs[1].words().await?, all[0]);
    for tab in &tabs {
        tab.click("#words-match").await?;
    }
    for tab in &tabs {
        assert_eq!(tab.result().await?, figures_of(&[2, 3, 4]));
    }
    browser.quit().await
}

#[tokio::test]
async fn they_stay_at_hand_and_are_not_asked_for_again_once_they_match() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tabs = comparing(&browser, &hospital, &[2, 3, 4]).await?;
    let words = tabs[0].words().await?;
    tabs[1].words().await?;
    tabs[0].click("#words-match").await?;
    tabs[0].until_stage("sent", "done").await?;
    tabs[0].reload().await?;
    tabs[0].until_state("running").await?;
    tabs[0].until_there("#words-again:not([hidden]) li").await?;
    let again =
        "return [...document.querySelectorAll('#words-again li')].map((li) => li.textContent);";
    let again = tabs[0].run(again, Vec::new()).await?;
    assert_eq!(again, json!(words));
    browser.quit().await
}

#[tokio::test]
async fn words_that_differ_end_one_visit_and_warn_the_others() -> Result<()> {
    // One of the four will be missing when contributing is to close.
    let study = TestStudy { settle_seconds: Some(15.0), ..TestStudy::of("pain", 4) };
    let hospital = Hospital::start(&[study]).await?;
    let browser = Browser::chromium().await?;
    let tabs = comparing(&browser, &hospital, &[2, 3, 4, 5]).await?;
    for tab in &tabs {
        tab.words().await?;
    }
    tabs[0].click("#words-differ").await?;
    let failure = tabs[0].failure().await?;
    assert_eq!(failure.code, "words-differ");
    for text in
        ["Nothing of your answer has left this device", "Tell the others aloud", "do not try again"]
    {
        assert!(failure.text.contains(text), "“{text}” is not in: {}", failure.text);
    }
    assert!(!tabs[0].has("#try-again").await? && !tabs[0].has("#next-round").await?);
    assert_eq!(tabs[0].left().await?.shares, 0);
    tabs[0].screenshots("words-differ").await?;

    for tab in &tabs[1..] {
        tab.until_there("#disputed:not([hidden])").await?;
        assert!(tab.text("#disputed").await?.contains("Compare aloud again"));
        assert!(tab.has("#words-differ").await?, "they can still stop");
    }
    tabs[1].screenshots("words-disputed").await?;
    // Whoever takes part decides: the round goes on without the one.
    for tab in &tabs[1..] {
        tab.click("#words-match").await?;
    }
    assert_eq!(tabs[1].result().await?, figures_of(&[3, 4, 5]));
    tabs[0].reload().await?;
    tabs[0]
        .until("nothing to be kept", "return !sessionStorage.getItem('wardsum:identity');", &[])
        .await?;
    browser.quit().await
}

#[tokio::test]
async fn they_can_be_copied_and_said_to_differ_after_they_were_said_to_match() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 4)]).await?;
    let browser = Browser::chromium().await?;
    let tabs = comparing(&browser, &hospital, &[2, 3, 4, 5]).await?;
    let words = tabs[0].words().await?;
    let has_sent = &tabs[0];
    has_sent.click("#words-match").await?;
    has_sent.until_stage("sent", "done").await?;
    has_sent.click("#words-again summary").await?;
    let permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    has_sent.devtools("Browser.grantPermissions", json!({ "permissions": permissions })).await?;
    has_sent.devtools("Page.bringToFront", json!({})).await?;
    has_sent.click("#words-copy").await?;
    let said = "return document.getElementById('words-copy').innerText === 'Copied';";
    has_sent.until("that the words are copied", said, &[]).await?;
    let copied = has_sent.run("return navigator.clipboard.readText();", Vec::new()).await?;
    assert_eq!(copied, words.join(" "));
    has_sent.screenshots("words-again").await?;

    has_sent.click("#words-differ").await?;
    let failure = has_sent.failure().await?;
    assert_eq!(failure.code, "words-differ");
    for text in ["was sent before", "may be able to read it", "Tell the others aloud"] {
        assert!(failure.text.contains(text), "“{text}” is not in: {}", failure.text);
    }
    assert!(!failure.text.contains("nobody can read"), "{}", failure.text);
    has_sent.until_stage("words", "failed").await?;
    assert!(!has_sent.has("#words-differ").await?, "there is nothing left to leave");
    assert!(has_sent.has("#words-again #words-copy").await?, "the others may ask for them");
    has_sent.screenshots("words-differ-after-all").await?;
    for tab in &tabs[1..] {
        tab.words().await?;
        tab.until_there("#disputed:not([hidden])").await?;
        assert!(tab.text("#disputed").await?.contains("Compare aloud again"));
    }
    // Three are enough for the sum, in which an answer counts that the hospital has acknowledged.
    for tab in &tabs[1..] {
        tab.click("#words-match").await?;
    }
    assert_eq!(tabs[1].result().await?, figures_of(&[2, 3, 4, 5]));
    browser.quit().await
}

/// Half of the time that the words take is far more than any other task; computed in the page they would be one
/// task of all of that time.
#[tokio::test]
async fn the_page_reacts_while_they_are_computed() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.run(WATCH, Vec::new()).await?;
    let others = hospital.native_rounds("pain", &[3, 4]);
    let visit = async {
        tab.answer_and_compare(2).await?;
        tab.words().await?;
        let measured =
            tab.run("return [window.asked, window.shown, window.longTasks];", Vec::new()).await?;
        tab.click("#words-match").await?;
        anyhow::Ok(measured)
    };
    let (others, measured) = tokio::join!(others, visit);
    others?;
    let measured = measured?;
    let number = |value: &Value| value.as_f64().context("a time in milliseconds");
    let (asked, shown) = (number(&measured[0])?, number(&measured[1])?);
    let tasks = measured[2].as_array().context("a list of tasks")?;
    let mut longest = 0.0_f64;
    for task in tasks {
        let start = number(&task["start"])?;
        if (asked..shown).contains(&start) {
            longest = longest.max(number(&task["ms"])?);
        }
    }
    println!("words after {:.0} ms, longest task {longest:.0} ms", shown - asked);
    assert!(longest < (shown - asked) / 2.0, "a task of {longest} ms in {} ms", shown - asked);
    browser.quit().await
}
