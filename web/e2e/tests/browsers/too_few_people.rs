//! A round that too few people join ends at its deadline, with the numbers.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

#[tokio::test]
async fn the_reason_has_numbers() -> Result<()> {
    let study = TestStudy {
        people: None,
        // Long enough for a slow machine to open two tabs.
        deadline_seconds: Some(12.0),
        ..TestStudy::of("pain", 3)
    };
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tabs = browser.tabs(2, &hospital.origin()).await?;
    let [answered, onlooker] = &tabs[..] else { unreachable!("there are two tabs") };
    onlooker.until_state("asking").await?;
    answered.until_state("asking").await?;
    answered.answer(5).await?;
    answered.until_there("[data-testid=countdown]").await?;
    let countdown = answered.text("[data-testid=countdown]").await?;
    assert!(countdown.starts_with("Enrolment closes"), "{countdown}");

    answered.until_state("failed").await?;
    let notice = answered.failure().await?;
    assert_eq!(notice.code, "round-ended");
    for text in [
        "The round ended without a result",
        "Too few people came: 1 of at least 3",
        "nothing is revealed",
        "Nothing of your answer has left this device",
    ] {
        assert!(notice.text.contains(text), "“{text}” is not in: {}", notice.text);
    }
    answered.until_stage("waiting", "failed").await?;
    assert!(!answered.warns_before_leaving().await?);

    // Whoever has only looked has not failed.
    onlooker.until_state("too-late").await?;
    let code = onlooker.attribute("[data-testid=too-late]", "data-code").await?;
    assert_eq!(code.as_deref(), Some("round-ended"));
    let told = onlooker.text("[data-testid=too-late]").await?;
    for text in [
        "The round ended without a result",
        "Too few people came: 1 of at least 3",
        "Nothing has been sent from this tab",
        "A new round may open soon",
    ] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    assert!(!onlooker.has("#next-round").await?, "there is no other round");
    onlooker.screenshots("round-ended-for-an-onlooker").await?;
    hospital.says("Ended without a result: too few people took part: 1 of at least 3").await?;
    let json = hospital.study("pain").await?;
    assert_eq!((&json["phase"], &json["result"]), (&"ended".into(), &serde_json::Value::Null));
    browser.quit().await
}
