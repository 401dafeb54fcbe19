//! A round without a mouse, and what a screen reader is told.

use std::fs;

use anyhow::{Result, bail, ensure};
use thirtyfour::Key;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

/// No page has as many places to stop at.
const STOPS_MAX: usize = 30;

#[tokio::test]
async fn tab_and_enter_are_enough() -> Result<()> {
    // More answers than a scale offers, so that the field is the only way.
    let hospital = Hospital::start(&[TestStudy::of("steps", 3).range(0, 50_000)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.watch_stages().await?;

    press_tab_until(&tab, "answer").await?;
    // A mistake is told where the focus is.
    tab.press(Key::Enter).await?;
    tab.until_there("#answer-problem").await?;
    until_focus(&tab, "answer").await?;
    tab.press("12000").await?;
    press_tab_until(&tab, "take-part").await?;
    tab.press(Key::Enter).await?;
    tab.until_state("confirming").await?;
    until_focus(&tab, "review-title").await?;
    press_tab_until(&tab, "send").await?;
    tab.press(Key::Enter).await?;
    tab.until_state("running").await?;
    until_focus(&tab, "stages-title").await?;

    let others = hospital.native_rounds("steps", &[1, 2]);
    let words = async {
        tab.words().await?;
        until_focus(&tab, "words-title").await?;
        press_tab_until(&tab, "words-match").await?;
        tab.press(Key::Enter).await?;
        until_focus(&tab, "stages-title").await
    };
    let (others, words) = tokio::join!(others, words);
    others?;
    words?;
    assert_eq!(tab.result().await?.sum, "12003");
    until_focus(&tab, "result-title").await?;

    let said = tab.announcements().await?;
    assert!(said.len() >= 3, "the live region said only {said:?}");
    assert!(said[0].contains("At least 3 people are needed"), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("The sum is 12,003 points, from 3 people."));
    let live = "#live[role=status][aria-live=polite]";
    assert!(tab.has(live).await?);
    browser.quit().await
}

#[tokio::test]
async fn a_scale_is_answered_with_the_arrow_keys() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    press_tab_until(&tab, "scale").await?;
    tab.press(Key::Space).await?;
    tab.press(Key::Right + Key::Right).await?;
    let chosen = "return document.querySelector('input[name=scale]:checked')?.value === '2';";
    tab.until("the third number of the scale to be chosen", chosen, &[]).await?;
    let field = tab.run("return document.getElementById('answer').value;", vec![]).await?;
    assert_eq!(field, "2", "the field follows the scale");
    tab.press(Key::Enter).await?;
    tab.until_state("confirming").await?;
    let value = tab.attribute("[data-testid=confirm-value]", "data-value").await?;
    assert_eq!(value.as_deref(), Some("2"));
    browser.quit().await
}

#[tokio::test]
async fn words_that_differ_are_said_with_the_keyboard() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.answer_and_compare(3).await?;
    let others = hospital.native_rounds("pain", &[1, 2]);
    let differ = async {
        tab.words().await?;
        press_tab_until(&tab, "words-differ").await?;
        tab.press(Key::Enter).await?;
        tab.until_state("failed").await?;
        until_focus(&tab, "failure-title").await
    };
    let (others, differ) = tokio::join!(others, differ);
    differ?;
    ensure!(others.is_err(), "without this member the others have no result");
    assert_eq!(tab.failure().await?.code, "words-differ");
    browser.quit().await
}

#[tokio::test]
async fn a_round_is_left_and_a_receipt_saved_with_the_keyboard() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3), TestStudy::of("sleep", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&format!("{}/?study=sleep", hospital.origin())).await?;
    tab.answer(3).await?;
    press_tab_until(&tab, "leave-round").await?;
    tab.press(Key::Enter).await?;
    press_tab_until(&tab, "leave-now").await?;
    tab.press(Key::Enter).await?;
    tab.until_state("failed").await?;
    until_focus(&tab, "failure-title").await?;

    tab.open_question(&format!("{}/?study=pain", hospital.origin())).await?;
    tab.answer(3).await?;
    hospital.native_rounds("pain", &[1, 2]).await?;
    tab.result().await?;
    let receipt = tab
        .download_by("#download-receipt", async || {
            press_tab_until(&tab, "download-receipt").await?;
            tab.press(Key::Enter).await
        })
        .await?;
    assert!(fs::read_to_string(receipt)?.contains("answer: counted"));
    browser.quit().await
}

/// What shows where the focus is: an outline of the element, or of the label around it.
const SHOWS_FOCUS: &str = "
    const stop = document.activeElement.closest('label') ?? document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(stop);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;";

async fn press_tab_until(tab: &Tab, focused: &str) -> Result<()> {
    let mut stops = Vec::new();
    while stops.len() < STOPS_MAX {
        let now = tab.focused().await?;
        // Headings and the page itself take the focus from scripts; what is reached with the key shows it.
        if !stops.is_empty() {
            ensure!(tab.run(SHOWS_FOCUS, vec![]).await? == true, "{now} does not show its focus");
        }
        if now == focused {
            return Ok(());
        }
        stops.push(now);
        tab.press(Key::Tab).await?;
    }
    bail!("the Tab key stops at {stops:?} and never at {focused}")
}

async fn until_focus(tab: &Tab, focused: &str) -> Result<()> {
    let script = "return document.activeElement.id === arguments[0];";
    tab.until(&format!("the focus on {focused}"), script, &[focused.into()]).await?;
    Ok(())
}
