//! A tab that is closed after it has contributed still counts.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::{address, figures_of};

#[tokio::test]
async fn the_sum_includes_it() -> Result<()> {
    // Seven members, five of whom are enough.
    let study = TestStudy::of("pain", 7).x25519();
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let mut tabs = browser.tabs(6, &address(&hospital.origin(), &study)).await?;
    for (answer, tab) in (1..).zip(&tabs) {
        tab.until_state("asking").await?;
        tab.answer(answer).await?;
    }
    // The last member enrols and then sleeps, so that contributing stays open.
    let mut sleeper = hospital.native_patient("pain").await?;
    sleeper.answer_number(10).await?;
    for tab in &tabs {
        tab.until_stage("sent", "done").await?;
    }
    tabs.remove(0).close().await?;

    let others = async {
        while sleeper.next_event().await.is_some() {}
        anyhow::Ok(())
    };
    let results = async {
        for tab in &tabs {
            assert_eq!(tab.result().await?, figures_of(&[1, 2, 3, 4, 5, 6, 10]));
        }
        anyhow::Ok(())
    };
    let (others, results) = tokio::join!(others, results);
    others?;
    results?;
    browser.quit().await
}
