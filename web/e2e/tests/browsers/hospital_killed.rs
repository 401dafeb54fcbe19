//! The hospital is killed and started again in every stage, and the round still publishes the exact sum.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::{address, figures_of};

async fn killed_and_back(hospital: &mut Hospital, tabs: &[Tab]) -> Result<()> {
    hospital.kill()?;
    for tab in tabs {
        tab.until_cut_off().await?;
    }
    hospital.start_again().await?;
    for tab in tabs {
        tab.until_connected().await?;
    }
    Ok(())
}

#[tokio::test]
async fn in_every_stage() -> Result<()> {
    // Four members, three of whom are enough.
    let study = TestStudy::of("pain", 4).x25519();
    let mut hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tabs = browser.tabs(3, &address(&hospital.origin(), &study)).await?;
    for tab in &tabs {
        tab.until_state("asking").await?;
    }
    killed_and_back(&mut hospital, &tabs).await?;

    for (answer, tab) in (2..).zip(&tabs) {
        tab.answer(answer).await?;
        tab.until_stage("waiting", "current").await?;
    }
    killed_and_back(&mut hospital, &tabs).await?;

    // The last member enrols and then sleeps, so that contributing stays open.
    let mut sleeper = hospital.native_patient("pain").await?;
    sleeper.answer(10).await?;
    for tab in &tabs {
        tab.until_stage("sent", "done").await?;
    }
    killed_and_back(&mut hospital, &tabs).await?;

    let others = async {
        while sleeper.next_event().await.is_some() {}
        anyhow::Ok(())
    };
    let results = async {
        for tab in &tabs {
            assert_eq!(tab.result().await?, figures_of(&[2, 3, 4, 10]));
        }
        anyhow::Ok(())
    };
    let (others, results) = tokio::join!(others, results);
    others?;
    results?;
    browser.quit().await
}
