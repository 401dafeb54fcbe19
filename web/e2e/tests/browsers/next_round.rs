//! When a round is published the next one opens, and the same tab can take part as a new patient.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

#[tokio::test]
async fn the_page_leads_into_it() -> Result<()> {
    let study = TestStudy { reopen: true, ..TestStudy::of("pain", 3).x25519() };
    let hospital = Hospital::start(&[study]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    for (round, answers) in [(1, [3, 4, 5]), (2, [10, 0, 10])] {
        tab.answer(answers[0]).await?;
        hospital.native_rounds("pain", &[answers[1], answers[2]]).await?;
        let sum: i128 = answers.iter().sum();
        assert_eq!(tab.result().await?.sum, sum.to_string(), "round {round}");
        hospital.says(&format!("Published: sum {sum} over 3 answers")).await?;
        if round == 2 {
            // A page that is loaded again leads into it, too.
            tab.reload().await?;
            assert_eq!(tab.result().await?.sum, sum.to_string());
        }
        tab.click("#next-round").await?;
        tab.until_state("asking").await?;
        assert!(!tab.has("#result").await?, "the old result is gone");
    }
    let json = hospital.study("pain").await?;
    assert_eq!((&json["round"], &json["previous"][0]["sum"]), (&3.into(), &"12".into()));
    browser.quit().await
}
