//! What is not an answer is named, and nothing is sent.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

/// What is typed, the code of what is wrong with it, and what the page says.
const NOT_ANSWERS: [(&str, &str, &str); 8] = [
    ("", "empty", "Please enter a number from 0 to 10."),
    ("   ", "empty", "Please enter a number from 0 to 10."),
    ("seven", "not-whole", "a whole number from 0 to 10"),
    ("3.5", "not-whole", "without a decimal point"),
    ("3,5", "not-whole", "without a decimal point or commas"),
    ("11", "out-of-range", "outside of the range"),
    ("-1", "out-of-range", "from 0 to 10"),
    ("340282366920938463463374607431768211467", "out-of-range", "outside of the range"),
];

#[tokio::test]
async fn each_is_named_and_nothing_is_sent() -> Result<()> {
    let study = TestStudy::of("pain", 3);
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;

    for (typed, code, text) in NOT_ANSWERS {
        refuses(&tab, typed, code, text).await?;
    }
    assert_eq!(hospital.study("pain").await?["enrolled"], 0);

    // The message goes when the answer is mended, and the answer is shown once more before it is sent.
    tab.fill("#answer", "7").await?;
    assert!(!tab.has("#answer-problem").await?);
    assert_eq!(tab.attribute("#answer", "aria-invalid").await?.as_deref(), Some("false"));
    tab.propose("7").await?;
    assert_eq!(
        hospital.study("pain").await?["enrolled"],
        0,
        "nothing is sent before it is confirmed"
    );
    tab.click("#change").await?;
    tab.until_state("asking").await?;
    browser.quit().await
}

async fn refuses(tab: &Tab, typed: &str, code: &str, text: &str) -> Result<()> {
    tab.fill("#answer", typed).await?;
    tab.click("#take-part").await?;
    tab.until_there(&format!("#answer-problem[data-code={code}]")).await?;
    let said = tab.text("#answer-problem").await?;
    assert!(said.contains(text), "“{typed}”: the page says “{said}”");
    assert_eq!(
        tab.attribute("#answer", "aria-invalid").await?.as_deref(),
        Some("true"),
        "“{typed}”"
    );
    let described = tab.attribute("#answer", "aria-describedby").await?.unwrap_or_default();
    assert!(described.contains("answer-problem"), "“{typed}”: described by {described}");
    assert_eq!(tab.state().await?, "asking", "“{typed}”");
    tab.until("the focus on the field", "return document.activeElement.id === 'answer';", &[])
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_second_answer_is_impossible() -> Result<()> {
    let study = TestStudy::of("pain", 3).x25519();
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.propose("4").await?;
    // As often as somebody in a hurry may click.
    tab.run(
        "const send = document.getElementById('send'); send.click(); send.click(); send.click();",
        vec![],
    )
    .await?;
    tab.until_state("running").await?;
    for selector in ["#answer", "#take-part", "#send", "#change", "input"] {
        assert!(!tab.has(selector).await?, "there is still {selector}");
    }
    tab.until_stage("waiting", "current").await?;
    hospital.until_study("pain", "one enrolment", |study| study["enrolled"] == 1).await?;
    tab.agree().await?;

    hospital.native_rounds("pain", &[5, 6]).await?;
    let result = tab.result().await?;
    assert_eq!((result.sum.as_str(), result.count.as_str()), ("15", "3"));
    for selector in ["#answer", "#take-part", "#send"] {
        assert!(!tab.has(selector).await?, "there is {selector} again");
    }
    browser.quit().await
}
