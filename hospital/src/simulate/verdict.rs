//! Whether a round did what it promises.

use wardsum_protocol::peer::{OwnAnswer, Published};
use wardsum_protocol::{Aggregate, Study};

use super::counting;
use super::mishaps::DropPhase;
use super::patients::{End, Outcome};
use super::round_view::RoundView;
use crate::result_json::ResultJson;

/// What the peers' ends and the hospital's result amount to.
pub(super) struct Verdict {
    /// What the answers that have to count come to when they are counted plainly: of everybody but those who vanished
    /// before they contributed.
    pub(super) expected: ResultJson,
    /// Why the result is not what it should be; nothing, if hospital and peers all published exactly it.
    pub(super) reason: Option<String>,
}

impl Verdict {
    /// Judges the round of this study from how the hospital says that it stands, if it does, and from the peers' ends.
    pub(super) fn of(
        view: Option<&RoundView>,
        outcomes: &[Outcome],
        study: &Study,
        trouble: Option<String>,
    ) -> Self {
        let expected = expected(outcomes, study);
        let reason = match (view, trouble) {
            (Some(view), Some(trouble)) => Some(explain(&trouble, view)),
            (None, Some(trouble)) => Some(trouble),
            (None, None) => Some("the hospital does not say how the round stands".to_owned()),
            (Some(view), None) => match &view.result {
                None => Some(no_result(view, outcomes)),
                Some(result) => misses(outcomes, result, &expected, study),
            },
        };
        Self { expected: ResultJson::new(study, &expected), reason }
    }
}

/// What has to be published.
fn expected(outcomes: &[Outcome], study: &Study) -> Aggregate {
    let early = |end: &End| matches!(end, End::Dropped(DropPhase::Enrolled | DropPhase::Seated));
    let counted =
        outcomes.iter().filter(|outcome| !early(&outcome.end) && !is_rightly_rejected(outcome));
    let answers: Vec<_> = counted.map(|outcome| &outcome.answer[..]).collect();
    let count = u32::try_from(answers.len()).unwrap_or(u32::MAX);
    let numbers = counting::count(study.questionnaire(), &answers);
    Aggregate::suppressed(study, count, &numbers)
}

/// Whether an answer is rejected that was made to be.
fn is_rightly_rejected(outcome: &Outcome) -> bool {
    let rejected =
        matches!(&outcome.end, End::Published(Published { own: OwnAnswer::Rejected(_), .. }));
    outcome.spoiled && rejected
}

/// What is wrong with a published result.
fn misses(
    outcomes: &[Outcome],
    result: &ResultJson,
    expected: &Aggregate,
    study: &Study,
) -> Option<String> {
    let differs = outcomes.iter().find_map(|outcome| differs(outcome, result));
    differs.or_else(|| {
        let count = expected.count;
        let said = ResultJson::new(study, expected);
        (result.aggregate().as_ref() != Some(expected))
            .then(|| format!("the answers that have to count are {count}, and come to: {said}"))
    })
}

/// What is wrong with a peer's end, given what the hospital published.
fn differs(outcome: &Outcome, result: &ResultJson) -> Option<String> {
    match &outcome.end {
        End::Failed(failure) => Some(format!("a peer failed: {failure}")),
        End::Published(Published { aggregate: seen, .. })
            if result.aggregate().as_ref() != Some(seen) =>
        {
            Some("a peer saw another result than the hospital".to_owned())
        }
        End::Published(Published { own: OwnAnswer::NotCounted | OwnAnswer::None, .. }) => {
            Some("a peer's answer is not counted".to_owned())
        }
        End::Published(Published { own: OwnAnswer::Rejected(reason), .. }) if !outcome.spoiled => {
            Some(format!("an honest answer was rejected: {reason}"))
        }
        End::Dropped(_) | End::Published(_) => None,
    }
}

fn no_result(view: &RoundView, outcomes: &[Outcome]) -> String {
    let failure = outcomes.iter().find_map(|outcome| match &outcome.end {
        End::Failed(failure) => Some(failure),
        End::Dropped(_) | End::Published(_) => None,
    });
    match (&view.ended, failure) {
        (Some(ended), _) => format!("the round ended: {ended}"),
        (None, Some(failure)) => explain(&format!("a peer failed: {failure}"), view),
        (None, None) => explain("the round has no result", view),
    }
}

