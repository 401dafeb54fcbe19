use wardsum_peer::Event;
use wardsum_peer::protocol::peer::{self, Failure, OwnAnswer, Published, Role, Waiting};
use wardsum_peer::protocol::sharing::ShareIndices;
use wardsum_peer::protocol::{Aggregate, CommitteeDigest, CommitteeError, Phase, SafetyWords};
use wardsum_peer::storage::StorageError;

use super::{ClosingIn, Progress, Safety, StageId, StageState, Step};
use crate::trouble::Trouble;
use study::study;

#[path = "../../../peer-wasm/tests/study/mod.rs"]
pub(crate) mod study;

pub(crate) fn after(events: &[peer::Event]) -> Progress {
    let mut progress = Progress::default();
    tell(&mut progress, &[peer::Event::StudyReceived(Box::new(study()))]);
    progress.answer_given(None);
    tell(&mut progress, events);
    progress
}

pub(crate) fn tell(progress: &mut Progress, events: &[peer::Event]) {
    for event in events {
        progress.apply(&Event::Protocol(event.clone()), None, 1_000.0);
    }
}

/// A result comes, after so much has left the device.
pub(crate) fn end(progress: &mut Progress, published: Published, disclosure: peer::Disclosure) {
    let published = Event::Protocol(peer::Event::Published(published));
    progress.apply(&published, Some(disclosure), 1_000.0);
}

pub(crate) fn waiting(phase: Phase, present: u32) -> peer::Event {
    peer::Event::Waiting(Waiting { phase, present, needed: 3, away: 0, closes_in_ms: 15_000 })
}

pub(crate) fn committee(role: Role) -> peer::Event {
    peer::Event::CommitteeFixed { members: 3, threshold: 3, role }
}

pub(crate) fn words(awaited: bool) -> peer::Event {
    let (study, committee) = (study().digest(), CommitteeDigest([7; 32]));
    peer::Event::SafetyWords { study, committee, awaited }
}

fn states(progress: &Progress) -> Vec<&'static str> {
    StageId::ALL.into_iter().map(|stage| progress.stage_state(stage).code()).collect()
}

pub(crate) const MEMBER: Role = Role::Member { index: 1 };
pub(crate) const COUNTED: OwnAnswer = OwnAnswer::Counted;
pub(crate) const VERDICT: peer::Event =
    peer::Event::VerdictAccepted { accepted: 3, rejected: 0, own: None };

#[test]
fn a_members_stages_move_one_by_one() {
    let mut progress = Progress::default();
    assert_eq!(progress.step(), Step::Connecting);
    assert_eq!(progress.current_stage(), Some(StageId::Connected));

    tell(&mut progress, &[peer::Event::StudyReceived(Box::new(study()))]);
    assert_eq!(progress.step(), Step::Asking);
    assert!(!progress.needs_to_stay());

    progress.answer_given(None);
    let steps = [
        (waiting(Phase::Enrolling, 1), StageId::Waiting),
        (committee(MEMBER), StageId::Sent),
        (peer::Event::ContributionSent { shares: 3 }, StageId::Sent),
        (peer::Event::ContributionAcknowledged, StageId::Shares),
        (peer::Event::ShareReceived { received: 1 }, StageId::Shares),
        (peer::Event::ManifestAccepted { contributions: 3, own: COUNTED }, StageId::Checked),
        (peer::Event::VerificationSent { contributions: 3 }, StageId::Checked),
        (VERDICT, StageId::Partial),
        (peer::Event::PartialSent, StageId::Result),
    ];
    for (event, current) in steps {
        tell(&mut progress, std::slice::from_ref(&event));
        assert_eq!(progress.step(), Step::Running);
        assert_eq!(progress.current_stage(), Some(current), "after {event:?}");
        assert!(progress.needs_to_stay());
    }

    let aggregate = Aggregate { count: 3, cells: [Some(20)].into() };
    tell(
        &mut progress,
        &[peer::Event::Published(Published {
            aggregate,
            own: COUNTED,
            rejected: 0,
            wrong: ShareIndices::default(),
        })],
    );
    assert_eq!(progress.step(), Step::Published);
    assert_eq!(states(&progress), ["done"; 9]);
    assert!(!progress.needs_to_stay());
}

