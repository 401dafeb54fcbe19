//! Researchers sign in with a token that is accepted, and are told what is wrong with any other; a viewer changes
//! nothing; a revoked token ends what it has opened.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

#[tokio::test]
async fn only_a_token_of_the_hospital_opens_the_page() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let token = hospital.researcher("anna", "editor")?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_dashboard(&hospital).await?;

    tab.click("#sign-in").await?;
    tab.until_there("#sign-in-problem[data-code=empty]").await?;
    tab.sign_in("wardsum-researcher-that-is-none").await?;
    tab.until_there("#sign-in-problem[data-code=refused]").await?;
    assert_eq!(tab.focused().await?, "token", "it can be typed again at once");

    tab.sign_in(&token).await?;
    tab.until_there("#app[data-state=signed-in] [data-testid=study][data-study=pain]").await?;
    assert_eq!(tab.attribute("#whoami", "data-role").await?.as_deref(), Some("editor"));
    let kept =
        "return JSON.stringify([localStorage, sessionStorage, document.cookie, location.href]);";
    let kept = tab.run(kept, Vec::new()).await?.to_string();
    assert!(!kept.contains(&token), "the token is kept: {kept}");

    tab.click("#sign-out").await?;
    tab.until_there("#app[data-state=signed-out] #token").await?;
    browser.quit().await
}

#[tokio::test]
async fn a_viewer_is_offered_no_change() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let token = hospital.researcher("otto", "viewer")?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_dashboard(&hospital).await?;
    tab.sign_in(&token).await?;
    tab.click("[data-testid=study][data-study=pain] a").await?;
    tab.until_there("#live-phase[data-phase=enrolling]").await?;
    tab.until_there("#live-connection[data-state=open]").await?;
    assert_eq!(tab.attribute("#whoami", "data-role").await?.as_deref(), Some("viewer"));
    for button in ["#end-round", "#close-enrolment", "#close-study", "nav a[href='#/new']"] {
        assert!(!tab.has(button).await?, "{button} is offered to a viewer");
    }

    hospital.revoke_researcher("otto")?;
    tab.until_there("#app[data-state=signed-out] [data-testid=signed-out]").await?;
    tab.sign_in(&token).await?;
    tab.until_there("#sign-in-problem[data-code=refused]").await?;
    assert!(tab.text("#sign-in-problem").await?.contains("revoked"));
    browser.quit().await
}
