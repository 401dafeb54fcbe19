//! The sentences of a round that is over: the result, what became of one's own answer, and the receipt.

use wardsum_peer::protocol::peer::OwnAnswer;
use wardsum_peer::protocol::sharing::ShareIndices;
use wardsum_peer::protocol::verdict::Rejection;

use crate::number;

pub(crate) const RESULT_TITLE: &str = "Result";
pub(crate) const LATEST_RESULT_TITLE: &str = "The latest result";
pub(crate) const SUM: &str = "Sum";
pub(crate) const MEAN: &str = "Mean";
pub(crate) const PEOPLE: &str = "People";
pub(crate) const NEXT_ROUND: &str = "Take part in the next round";
pub(crate) const NEXT_ROUND_OPEN: &str = "A new round of this study is open.";

/// Said with a result in which wrong partial sums were corrected; nothing if there were none.
pub(crate) fn corrected(wrong: ShareIndices) -> Option<String> {
    let members: Vec<String> = wrong.iter().map(|place| place.number().to_string()).collect();
    match members.as_slice() {
        [] => None,
        [member] => Some(format!(
            "One partial sum was wrong, that of committee member {member}. There were enough others to \
             find and correct it, so the result is exact."
        )),
        [members @ .., last] => Some(format!(
            "{} partial sums were wrong, those of committee members {} and {last}. There were enough \
             others to find and correct them, so the result is exact.",
            members.len() + 1,
            members.join(", ")
        )),
    }
}

/// That the result holds, and what became of the answer that was given here. `once` says whether this
/// page has seen itself that no answer is counted twice, which takes a share of each.
pub(crate) fn result_checked(count: u32, own: OwnAnswer, once: bool) -> String {
    let count = number::whole(count.into());
    let checked =
        "Your browser has checked the signatures under this result and added it up again.";
    match own {
        OwnAnswer::Counted if once => {
            format!("{checked} Your answer is one of the {count}, and is counted once.")
        }
        OwnAnswer::Counted => format!(
            "{checked} Your answer is one of the {count}. That none is counted twice is checked by those \
             who hold the shares."
        ),
        OwnAnswer::NotCounted => {
            format!("{checked} Your answer came too late and is not one of the {count}.")
        }
        OwnAnswer::Rejected(Rejection::Invalid) => format!(
            "{checked} Your answer arrived, but the hospital’s server says that it did not pass the check \
             that every answer has to pass, so it is not one of the {count}. The transcript shows whether \
             that is so. If you answered with this page, please tell the people who gave \
             you the link."
        ),
        OwnAnswer::Rejected(Rejection::Disputed) => format!(
            "{checked} Your answer arrived, but the hospital’s server says that one of the people who hold \
             the shares could not use theirs, so it is not one of the {count}. Nobody has seen it. Please tell the people who gave \
             you the link."
        ),
        OwnAnswer::None => {
            format!("{checked} This round is over, and no answer was given in this tab.")
        }
    }
}

pub(crate) const RECEIPT_TITLE: &str = "To check later";
pub(crate) const RECEIPT: &str = "Save your receipt";
pub(crate) const TRANSCRIPT: &str = "Save the record of this round";
pub(crate) const RECEIPT_NOT: &str = "The receipt says nothing about what you answered. It does show that \
    somebody with this device took part in this study, and so does the name of the file, so keep it where \
    only you find it.";

/// How a round stands of which there is a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundStands {
    /// The answer is stored, and the result is waited for.
    Open,
    /// This page learns of no result with its answer in it.
    Lost,
    /// There is a result, and a record of it.
    Published,
}

/// What the receipt is good for.
pub(crate) fn receipt(stands: RoundStands) -> &'static str {
    match stands {
        RoundStands::Open => {
            "Your encrypted answer is stored. With this receipt you, or somebody whom you trust, can check later \
             that it is part of the record that the hospital publishes. You may also wait for the result: \
             the receipt then says more."
        }
        RoundStands::Lost => {
            "The receipt says what this page has seen of the round. Should the hospital publish a record of it, \
             you, or somebody whom you trust, can check whether that says the same of your answer."
        }
        RoundStands::Published => {
            "The record of this round is public. With your receipt you, or somebody whom you trust, can check \
             later that it is the record that this page has seen, and what became of your answer in it."
        }
    }
}

/// Said with a result if answers came that are not counted; nothing if there were none.
pub(crate) fn rejected(accepted: u32, rejected: u32) -> Option<String> {
    let all = number::whole(i128::from(accepted) + i128::from(rejected));
    match rejected {
        0 => None,
        1 => Some(format!("1 of {all} answers was not valid and was not counted.")),
        rejected => {
            let rejected = number::whole(rejected.into());
            Some(format!("{rejected} of {all} answers were not valid and were not counted."))
        }
    }
}

/// Said with the result of a round that was over before the page was loaded.
pub(crate) const OUTCOME: &str = "Your answer and its keys have been erased from this device. This \
    tab remembers only the result, whether your answer counts, and the receipt.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_not_counted_are_told_with_their_number() {
        assert_eq!(rejected(41, 0), None);
        let one = "1 of 41 answers was not valid and was not counted.";
        assert_eq!(rejected(40, 1).as_deref(), Some(one));
        let many = "1,200 of 3,600 answers were not valid and were not counted.";
        assert_eq!(rejected(2_400, 1_200).as_deref(), Some(many));
    }

    #[test]
    fn whoever_s_answer_is_rejected_is_told_why_and_what_to_do() {
        let told = |reason| result_checked(40, OwnAnswer::Rejected(reason), true);
        let invalid = told(Rejection::Invalid);
        for text in [
            "did not pass the check that every answer has to pass, so it is not one of the 40.",
            "please tell the people who gave you the link",
        ] {
            assert!(invalid.contains(text), "“{text}” is not in: {invalid}");
        }
        let disputed = told(Rejection::Disputed);
        for text in [
            "one of the people who hold the shares could not use theirs, so it is not one of the 40.",
            "Nobody has seen it. Please tell the people who gave you the link.",
        ] {
            assert!(disputed.contains(text), "“{text}” is not in: {disputed}");
        }
        for told in [invalid, disputed] {
            assert!(!told.contains("once") && !told.contains("is one of the"), "{told}");
        }
    }

    #[test]
    fn only_who_has_seen_it_says_that_an_answer_is_counted_once() {
        let member = result_checked(40, OwnAnswer::Counted, true);
        assert!(member.ends_with("Your answer is one of the 40, and is counted once."), "{member}");
        let visitor = result_checked(40, OwnAnswer::Counted, false);
        let left_to_others = "Your answer is one of the 40. That none is counted twice is checked by those \
                              who hold the shares.";
        assert!(visitor.ends_with(left_to_others), "{visitor}");
    }
}