#[test]
fn nothing_goes_on_before_the_words_match() {
    let mut progress = after(&[committee(MEMBER), words(true)]);
    assert_eq!(progress.step(), Step::Comparing);
    assert_eq!(progress.current_stage(), Some(StageId::Words));
    assert_eq!((progress.words(), progress.safety()), (None, Safety::Comparing));
    assert!(progress.needs_to_stay());

    let eight = SafetyWords::from_bytes([0xa3; 11]);
    progress.apply(&Event::Words(Ok(eight)), None, 1_000.0);
    assert_eq!((progress.step(), progress.words()), (Step::Comparing, Some(eight)));

    progress.agree();
    assert_eq!((progress.step(), progress.words()), (Step::Running, Some(eight)));
    assert_eq!(progress.current_stage(), Some(StageId::Sent));
}

#[test]
fn words_that_were_compared_before_a_reload_are_only_shown() {
    let progress = after(&[committee(MEMBER), words(false)]);
    assert_eq!(progress.step(), Step::Running);
    assert_eq!(progress.current_stage(), Some(StageId::Sent));
}

#[test]
fn whoever_says_that_the_words_differ_is_not_led_back() {
    let mut progress = after(&[committee(MEMBER), words(true)]);
    tell(&mut progress, &[peer::Event::Failed(Failure::WordsDiffer)]);
    assert_eq!(progress.step(), Step::Failed);
    assert!(!progress.is_comparing());
    let trouble = progress.trouble().expect("it is known");
    assert!(trouble.is_warning() && !trouble.may_resume());
}

#[test]
fn words_differ_after_they_were_said_to_match_and_no_longer_count_as_compared() {
    let mut progress = after(&[committee(MEMBER), words(true)]);
    assert!(!progress.may_dispute(), "there are no words yet");
    progress.apply(&Event::Words(Ok(SafetyWords::from_bytes([0xa3; 11]))), None, 1_000.0);
    assert!(progress.may_dispute());
    progress.agree();
    let sent = [peer::Event::ContributionSent { shares: 3 }, peer::Event::ContributionAcknowledged];
    tell(&mut progress, &sent);
    assert!(progress.may_dispute());
    tell(&mut progress, &[peer::Event::Failed(Failure::WordsDiffer)]);
    assert_eq!(progress.step(), Step::Failed);
    assert!(!progress.may_dispute());
    assert_eq!(progress.stage_state(StageId::Words), StageState::Failed);
    assert_eq!(progress.stage_state(StageId::Sent), StageState::Done);
    assert_eq!(progress.stage_state(StageId::Shares), StageState::Pending);
}

#[test]
fn who_only_contributes_has_no_part_in_adding_up_and_may_leave_early() {
    let mut progress = after(&[committee(Role::Contributor)]);
    assert!(progress.needs_to_stay());
    tell(
        &mut progress,
        &[peer::Event::ContributionSent { shares: 3 }, peer::Event::ContributionAcknowledged],
    );
    assert!(!progress.needs_to_stay());
    assert!(progress.may_leave());
    assert_eq!(
        states(&progress),
        ["done", "done", "done", "done", "done", "skipped", "skipped", "skipped", "current"]
    );
}

#[test]
fn a_failure_is_marked_where_the_round_broke_off() {
    let progress = after(&[
        committee(MEMBER),
        peer::Event::ContributionSent { shares: 3 },
        peer::Event::ContributionAcknowledged,
        peer::Event::Failed(Failure::ConnectionLost),
    ]);
    assert_eq!(progress.step(), Step::Failed);
    assert_eq!(progress.trouble(), Some(Trouble::Round(Failure::ConnectionLost)));
    assert_eq!(progress.stage_state(StageId::Shares), StageState::Failed);
    assert_eq!(progress.stage_state(StageId::Partial), StageState::Pending);
    assert!(!progress.needs_to_stay());
}

