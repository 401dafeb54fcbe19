//! The page, the hospital that serves it and the command for it tell the same fingerprint.

use std::fs;
use std::process::Command;

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy, settings};
use wardsum_hospital::built_page::Fingerprint;

#[tokio::test]
async fn page_and_hospital_show_the_same() -> Result<()> {
    let page = settings::page()?;
    let fingerprint = Fingerprint::of(&fs::read(page.join("index.html"))?).to_string();

    let output =
        Command::new(settings::hospital()?).arg("page").arg("--page").arg(&page).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the built page is not whole: {problem}");
    let researchers = Fingerprint::of(&fs::read(page.join("researcher/index.html"))?);
    let expected = format!(
        "fingerprint of the researcher's page: {researchers}\nfingerprint: {fingerprint}\n"
    );
    assert_eq!(said, expected);

    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    hospital.says(&fingerprint).await?;
    assert!(!hospital.output().contains("is not as it was built"), "{}", hospital.output());

    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    // What stands behind the path is not a part of the page.
    tab.open_question(&format!("{}/?study=pain#main", hospital.origin())).await?;
    tab.until_there(".colophon #about:not([hidden])").await?;
    tab.click("#about summary").await?;
    assert_eq!(tab.text("#fingerprint").await?, fingerprint);
    tab.screenshots("fingerprint").await?;
    browser.quit().await
}
