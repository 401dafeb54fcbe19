//! What a screen reader says while a round goes on.

use super::sentences::{
    places_kept, result_pending, said_back, said_checked, said_enough, said_lost, said_shares,
    said_waiting, said_waiting_for,
};
use super::{stage_detail, stage_title};
use crate::progress::{Progress, StageId, StageState};

/// What the live region holds; a screen reader says it whenever it changes. It changes with the
/// stage and when enough people have come, and not with every count: people, shares and partial
/// sums may come by the hundred, and stand in the stage list for whoever wants to know.
///
/// When the connection is lost it says so, once, and what is said when it is back is the stage
/// again.
pub(crate) fn announcement(progress: &Progress) -> String {
    if progress.waits_for_a_place() {
        return places_kept().to_owned();
    }
    if progress.is_cut_off() {
        return said_lost().to_owned();
    }
    match (progress.result().is_some(), progress.has_answered(), progress.current_stage()) {
        (true, ..) => stage_detail(StageId::Result, progress),
        (false, true, Some(stage)) => begun(stage, progress),
        // There is no stage yet to say that it goes on.
        (false, false, _) if progress.is_back() => said_back().to_owned(),
        _ => String::new(),
    }
}

fn begun(stage: StageId, progress: &Progress) -> String {
    match stage {
        StageId::Waiting => waiting(progress),
        StageId::Shares => said_shares().to_owned(),
        StageId::Result => result_pending().to_owned(),
        StageId::Checked => said_checked().to_owned(),
        StageId::Connected | StageId::Words | StageId::Sent | StageId::Partial => {
            stage_detail(stage, progress)
        }
        StageId::Committee => stage_title(stage, StageState::Current, false).to_owned(),
    }
}

fn waiting(progress: &Progress) -> String {
    match progress.enrolment() {
        Some(waiting) if waiting.present >= waiting.needed => said_enough().to_owned(),
        Some(waiting) => said_waiting_for(waiting.needed),
        None => said_waiting().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::peer::{self, Waiting};
    use wardsum_peer::protocol::sharing::ShareIndices;
    use wardsum_peer::protocol::{Aggregate, Phase};

    use super::*;
    use crate::progress::tests::{
        COUNTED, MEMBER, VERDICT, after, committee, tell, waiting, words,
    };

    /// What is said while these events come in, each as often as it changes.
    fn said(events: impl IntoIterator<Item = peer::Event>) -> Vec<String> {
        let mut progress = after(&[]);
        let mut said = vec![announcement(&progress)];
        for event in events {
            tell(&mut progress, &[event]);
            said.push(announcement(&progress));
        }
        said.dedup();
        said
    }

    #[test]
    fn people_who_come_are_not_counted_out_loud() {
        let coming = (1..=500).map(|present| waiting(Phase::Enrolling, present));
        assert_eq!(
            said(coming),
            [
                "Waiting for others.",
                "Waiting for others. At least 3 people are needed.",
                "Enough people are here. The round goes on when enrolment closes.",
            ]
        );
    }

    #[test]
    fn a_lost_connection_is_told_once_and_its_attempts_are_not() {
        let lost = |retry_in_ms| peer::Event::Disconnected {
            why: peer::Failure::ConnectionLost,
            retry_in_ms,
        };
        let events = [lost(400), lost(900), lost(1_800), peer::Event::Reconnected, lost(300)];
        assert_eq!(
            said(events),
            ["Waiting for others.", said_lost(), "Waiting for others.", said_lost()]
        );
    }

    #[test]
    fn before_an_answer_is_given_the_connection_is_told_to_be_back() {
        let mut progress = Progress::default();
        let lost =
            peer::Event::Disconnected { why: peer::Failure::ConnectionLost, retry_in_ms: 400 };
        tell(&mut progress, &[lost]);
        assert_eq!(announcement(&progress), said_lost());
        tell(&mut progress, &[peer::Event::Reconnected]);
        assert_eq!(announcement(&progress), said_back());
    }

    #[test]
    fn who_waits_for_a_place_is_told_once_however_often_the_page_asks() {
        let no_place =
            peer::Event::Disconnected { why: peer::Failure::PlacesKept, retry_in_ms: 12_000 };
        let events = [no_place.clone(), peer::Event::Reconnected, no_place];
        assert_eq!(said(events), ["Waiting for others.", places_kept()]);
    }

    #[test]
    fn a_large_round_says_each_stage_once() {
        let contributing = |present| {
            peer::Event::Waiting(Waiting {
                phase: Phase::Contributing,
                present,
                needed: 3,
                away: 0,
                closes_in_ms: 15_000,
            })
        };
        let mut events = vec![
            waiting(Phase::Enrolling, 3),
            committee(MEMBER),
            words(true),
            words(false),
            peer::Event::ContributionSent { shares: 3 },
            peer::Event::ContributionAcknowledged,
        ];
        for received in 1..=300 {
            events.push(contributing(received));
            events.push(peer::Event::ShareReceived { received });
        }
        events.push(peer::Event::ManifestAccepted { contributions: 300, own: COUNTED });
        events.push(peer::Event::VerificationSent { contributions: 300 });
        events.push(VERDICT);
        events.push(peer::Event::PartialSent);
        events.extend((1..=30).map(|present| waiting(Phase::Aggregating, present)));
        let aggregate = Aggregate { count: 300, cells: [Some(20)].into() };
        events.push(peer::Event::Published(peer::Published {
            aggregate,
            own: COUNTED,
            rejected: 0,
            wrong: ShareIndices::default(),
        }));
        assert_eq!(
            said(events),
            [
                "Waiting for others.",
                "Enough people are here. The round goes on when enrolment closes.",
                "Your answer will be split into shares, each encrypted for one browser.",
                "Compare the eight words. Nothing is sent before they match.",
                "Your answer will be split into shares, each encrypted for one browser.",
                "Your answer was split into 3 encrypted shares and sent.",
                "The shares of the others are arriving.",
                "The answers are being checked, without anybody seeing them.",
                "This tab will add up the shares that it holds and send only their sum.",
                "The hospital puts the partial sums together and publishes the sum.",
                "The sum is 20 points, from 300 people.",
            ]
        );
    }
}