#[test]
fn a_round_that_is_given_up_without_a_connection_broke_off_there() {
    let lost = peer::Event::Disconnected { why: Failure::ConnectionLost, retry_in_ms: 2_000 };
    let progress = after(&[committee(MEMBER), lost, peer::Event::Failed(Failure::ConnectionLost)]);
    assert_eq!(progress.step(), Step::Failed);
    assert_eq!(progress.stage_state(StageId::Connected), StageState::Failed);
}

#[test]
fn a_connection_that_never_stood_is_an_unreachable_hospital() {
    let mut progress = Progress::default();
    let closed = Event::Closed { code: 1006, reason: String::new(), opened: false };
    progress.apply(&closed, None, 0.0);
    tell(&mut progress, &[peer::Event::Failed(Failure::ConnectionLost)]);
    assert_eq!(progress.trouble(), Some(Trouble::Unreachable));
}

#[test]
fn nothing_changes_after_the_result() {
    let aggregate = Aggregate { count: 3, cells: [Some(20)].into() };
    let mut progress = after(&[committee(MEMBER)]);
    tell(
        &mut progress,
        &[
            peer::Event::Published(Published {
                aggregate: aggregate.clone(),
                own: COUNTED,
                rejected: 0,
                wrong: ShareIndices::default(),
            }),
            peer::Event::Failed(Failure::ConnectionLost),
        ],
    );
    assert_eq!(progress.step(), Step::Published);
    assert_eq!(progress.result(), Some(&aggregate));
}

#[test]
fn a_round_that_takes_no_answers_is_no_failure_to_who_only_looked() {
    for ending in [
        waiting(Phase::Aggregating, 0),
        peer::Event::Failed(Failure::TooLate),
        peer::Event::Failed(Failure::Full),
    ] {
        let mut progress = Progress::default();
        tell(&mut progress, &[peer::Event::StudyReceived(Box::new(study())), ending]);
        assert_eq!(progress.step(), Step::TooLate);
    }
}

#[test]
fn the_countdown_belongs_to_the_stage_that_waits() {
    let progress = after(&[waiting(Phase::Enrolling, 2)]);
    let closing = Some(ClosingIn { seconds: 14, phase: Phase::Enrolling });
    assert_eq!(progress.closing(StageId::Waiting, 2_500.0), closing);
    assert_eq!(progress.closing(StageId::Shares, 2_500.0), None);
    let late = Some(ClosingIn { seconds: 0, phase: Phase::Enrolling });
    assert_eq!(progress.closing(StageId::Waiting, 99_000.0), late);
}

#[test]
fn a_lost_connection_is_no_failure_and_says_what_is_safe() {
    let lost = peer::Event::Disconnected { why: Failure::ConnectionLost, retry_in_ms: 2_000 };
    let mut progress = after(&[committee(MEMBER), peer::Event::ContributionSent { shares: 3 }]);
    tell(&mut progress, std::slice::from_ref(&lost));
    assert_eq!(progress.step(), Step::Running);
    assert_eq!((progress.retry_in(1_000.0), progress.retry_in(9_000.0)), (Some(2), Some(0)));
    assert_eq!(progress.safety(), Safety::WrittenDown);
    // No tick next to a connection that is not there, and nothing goes on but getting it back.
    assert_eq!(
        states(&progress),
        ["current", "done", "done", "done", "pending", "pending", "pending", "pending", "pending"]
    );

    tell(&mut progress, &[peer::Event::Reconnected, peer::Event::ContributionAcknowledged]);
    assert_eq!(progress.retry_in(1_000.0), None);
    assert_eq!(progress.safety(), Safety::Stored);
    assert_eq!(
        states(&progress),
        ["done", "done", "done", "done", "done", "current", "pending", "pending", "pending"]
    );

    let mut asked = Progress::default();
    tell(&mut asked, &[peer::Event::StudyReceived(Box::new(study())), lost]);
    assert_eq!((asked.step(), asked.safety()), (Step::Asking, Safety::NotAnswered));
}

