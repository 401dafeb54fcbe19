//! The page speaks the browser's language, or the one that is chosen, without losing what was done; and all of it does.

use anyhow::{Result, ensure};
use thirtyfour::Key;
use wardsum_e2e::{
    Browser, Hospital, Launch, PageCopy, PageHost, Tab, TestStudy, Viewport, settings,
};

use crate::small_screens::STICKS_OUT;
use crate::views;

const ENGLISH: &str = include_str!("../../../languages/en.txt");
const DANISH: &str = include_str!("../../../languages/da.txt");
const GERMAN: &str = include_str!("../../../languages/de.txt");

/// English in `index.html`, which each language has in its place.
const OF_INDEX: [&str; 2] = ["About this page", "That is a short name for every byte of the page"];

async fn reading(languages: &'static str) -> Result<Browser> {
    Browser::chromium_with(Launch { languages: Some(languages), ..Launch::default() }).await
}

async fn until_spoken(tab: &Tab, language: &str) -> Result<()> {
    tab.until_there(&format!("html[lang={language}]")).await?;
    tab.until_there(&format!("#language button[lang={language}][aria-pressed=true]")).await
}

#[tokio::test]
async fn a_danish_browser_is_spoken_to_in_danish() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("steps", 3).range(0, 50_000)]).await?;
    let browser = reading("sv,da-DK,en").await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    until_spoken(&tab, "da").await?;
    let page = tab.text("#main").await?;
    for text in ["Før du svarer", "Et helt tal fra 0 til 50.000 (points)", "Deltag"] {
        assert!(page.contains(text), "“{text}” is not on the page:\n{page}");
    }
    browser.quit().await
}

#[tokio::test]
async fn a_language_is_chosen_in_the_middle_of_a_visit_and_remembered() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("steps", 3).range(0, 50_000)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    until_spoken(&tab, "en").await?;
    tab.fill("#answer", "12000").await?;
    tab.click("#language button[lang=de]").await?;
    until_spoken(&tab, "de").await?;
    tab.until(
        "German",
        "return document.getElementById('main').innerText.includes('Bevor Sie antworten');",
        &[],
    )
    .await?;
    let typed = tab.run("return document.getElementById('answer').value;", vec![]).await?;
    assert_eq!(typed, "12000", "what was typed is there still");
    let focused = tab.run("return document.activeElement.lang;", vec![]).await?;
    assert_eq!(focused, "de", "the focus stays where it was");
    assert!(tab.text("#answer-hint").await?.contains("von 0 bis 50.000"));
    tab.screenshots("german-question").await?;

    tab.reload().await?;
    tab.until_state("asking").await?;
    until_spoken(&tab, "de").await?;
    tab.answer_and_compare(12_000).await?;
    tab.until_stage("waiting", "current").await?;
    // The connection, the answer and the keys are none of the language's business.
    tab.click("#language button[lang=da]").await?;
    until_spoken(&tab, "da").await?;
    tab.until_stage("waiting", "current").await?;
    let others = hospital.native_rounds("steps", &[1, 2]);
    let compare = async {
        let words = tab.words().await?;
        tab.click("#language button[lang=de]").await?;
        until_spoken(&tab, "de").await?;
        ensure!(tab.words().await? == words, "the words are English in every language");
        tab.click("#words-match").await
    };
    let (others, compare) = tokio::join!(others, compare);
    others?;
    compare?;
    assert_eq!(tab.result().await?.sum, "12003");
    let told = tab.text("#result").await?;
    assert!(
        told.contains("Summe") && told.contains("12.003") && told.contains("4.001,00"),
        "{told}"
    );
    tab.screenshots("german-result").await?;
    tab.click("#language button[lang=en]").await?;
    until_spoken(&tab, "en").await?;
    tab.until(
        "English",
        "return document.getElementById('result').innerText.includes('4,001.00');",
        &[],
    )
    .await?;
    browser.quit().await
}

#[tokio::test]
async fn a_language_is_chosen_with_the_keyboard() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    // The skip link, then the three languages.
    tab.press(Key::Tab + Key::Tab + Key::Tab).await?;
    let focused = tab.run("return document.activeElement.lang;", vec![]).await?;
    assert_eq!(focused, "da");
    tab.press(Key::Enter).await?;
    until_spoken(&tab, "da").await?;
    browser.quit().await
}

