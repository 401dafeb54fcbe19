//! Receipts: a visitor who leaves at once has one, and a member who has seen the result; the record of the round fits
//! both, and that of no other round does.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::{address, figures_of};

/// The page offers a receipt.
const OFFERED: &str = "#receipt:not([hidden])";

#[tokio::test]
async fn the_record_of_the_round_fits_what_the_tabs_have_kept() -> Result<()> {
    // Three hold shares, and are waited for; the fourth only contributes.
    let study = TestStudy { committee_cap: 3, reopen: true, ..TestStudy::of("pain", 3) };
    let study = TestStudy { people: None, settle_seconds: Some(2.0), ..study };
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let members = browser.tabs(3, &address(&hospital.origin(), &study)).await?;
    for (tab, answer) in members.iter().zip([3, 10, 4]) {
        tab.until_state("asking").await?;
        assert!(!tab.has("#receipt").await?, "there is nothing to show a receipt for");
        tab.answer_and_compare(answer).await?;
    }
    members[0].until_stage("committee", "done").await?;
    let visitor = browser.new_tab().await?;
    visitor.open_question(&address(&hospital.origin(), &study)).await?;
    visitor.answer_and_compare(7).await?;
    visitor.words().await?;
    assert!(!visitor.has(OFFERED).await?, "nothing was sent yet");
    visitor.click("#words-match").await?;
    visitor.until_there(OFFERED).await?;
    visitor.screenshots("receipt-of-a-visitor").await?;
    let said = visitor.text("#receipt").await?;
    assert!(said.contains("says nothing about what you answered"), "{said}");
    let early = visitor.download("#download-receipt").await?;
    visitor.close().await?;
    for tab in &members {
        tab.agree().await?;
    }

    let member = &members[0];
    assert_eq!(member.result().await?, figures_of(&[3, 10, 4, 7]));
    member.until_there(OFFERED).await?;
    member.screenshots("receipt").await?;
    let late = member.download("#download-receipt").await?;
    let record = member.download("#transcript").await?;
    let name = record.file_name().context("it has a name")?;
    assert_eq!(name, "pain-1.wardsum");
    for receipt in [&early, &late] {
        let fits = Hospital::verify(&record, receipt)?;
        let said = String::from_utf8(fits.stdout)?;
        assert!(fits.status.success(), "{said}\n{}", String::from_utf8_lossy(&fits.stderr));
        assert!(said.contains("is of the same study and committee"), "{said}");
        assert!(said.contains("is there once") && said.contains("and is counted"), "{said}");
    }
    // The early one cannot say yet what became of the answer, the late one does.
    let (early, text) = (fs::read_to_string(&early)?, fs::read_to_string(&late)?);
    assert!(!early.contains("answer: ") && text.contains("answer: counted\n"), "{early}\n{text}");
    assert!(text.contains(&format!("title: {}\n", study.title)), "{text}");

    // After a reload the tab has it still.
    member.reload().await?;
    member.result().await?;
    assert_eq!(fs::read_to_string(member.download("#download-receipt").await?)?, text);

    is_of_no_other_round(&hospital, &study, member, &late).await?;
    browser.quit().await
}

/// The next round has another record, and the page's link still leads to the one that it has seen.
async fn is_of_no_other_round(
    hospital: &Hospital,
    study: &TestStudy,
    member: &Tab,
    receipt: &Path,
) -> Result<()> {
    hospital.until_study(&study.id, "the next round", |study| study["round"] == 2).await?;
    hospital.native_rounds(&study.id, &[1, 2, 3]).await?;
    hospital.until_study(&study.id, "the round after it", |study| study["round"] == 3).await?;
    let own = member.download("#transcript").await?;
    assert!(Hospital::verify(&own, receipt)?.status.success());
    let link = member.attribute("#transcript", "href").await?.context("a link")?;
    let (latest, _) = link.split_once('?').context("the link names the round")?;
    let change = "document.getElementById('transcript').setAttribute('href', arguments[0]);";
    member.run(change, vec![latest.into()]).await?;
    let other = member.download("#transcript").await?;
    assert_eq!(other.file_name().context("it has a name")?, "pain-2.wardsum");
    let differs = Hospital::verify(&other, receipt)?;
    assert_eq!(differs.status.code(), Some(1));
    let said = String::from_utf8(differs.stderr)?;
    assert!(said.contains("DOES NOT FIT") && said.contains("another round"), "{said}");
    Ok(())
}
