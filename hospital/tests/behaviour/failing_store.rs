//! A store that fails in the middle of a round suspends it, and the round goes on by itself: nothing that
//! was acknowledged is lost.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::sleep;
use wardsum_hospital::control::{self, Action, Request, StudyCommand};
use wardsum_hospital::native_peer::NativePeer;
use wardsum_protocol::peer::{Event, OwnAnswer};

use crate::scripted_peer::closed;
use crate::test_hospital::{TestHospital, published, request, study_of, sum, wait_for, within};

/// Another program that holds the store's lock until it is dropped.
fn lock(data: &Path) -> Connection {
    let other = Connection::open(data.join("wardsum.sqlite3")).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn a_round_is_suspended_and_goes_on_by_itself() {
    let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operators = ops.local_addr().unwrap();
    let hospital =
        TestHospital::start_with(&study_of("study", 4), |config| config.ops = Some(ops)).await;
    let ready = async || {
        let stream = TcpStream::connect(operators).await.unwrap();
        let answer = request(stream, "/readyz", &[("Host", "ops"), ("Connection", "close")]).await;
        (answer.status, answer.body)
    };
    assert_eq!(ready().await.0, 200);
    let mut bystander = hospital.connector.connect("study", None).await.unwrap();
    let mut peers = Vec::new();
    for answer in [1, 2] {
        let mut peer = hospital.patient("study").await;
        peer.answer_number(answer).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::Enrolled)).await;
        peers.push(peer);
    }

    let other_program = lock(&hospital.home.data());
    let mut third = hospital.patient("study").await;
    third.answer_number(4).await.unwrap();

    // It cannot be acknowledged, and everybody is told to come again.
    let (code, reason) = closed(&mut bystander).await;
    assert_eq!(code, 1013, "{reason}");
    assert!(reason.contains("cannot store anything"), "{reason}");
    let mut newcomer = hospital.connector.connect("study", None).await.unwrap();
    assert_eq!(closed(&mut newcomer).await.0, 1013);
    let (status, reason) = ready().await;
    assert_eq!(status, 503);
    assert!(reason.contains("another program has locked"), "{reason}");
    let standing = hospital.status("study").await;
    assert_eq!(standing["enrolled"], 2, "what was acknowledged, and no more");
    assert_eq!(standing["suspended"], true);
    assert!(standing["closes_in_ms"].is_null(), "{standing}");

    drop(other_program);

    within(async {
        while ready().await.0 != 200 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let standing = hospital.status("study").await;
    assert!(standing["suspended"] == false && standing["closes_in_ms"].is_u64(), "{standing}");
    let mut fourth = hospital.patient("study").await;
    fourth.answer_number(8).await.unwrap();
    peers.extend([third, fourth]);
    for published in published(peers).await {
        assert_eq!((sum(&published.aggregate), published.own), (15, OwnAnswer::Counted));
    }
}

#[tokio::test]
async fn a_contribution_that_cannot_be_read_back_holds_up_one_member_and_not_the_round() {
    let study = study_of("study", 4)
        .replace("[study.contributing]\ncount = 4", "[study.contributing]\ncount = 5");
    let hospital = TestHospital::start(&study).await;
    let mut peers = hospital.answered("study", &[1, 2, 4, 8]).await;
    let contributed = |event: &Event| matches!(event, Event::ContributionAcknowledged);
    join_all(peers.iter_mut().map(|peer| wait_for(peer, contributed))).await;
    let mut away = peers.pop().unwrap();
    let memory = away.memory().unwrap().clone();
    away.close().await;
    let other = lock(&hospital.home.data());
    let third = "SELECT place FROM sealed ORDER BY place LIMIT 1 OFFSET 2";
    let spoil = format!("UPDATE sealed SET message = x'00' WHERE place = ({third})");
    other.execute_batch(&format!("{spoil}; COMMIT")).unwrap();

    // It is a member, and needs all contributions again.
    let mut back = NativePeer::resume(&hospital.connector, "study", memory).await;
    wait_for(&mut back, |event| matches!(event, Event::Reconnected)).await;
    let back = tokio::spawn(async move { published(vec![back]).await });
    let mut last = hospital.patient("study").await;
    last.answer_number(16).await.unwrap();
    peers.push(last);

    let seen = [published(peers).await, within(back).await.unwrap()].concat();
    assert_eq!(seen.len(), 5);
    for published in seen {
        assert_eq!((sum(&published.aggregate), published.own), (31, OwnAnswer::Counted));
    }
}

#[tokio::test]
async fn a_command_that_was_given_before_still_holds_afterwards() {
    let study = study_of("study", 4)
        .replace("[study.contributing]\ncount = 4", "[study.contributing]\nby_command = true");
    let hospital = TestHospital::start(&study).await;
    let mut bystander = hospital.connector.connect("study", None).await.unwrap();
    let mut peers = hospital.answered("study", &[1, 2, 4, 8]).await;
    let contributed = |event: &Event| matches!(event, Event::ContributionAcknowledged);
    for peer in &mut peers[..3] {
        wait_for(peer, contributed).await;
    }
    let data = hospital.home.data();
    let said = tokio::task::spawn_blocking(move || {
        let command =
            StudyCommand { study: "study".to_owned(), action: Action::Close, serials: Vec::new() };
        control::ask(&data, &Request::Study(command))
    });
    // One member has not contributed yet and is waited for.
    let said = said.await.unwrap().unwrap();
    assert!(said.contains("as soon as connected members have contributed"), "{said}");

    let other_program = lock(&hospital.home.data());
    let last = tokio::spawn(published(vec![peers.pop().unwrap()]));
    assert_eq!(closed(&mut bystander).await.0, 1013);
    drop(other_program);

    // Without the command, contributing would go on for a day.
    let seen = [published(peers).await, within(last).await.unwrap()].concat();
    assert_eq!(seen.len(), 4);
    for published in seen {
        assert_eq!((sum(&published.aggregate), published.own), (15, OwnAnswer::Counted));
    }
}