#[tokio::test]
async fn a_language_that_cannot_be_had_is_english_instead() -> Result<()> {
    let page = PageCopy::of_built()?;
    page.remove(("da-", ".txt"))?;
    let host = PageHost::open().await?;
    host.show(&page.path())?;
    let browser = reading("da").await?;
    let tab = browser.first_tab().await?;
    tab.open(&host.origin()).await?;
    // There is no hospital here.
    tab.until_state("unreachable").await?;
    until_spoken(&tab, "en").await?;
    tab.click("#language button[lang=da]").await?;
    tab.until_there("#language-failed:not([hidden])").await?;
    assert_eq!(tab.text("#language-failed").await?, sentence(ENGLISH, "language_failed"));
    until_spoken(&tab, "en").await?;
    host.show(&settings::page()?)?;
    tab.click("#language button[lang=da]").await?;
    until_spoken(&tab, "da").await?;
    assert!(!tab.has("#language-failed:not([hidden])").await?, "it was loaded in the end");
    browser.quit().await
}

#[tokio::test]
async fn all_of_a_visit_is_danish() -> Result<()> {
    let browser = reading("da").await?;
    let look = async |tab: &Tab, view: &str| is_translated(tab, view, "da", DANISH).await;
    views::of_a_visit(&browser, look).await?;
    browser.quit().await
}

#[tokio::test]
async fn all_of_a_visit_is_german() -> Result<()> {
    let browser = reading("de").await?;
    let look = async |tab: &Tab, view: &str| is_translated(tab, view, "de", GERMAN).await;
    views::of_a_visit(&browser, look).await?;
    browser.quit().await
}

#[tokio::test]
async fn what_is_said_instead_of_a_question_is_translated() -> Result<()> {
    for (language, file) in [("da", DANISH), ("de", GERMAN)] {
        let browser = reading(language).await?;
        let look = async |tab: &Tab, view: &str| is_translated(tab, view, language, file).await;
        views::without_a_question(&browser, look).await?;
        browser.quit().await?;
    }
    Ok(())
}

/// No English sentence is left, neither to be seen nor to be heard, and nothing sticks out of a narrow screen.
async fn is_translated(tab: &Tab, view: &str, language: &str, file: &str) -> Result<()> {
    until_spoken(tab, language).await?;
    let script = "
        const labels = [...document.querySelectorAll('[aria-label], [title], [alt], [placeholder]')];
        const told = labels.flatMap((e) => ['aria-label', 'title', 'alt', 'placeholder'].map((a) => e.getAttribute(a)));
        return [document.title, document.body.innerText, document.getElementById('live')?.textContent, ...told].join('\\n');";
    let page = tab.run(script, vec![]).await?.as_str().unwrap_or_default().to_owned();
    let english = ENGLISH.lines().filter_map(|line| line.split_once(" = ")).map(|(_, text)| text);
    let said = english.flat_map(pieces).chain(OF_INDEX);
    // Single words, such as “now”, stand within those of other languages.
    let telling = said.filter(|piece| piece.len() > 11 && piece.contains(' '));
    let left: Vec<_> = telling.filter(|piece| page.contains(piece)).collect();
    assert!(left.is_empty(), "{view} in {language} still says {left:?}:\n{page}");
    // What would be found in the page if nothing at all was shown.
    let own =
        file.lines().filter_map(|line| line.split_once(" = ")).flat_map(|(_, text)| pieces(text));
    let own = own.filter(|piece| piece.len() > 11 && page.contains(piece)).count();
    assert!(own > 3, "{view} in {language} says next to nothing:\n{page}");

    tab.show_on(Viewport { name: "narrow", width: 320, height: 640 }).await?;
    tab.screenshot(&format!("{language}-{}-320", view.replace(' ', "-"))).await?;
    for percent in [100, 200] {
        tab.run(
            "document.documentElement.style.fontSize = arguments[0] + '%';",
            vec![percent.into()],
        )
        .await?;
        let out = tab.run(STICKS_OUT, vec![]).await?;
        assert_eq!(out, "", "{view} in {language}, text at {percent} %");
    }
    tab.run("document.documentElement.style.fontSize = '';", vec![]).await?;
    tab.show_on(Viewport::DESKTOP).await
}

/// What stands in a sentence between its placeholders.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(['{', '}']).step_by(2).map(str::trim)
}

fn sentence<'a>(file: &'a str, key: &str) -> &'a str {
    let mut found = file.lines().filter_map(|line| line.split_once(" = "));
    found.find(|(name, _)| *name == key).map_or("", |(_, text)| text)
}
