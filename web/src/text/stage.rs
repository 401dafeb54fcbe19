//! The sentences of the stage list.

use wardsum_peer::protocol::DeclineReason;
use wardsum_peer::protocol::peer::Waiting;

use super::{closes_in, with_unit};
use crate::number;
use crate::progress::{Partial, Progress, StageId, StageState};

/// The name of a stage, as it stands.
pub(crate) fn stage_title(stage: StageId, standing: StageState, invited: bool) -> &'static str {
    match stage {
        StageId::Connected if standing == StageState::Done => "Connected",
        StageId::Connected => "Not connected",
        StageId::Waiting => "Waiting for others",
        StageId::Committee => "Committee fixed",
        StageId::Words if invited => "Invitations checked",
        StageId::Words => "Words compared",
        StageId::Sent => "Answer split and sent encrypted",
        StageId::Shares => "Shares received",
        StageId::Checked => "Answers checked",
        StageId::Partial => "Partial sum sent",
        StageId::Result => "Result",
    }
}

/// How a stage stands, for those who cannot see the mark next to it.
pub(crate) fn stage_state(state: StageState) -> &'static str {
    match state {
        StageState::Pending => "not yet",
        StageState::Current => "now",
        StageState::Done => "done",
        StageState::Skipped => "not needed",
        StageState::Failed => "failed",
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
        return super::CONNECTION_LOST.to_owned();
    }
    match (state, progress.organisation()) {
        _ if progress.waits_for_a_place() => {
            "This tab asks the hospital for a place from time to time.".to_owned()
        }
        (StageState::Done, Some(organisation)) => {
            format!("This tab is connected to {organisation}.")
        }
        _ if progress.is_resumed() => {
            "You are back. This tab is connecting to the hospital, and goes on with the answer that \
             you gave before."
                .to_owned()
        }
        _ => "This tab is connecting to the hospital.".to_owned(),
    }
}

fn waiting(progress: &Progress, state: StageState) -> String {
    if state == StageState::Done {
        return "Enough people have come.".to_owned();
    }
    let Some(waiting) = progress.enrolment() else {
        return "Your answer waits here until enough people have come.".to_owned();
    };
    let (present, needed) =
        (number::whole(waiting.present.into()), number::whole(waiting.needed.into()));
    if waiting.present >= waiting.needed {
        format!("{present} people are here, and at least {needed} are needed.{}", away(waiting))
    } else {
        format!("{present} of at least {needed} people are here.{}", away(waiting))
    }
}

/// Who is waited for that has lost the connection; nothing if nobody is.
fn away(waiting: Waiting) -> String {
    match waiting.away {
        0 => String::new(),
        1 => " One of them has lost the connection and is waited for.".to_owned(),
        away => format!(
            " {} of them have lost the connection and are waited for.",
            number::whole(away.into())
        ),
    }
}

fn committee(progress: &Progress) -> String {
    let Some(committee) = progress.committee() else {
        return "Some of the people here, in a small round all of them, will hold the shares."
            .to_owned();
    };
    let (members, threshold) = (committee.members, committee.threshold);
    match (committee.is_member, members == threshold) {
        (true, true) => format!(
            "{members} people hold the shares, and you are one of them. All of them are needed for \
             the sum."
        ),
        (true, false) => format!(
            "{members} people hold the shares, and you are one of them. {threshold} of them are \
             needed for the sum."
        ),
        (false, _) => format!(
            "{members} people hold the shares. You are not one of them, and your answer counts all \
             the same."
        ),
    }
}

fn invitations(state: StageState) -> &'static str {
    match state {
        StageState::Done => "Everybody who holds shares has shown an invitation to this study.",
        _ => "This page will check the invitation of everybody who holds shares.",
    }
}

fn words(state: StageState, sent: bool) -> &'static str {
    match state {
        StageState::Failed if sent => "You have said that your words are not those of the others.",
        StageState::Current => "Compare the eight words. Nothing is sent before they match.",
        StageState::Done => "You have said that your eight words are those of the others.",
        StageState::Failed => "Your words were not said to match, so nothing was sent.",
        StageState::Pending | StageState::Skipped => {
            "Everybody will compare eight words before an answer is sent."
        }
    }
}

fn sent(progress: &Progress, state: StageState) -> String {
    match (progress.shares_sent(), state) {
        (Some(shares), StageState::Done) => {
            format!(
                "Your answer was split into {shares} shares, each encrypted for one browser, and \
                 the hospital has acknowledged them."
            )
        }
        (Some(shares), _) => {
            format!("Your answer was split into {shares} encrypted shares and sent.")
        }
        // Before the page was loaded, or the tab closed.
        (None, StageState::Done) => {
            "Your answer was split into encrypted shares, and the hospital has \
            acknowledged them."
                .to_owned()
        }
        (None, _) => {
            "Your answer will be split into shares, each encrypted for one browser.".to_owned()
        }
    }
}

