//! The result of the round that the visitor took part in.

use leptos::prelude::*;

use wardsum_peer::Outcome;
use wardsum_peer::protocol::peer::OwnAnswer;
use wardsum_peer::protocol::{Aggregate, Study};

use super::parts::{focus_panel, paragraph};
use super::receipt::{Receipt, receipt};
use super::{findings, next_round};
use crate::dom::{Element, View, element};
use crate::next_round::NextRoundWatch;
use crate::progress::Progress;
use crate::text::RoundStands;
use crate::{browser, text};

/// A result, and the sentences that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    study: Study,
    result: Aggregate,
    words: Vec<String>,
    receipt: Option<String>,
}

impl Told {
    /// In the round that has just ended.
    pub(crate) fn now(progress: &Progress) -> Option<Self> {
        let (result, study) = (progress.result()?.clone(), progress.study()?.clone());
        let not_erased = progress.not_erased();
        // Whoever comes with a link to a round that is over is shown its result.
        let came_late = progress.own() == OwnAnswer::None && progress.is_invited();
        let words = [
            Some(text::result_checked(result.count, progress.own(), progress.has_checked_all())),
            came_late.then(|| text::invited_once().to_owned()),
            text::rejected(result.count, progress.rejected()),
            text::corrected(progress.wrong_partials()),
            not_erased.map(|error| text::both(text::not_erased(), &text::storage(error))),
        ];
        let receipt = progress.receipt().map(str::to_owned);
        Some(Self { study, result, words: words.into_iter().flatten().collect(), receipt })
    }

    /// Before the page was loaded again.
    pub(crate) fn before(outcome: &Outcome) -> Self {
        let (result, study) = (outcome.aggregate.clone(), outcome.study.clone());
        let words = [
            // Whether this tab held shares is not kept; what is said is true in either case.
            Some(text::result_checked(result.count, outcome.own, false)),
            text::rejected(result.count, outcome.rejected),
            Some(text::outcome().to_owned()),
        ];
        let receipt = outcome.receipt.clone();
        Self { study, result, words: words.into_iter().flatten().collect(), receipt }
    }
}

/// The result, and what is known about it. `study` and `round` are the study's id and digest; `restart` starts over,
/// with a fresh peer.
pub(crate) fn published(
    told: Option<Told>,
    study: String,
    round: String,
    restart: Callback<()>,
) -> View {
    browser::focus_soon("result-title");
    let result = told.map(|told| with_receipt(told, &study, &round));
    let NextRoundWatch { open, .. } = NextRoundWatch::begin(study, round);
    [result.into(), next_round(open, restart)].into()
}

fn with_receipt(told: Told, study: &str, round: &str) -> View {
    let words: Vec<Element> = told.words.into_iter().map(paragraph).collect();
    let result = focus_panel("result-title", text::result_title())
        .id("result")
        .with(findings(&told.study, &told.result))
        .with(element("div").class("quiet").test_id("result-checked").with(words));
    let receipt = told.receipt.map(|text| {
        let receipt = Receipt { text, stands: RoundStands::Published };
        self::receipt(study, round, true, move || receipt.clone())
    });
    [View::from(result), receipt.into()].into()
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::peer::{self, Disclosure, Role};
    use wardsum_peer::protocol::sharing::ShareIndices;
    use wardsum_peer::protocol::verdict::Rejection;

    use super::*;
    use crate::progress::tests::{COUNTED, MEMBER, after, committee, end, study::study};

    fn aggregate() -> Aggregate {
        Aggregate { count: 40, cells: [Some(200)].into() }
    }

    const ONE_OF_41: &str = "1 of 41 answers was not valid and was not counted.";

    /// What is said of a result of 40 answers to whoever had this part, and of whose answer this became.
    fn told(role: Role, own: OwnAnswer, rejected: u32) -> Vec<String> {
        let mut progress = after(&[committee(role)]);
        let wrong = ShareIndices::default();
        let published = peer::Published { aggregate: aggregate(), own, rejected, wrong };
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
            study: study(),
            aggregate: aggregate(),
            rejected: 1,
            own: OwnAnswer::Rejected(Rejection::Disputed),
            receipt: None,
        };
        let words = Told::before(&outcome).words;
        let [own, all, erased] = &words[..] else { panic!("three sentences: {words:?}") };
        assert!(own.contains("could not use theirs"), "{own}");
        assert_eq!((&**all, &**erased), (ONE_OF_41, text::outcome()));
        let counted = Outcome { own: COUNTED, rejected: 0, ..outcome };
        let words = Told::before(&counted).words;
        assert!(words[0].contains("one of the 40.") && words.len() == 2, "{words:?}");
    }
}
