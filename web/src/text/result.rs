//! The sentences of a round that is over: the result, what became of one's own answer, and the receipt.

use wardsum_peer::protocol::peer::OwnAnswer;
use wardsum_peer::protocol::sharing::ShareIndices;
use wardsum_peer::protocol::verdict::Rejection;

use super::both;
use super::sentences::{
    self, corrected_many, corrected_one, own_counted, own_counted_once, own_disputed, own_invalid,
    own_late, own_none, receipt_lost, receipt_open, receipt_published,
};

/// Said with a result in which wrong partial sums were corrected; nothing if there were none.
pub(crate) fn corrected(wrong: ShareIndices) -> Option<String> {
    let members: Vec<String> = wrong.iter().map(|place| place.number().to_string()).collect();
    match members.as_slice() {
        [] => None,
        [member] => Some(corrected_one(member)),
        [members @ .., last] => {
            let wrong = members.len() as u64 + 1;
            Some(corrected_many(wrong, &members.join(", "), last))
        }
    }
}

/// That the result holds, and what became of the answer that was given here. `once` says whether this
/// page has seen itself that no answer is counted twice, which takes a share of each.
pub(crate) fn result_checked(count: u32, own: OwnAnswer, once: bool) -> String {
    let own = match own {
        OwnAnswer::Counted if once => own_counted_once(count),
        OwnAnswer::Counted => own_counted(count),
        OwnAnswer::NotCounted => own_late(count),
        OwnAnswer::Rejected(Rejection::Invalid) => own_invalid(count),
        OwnAnswer::Rejected(Rejection::Disputed) => own_disputed(count),
        OwnAnswer::None => own_none().to_owned(),
    };
    both(sentences::result_checked(), &own)
}

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
        RoundStands::Open => receipt_open(),
        RoundStands::Lost => receipt_lost(),
        RoundStands::Published => receipt_published(),
    }
}

/// Said with a result if answers came that are not counted; nothing if there were none.
pub(crate) fn rejected(accepted: u32, rejected: u32) -> Option<String> {
    let all = i128::from(accepted) + i128::from(rejected);
    (rejected > 0).then(|| sentences::rejected(rejected, all))
}

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
