//! A hospital that is stopped or killed, in whatever phase, goes on when it is started again on its data,
//! and publishes the exact sum: nobody has to answer again, and nobody has to do anything.

use wardsum_hospital::native_peer::NativePeer;
use wardsum_protocol::peer::{Event, OwnAnswer};

use crate::program::Program;
use crate::test_hospital::{connect, published, status, study_of, sum, wait_for, within};

/// How a hospital may end: as somebody wants it, or as nobody does.
const ENDS: [&str; 2] = ["-TERM", "-KILL"];

/// Lets everybody go on until it is told this.
async fn all_reach(peers: &mut [NativePeer], wanted: fn(&Event) -> bool) {
    // All at once, since what one of them waits for may be another one's next step.
    futures_util::future::join_all(peers.iter_mut().map(|peer| wait_for(peer, wanted))).await;
}

/// Has people answer, one for each number, and go on until they are told this.
async fn people(program: &Program, answers: &[i128], until: fn(&Event) -> bool) -> Vec<NativePeer> {
    let mut peers = Vec::new();
    for answer in answers {
        let mut peer = connect(&program.connector(), "study").await;
        peer.answer_number(*answer).await.unwrap();
        peers.push(peer);
    }
    all_reach(&mut peers, until).await;
    peers
}

fn contributed(event: &Event) -> bool {
    matches!(event, Event::ContributionAcknowledged)
}

fn verified(event: &Event) -> bool {
    matches!(event, Event::VerificationSent { .. })
}

/// The program is in this phase, ends, is started again, and still is.
async fn restarted(program: Program, signal: &str, phase: &str) -> Program {
    assert_eq!(status(&program.connector(), "study").await["phase"], phase);
    let before = status(&program.connector(), "study").await;
    let program = program.restart(signal);
    let after = status(&program.connector(), "study").await;
    for field in ["phase", "digest", "round", "enrolled", "contributed", "verified", "partials"] {
        assert_eq!(after[field], before[field], "{field} after {signal}");
    }
    program
}

/// Everybody learns the sum of these answers, with its own among them, and so does the hospital.
async fn ends_with(program: &Program, peers: Vec<NativePeer>, answers: &[i128]) {
    let expected: i128 = answers.iter().sum();
    for published in published(peers).await {
        assert_eq!((sum(&published.aggregate), published.own), (expected, OwnAnswer::Counted));
    }
    let status = status(&program.connector(), "study").await;
    assert_eq!(status["result"]["sum"], expected.to_string());
    assert_eq!(status["result"]["count"], answers.len());
}

#[tokio::test]
async fn while_enrolling() {
    for signal in ENDS {
        let program = Program::with_studies(&study_of("study", 4), &[]);
        let enrolled = |event: &Event| matches!(event, Event::Enrolled);
        let mut peers = people(&program, &[1, 2, 3], enrolled).await;

        let program = restarted(program, signal, "enrolling").await;

        let back = |event: &Event| matches!(event, Event::Reconnected);
        all_reach(&mut peers, back).await;
        let mut fourth = connect(&program.connector(), "study").await;
        fourth.answer_number(4).await.unwrap();
        peers.push(fourth);
        ends_with(&program, peers, &[1, 2, 3, 4]).await;
    }
}

#[tokio::test]
async fn while_contributing() {
    let study = study_of("study", 4)
        .replace("[study.enrolment]\ncount = 4", "[study.enrolment]\ncount = 3");
    for signal in ENDS {
        let program = Program::with_studies(&study, &[]);
        let mut peers = people(&program, &[1, 2, 3], contributed).await;

        let program = restarted(program, signal, "contributing").await;

        // Somebody who was not there before contributes to the same committee.
        let mut fourth = connect(&program.connector(), "study").await;
        fourth.answer_number(4).await.unwrap();
        peers.push(fourth);
        ends_with(&program, peers, &[1, 2, 3, 4]).await;
    }
}

#[tokio::test]
async fn while_verifying() {
    for signal in ENDS {
        let program = Program::with_studies(&study_of("study", 4), &[]);
        let fixed = |event: &Event| matches!(event, Event::CommitteeFixed { .. });
        let mut peers = people(&program, &[-1, 2, -3, 4], fixed).await;
        // Three verifications are needed, and two members hear nothing any more once they have contributed.
        all_reach(&mut peers[2..], contributed).await;
        all_reach(&mut peers[..2], verified).await;
        within(async { while status(&program.connector(), "study").await["verified"] != 2 {} })
            .await;

        let program = restarted(program, signal, "verifying").await;

        ends_with(&program, peers, &[-1, 2, -3, 4]).await;
    }
}

#[tokio::test]
async fn while_aggregating() {
    for signal in ENDS {
        let program = Program::with_studies(&study_of("study", 4), &[]);
        let fixed = |event: &Event| matches!(event, Event::CommitteeFixed { .. });
        let mut peers = people(&program, &[-1, 2, -3, 4], fixed).await;
        // Three members do what is needed. One of them hears nothing any more once it has verified, and the
        // fourth not even that: the verdict does without it.
        all_reach(&mut peers[3..], contributed).await;
        all_reach(&mut peers[..3], verified).await;
        all_reach(&mut peers[..2], |event| matches!(event, Event::PartialSent)).await;
        within(async { while status(&program.connector(), "study").await["partials"] != 2 {} })
            .await;

        let program = restarted(program, signal, "aggregating").await;

        ends_with(&program, peers, &[-1, 2, -3, 4]).await;
    }
}

#[tokio::test]
async fn after_the_result_is_published() {
    for signal in ENDS {
        let program = Program::with_studies(&study_of("study", 3), &[]);
        let mut peers = people(&program, &[5, 6, 7], contributed).await;
        let last = peers.pop().unwrap();
        let away = last.memory().unwrap().clone();
        peers.push(last);
        ends_with(&program, peers, &[5, 6, 7]).await;

        let program = restarted(program, signal, "published").await;

        // Whoever was away meanwhile comes back to see it.
        let late = NativePeer::resume(&program.connector(), "study", away).await;
        ends_with(&program, vec![late], &[5, 6, 7]).await;
    }
}

#[tokio::test]
async fn time_and_again() {
    let mut program = Program::with_studies(&study_of("study", 7), &[]);
    let answers = [3, 1, 4, 1, 5, 9, 2];
    let mut peers = Vec::new();
    for answer in answers {
        let mut peer = connect(&program.connector(), "study").await;
        peer.answer_number(answer).await.unwrap();
        peers.push(tokio::spawn(async move {
            wait_for(&mut peer, |event| matches!(event, Event::Published(_))).await
        }));
        // Wherever the others are by now.
        program = program.restart("-KILL");
    }
    for peer in peers {
        let Event::Published(published) = peer.await.unwrap() else { unreachable!("waited for") };
        assert_eq!(sum(&published.aggregate), answers.iter().sum());
    }
}
