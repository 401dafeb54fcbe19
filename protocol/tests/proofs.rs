//! Proofs over all kinds of questions: every answer that is allowed is accepted from any shares that are
//! enough, and nothing else is.

mod common;

use common::Dice;
use prio::field::FieldElement;
use proptest::prelude::*;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::questionnaire::{Question, Questionnaire, Response};
use wardsum_protocol::sharing::{Scheme, Share};
use wardsum_protocol::validity::{QueryRandomness, Verifier};
use wardsum_protocol::{ContributionDigest, ManifestDigest};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One question of each kind, with and without a limit.
fn questions() -> Questionnaire {
    Questionnaire::new(vec![
        Question::Number(IntegerRange::new(-3, 9).unwrap()),
        Question::YesNo,
        Question::Choice { options: 3 },
        Question::Choices { options: 4, at_most: 2 },
        Question::Choices { options: 2, at_most: 2 },
    ])
    .unwrap()
}

fn responses(dice: &mut Dice) -> Vec<Response> {
    let chosen = |dice: &mut Dice, options: u16, at_most: usize| {
        let mut chosen: Vec<u16> = (0..options).filter(|_| dice.chance(50)).collect();
        chosen.truncate(at_most);
        Response::Choices(chosen)
    };
    vec![
        Response::Number(dice.value(-3, 9)),
        Response::YesNo(dice.chance(50)),
        Response::Choice(u16::try_from(dice.below(3)).unwrap()),
        chosen(dice, 4, 2),
        chosen(dice, 2, 2),
    ]
}

fn randomness(questions: &Questionnaire, dice: &mut Dice) -> QueryRandomness {
    let (manifest, contribution) = (dice.bytes(), dice.bytes());
    QueryRandomness::new(questions, ManifestDigest(manifest), ContributionDigest(contribution))
}

/// The members that `present` names query their shares; what these make is decided.
fn judged(
    questions: &Questionnaire,
    proven: &SecretVector,
    (scheme, constants): (Scheme, Scheme),
    present: usize,
    dice: &mut Dice,
) -> bool {
    let randomness = randomness(questions, dice);
    let mut shares = scheme.split(proven, &mut dice.0);
    for i in (1..shares.len()).rev() {
        shares.swap(i, dice.index(i + 1));
    }
    let queried = shares.iter().take(present).map(|share| {
        let verifier = questions.verifier_share(&share.values, &randomness, constants);
        Share { index: share.index, values: SecretVector::new(verifier.to_vec()) }
    });
    let verifier = scheme.combine(&queried.collect::<Vec<_>>()).unwrap().secret;
    questions.accepts(&Verifier::try_from(verifier.elements()).unwrap())
}

fn proven(questions: &Questionnaire, dice: &mut Dice) -> SecretVector {
    let input = questions.encode(&responses(dice)).expect("a response to each question");
    questions.prove(&input, &mut dice.0)
}

fn schemes() -> impl Strategy<Value = Scheme> {
    prop_oneof![(3u8..=9).prop_map(Scheme::additive), (4u8..=12).prop_map(Scheme::threshold_of),]
}

