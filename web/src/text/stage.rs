//! The sentences of the stage list.

use wardsum_peer::protocol::DeclineReason;
use wardsum_peer::protocol::peer::Waiting;

use super::{both, closes_in, sentences};
use crate::progress::{Partial, Progress, StageId, StageState};

/// The name of a stage, as it stands.
pub(crate) fn stage_title(stage: StageId, standing: StageState, invited: bool) -> &'static str {
    match stage {
        StageId::Connected if standing == StageState::Done => sentences::title_connected(),
        StageId::Connected => sentences::title_not_connected(),
        StageId::Waiting => sentences::title_waiting(),
        StageId::Committee => sentences::title_committee(),
        StageId::Words if invited => sentences::title_invitations(),
        StageId::Words => sentences::title_words(),
        StageId::Sent => sentences::title_sent(),
        StageId::Shares => sentences::title_shares(),
        StageId::Checked => sentences::title_checked(),
        StageId::Partial => sentences::title_partial(),
        StageId::Result => sentences::title_result(),
    }
}

/// How a stage stands, for those who cannot see the mark next to it.
pub(crate) fn stage_state(state: StageState) -> &'static str {
    match state {
        StageState::Pending => sentences::state_pending(),
        StageState::Current => sentences::state_current(),
        StageState::Done => sentences::state_done(),
        StageState::Skipped => sentences::state_skipped(),
        StageState::Failed => sentences::state_failed(),
    }
}

/// One plain sentence about a stage.
pub(crate) fn stage_detail(stage: StageId, progress: &Progress) -> String {
    let standing = progress.stage_state(stage);
    match stage {
        StageId::Connected => connected(progress, standing),
        StageId::Waiting => waiting(progress, standing),
        StageId::Committee => committee(progress),
        StageId::Words if progress.is_invited() => invitations(standing).to_owned(),
        StageId::Words => words(standing, progress.has_sent()).to_owned(),
        StageId::Sent => sent(progress, standing),
        StageId::Shares => shares(progress, standing),
        StageId::Checked => checked(progress, standing),
        StageId::Partial => partial(progress, standing),
        StageId::Result => result(progress),
    }
}

fn connected(progress: &Progress, state: StageState) -> String {
    if progress.is_cut_off() {
        return sentences::connection_lost().to_owned();
    }
    match (state, progress.organisation()) {
        _ if progress.waits_for_a_place() => sentences::connected_asks_for_place().to_owned(),
        (StageState::Done, Some(organisation)) => sentences::connected_to(organisation),
        _ if progress.is_resumed() => sentences::connected_resuming().to_owned(),
        _ => sentences::connected_not_yet().to_owned(),
    }
}

fn waiting(progress: &Progress, state: StageState) -> String {
    if state == StageState::Done {
        return sentences::waiting_done().to_owned();
    }
    let Some(waiting) = progress.enrolment() else {
        return sentences::waiting_begins().to_owned();
    };
    let here = if waiting.present >= waiting.needed {
        sentences::waiting_enough(waiting.present, waiting.needed)
    } else {
        sentences::waiting_for_more(waiting.present, waiting.needed)
    };
    with_those_away(here, waiting, sentences::away)
}

/// A sentence, and another about who is waited for that has lost the connection, if anybody is.
fn with_those_away(said: String, waiting: Waiting, away: fn(u32) -> String) -> String {
    if waiting.away == 0 { said } else { both(&said, &away(waiting.away)) }
}

fn committee(progress: &Progress) -> String {
    let Some(committee) = progress.committee() else {
        return sentences::committee_pending().to_owned();
    };
    let (members, threshold) = (committee.members, committee.threshold);
    match (committee.is_member, members == threshold) {
        (true, true) => sentences::committee_all(members),
        (true, false) => sentences::committee_some(members, threshold),
        (false, _) => sentences::committee_others(members),
    }
}

fn invitations(state: StageState) -> &'static str {
    match state {
        StageState::Done => sentences::invitations_checked(),
        _ => sentences::invitations_pending(),
    }
}

fn words(state: StageState, sent: bool) -> &'static str {
    match state {
        StageState::Failed if sent => sentences::compared_differ(),
        StageState::Current => sentences::compared_now(),
        StageState::Done => sentences::compared_match(),
        StageState::Failed => sentences::compared_stopped(),
        StageState::Pending | StageState::Skipped => sentences::compared_pending(),
    }
}

fn sent(progress: &Progress, state: StageState) -> String {
    match (progress.shares_sent(), state) {
        (Some(shares), StageState::Done) => sentences::sent_acknowledged(shares),
        (Some(shares), _) => sentences::sent_on_its_way(shares),
        // Before the page was loaded, or the tab closed.
        (None, StageState::Done) => sentences::sent_before().to_owned(),
        (None, _) => sentences::sent_pending().to_owned(),
    }
}

