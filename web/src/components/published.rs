//! The result of the round that the visitor took part in.

use leptos::prelude::*;

use wardsum_peer::Outcome;
use wardsum_peer::protocol::Aggregate;
use wardsum_peer::protocol::peer::OwnAnswer;

use super::{NextRound, Receipt, ResultFigures};
use crate::erased::memo;
use crate::next_round::NextRoundWatch;
use crate::progress::Progress;
use crate::text::RoundStands;
use crate::{browser, text};

/// A result, and the sentences that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    result: Aggregate,
    unit: String,
    words: Vec<String>,
    receipt: Option<String>,
}

impl Told {
    /// In the round that has just ended.
    pub(crate) fn now(progress: &Progress) -> Option<Self> {
        let (result, unit) = (progress.result()?, progress.study()?.unit().to_owned());
        let not_erased = progress.not_erased();
        // Whoever comes with a link to a round that is over is shown its result.
        let came_late = progress.own() == OwnAnswer::None && progress.is_invited();
        let words = [
            Some(text::result_checked(result.count, progress.own(), progress.has_checked_all())),
            came_late.then(|| text::INVITED_ONCE.to_owned()),
            text::rejected(result.count, progress.rejected()),
            text::corrected(progress.wrong_partials()),
            not_erased.map(|error| format!("{} {error}", text::NOT_ERASED)),
        ];
        let receipt = progress.receipt().map(str::to_owned);
        Some(Self { result, unit, words: words.into_iter().flatten().collect(), receipt })
    }

    /// Before the page was loaded again.
    pub(crate) fn before(outcome: &Outcome, unit: String) -> Self {
        let result = outcome.aggregate;
        let words = [
            // Whether this tab held shares is not kept; what is said is true in either case.
            Some(text::result_checked(result.count, outcome.own, false)),
            text::rejected(result.count, outcome.rejected),
            Some(text::OUTCOME.to_owned()),
        ];
        let receipt = outcome.receipt.clone();
        Self { result, unit, words: words.into_iter().flatten().collect(), receipt }
    }
}

/// The result, and what is known about it.
#[component]
pub(crate) fn Published(
    /// What to say.
    told: Option<Told>,
    /// The study's id.
    study: String,
    /// The study digest of the round.
    round: String,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    browser::focus_soon("result-title");
    let figures = told.map(|Told { result, unit, words, receipt }| {
        let (study, round) = (study.clone(), round.clone());
        let receipt = receipt.map(|receipt| {
            let receipt = memo(move || Some(receipt.clone()));
            let stands = Signal::stored(RoundStands::Published);
            view! { <Receipt receipt study round stands /> }
        });
        let words = words.into_iter().map(|words| view! { <p>{words}</p> });
        view! {
            <section id="result" class="panel" aria-labelledby="result-title">
                <h2 id="result-title" tabindex="-1">{text::RESULT_TITLE}</h2>
                <ResultFigures sum=result.sum count=result.count unit />
                <div class="quiet" data-testid="result-checked">{words.collect_view()}</div>
            </section>
            {receipt}
        }
    });
    let NextRoundWatch { open, .. } = NextRoundWatch::begin(study, round);
    view! {
        {figures}
        <NextRound open restart />
    }
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::StudyDigest;
    use wardsum_peer::protocol::peer::{self, Disclosure, Role};
    use wardsum_peer::protocol::sharing::ShareIndices;
    use wardsum_peer::protocol::verdict::Rejection;

    use super::*;
    use crate::progress::tests::{COUNTED, MEMBER, after, committee, end};

    const AGGREGATE: Aggregate = Aggregate { count: 40, sum: 200 };
    const ONE_OF_41: &str = "1 of 41 answers was not valid and was not counted.";

    /// What is said of a result of 40 answers to whoever had this part, and of whose answer this became.
    fn told(role: Role, own: OwnAnswer, rejected: u32) -> Vec<String> {
        let mut progress = after(&[committee(role)]);
        let wrong = ShareIndices::default();
        let published = peer::Published { aggregate: AGGREGATE, own, rejected, wrong };
        let verifications_sent = u32::from(role == MEMBER);
        let disclosure = Disclosure { verifications_sent, ..Disclosure::default() };
        end(&mut progress, published, disclosure);
        Told::now(&progress).expect("there is a result").words
    }

    #[test]
    fn a_rejected_answer_is_told_to_its_owner_with_the_reason_and_the_number() {
        for (reason, why) in [
            (Rejection::Invalid, "it did not pass the check"),
            (Rejection::Disputed, "could not use theirs"),
        ] {
            let words = told(MEMBER, OwnAnswer::Rejected(reason), 1);
            let [own, all] = &words[..] else { panic!("two sentences: {words:?}") };
            assert!(own.contains(why) && own.contains("it is not one of the 40"), "{own}");
            assert_eq!(all, ONE_OF_41);
        }
    }

    #[test]
    fn rejected_answers_of_others_are_told_to_everybody() {
        for role in [MEMBER, Role::Contributor] {
            assert_eq!(told(role, COUNTED, 1)[1..], [ONE_OF_41]);
            assert_eq!(told(role, COUNTED, 0).len(), 1, "there is nothing to tell");
        }
    }

    #[test]
    fn only_a_member_says_that_the_answer_is_counted_once() {
        assert!(told(MEMBER, COUNTED, 0)[0].ends_with("one of the 40, and is counted once."));
        let visitor = told(Role::Contributor, COUNTED, 0);
        assert!(
            !visitor[0].contains("once") && visitor[0].contains("one of the 40."),
            "{visitor:?}"
        );
    }

    #[test]
    fn after_a_reload_the_same_is_told_as_far_as_it_is_kept() {
        let outcome = Outcome {
            study_id: "pain".to_owned(),
            round: StudyDigest([7; 32]),
            aggregate: AGGREGATE,
            rejected: 1,
            own: OwnAnswer::Rejected(Rejection::Disputed),
            receipt: None,
        };
        let words = Told::before(&outcome, String::new()).words;
        let [own, all, erased] = &words[..] else { panic!("three sentences: {words:?}") };
        assert!(own.contains("could not use theirs"), "{own}");
        assert_eq!((&**all, &**erased), (ONE_OF_41, text::OUTCOME));
        let counted = Outcome { own: COUNTED, rejected: 0, ..outcome };
        let words = Told::before(&counted, String::new()).words;
        assert!(words[0].contains("one of the 40.") && words.len() == 2, "{words:?}");
    }
}
