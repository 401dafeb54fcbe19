//! A whole round in tabs, and everything that is to be seen of it.

use anyhow::{Context, Result};
use wardsum_e2e::{Browser, Figures, Hospital, StageChange, Tab, TestStudy};

/// The stages that a committee member goes through, in this order.
const STAGES: [&str; 9] = [
    "connected",
    "waiting",
    "committee",
    "words",
    "sent",
    "shares",
    "checked",
    "partial",
    "result",
];

/// The address of a study's page.
pub(crate) fn address(origin: &str, study: &TestStudy) -> String {
    format!("{origin}/?study={}", study.id)
}

/// What a page shall show for these answers.
pub(crate) fn figures_of(answers: &[i128]) -> Figures {
    let sum: i128 = answers.iter().sum();
    let count = i128::try_from(answers.len()).expect("a handful");
    // To two decimals, halves away from zero, in whole numbers only.
    let hundredths = (2 * 100 * sum.abs() + count) / (2 * count);
    let sign = if sum < 0 && hundredths > 0 { "-" } else { "" };
    Figures {
        sum: sum.to_string(),
        mean: format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100),
        count: count.to_string(),
    }
}

/// Every answer in a tab of its own; everybody is on the committee. Checks what each tab, the terminal and the API say.
pub(crate) async fn in_tabs(
    browser: &Browser,
    hospital: &Hospital,
    origin: &str,
    study: &TestStudy,
    answers: &[i128],
) -> Result<Vec<Tab>> {
    let tabs = browser.tabs(answers.len(), &address(origin, study)).await?;
    for (tab, answer) in tabs.iter().zip(answers) {
        tab.until_state("asking").await?;
        says_what_is_asked(tab, study).await?;
        tab.answer(*answer).await?;
    }
    for (number, tab) in tabs.iter().enumerate() {
        let context = || format!("in tab {} of {}", number + 1, tabs.len());
        sees_the_whole_round(tab, answers).await.with_context(context)?;
    }
    is_published(hospital, study, answers).await?;
    Ok(tabs)
}

async fn says_what_is_asked(tab: &Tab, study: &TestStudy) -> Result<()> {
    let page = tab.text("#main").await?;
    let range = format!("from {} to {}", study.min, study.max);
    for text in [
        &study.title,
        &study.question(),
        &range,
        "points",
        "St. Example's Hospital",
        "Who learns what",
        "Nobody is shown your answer",
        "At least 3 people",
    ] {
        assert!(page.contains(text), "“{text}” is not on the page:\n{page}");
    }
    Ok(())
}

/// Checks the result, the way there, and the statement of what left the device.
pub(crate) async fn sees_the_whole_round(tab: &Tab, answers: &[i128]) -> Result<()> {
    assert_eq!(tab.result().await?, figures_of(answers));
    went_through_all_stages(&tab.stage_changes().await?);

    let left = tab.left().await?;
    assert_eq!(left.shares, answers.len() as u64, "one share for each member");
    assert_eq!(left.partials, 1);
    assert!(left.bytes > 0);
    let statement = tab.text("#disclosure").await?;
    for text in
        ["What left this device", "Did not leave", "Your answer", "The secret keys of this tab"]
    {
        assert!(statement.contains(text), "“{text}” is not in the statement:\n{statement}");
    }
    let checked = tab.text("[data-testid=result-checked]").await?;
    let own = format!("Your answer is one of the {}, and is counted once.", answers.len());
    assert!(checked.contains(&own), "{checked}");
    Ok(())
}

/// Every stage is reached, each after the one before it, and none goes back.
fn went_through_all_stages(changes: &[StageChange]) {
    let at = |stage: &str, state: &str| {
        changes.iter().position(|change| change.stage == stage && change.state == state)
    };
    let done: Vec<_> = STAGES
        .iter()
        .map(|stage| {
            at(stage, "done").unwrap_or_else(|| panic!("{stage} was never done: {changes:?}"))
        })
        .collect();
    assert!(done.is_sorted(), "the stages are done in another order: {changes:?}");
    let rank = |state: &str| {
        ["pending", "current", "done"]
            .iter()
            .position(|known| *known == state)
            .unwrap_or_else(|| panic!("a member's stage is {state}: {changes:?}"))
    };
    for stage in STAGES {
        let ranks: Vec<_> = changes
            .iter()
            .filter(|change| change.stage == stage)
            .map(|change| rank(&change.state))
            .collect();
        assert!(ranks.is_sorted(), "{stage} went back: {changes:?}");
    }
    // What follows may come so fast that only its end is seen; for the others everybody has to wait.
    assert!(at("waiting", "current").is_some(), "waiting was never going on: {changes:?}");
}

/// Checks what is said at the hospital's terminal and at its status API.
pub(crate) async fn is_published(
    hospital: &Hospital,
    study: &TestStudy,
    answers: &[i128],
) -> Result<()> {
    let figures = figures_of(answers);
    let line = hospital.says(&format!("(study \"{}\", round 1)", study.id)).await?;
    let published = format!(
        "Published: sum {} over {} answers, mean {} (study \"{}\", round 1)",
        figures.sum, figures.count, figures.mean, study.id
    );
    assert_eq!(line, published);

    let json = hospital.study(&study.id).await?;
    assert_eq!(json["phase"], "published");
    assert_eq!(json["result"]["sum"], figures.sum);
    assert_eq!(json["result"]["count"].to_string(), figures.count);
    let mean = json["result"]["mean"].as_f64().context("the mean is a number")?;
    assert_eq!(format!("{mean:.2}"), figures.mean);
    Ok(())
}
