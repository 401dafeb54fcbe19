//! A hospital that disappears in the middle of a round is waited for, and the page says what is safe meanwhile.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::{address, figures_of};

#[tokio::test]
async fn the_page_says_what_is_safe_and_goes_on_when_it_is_back() -> Result<()> {
    let reading = TestStudy::of("reading", 3).x25519();
    let waiting = TestStudy::of("waiting", 3).x25519();
    let sending = TestStudy::of("sending", 3).x25519();
    let studies = [reading.clone(), waiting.clone(), sending.clone()];
    let mut hospital = Hospital::start(&studies).await?;
    let browser = Browser::chromium().await?;
    let origin = hospital.origin();
    let [asked] = &browser.tabs(1, &address(&origin, &reading)).await?[..] else { unreachable!() };
    asked.until_state("asking").await?;
    let [enrolled] = &browser.tabs(1, &address(&origin, &waiting)).await?[..] else {
        unreachable!()
    };
    enrolled.until_state("asking").await?;
    enrolled.answer(5).await?;
    enrolled.until_stage("waiting", "current").await?;
    let stored = browser.tabs(2, &address(&origin, &sending)).await?;
    for tab in &stored {
        tab.until_state("asking").await?;
        tab.answer(5).await?;
    }
    // Its third member enrols and then sleeps, so that the round stops before it is complete.
    let mut sleeper = hospital.native_patient("sending").await?;
    sleeper.answer_number(1).await?;
    for tab in &stored {
        tab.until_stage("sent", "done").await?;
        assert_eq!(tab.left().await?.shares, 3);
    }

    hospital.kill()?;
    says(asked, "asking", "Nothing has been sent").await?;
    says(enrolled, "running", "written down on this device").await?;
    for tab in &stored {
        says(tab, "running", "The hospital has your encrypted answer").await?;
        assert!(!tab.has("#failure").await?);
    }
    stored[0].screenshots("connection-lost").await?;
    // Once, and without the seconds.
    let said = stored[0].announcements().await?;
    let lost = said.iter().filter(|said| said.contains("connection to the hospital is lost"));
    assert_eq!(lost.count(), 1, "{said:?}");

    hospital.start_again().await?;
    for tab in [asked, enrolled, &stored[0], &stored[1]] {
        tab.until_connected().await?;
    }
    asked.answer(4).await?;
    asked.until_stage("waiting", "current").await?;
    let others = async {
        while sleeper.next_event().await.is_some() {}
        anyhow::Ok(())
    };
    let results = async {
        for tab in &stored {
            assert_eq!(tab.result().await?, figures_of(&[5, 5, 1]));
        }
        anyhow::Ok(())
    };
    let (others, results) = tokio::join!(others, results);
    others?;
    results?;
    browser.quit().await
}

async fn says(tab: &Tab, state: &str, safe: &str) -> Result<()> {
    let told = tab.until_cut_off().await?;
    for text in ["connection to the hospital is lost", "Trying again", safe] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    assert_eq!(tab.state().await?, state);
    Ok(())
}