fn with(vector: &SecretVector, position: usize, add: Field) -> SecretVector {
    let mut elements = vector.elements().to_vec();
    elements[position] += add;
    SecretVector::new(elements)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_allowed_is_accepted(scheme in schemes(), more in 0usize..4, seed: u64) {
        let (questions, dice) = (questions(), &mut Dice::new(seed));
        let vector = proven(&questions, dice);
        let present = (usize::from(scheme.threshold()) + more).min(scheme.shares().into());
        prop_assert!(judged(&questions, &vector, (scheme, scheme), present, dice));
    }

    /// The proof is made for the wrong answer, as a cheater would.
    #[test]
    fn no_other_bit_is_accepted(scheme in schemes(), position: prop::sample::Index, add: u128, seed: u64) {
        let (questions, dice) = (questions(), &mut Dice::new(seed));
        let input = questions.encode(&responses(dice)).unwrap();
        let position = position.index(input.len());
        let wrong = with(&input, position, Field::from(add >> 1));
        let element = wrong.elements()[position];
        prop_assume!(element != field::zero() && element != Field::one());
        let vector = questions.prove(&wrong, &mut dice.0);
        prop_assert!(!judged(&questions, &vector, (scheme, scheme), scheme.shares().into(), dice));
    }

    /// All elements are bits, and still they are no answer: too many choices, or too few.
    #[test]
    fn no_other_number_of_choices_is_accepted(scheme in schemes(), flipped in 0usize..3, seed: u64) {
        let (questions, dice) = (questions(), &mut Dice::new(seed));
        let input = questions.encode(&responses(dice)).unwrap();
        // Four bits for the number, one for yes or no; then the three options of the choice.
        let position = 5 + flipped;
        let is_set = input.elements()[position] == Field::one();
        let add = if is_set { -Field::one() } else { Field::one() };
        let vector = questions.prove(&with(&input, position, add), &mut dice.0);
        prop_assert!(!judged(&questions, &vector, (scheme, scheme), scheme.shares().into(), dice));
    }

    #[test]
    fn no_other_proof_is_accepted(scheme in schemes(), position: prop::sample::Index, add: u128, seed: u64) {
        let (questions, dice) = (questions(), &mut Dice::new(seed));
        let vector = proven(&questions, dice);
        let proof = questions.proven_len() - questions.input_len();
        let position = questions.input_len() + position.index(proof);
        let wrong = with(&vector, position, Field::from(1 + (add >> 1)));
        prop_assert!(!judged(&questions, &wrong, (scheme, scheme), scheme.shares().into(), dice));
    }

    /// Constants that are taken as for the other kind of sharing make every honest answer wrong. A question
    /// without constants would not show it.
    #[test]
    fn constants_are_shared_as_the_scheme_wants_it(scheme in schemes(), seed: u64) {
        let (questions, dice) = (questions(), &mut Dice::new(seed));
        let vector = proven(&questions, dice);
        let k = scheme.shares();
        let other = if scheme.is_additive() { Scheme::new(k, k - 1).unwrap() } else { Scheme::additive(k) };
        prop_assert!(!judged(&questions, &vector, (scheme, other), k.into(), dice));
        let number = Questionnaire::new(vec![Question::YesNo]).unwrap();
        let yes = number.prove(&number.encode(&[Response::YesNo(true)]).unwrap(), &mut dice.0);
        prop_assert!(judged(&number, &yes, (scheme, other), k.into(), dice));
    }
}

/// Two contributions, or two manifests, are queried at points that have nothing to do with each other.
#[test]
fn every_contribution_of_every_manifest_is_queried_with_its_own_randomness() {
    let questions = questions();
    let of = |manifest: u8, contribution: u8| {
        let digests = (ManifestDigest([manifest; 32]), ContributionDigest([contribution; 32]));
        QueryRandomness::new(&questions, digests.0, digests.1)
    };
    assert_eq!(of(1, 2), of(1, 2));
    assert_ne!(of(1, 2), of(1, 3));
    assert_ne!(of(1, 2), of(2, 2));
}

/// Of many proofs of one answer, the messages are spread over the field, whichever answer it is.
#[test]
fn the_verifier_message_says_nothing_of_the_answer() {
    let questions = Questionnaire::new(vec![Question::YesNo]).unwrap();
    let dice = &mut Dice::new(7);
    let randomness = randomness(&questions, dice);
    // The whole is queried like a share that takes the constants whole.
    let whole = Scheme::new(3, 2).unwrap();
    for yes in [true, false] {
        let input = questions.encode(&[Response::YesNo(yes)]).unwrap();
        let mut high = 0;
        for _ in 0..400 {
            let vector = questions.prove(&input, &mut dice.0);
            let [output, wire, gadget] = questions.verifier_share(&vector, &randomness, whole);
            assert_eq!(output, field::zero());
            assert_eq!(wire * wire - wire, gadget);
            high += u32::from(u128::from(wire) > field::modulus() / 2);
        }
        assert!((120..280).contains(&high), "{high} of 400 are in the upper half");
    }
}
