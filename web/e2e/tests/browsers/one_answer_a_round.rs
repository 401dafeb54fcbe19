//! A tab whose connection broke after it had sent its answer comes back to the round that it has joined, whatever the
//! list of studies said before it connected, and its answer counts once.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::figures_of;

/// The list of studies speaks of an earlier round, as it does when a new one opens between the list and the
/// connection. What the page asks, and its sockets, are kept.
const STALE_LIST: &str = "{
    window.sockets = [];
    const { fetch, WebSocket } = window;
    window.fetch = async (path, ...rest) => {
      const answer = await fetch(path, ...rest);
      if (!String(path).startsWith('/api/')) return answer;
      const body = await answer.json();
      for (const study of body.studies ?? []) study.digest = '00'.repeat(32);
      return Response.json(body);
    };
    window.WebSocket = class extends WebSocket {
      constructor(...given) { super(...given); window.sockets.push(this); }
    };
    }";

#[tokio::test]
async fn the_round_that_was_joined_counts_and_not_the_one_that_was_listed() -> Result<()> {
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
        sleeper.answer_number(1).await?;
        tab.until_stage("sent", "done").await?;
        tab.run("window.sockets[0].close();", vec![]).await?;
        let again = "return window.sockets[1]?.url ?? null;";
        let address = tab.until("a second connection", again, &[]).await?;
        let study = hospital.study("pain").await?;
        let wanted = format!("/ws/pain?round={}", study["digest"].as_str().unwrap_or_default());
        assert!(address.as_str().is_some_and(|address| address.ends_with(&wanted)), "{address}");
        tab.until_connected().await?;
        assert!(!tab.has("#failure").await?);
        // The sleeper wakes up.
        while sleeper.next_event().await.is_some() {}
        assert_eq!(tab.result().await?, figures_of(&[5, 3, 4, 1]));
        anyhow::Ok(())
    };
    let (others, visit) = tokio::join!(others, visit);
    others?;
    visit?;
    browser.quit().await
}
