//! Two studies at once, with tabs in both: neither disturbs the other.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::{address, is_published, sees_the_whole_round};

#[tokio::test]
async fn each_has_its_own_sum() -> Result<()> {
    let pain = TestStudy::of("pain", 3);
    let debts = TestStudy::of("debts", 4).x25519().range(-1_000_000, 0);
    let hospital = Hospital::start(&[pain.clone(), debts.clone()]).await?;
    let browser = Browser::chromium().await?;
    let pains = browser.tabs(3, &address(&hospital.origin(), &pain)).await?;
    let all_debts = browser.tabs(4, &address(&hospital.origin(), &debts)).await?;
    let (one, other): ([i128; 3], [i128; 4]) = ([1, 1, 9], [-5, 0, -1_000_000, -77]);

    // Turn by turn, so that both rounds are under way at the same time.
    for turn in 0..4 {
        for (tabs, answers) in [(&pains, &one[..]), (&all_debts, &other[..])] {
            if let (Some(tab), Some(answer)) = (tabs.get(turn), answers.get(turn)) {
                tab.until_state("asking").await?;
                tab.answer(*answer).await?;
            }
        }
    }
    for tab in &pains {
        sees_the_whole_round(tab, &one).await?;
    }
    for tab in &all_debts {
        sees_the_whole_round(tab, &other).await?;
    }
    is_published(&hospital, &pain, &one).await?;
    is_published(&hospital, &debts, &other).await?;
    browser.quit().await
}
