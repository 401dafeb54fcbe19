//! A hospital that replays an old round. The question, the rules, the people and even their keys are the same, so that
//! nothing but the study's instance tells the two apart. Each test says what becomes of one kind of message.

mod common;

use common::victim::Victim;
use common::{Net, study};
use wardsum_protocol::messages::HospitalMessage;
use wardsum_protocol::peer::{Change, Failure, Misbehaviour, Stage};
use wardsum_protocol::round::Record;
use wardsum_protocol::{AggregateError, CommitteeError, DeclineReason, Study};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn study_of(instance: u8) -> Study {
    study(|p| p.instance = [instance; 16])
}

/// What the victim was told in a round that is over.
struct Old(Vec<HospitalMessage>);

impl Old {
    fn round() -> Self {
        let mut told = Vec::new();
        let mut victim = Victim::of(study_of(1), 4);
        victim.run(|message| {
            told.push(message.clone());
            vec![message]
        });
        assert_eq!(victim.peer.stage(), Stage::Finished);
        Self(told)
    }

    fn message(&self, kind: fn(&HospitalMessage) -> bool) -> HospitalMessage {
        self.0.iter().find(|message| kind(message)).expect("an honest round has it").clone()
    }

    /// A new round in which a kind of message is replaced by the old round's.
    fn replayed(&self, kind: fn(&HospitalMessage) -> bool) -> Victim {
        let old = self.message(kind);
        let mut victim = Victim::of(study_of(2), 4);
        victim.run(|message| if kind(&message) { vec![old.clone()] } else { vec![message] });
        victim
    }
}

#[test]
fn an_old_committee_is_refused() {
    let victim = Old::round().replayed(|m| matches!(m, HospitalMessage::Committee(_)));
    assert_eq!(victim.peer.failure(), Some(Failure::Committee(CommitteeError::ForeignStudy)));
    assert!(!victim.sent_a_contribution(), "nothing of the answer was sent");
}

#[test]
fn an_old_share_is_refused() {
    let victim = Old::round().replayed(|m| matches!(m, HospitalMessage::Deliver(_)));
    assert_eq!(victim.peer.failure(), Some(Failure::ForgedShare));
    assert_eq!(victim.verifications(), 0);
}

#[test]
fn an_old_manifest_is_not_answered() {
    let victim = Old::round().replayed(|m| matches!(m, HospitalMessage::Manifest(_)));
    assert_eq!(victim.declined(), Some(DeclineReason::OwnAnswer));
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
    assert_eq!(victim.verifications(), 0);
}

/// A verdict is but numbers of members and contributions, which the hospital can make up as well. So an old one is
/// answered if it is admissible, instead of the true one: with a partial aggregate over this round's shares, which is of
/// use for that verdict in this round alone.
#[test]
fn an_old_verdict_opens_nothing_and_its_member_believes_no_result_of_another() {
    let mut old = Victim::of(study_of(1), 4);
    let cheat = old.net.join_misbehaving(Misbehaviour::Input(Change { position: 0, add: 5 }));
    old.net.settle_mail();
    old.net.answer(cheat, 7);
    old.run(|message| vec![message]);
    let judged = old.net.journal.iter().find_map(|(_, record)| match record {
        Record::Judged(verdict) => Some(verdict.clone()),
        _ => None,
    });
    let judged = judged.expect("there was a verdict");
    assert_eq!(judged.rejected_len(), 1);

    let mut victim = Victim::of(study_of(2), 5);
    victim.run(|message| match message {
        HospitalMessage::Verdict(_) => vec![HospitalMessage::Verdict(judged.clone())],
        other => vec![other],
    });
    assert!(victim.sent_a_partial());
    let kept = |net: &Net| {
        net.journal.iter().filter(|(_, record)| matches!(record, Record::Partial(_))).count()
    };
    assert_eq!(kept(&victim.net), 5, "the victim's is for another verdict than everybody else's");
    assert_eq!(victim.peer.failure(), Some(Failure::Equivocation));
}

#[test]
fn an_old_result_is_not_believed() {
    let old = Old::round();
    let is_result = |m: &HospitalMessage| matches!(m, HospitalMessage::Published(_));
    let victim = old.replayed(is_result);
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));

    // Nor are the old partial aggregates, which the same keys have signed, for this round's manifest.
    let HospitalMessage::Published(old) = old.message(is_result) else { unreachable!() };
    let mut victim = Victim::of(study_of(2), 4);
    victim.run(|message| match message {
        HospitalMessage::Published(mut publication) => {
            publication.partials = old.partials.clone();
            vec![HospitalMessage::Published(publication)]
        }
        other => vec![other],
    });
    let foreign = AggregateError::ForeignVerdict;
    assert_eq!(victim.peer.failure(), Some(Failure::ResultInvalid(foreign)));
}
