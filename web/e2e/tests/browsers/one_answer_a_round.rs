//! A tab whose connection broke after it had sent its answer is not led into the same round again, whatever the list
//! of studies said before it connected: both answers might be counted.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

/// The list of studies speaks of an earlier round, as it does when a new one opens between the list and the
/// connection. What the page asks, and its sockets, are kept.
const STALE_LIST: &str = "{
    window.asked = [];
    window.sockets = [];
    const { fetch, WebSocket } = window;
    window.fetch = async (path, ...rest) => {
      const answer = await fetch(path, ...rest);
      if (!String(path).startsWith('/api/')) return answer;
      const body = await answer.json();
      for (const study of body.studies ?? []) study.digest = '00'.repeat(32);
      window.asked.push(path);
      return Response.json(body);
    };
    window.WebSocket = class extends WebSocket {
      constructor(...given) { super(...given); window.sockets.push(this); }
    };
    }";

#[tokio::test]
async fn the_round_that_was_joined_counts_and_not_the_one_that_was_listed() -> Result<()> {
    // Four members, of whom three are enough: the round goes on without one.
    let hospital = Hospital::start(&[TestStudy::of("pain", 4).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.run_before_pages(STALE_LIST).await?;
    tab.open_question(&hospital.origin()).await?;
    tab.answer(5).await?;
    // The last member enrols and then sleeps, so that answers are still taken.
    let mut sleeper = hospital.native_patient("pain").await?;
    let others = hospital.native_rounds("pain", &[3, 4]);
    let visit = async {
        sleeper.answer(1).await?;
        tab.until_stage("sent", "done").await?;
        tab.run("window.sockets[0].close();", vec![]).await?;
        tab.until_state("failed").await?;
        assert_eq!(tab.failure().await?.code, "connection-lost");
        assert!(!tab.has("#try-again").await?);

        // It goes on asking only if the first answer did not open the way.
        let asked = "return window.asked.slice(1).length >= 2;";
        tab.until("two questions about the next round", asked, &[]).await?;
        let asked = tab.run("return window.asked;", vec![]).await?;
        assert_eq!(asked[0], "/api/v1/studies");
        assert_eq!((&asked[1], &asked[2]), (&"/api/v1/studies/pain".into(), &asked[1]));
        assert!(!tab.has("#next-round").await?, "the same round is offered again");
        let study = hospital.study("pain").await?;
        assert_eq!(study["phase"], "contributing", "there was nothing to refuse");
        anyhow::Ok(())
    };
    tokio::select! {
        visit = visit => visit?,
        ended = others => anyhow::bail!("the others' round is over: {ended:?}"),
    }
    browser.quit().await
}
