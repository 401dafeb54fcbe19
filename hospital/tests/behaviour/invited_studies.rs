//! Studies for people with an invitation: who takes part, once, and until it is taken back.

use std::fs;
use std::path::Path;

use wardsum_hospital::native_peer::{Connector, NativePeer};
use wardsum_hospital::studies_file::StudiesFile;
use wardsum_protocol::peer::{AnswerError, Event, Failure, OwnAnswer};
use wardsum_protocol::{Authority, Invitation, MismatchError, Study};

use crate::program::{Program, run};
use crate::test_hospital::{TestHospital, of_sum, published, status, study_of, wait_for};

fn authority() -> Authority {
    Authority::new(&[7; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A study for the invited that `people` people complete, with their invitations to its round number `n`.
struct Invited {
    toml: String,
    study: Study,
}

impl Invited {
    fn new(id: &str, people: u32, n: u8) -> Self {
        let (authority, instance) = (hex(authority().key().as_bytes()), hex(&[n; 16]));
        let admission = format!("authority = \"{authority}\"\ninstance = \"{instance}\"\n");
        let toml = format!("{}[study.admission]\n{admission}", study_of(id, people));
        let file = StudiesFile::parse(&toml, Path::new("test")).unwrap();
        let study = Study::new(file.plans[0].parameters().clone()).unwrap();
        Self { toml, study }
    }

    fn invitation(&self, serial: u8) -> Invitation {
        authority().invite(&self.study, serial.into(), true, [serial; 32].into()).unwrap()
    }

    /// Somebody opens a link and reads the question.
    async fn comes(&self, connector: &Connector, serial: u8) -> NativePeer {
        let invitation = self.invitation(serial);
        let mut peer = NativePeer::connect_invited(connector, "study", invitation).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_))).await;
        peer
    }

    async fn answers(&self, connector: &Connector, serial: u8, value: i128) -> NativePeer {
        let mut peer = self.comes(connector, serial).await;
        peer.answer_number(value).await.unwrap();
        peer
    }

    async fn enrols(&self, connector: &Connector, serial: u8, value: i128) -> NativePeer {
        let mut peer = self.answers(connector, serial, value).await;
        wait_for(&mut peer, |event| matches!(event, Event::Enrolled)).await;
        peer
    }

    async fn round(&self, connector: &Connector) {
        let mut peers = Vec::new();
        for serial in 1..=3 {
            peers.push(self.answers(connector, serial, i128::from(serial)).await);
        }
        for result in published(peers).await {
            assert_eq!(result.aggregate, of_sum(3, 6));
        }
    }
}

/// Why a peer's part ended.
async fn failure(peer: &mut NativePeer) -> Failure {
    match wait_for(peer, |event| matches!(event, Event::Failed(_))).await {
        Event::Failed(failure) => failure,
        other => panic!("waited for a failure, not {other:?}"),
    }
}

#[tokio::test]
async fn people_with_invitations_have_a_round_and_others_none() {
    let invited = Invited::new("study", 3, 1);
    let hospital = TestHospital::start(&invited.toml).await;
    let shown = hospital.status("study").await;
    assert_eq!(shown["admission"], "invited");
    assert_eq!(shown["authority"], hex(authority().key().as_bytes()));
    assert_eq!(shown["digest"], invited.study.digest().to_string());

    let mut stranger = NativePeer::connect(&hospital.connector, "study").await.unwrap();
    assert_eq!(failure(&mut stranger).await, Failure::NotInvited);
    // A link to another round leads to that one, which this hospital does not have.
    let elsewhere = Invited::new("study", 3, 2).invitation(1);
    let mut lost =
        NativePeer::connect_invited(&hospital.connector, "study", elsewhere).await.unwrap();
    let foreign = Failure::ForeignInvitation(MismatchError::ForeignStudy);
    assert_eq!(failure(&mut lost).await, foreign);

    invited.round(&hospital.connector).await;
}

#[tokio::test]
async fn an_invitation_is_used_once_over_a_restart_too() {
    let invited = Invited::new("study", 3, 1);
    let program = Program::with_studies(&invited.toml, &[]);
    let mut first = invited.enrols(&program.connector(), 1, 10).await;
    let mut thief = invited.answers(&program.connector(), 1, 20).await;
    assert_eq!(failure(&mut thief).await, Failure::InvitationUsed);
    assert_eq!(thief.close_reason(), Some("this invitation has been used already; it counts once"));

    let program = program.restart("-KILL");
    wait_for(&mut first, |event| matches!(event, Event::Reconnected)).await;
    let mut thief = invited.answers(&program.connector(), 1, 20).await;
    assert_eq!(failure(&mut thief).await, Failure::InvitationUsed);
    let peers = vec![
        first,
        invited.answers(&program.connector(), 2, 30).await,
        invited.answers(&program.connector(), 3, 40).await,
    ];
    for result in published(peers).await {
        assert_eq!(result.aggregate, of_sum(3, 80));
    }
}

/// An authority that invites again makes another study file; the hospital goes on with that.
#[tokio::test]
async fn the_next_round_needs_other_invitations() {
    let first = Invited::new("study", 3, 1);
    let hospital = TestHospital::start(&first.toml).await;
    first.round(&hospital.connector).await;
    let home = hospital.stop().await;

    // The same file once more only shows how it ended.
    let hospital = TestHospital::start_again(home, &first.toml).await;
    assert_eq!(hospital.status("study").await["phase"], "published");
    let home = hospital.stop().await;

    let second = Invited::new("study", 3, 2);
    let hospital = TestHospital::start_again(home, &second.toml).await;
    let shown = hospital.status("study").await;
    assert_eq!((&shown["phase"], &shown["round"]), (&"enrolling".into(), &2.into()));
    assert_eq!(shown["previous"][0]["sum"], "6");
    second.round(&hospital.connector).await;
    let home = hospital.stop().await;

    // Nor does the first one open again.
    let hospital = TestHospital::start_again(home, &first.toml).await;
    assert_eq!(hospital.status("study").await["round"], 2);
}