/// Says where the round stood as well.
fn explain(trouble: &str, view: &RoundView) -> String {
    let RoundView { phase, enrolled, contributed, verified, partials, ended, .. } = view;
    match ended {
        Some(ended) => format!("{trouble}; the round ended: {ended}"),
        None => format!(
            "{trouble}; the round was {phase} with {enrolled} enrolled, {contributed} contributions, \
             {verified} verifications and {partials} partial sums"
        ),
    }
}

#[cfg(test)]
mod tests {
    use wardsum_protocol::Phase;
    use wardsum_protocol::questionnaire::Response;
    use wardsum_protocol::sharing::ShareIndices;

    use super::*;
    use crate::native_peer::Traffic;
    use crate::simulate::one_number;

    /// Of so many numbers from 0 to 10, with this sum.
    fn sum(count: u32, sum: u128) -> Aggregate {
        Aggregate { count, cells: [Some(sum)].into() }
    }

    fn seven() -> Aggregate {
        sum(2, 7)
    }

    fn view(aggregate: Option<Aggregate>, ended: Option<&str>) -> RoundView {
        RoundView {
            phase: if aggregate.is_some() { Phase::Published } else { Phase::Ended },
            enrolled: 3,
            committee: Some(3),
            threshold: Some(3),
            contributed: 2,
            verified: 3,
            rejected: 0,
            left_out: 0,
            wrong: 0,
            partials: 2,
            result: aggregate.map(|aggregate| ResultJson::new(&one_number(0, 10), &aggregate)),
            ended: ended.map(str::to_owned),
        }
    }

    fn published(aggregate: Aggregate, own: OwnAnswer) -> End {
        End::Published(Published { aggregate, own, rejected: 0, wrong: ShareIndices::default() })
    }

    fn verdict(view: &RoundView, ends: impl IntoIterator<Item = (i128, End)>) -> Verdict {
        let outcomes: Vec<_> = ends
            .into_iter()
            .map(|(answer, end)| Outcome {
                answer: vec![Response::Number(answer)],
                spoiled: false,
                end,
                traffic: Traffic::default(),
            })
            .collect();
        Verdict::of(Some(view), &outcomes, &one_number(0, 10), None)
    }

    #[test]
    fn who_vanished_before_contributing_does_not_count_and_others_do() {
        let ends = || {
            [
                (3, published(seven(), OwnAnswer::Counted)),
                (4, End::Dropped(DropPhase::BeforePartial)),
                (9, End::Dropped(DropPhase::Enrolled)),
                (5, End::Dropped(DropPhase::Seated)),
            ]
        };
        let Verdict { expected, reason } = verdict(&view(Some(seven()), None), ends());
        assert_eq!((expected.aggregate(), reason), (Some(seven()), None));
        let wrong = sum(3, 16);
        assert!(verdict(&view(Some(wrong), None), ends()).reason.is_some());
    }

    #[test]
    fn one_peer_with_another_result_or_without_its_answer_is_enough() {
        let other = sum(2, 8);
        for end in [
            published(other, OwnAnswer::Counted),
            published(seven(), OwnAnswer::NotCounted),
            End::Failed("no connection".to_owned()),
        ] {
            let ends = [(3, published(seven(), OwnAnswer::Counted)), (4, end)];
            assert!(verdict(&view(Some(seven()), None), ends).reason.is_some());
        }
    }

    #[test]
    fn a_round_without_a_result_says_why() {
        let ends = [(3, End::Failed("It ended.".to_owned()))];
        let reason = verdict(&view(None, Some("too few members left")), ends).reason;
        assert_eq!(reason.as_deref(), Some("the round ended: too few members left"));
    }

    #[test]
    fn a_round_that_cannot_be_judged_is_not_exact() {
        let study = one_number(0, 10);
        assert!(Verdict::of(None, &[], &study, None).reason.is_some());
        let trouble = Some("it was told to stop".to_owned());
        let verdict = Verdict::of(Some(&view(Some(seven()), None)), &[], &study, trouble);
        assert_eq!(verdict.expected.aggregate(), Some(sum(0, 0)));
        assert!(verdict.reason.unwrap().starts_with("it was told to stop"));
    }
}
