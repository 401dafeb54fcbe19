//! A hospital that swaps a member's key for one of its own: in a study for the invited every tab that is told of it
//! refuses by itself; in an open one the words on the tabs differ, and people notice.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Invitations, Meddler, TestStudy};

use crate::round::address;

#[tokio::test]
async fn with_invitations_every_tab_refuses_by_itself() -> Result<()> {
    let invited = Invitations::to(TestStudy::of("pain", 3).x25519(), 1)?;
    let hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let meddler = Meddler::before(&hospital).await?;
    let browser = Browser::chromium().await?;
    let mut tabs = Vec::new();
    for serial in 1..=3 {
        let tab = browser.new_tab().await?;
        tab.open_question(&invited.link(&meddler.origin(), serial)?).await?;
        tab.answer(4).await?;
        tabs.push(tab);
    }
    for tab in &tabs {
        let notice = tab.failure().await?;
        assert_eq!(notice.code, "committee");
        for text in ["was not invited", "Nobody has seen your answer"] {
            assert!(notice.text.contains(text), "{}", notice.text);
        }
        assert_eq!(tab.left().await?.shares, 0, "nothing of the answer was sent");
        assert!(!tab.has("#words-match").await? && !tab.has("#try-again").await?);
    }
    assert_eq!(meddler.swapped(), 3, "each was told once, and none asks again");
    tabs[0].screenshots("swapped-key-invited").await?;
    let study = hospital.study("pain").await?;
    assert_eq!(study["contributed"], 0);
    browser.quit().await
}

#[tokio::test]
async fn without_invitations_the_words_differ() -> Result<()> {
    let study = TestStudy::of("pain", 3);
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let meddler = Meddler::before(&hospital).await?;
    let browser = Browser::chromium().await?;
    let mut tabs = Vec::new();
    for origin in [meddler.origin(), hospital.origin(), hospital.origin()] {
        let tab = browser.new_tab().await?;
        tab.open_question(&address(&origin, &study)).await?;
        tab.answer_and_compare(4).await?;
        tabs.push(tab);
    }
    let mut words = Vec::new();
    for (number, tab) in tabs.iter().enumerate() {
        words.push(tab.words().await?);
        tab.screenshots(&format!("swapped-key-open-tab-{}", number + 1)).await?;
    }
    assert_eq!(meddler.swapped(), 1);
    assert_eq!(words[1], words[2], "two are told the truth");
    assert_ne!(words[0], words[1]);
    let same = words[0].iter().zip(&words[1]).filter(|(one, other)| one == other).count();
    assert!(same <= 2, "another committee has other words altogether: {words:?}");
    // Nobody has sent anything yet, and whoever says so sends nothing.
    for tab in &tabs {
        assert_eq!(tab.left().await?.shares, 0);
    }
    tabs[0].click("#words-differ").await?;
    assert_eq!(tabs[0].failure().await?.code, "words-differ");
    for tab in &tabs[1..] {
        tab.until_there("#disputed:not([hidden])").await?;
    }
    browser.quit().await
}