/// Somebody of the first round, who comes when the second one is open: with the link that was used, or with one that
/// nobody has used yet. Both lead to the first round, which is over.
#[tokio::test]
async fn an_invitation_to_a_round_that_is_over_shows_its_result_and_admits_to_no_other() {
    let first = Invited::new("study", 3, 1);
    let hospital = TestHospital::start(&first.toml).await;
    first.round(&hospital.connector).await;
    let home = hospital.stop().await;
    let second = Invited::new("study", 3, 2);
    let hospital = TestHospital::start_again(home, &second.toml).await;

    for serial in [1, 9] {
        let mut late = first.comes(&hospital.connector, serial).await;
        let event = wait_for(&mut late, |event| matches!(event, Event::Published(_))).await;
        let Event::Published(result) = event else { unreachable!() };
        assert_eq!((result.aggregate, result.own), (of_sum(3, 6), OwnAnswer::None));
        assert_eq!(late.answer_number(1).await, Err(AnswerError::Closed));
    }
    assert_eq!(hospital.status("study").await["enrolled"], 0);
    second.round(&hospital.connector).await;
}

#[test]
fn a_round_is_not_opened_again_under_another_name() {
    let first = Invited::new("study", 3, 1);
    let program = Program::with_studies(&first.toml, &[]);
    program.signal("-TERM");
    let program = program.stopped();
    let renamed = Invited::new("renamed", 3, 1);
    // The id is no part of what the invitations are bound to.
    let toml = renamed.toml.replace("Title of renamed", "Title of study");
    fs::write(program.path("studies.toml"), toml).unwrap();
    let output = run(&["serve", "--listen", "127.0.0.1:0"], &program.path(""));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("are for round 1 of study study"), "{error}");
}

#[tokio::test]
async fn invitations_are_revoked_by_command_until_the_committee_is_fixed() {
    let invited = Invited::new("study", 3, 1);
    let program = Program::with_studies(&invited.toml, &[]);
    let data = program.data();
    let revoke = |list: &str| {
        let file = program.path("revoked.txt");
        fs::write(&file, list).unwrap();
        let (data, file) = (data.to_str().unwrap(), file.to_str().unwrap());
        let args = ["study", "revoke", "--data", data, "--study", "study", "--serials", file];
        let output = run(&args, &program.path(""));
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let connector = program.connector();
    let mut enrolled = invited.enrols(&connector, 1, 10).await;

    let (status_code, said) = revoke("1 # lost in the post\n# and one that nobody opened yet\n2\n");
    assert_eq!(status_code, Some(0), "{said}");
    assert!(said.contains("2 invitations to round 1 of study \"study\" are revoked"), "{said}");
    assert_eq!(failure(&mut enrolled).await, Failure::InvitationRevoked);
    assert_eq!(status(&connector, "study").await["enrolled"], 0);
    let mut late = invited.answers(&connector, 2, 10).await;
    assert_eq!(failure(&mut late).await, Failure::InvitationRevoked);

    let (status_code, said) = revoke("3\nfour\n");
    assert_eq!(status_code, Some(2), "{said}");
    assert!(said.contains("revoked.txt, line 2: \"four\""), "{said}");

    let mut peers = Vec::new();
    for serial in 3..=5 {
        peers.push(invited.answers(&connector, serial, 1).await);
    }
    published(peers).await;
    let (status_code, said) = revoke("3\n");
    assert_eq!(status_code, Some(1), "{said}");
    assert!(said.contains("is published already"), "{said}");

    let output = run(&["export", "--data", data.to_str().unwrap()], &program.path(""));
    let export: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let audited = &export["audit"][0];
    assert_eq!(audited["action"], "revoke invitations");
    assert_eq!(audited["detail"], "round 1 of study \"study\": 1, 2");
    assert_eq!(export["rounds"][0]["counts"]["invitations_revoked"], 2);
}

#[tokio::test]
async fn nothing_is_revoked_late_or_in_an_open_study() {
    let invited = Invited::new("invited", 3, 1);
    let rule = "by_command = true\n[study.contributing]\ndeadline_seconds = 60";
    let toml = invited.toml.replace("count = 3\n[study.contributing]\ncount = 3", rule);
    let program = Program::with_studies(&format!("{toml}{}", study_of("open", 3)), &[]);
    let data = program.data();
    fs::write(program.path("list"), "1\n").unwrap();
    let revoke = |study: &str| {
        let data = data.to_str().unwrap();
        let args = ["study", "revoke", "--data", data, "--study", study, "--serials", "list"];
        let output = run(&args, &program.path(""));
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = revoke("open");
    assert!(said.contains("study \"open\" is open to everybody"), "{said}");

    let file = StudiesFile::parse(&toml, Path::new("test")).unwrap();
    let study = Study::new(file.plans[0].parameters().clone()).unwrap();
    let connector = program.connector();
    let mut peers = Vec::new();
    for serial in 1..=3_u8 {
        let link = authority().invite(&study, serial.into(), true, [serial; 32].into()).unwrap();
        let mut peer = NativePeer::connect_invited(&connector, "invited", link).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_))).await;
        peer.answer_number(1).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::Enrolled)).await;
        peers.push(peer);
    }
    let close = ["study", "close", "--data", data.to_str().unwrap(), "--study", "invited"];
    assert_eq!(run(&close, &program.path("")).status.code(), Some(0));
    let said = revoke("invited");
    assert!(said.contains("is contributing: its committee is fixed"), "{said}");
}