fn shares(progress: &Progress, state: StageState) -> String {
    let received = progress.shares_received();
    match (progress.counted(), state) {
        (_, StageState::Skipped) => sentences::others_part().to_owned(),
        (Some(counted), _) => sentences::shares_of_all(received, counted),
        (None, StageState::Pending) => sentences::shares_pending().to_owned(),
        (None, _) => match progress.contributing() {
            Some(waiting) => {
                // The hospital tells the number of answers only now and then, and a share at once.
                let present = waiting.present.max(received);
                let said = sentences::shares_so_far_of(received, present, waiting.needed);
                with_those_away(said, waiting, sentences::away_needed)
            }
            None => sentences::shares_so_far(received),
        },
    }
}

fn checked(progress: &Progress, state: StageState) -> String {
    match (progress.verdict(), state, progress.verifying()) {
        (_, StageState::Skipped, _) => sentences::others_part().to_owned(),
        (Some(verdict), ..) => match super::rejected(verdict.accepted, verdict.rejected) {
            Some(rejected) => rejected,
            None => sentences::checked_all_valid().to_owned(),
        },
        (None, _, Some(waiting)) => {
            let said = sentences::checked_so_far(waiting.present, waiting.needed);
            with_those_away(said, waiting, sentences::away_needed)
        }
        (None, _, None) => sentences::checked_pending().to_owned(),
    }
}

fn partial(progress: &Progress, state: StageState) -> String {
    match (progress.partial(), state) {
        (Some(Partial::Declined(reason)), _) => declined(reason).to_owned(),
        (_, StageState::Skipped) => sentences::others_part().to_owned(),
        (Some(Partial::Sent), _) => match progress.verdict() {
            Some(verdict) => sentences::partial_sent_of(verdict.accepted),
            None => sentences::partial_sent().to_owned(),
        },
        _ => sentences::partial_pending().to_owned(),
    }
}

fn declined(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::BelowMinimum => sentences::declined_below_minimum(),
        DeclineReason::OwnAnswer => sentences::declined_own_answer(),
        DeclineReason::Mismatch => sentences::declined_mismatch(),
    }
}

fn result(progress: &Progress) -> String {
    match (progress.result(), progress.study(), progress.aggregating()) {
        (Some(result), Some(study), _) => super::result_sentence(study, result),
        (None, _, Some(waiting)) => {
            let said = sentences::result_so_far(waiting.present, waiting.needed);
            with_those_away(said, waiting, sentences::away_needed)
        }
        (None, _, None) => match progress.contributing() {
            Some(waiting) if progress.is_acknowledged() => {
                let said = sentences::result_answers_so_far(waiting.present, waiting.needed);
                with_those_away(said, waiting, sentences::away_needed)
            }
            _ => sentences::result_pending().to_owned(),
        },
        _ => sentences::result_pending().to_owned(),
    }
}

/// How long the phase that a stage waits for stays open, if that is known.
pub(crate) fn closing(stage: StageId, progress: &Progress, now_ms: f64) -> Option<String> {
    let closing = progress.closing(stage, now_ms)?;
    Some(closes_in(closing.seconds, closing.phase))
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::{Phase, peer};

    use super::*;
    use crate::progress::tests::{MEMBER, after, committee, tell, waiting};

    #[test]
    fn a_connection_that_is_lost_is_not_called_connected() {
        let mut progress = after(&[waiting(Phase::Enrolling, 2)]);
        let told = |progress: &_| {
            let state = Progress::stage_state(progress, StageId::Connected);
            (
                stage_title(StageId::Connected, state, false),
                stage_detail(StageId::Connected, progress),
            )
        };
        assert_eq!(told(&progress), ("Connected", "This tab is connected to Ward 7.".to_owned()));
        tell(
            &mut progress,
            &[peer::Event::Disconnected { why: peer::Failure::ConnectionLost, retry_in_ms: 500 }],
        );
        let lost = "The connection to the hospital is lost.".to_owned();
        assert_eq!(told(&progress), ("Not connected", lost));
        tell(&mut progress, &[peer::Event::Reconnected]);
        assert_eq!(told(&progress).0, "Connected");
    }

    #[test]
    fn shares_that_have_come_are_never_more_than_there_are() {
        let progress = after(&[
            committee(MEMBER),
            peer::Event::ContributionSent { shares: 3 },
            peer::Event::ContributionAcknowledged,
            waiting(Phase::Contributing, 1),
            peer::Event::ShareReceived { received: 2 },
        ]);
        let told = stage_detail(StageId::Shares, &progress);
        assert!(told.starts_with("2 of 2 shares received so far."), "{told}");
    }
}