fn shares(progress: &Progress, state: StageState) -> String {
    let received = number::whole(progress.shares_received().into());
    match (progress.counted(), state) {
        (_, StageState::Skipped) => OTHERS_PART.to_owned(),
        (Some(counted), _) => {
            let counted = number::whole(counted.into());
            format!("{received} of {counted} shares received, one from every person who answered.")
        }
        (None, StageState::Pending) => {
            "One share will arrive from every person who answers.".to_owned()
        }
        (None, _) => match progress.contributing() {
            Some(waiting) => {
                // The hospital tells the number of answers only now and then, and a share at once.
                let present = waiting.present.max(progress.shares_received());
                let (present, needed) =
                    (number::whole(present.into()), number::whole(waiting.needed.into()));
                format!(
                    "{received} of {present} shares received so far. At least {needed} people \
                     must send theirs.{}",
                    away_members(waiting)
                )
            }
            None => format!("{received} shares received so far."),
        },
    }
}

/// Who is waited for of those who hold the shares; nothing if nobody is.
fn away_members(waiting: Waiting) -> String {
    match waiting.away {
        0 => String::new(),
        1 => " One person who is needed has lost the connection and is waited for.".to_owned(),
        away => format!(
            " {} people who are needed have lost the connection and are waited for.",
            number::whole(away.into())
        ),
    }
}

fn checked(progress: &Progress, state: StageState) -> String {
    match (progress.verdict(), state, progress.verifying()) {
        (_, StageState::Skipped, _) => OTHERS_PART.to_owned(),
        (Some(verdict), ..) => match super::rejected(verdict.accepted, verdict.rejected) {
            Some(rejected) => rejected,
            None => "All answers are valid.".to_owned(),
        },
        (None, _, Some(waiting)) => {
            let (present, needed) =
                (number::whole(waiting.present.into()), number::whole(waiting.needed.into()));
            format!(
                "{present} of {needed} people’s browsers have checked the answers, without seeing any.{}",
                away_members(waiting)
            )
        }
        (None, _, None) => {
            "This tab will check that every answer is one of those allowed, without seeing any."
                .to_owned()
        }
    }
}

const OTHERS_PART: &str = "This is the part of those who hold the shares.";

fn partial(progress: &Progress, state: StageState) -> String {
    match (progress.partial(), state) {
        (Some(Partial::Declined(reason)), _) => declined(reason).to_owned(),
        (_, StageState::Skipped) => OTHERS_PART.to_owned(),
        (Some(Partial::Sent), _) => match progress.verdict() {
            Some(verdict) => format!(
                "This tab added up {} shares and sent only their sum.",
                number::whole(verdict.accepted.into())
            ),
            None => "This tab added up the shares and sent only their sum.".to_owned(),
        },
        _ => "This tab will add up the shares that it holds and send only their sum.".to_owned(),
    }
}

fn declined(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::BelowMinimum => {
            "This tab sent no partial sum, because too few answers would have been counted."
        }
        DeclineReason::OwnAnswer => {
            "This tab sent no partial sum, because your own answer was not counted exactly once."
        }
        DeclineReason::Mismatch => {
            "This tab sent no partial sum, because it did not get a share from everybody who is \
             counted."
        }
    }
}

fn result(progress: &Progress) -> String {
    match (progress.result(), progress.study(), progress.aggregating()) {
        (Some(result), Some(study), _) => {
            let (sum, count) =
                (with_unit(result.sum, study.unit()), number::whole(result.count.into()));
            format!("The sum is {sum}, from {count} people.")
        }
        (None, _, Some(waiting)) => {
            let (present, needed) =
                (number::whole(waiting.present.into()), number::whole(waiting.needed.into()));
            format!(
                "{present} of {needed} partial sums have arrived at the hospital.{}",
                away_members(waiting)
            )
        }
        (None, _, None) => match progress.contributing() {
            Some(waiting) if progress.is_acknowledged() => {
                let (present, needed) =
                    (number::whole(waiting.present.into()), number::whole(waiting.needed.into()));
                format!(
                    "Answers that have arrived at the hospital: {present}. At least {needed} are needed \
                     before it puts anything together.{}",
                    away_members(waiting)
                )
            }
            _ => PUTTING_TOGETHER.to_owned(),
        },
        _ => PUTTING_TOGETHER.to_owned(),
    }
}

const PUTTING_TOGETHER: &str = "The hospital puts the partial sums together and publishes the sum.";

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