#[test]
fn who_finds_no_place_is_not_cut_off_and_may_get_one() {
    let no_place = |why| peer::Event::Disconnected { why, retry_in_ms: 12_000 };
    let mut progress = after(&[committee(MEMBER), peer::Event::ContributionSent { shares: 3 }]);
    tell(&mut progress, &[no_place(Failure::PlacesKept)]);
    assert!(progress.waits_for_a_place() && !progress.is_cut_off());
    assert_eq!(progress.stage_state(StageId::Connected), StageState::Done);
    assert_eq!((progress.retry_in(0.0), progress.safety()), (None, Safety::NoPlace));
    tell(&mut progress, &[peer::Event::Reconnected]);
    assert!(progress.waits_for_a_place());

    let mut placed = progress.clone();
    tell(&mut placed, &[peer::Event::ContributionAcknowledged]);
    assert_eq!((placed.waits_for_a_place(), placed.safety()), (false, Safety::Stored));

    // A connection that is really lost is said to be.
    tell(&mut progress, &[no_place(Failure::ConnectionLost)]);
    assert!(progress.is_cut_off() && !progress.waits_for_a_place());
}

#[test]
fn without_storage_an_answer_is_safe_in_this_page_only() {
    let mut progress = after(&[]);
    progress.apply(&Event::NotKept(StorageError::Blocked), None, 0.0);
    assert_eq!(progress.safety(), Safety::InThisPage);
    assert_eq!(progress.step(), Step::Running);
}

fn resumed(sent: bool, promised: bool) -> peer::Event {
    peer::Event::Resumed { study: Box::new(study()), sent, promised }
}

#[test]
fn who_comes_back_is_told_what_had_happened_before() {
    for (sent, promised, safety) in [
        (false, false, Safety::WrittenDown),
        (true, false, Safety::WrittenDown),
        (true, true, Safety::Stored),
    ] {
        let mut progress = Progress::default();
        tell(&mut progress, &[resumed(sent, promised)]);
        assert_eq!((progress.has_sent(), progress.safety()), (sent, safety));
    }
}

#[test]
fn who_comes_back_goes_on_and_is_connected_only_when_it_is() {
    let mut progress = Progress::default();
    tell(&mut progress, &[resumed(false, false)]);
    assert_eq!((progress.step(), progress.is_resumed()), (Step::Running, true));
    assert_eq!(progress.current_stage(), Some(StageId::Connected));
    // A hospital that is away is waited for.
    let closed = Event::Closed { code: 1006, reason: String::new(), opened: false };
    progress.apply(&closed, None, 0.0);
    let why = Failure::HospitalStopping;
    tell(&mut progress, &[peer::Event::Disconnected { why, retry_in_ms: 500 }]);
    assert_eq!(progress.step(), Step::Running);
    tell(&mut progress, &[peer::Event::Reconnected]);
    assert_eq!(progress.current_stage(), Some(StageId::Waiting));
}

#[test]
fn what_cannot_be_written_down_ends_the_visit_for_now() {
    let mut progress = after(&[]);
    progress.apply(&Event::StorageFailed(StorageError::Full), None, 0.0);
    assert_eq!(progress.step(), Step::Failed);
    assert_eq!(progress.trouble().map(|trouble| trouble.code()), Some("storage-full"));
    assert!(progress.trouble().is_some_and(|trouble| trouble.may_resume()));
}

#[test]
fn a_receipt_stays_when_nothing_new_is_known() {
    let mut progress = after(&[]);
    assert_eq!(progress.receipt(), None);
    progress.note_receipt(Some("early".to_owned()));
    progress.note_receipt(None);
    assert_eq!(progress.receipt(), Some("early"));
    progress.note_receipt(Some("late".to_owned()));
    tell(&mut progress, &[peer::Event::Failed(Failure::Left)]);
    assert_eq!(progress.receipt(), Some("late"), "after the visit is over, too");
}

#[test]
fn a_committee_that_is_refused_is_where_the_round_broke_off() {
    let progress = after(&[peer::Event::Failed(Failure::Committee(CommitteeError::Encoding))]);
    assert_eq!(progress.stage_state(StageId::Waiting), StageState::Done);
    assert_eq!(progress.stage_state(StageId::Committee), StageState::Failed);
    assert_eq!(progress.stage_state(StageId::Words), StageState::Pending);
}
