//! Studies for the invited: a personal link leads into the round, and to one's own answer again; whoever
//! has none, or one that is damaged, foreign or used, is turned away and told why.

use anyhow::{Context, Result};
use serde_json::json;
use wardsum_e2e::{Browser, Hospital, Invitations, Tab, TestStudy};

use crate::round::{figures_of, sees_the_whole_round};

fn invitations() -> Result<Invitations> {
    Invitations::to(TestStudy::of("pain", 3).x25519(), 1)
}

#[tokio::test]
async fn seven_people_with_links_have_a_round_and_two_without_are_turned_away() -> Result<()> {
    let invited = Invitations::to(TestStudy::of("pain", 7).x25519(), 1)?;
    let hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let browser = Browser::chromium().await?;
    let answers = [3, 10, 4, 0, 7, 7, 1];
    let mut tabs = Vec::new();
    for (serial, _) in (1..).zip(answers) {
        let tab = browser.new_tab().await?;
        tab.open_question(&invited.link(&hospital.origin(), serial)?).await?;
        let said = tab.text("[data-testid=admission]").await?;
        assert!(said.contains("Only people with a personal invitation"), "{said}");
        // Nobody copies the link out of the address bar by accident.
        let address = tab.run("return location.href;", vec![]).await?;
        assert_eq!(address, json!(format!("{}/?study=pain", hospital.origin())));
        tabs.push(tab);
    }
    // A page that is loaded again before it is answered is still invited.
    tabs[0].reload().await?;
    tabs[0].until_state("asking").await?;
    let (last, others) = tabs.split_last().context("there are seven")?;
    for (tab, answer) in others.iter().zip(answers) {
        tab.answer(answer).await?;
    }
    let strange = browser.new_tab().await?;
    let mut made_up = invited.link(&hospital.origin(), 8)?;
    made_up.replace_range(made_up.len() - 40..made_up.len() - 36, "AbCd");
    strange.open(&made_up).await?;
    strange.until_state("bad-invitation").await?;
    strange.screenshots("invitation-made-up").await?;
    let second = browser.new_tab().await?;
    second.open_question(&invited.link(&hospital.origin(), 1)?).await?;
    second.answer(9).await?;
    assert_eq!(second.failure().await?.code, "invitation-used");
    second.screenshots("invitation-used").await?;
    last.answer(answers[6]).await?;
    for tab in &tabs {
        sees_the_whole_round(tab, &answers).await?;
    }
    browser.quit().await
}

#[tokio::test]
async fn a_link_leads_back_to_one_s_own_answer() -> Result<()> {
    let invited = invitations()?;
    let hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let browser = Browser::chromium().await?;
    let stays = browser.first_tab().await?;
    let tab = browser.new_tab().await?;
    tab.take_part(&invited.link(&hospital.origin(), 1)?, 5).await?;

    // Meanwhile nobody else answers with it.
    stays.open_question(&invited.link(&hospital.origin(), 1)?).await?;
    stays.answer(9).await?;
    stays.until_state("failed").await?;
    let notice = stays.failure().await?;
    assert_eq!(notice.code, "invitation-used");
    assert!(notice.text.contains("go on in the tab"), "{}", notice.text);
    assert!(!stays.has("#try-again").await?, "it would be the same again");

    let again = browser.new_tab().await?;
    tab.close().await?;
    again.open(&invited.link(&hospital.origin(), 1)?).await?;
    again.until_state("running").await?;
    again.until_there("[data-testid=resumed]:not([hidden])").await?;

    // Another link in the same tab is another person.
    stays.open_question(&invited.link(&hospital.origin(), 2)?).await?;
    stays.answer(6).await?;
    let third = browser.new_tab().await?;
    third.open_question(&invited.link(&hospital.origin(), 3)?).await?;
    third.answer(7).await?;
    for tab in [again, stays, third] {
        assert_eq!(tab.result().await?, figures_of(&[5, 6, 7]));
    }
    browser.quit().await
}

#[tokio::test]
async fn the_words_are_there_and_may_be_said_to_differ() -> Result<()> {
    let invited = Invitations::to(TestStudy::of("pain", 4).x25519(), 1)?;
    let hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    // Holds a share and sleeps, so that answers are still taken.
    let mut sleeper = hospital.invited_patient("pain", invited.invitation(4)?).await?;
    sleeper.answer_number(1).await?;
    let browser = Browser::chromium().await?;
    let mut tabs = Vec::new();
    for (serial, answer) in [(1, 5), (2, 6), (3, 7)] {
        let tab = browser.new_tab().await?;
        tab.open_question(&invited.link(&hospital.origin(), serial)?).await?;
        tab.answer_and_compare(answer).await?;
        tabs.push(tab);
    }
    let mut all = Vec::new();
    for tab in &tabs {
        tab.until_stage("sent", "done").await?;
        tab.until_there("#words-again:not([hidden]) li").await?;
        assert!(!tab.has("#words").await?, "nobody is asked, since the invitations were checked");
        let words =
            "return [...document.querySelectorAll('#words-again li')].map((li) => li.textContent);";
        all.push(tab.run(words, vec![]).await?);
    }
    assert_eq!(all[0].as_array().map(Vec::len), Some(8), "{all:?}");
    assert!(all.iter().all(|words| *words == all[0]), "{all:?}");

    tabs[0].click("#words-again summary").await?;
    tabs[0].screenshots("words-of-the-invited").await?;
    tabs[0].click("#words-differ").await?;
    let failure = tabs[0].failure().await?;
    assert_eq!(failure.code, "words-differ");
    assert!(failure.text.contains("Tell the others aloud"), "{}", failure.text);
    // What was checked stays checked.
    tabs[0].until_stage("words", "done").await?;
    for tab in &tabs[1..] {
        tab.until_there("#disputed:not([hidden])").await?;
        tab.until_there("#words-again[open]").await?;
        assert!(tab.has("#words-differ").await?, "they can still stop");
    }
    tabs[1].screenshots("words-of-the-invited-disputed").await?;
    // Three are enough for the sum, and the round is theirs to decide about.
    while sleeper.next_event().await.is_some() {}
    for tab in &tabs[1..] {
        assert_eq!(tab.result().await?, figures_of(&[5, 6, 7, 1]));
        assert!(!tab.has("#words-differ").await?, "there is nothing left to leave");
    }
    // This tab is nobody any more, and does not answer once more by accident.
    tabs[0].reload().await?;
    tabs[0].until_state("too-late").await?;
    let kept = "return sessionStorage.getItem('wardsum:invitation');";
    assert_eq!(tabs[0].run(kept, vec![]).await?, json!(null));
    browser.quit().await
}

#[tokio::test]
async fn a_link_to_a_round_that_is_over_says_so() -> Result<()> {
    let invited = invitations()?;
    let mut hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let origin = hospital.origin();
    let browser = Browser::chromium().await?;
    let mut tabs = Vec::new();
    for (serial, answer) in [(1, 5), (2, 6), (3, 7)] {
        let tab = browser.new_tab().await?;
        tab.open_question(&invited.link(&origin, serial)?).await?;
        tab.answer(answer).await?;
        tabs.push(tab);
    }
    for tab in &tabs {
        assert_eq!(tab.result().await?, figures_of(&[5, 6, 7]));
    }
    // On another device, which knows nothing of the round. One link has been used, the other has not.
    browser.quit().await?;
    let browser = Browser::chromium().await?;
    for serial in [1, 4] {
        let late = browser.new_tab().await?;
        late.open(&invited.link(&origin, serial)?).await?;
        is_told_that_it_is_over(&late).await?;
        late.screenshots("invitation-expired").await?;
    }

    // The next round has invitations of its own.
    let next = Invitations::to(TestStudy::of("pain", 3).x25519(), 2)?;
    hospital.stop()?;
    hospital.change_studies(std::slice::from_ref(&next.study))?;
    hospital.start_again().await?;
    for serial in [1, 4] {
        let late = browser.new_tab().await?;
        late.open(&invited.link(&origin, serial)?).await?;
        // The link leads to its own round still, and that is over.
        let three = figures_of(&[5, 6, 7]);
        assert_eq!(late.result().await?, three);
        let told = late.text("[data-testid=result-checked]").await?;
        for text in ["This round is over", "no answer was given in this tab", GOOD_FOR_ONE] {
            assert!(told.contains(text), "“{text}” is not in: {told}");
        }
        // The next one is known by now, and leads nobody into it who is not invited.
        let asked = "return performance.getEntriesByType('resource')
            .some(({ name, responseEnd }) => name.endsWith('/api/v1/studies/pain') && responseEnd > 0);";
        late.until("the page to have asked for another round", asked, &[]).await?;
        assert!(!late.has("#answer").await? && !late.has("#next-round").await?);
        late.screenshots("invitation-of-the-round-before").await?;
    }
    let tab = browser.new_tab().await?;
    tab.open_question(&next.link(&origin, 1)?).await?;
    browser.quit().await
}

const GOOD_FOR_ONE: &str =
    "An invitation is good for one round. For another round you need another invitation.";

async fn is_told_that_it_is_over(tab: &Tab) -> Result<()> {
    tab.until_state("too-late").await?;
    let code = tab.attribute("[data-testid=too-late]", "data-code").await?;
    assert_eq!(code.as_deref(), Some("over"));
    let told = tab.text("[data-testid=too-late]").await?;
    for text in ["This round is over", GOOD_FOR_ONE] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    let latest = tab.text("[data-testid=latest-result]").await?;
    assert!(latest.contains("18"), "{latest}");
    assert!(!tab.has("#answer").await? && !tab.has("#next-round").await?);
    Ok(())
}

#[tokio::test]
async fn whoever_is_not_invited_is_told_why() -> Result<()> {
    let invited = invitations()?;
    let hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let origin = hospital.origin();
    let browser = Browser::chromium().await?;
    let good = invited.link(&origin, 1)?;
    let made_up = format!("{origin}/?study=pain#{}", "A".repeat(227));
    let elsewhere = Invitations::to(TestStudy::of("pain", 3).x25519(), 2)?.link(&origin, 1)?;
    for (address, state, code, says) in [
        (format!("{origin}/?study=pain"), "failed", "not-invited", "by invitation"),
        (
            good[..good.len() - 5].to_owned(),
            "bad-invitation",
            "bad-invitation",
            "last 5 characters",
        ),
        (good.replace('#', "#!"), "bad-invitation", "bad-invitation", "its character 1 is '!'"),
        (made_up, "bad-invitation", "bad-invitation", "a character of it was changed"),
        (elsewhere, "failed", "foreign-invitation", "not for this study"),
    ] {
        // A tab of its own: what is behind the # alone loads no page anew.
        let tab = browser.new_tab().await?;
        tab.open(&address).await?;
        tab.until_state(state).await?;
        let notice = tab.failure().await?;
        assert_eq!(notice.code, code, "{address}");
        assert!(notice.text.contains(says), "{}", notice.text);
        assert!(!tab.has("#answer").await?, "nothing is asked");
    }
    // In an open tab another link is followed too.
    let tab = browser.first_tab().await?;
    tab.open(&format!("{origin}/?study=pain")).await?;
    tab.until_state("failed").await?;
    tab.run("location.href = arguments[0];", vec![json!(good)]).await?;
    tab.until_state("asking").await?;
    browser.quit().await
}
