//! The proof of validity by itself: complete, sound against every changed element, and the same as
//! libprio's own where libprio has the same circuit.

mod common;

use common::Dice;
use prio::field::{FieldElement, FieldElementWithInteger, NttFriendlyFieldElement};
use prio::flp::types::Sum;
use prio::flp::{Flp, FlpError, Gadget, Type};
use proptest::prelude::*;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::questionnaire::{
    INPUT_LEN_MAX, Question, Questionnaire, QuestionnaireError, Response, ResponseError,
};
use wardsum_protocol::sharing::{Scheme, Share, ShareIndex};
use wardsum_protocol::validity::{QueryRandomness, VERIFIER_LEN, Verifier};
use wardsum_protocol::{ContributionDigest, ManifestDigest};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn number(min: i128, max: i128) -> Question {
    Question::Number(IntegerRange::new(min, max).expect("a range"))
}

fn questionnaire(questions: Vec<Question>) -> Questionnaire {
    Questionnaire::new(questions).expect("admissible questions")
}

/// Questionnaires of every kind with an answer to each, alone and together.
fn answered() -> Vec<(Questionnaire, Vec<Response>)> {
    let each = [
        (number(0, 10), Response::Number(7)),
        (number(-3, 5), Response::Number(-3)),
        (Question::YesNo, Response::YesNo(true)),
        (Question::YesNo, Response::YesNo(false)),
        (Question::Choice { options: 2 }, Response::Choice(1)),
        (Question::Choice { options: 7 }, Response::Choice(0)),
        (Question::Choices { options: 5, at_most: 2 }, Response::Choices(vec![1, 4])),
        (Question::Choices { options: 5, at_most: 3 }, Response::Choices(vec![0])),
        (Question::Choices { options: 4, at_most: 4 }, Response::Choices(vec![])),
        (Question::Choices { options: 1, at_most: 1 }, Response::Choices(vec![0])),
        (Question::Choices { options: 9, at_most: 6 }, Response::Choices(vec![])),
    ];
    let all = each.iter().cloned().unzip::<_, _, Vec<_>, Vec<_>>();
    let alone = each.into_iter().map(|(question, response)| (vec![question], vec![response]));
    alone.chain([all]).map(|(questions, answer)| (questionnaire(questions), answer)).collect()
}

fn schemes() -> Vec<Scheme> {
    let mut schemes: Vec<Scheme> = [3, 4, 5, 7, 10].map(Scheme::threshold_of).to_vec();
    schemes.push(Scheme::additive(5));
    schemes
}

fn randomness(questionnaire: &Questionnaire, dice: &mut Dice) -> QueryRandomness {
    let (manifest, contribution) = (ManifestDigest(dice.bytes()), ContributionDigest(dice.bytes()));
    QueryRandomness::new(questionnaire, manifest, contribution)
}

/// Each member's share of the verifier message.
fn verifier_shares(
    questionnaire: &Questionnaire,
    shares: &[Share],
    scheme: Scheme,
    dice: &mut Dice,
) -> Vec<Share> {
    let randomness = randomness(questionnaire, dice);
    let verify = |share: &Share| Share {
        index: share.index,
        values: SecretVector::new(
            questionnaire.verifier_share(&share.values, &randomness, scheme).to_vec(),
        ),
    };
    shares.iter().map(verify).collect()
}

/// What all members together find; `None` if their shares contradict each other.
fn verdict(
    questionnaire: &Questionnaire,
    shares: &[Share],
    scheme: Scheme,
    dice: &mut Dice,
) -> Option<bool> {
    let shares = verifier_shares(questionnaire, shares, scheme, dice);
    let verifier = scheme.agreed(&shares)?;
    Some(questionnaire.accepts(&Verifier::try_from(verifier.elements()).expect("a message")))
}

fn prove_and_verify(
    questionnaire: &Questionnaire,
    input: &SecretVector,
    scheme: Scheme,
    dice: &mut Dice,
) -> bool {
    let proven = questionnaire.prove(input, &mut dice.0);
    let shares = scheme.split(&proven, &mut dice.0);
    verdict(questionnaire, &shares, scheme, dice).expect("shares of one secret agree")
}

fn changed(vector: &SecretVector, position: usize, add: Field) -> SecretVector {
    let mut elements = vector.elements().to_vec();
    elements[position] += add;
    SecretVector::new(elements)
}

/// One, minus one, and something at random.
fn changes(dice: &mut Dice) -> [Field; 3] {
    [Field::one(), -Field::one(), field::sample(&mut dice.0)]
}

#[test]
fn every_valid_answer_is_accepted_under_every_sharing() {
    let mut dice = Dice::new(1);
    // The widest range of all besides: 127 bits.
    let widest = questionnaire(vec![number(i128::MIN / 4, i128::MAX / 4)]);
    for (questionnaire, responses) in
        answered().into_iter().chain([(widest, vec![Response::Number(-1)])])
    {
        let input = questionnaire.encode(&responses).expect("an answer");
        assert_eq!(input.len(), questionnaire.input_len());
        for scheme in schemes() {
            assert!(prove_and_verify(&questionnaire, &input, scheme, &mut dice), "{scheme:?}");
        }
    }
}

#[test]
fn an_answer_with_any_element_changed_is_refused_with_a_proof_made_for_it() {
    let mut dice = Dice::new(2);
    for (questionnaire, responses) in answered() {
        let input = questionnaire.encode(&responses).expect("an answer");
        for position in 0..input.len() {
            for add in changes(&mut dice) {
                let input = changed(&input, position, add);
                // Another answer, perhaps, that is as valid: a bit that was flipped.
                let bits =
                    input.elements().iter().all(|e| *e == Field::zero() || *e == Field::one());
                if bits && allowed(&questionnaire, &input) {
                    continue;
                }
                for scheme in [Scheme::threshold_of(3), Scheme::threshold_of(5)] {
                    let accepted = prove_and_verify(&questionnaire, &input, scheme, &mut dice);
                    assert!(!accepted, "element {position} of {questionnaire:?}");
                }
            }
        }
    }
}

/// Whether these bits are an answer, found out without the circuit: by decoding them as one.
fn allowed(questionnaire: &Questionnaire, input: &SecretVector) -> bool {
    let mut bits = input.elements().iter().map(|bit| *bit == Field::one());
    questionnaire.plan().items.iter().all(|item| match &item.question {
        Question::Number(range) => bits.by_ref().take(range.len()).count() == range.len(),
        Question::YesNo => bits.next().is_some(),
        Question::Choice { options } => {
            bits.by_ref().take(usize::from(*options)).filter(|bit| *bit).count() == 1
        }
        Question::Choices { options, at_most } => {
            let chosen = bits.by_ref().take(usize::from(*options)).filter(|bit| *bit).count();
            if at_most == options {
                return true;
            }
            // What might have been chosen besides is a number of trimmed weighted bits.
            let width = u128::from(*at_most);
            let len = u128::BITS - width.leading_zeros();
            let weights = (0..len)
                .map(|bit| if bit + 1 < len { 1 << bit } else { width - ((1 << (len - 1)) - 1) });
            let unused: u128 = weights.zip(bits.by_ref()).filter(|(_, b)| *b).map(|(w, _)| w).sum();
            chosen as u128 + unused == width
        }
    })
}

#[test]
fn a_proof_with_any_element_changed_is_refused() {
    let mut dice = Dice::new(3);
    for (questionnaire, responses) in answered() {
        let input = questionnaire.encode(&responses).expect("an answer");
        let proven = questionnaire.prove(&input, &mut dice.0);
        assert_eq!(proven.len(), questionnaire.proven_len());
        for position in input.len()..proven.len() {
            for add in changes(&mut dice) {
                let proven = changed(&proven, position, add);
                for scheme in [Scheme::threshold_of(3), Scheme::threshold_of(4)] {
                    let shares = scheme.split(&proven, &mut dice.0);
                    let found = verdict(&questionnaire, &shares, scheme, &mut dice);
                    assert_eq!(found, Some(false), "element {position} of {questionnaire:?}");
                }
            }
        }
    }
}

/// Whatever is changed about whichever member's share shows in its verifier share.
#[test]
fn a_share_with_any_element_changed_does_not_fit_the_others() {
    let mut dice = Dice::new(4);
    for (questionnaire, responses) in answered() {
        let input = questionnaire.encode(&responses).expect("an answer");
        let proven = questionnaire.prove(&input, &mut dice.0);
        let scheme = Scheme::threshold_of(7);
        for position in 0..proven.len() {
            for add in changes(&mut dice) {
                let mut shares = scheme.split(&proven, &mut dice.0);
                let liar = usize::try_from(dice.below(7)).expect("small");
                shares[liar].values = changed(&shares[liar].values, position, add);
                let shares = verifier_shares(&questionnaire, &shares, scheme, &mut dice);
                assert!(scheme.agreed(&shares).is_none(), "element {position}");
                let combined = scheme.combine(&shares).expect("one wrong one of seven");
                assert_eq!(combined.wrong, [shares[liar].index]);
                let verifier = Verifier::try_from(combined.secret.elements()).expect("a message");
                assert!(questionnaire.accepts(&verifier), "the others' shares are right");
            }
        }
    }
}

/// With additive shares nobody is to spare, and the answer is refused.
#[test]
fn a_changed_additive_share_makes_the_answer_invalid() {
    let mut dice = Dice::new(5);
    for (questionnaire, responses) in answered() {
        let input = questionnaire.encode(&responses).expect("an answer");
        let proven = questionnaire.prove(&input, &mut dice.0);
        let scheme = Scheme::additive(3);
        for position in (0..proven.len()).step_by(3) {
            let mut shares = scheme.split(&proven, &mut dice.0);
            // Not by one: for one additive share that may be another valid answer's bit.
            shares[1].values = changed(&shares[1].values, position, field::sample(&mut dice.0));
            assert_eq!(verdict(&questionnaire, &shares, scheme, &mut dice), Some(false));
        }
    }
}

#[test]
fn shares_of_too_high_a_degree_contradict_each_other() {
    let mut dice = Dice::new(6);
    for (questionnaire, responses) in answered() {
        let input = questionnaire.encode(&responses).expect("an answer");
        let proven = questionnaire.prove(&input, &mut dice.0);
        let scheme = Scheme::threshold_of(7);
        let steeper = Scheme::new(7, scheme.threshold() + 1).expect("a scheme");
        let shares = steeper.split(&proven, &mut dice.0);
        assert_eq!(verdict(&questionnaire, &shares, scheme, &mut dice), None);
    }
}

/// Of a constant an additive share takes its part and Shamir's the whole: the other way round, valid
/// answers are refused. Without a constant in the circuit this would not be noticed.
#[test]
fn the_number_of_shares_matters_where_the_circuit_has_constants() {
    let mut dice = Dice::new(7);
    let constants = questionnaire(vec![Question::Choice { options: 4 }]);
    let none = questionnaire(vec![number(0, 10)]);
    for (questionnaire, response, mistaken) in
        [(&constants, Response::Choice(2), false), (&none, Response::Number(3), true)]
    {
        let input = questionnaire.encode(&[response]).expect("an answer");
        let proven = questionnaire.prove(&input, &mut dice.0);
        let shamir = Scheme::threshold_of(4);
        let shares = shamir.split(&proven, &mut dice.0);
        let randomness = randomness(questionnaire, &mut dice);
        let take = |as_if: Scheme| {
            let verify = |share: &Share| Share {
                index: share.index,
                values: SecretVector::new(
                    questionnaire.verifier_share(&share.values, &randomness, as_if).to_vec(),
                ),
            };
            let verifier = shamir.agreed(&shares.iter().map(verify).collect::<Vec<_>>());
            let verifier = verifier.expect("an affine map keeps shares shares");
            questionnaire.accepts(&Verifier::try_from(verifier.elements()).expect("a message"))
        };
        assert!(take(shamir));
        assert_eq!(take(Scheme::additive(4)), mistaken);
    }
}

/// The circuit of one whole number from 0 on is that of `Prio3Sum` (VDAF draft, section 7.4.2), over another
/// field: the same encoding, proof and verifier message as of libprio's `Sum` over this one. The draft's vectors
/// are for `Sum` over Field64, to which libprio holds the same code; those over this field have joint randomness.
#[test]
fn one_whole_number_is_proven_as_prio3sum_does() {
    let mut dice = Dice::new(8);
    for max in [1_u32, 2, 3, 7, 10, 100, 1_000, 65_535] {
        let ours = questionnaire(vec![number(0, max.into())]);
        let theirs = Sum::<Field>::new(max.into()).expect("a maximum");
        assert_eq!(Flp::input_len(&ours), theirs.input_len());
        assert_eq!(ours.proof_len(), theirs.proof_len());
        assert_eq!(ours.verifier_len(), theirs.verifier_len());
        assert_eq!(ours.query_rand_len(), theirs.query_rand_len());
        let values = [0, max / 2, max];
        for value in values {
            let input = ours.encode_measurement(&vec![Response::Number(value.into())]);
            let input = input.expect("an answer");
            // There may be two ways to write a number with trimmed weights.
            let value = theirs.truncate(input.clone()).expect("their input");
            assert_eq!(value, ours.truncate(input.clone()).expect("our input"));
            let prove = [field::sample(&mut dice.0)];
            let proof = Flp::prove(&ours, &input, &prove, &[]).expect("a proof");
            assert_eq!(proof, theirs.prove(&input, &prove, &[]).expect("a proof"));
            let query: Vec<Field> =
                (0..ours.query_rand_len()).map(|_| field::sample(&mut dice.0)).collect();
            let verifier = ours.query(&input, &proof, &query, &[], 1).expect("a message");
            assert_eq!(verifier, theirs.query(&input, &proof, &query, &[], 1).expect("a message"));
            assert!(theirs.decide(&verifier).expect("a decision"));
        }
    }
}

/// The circuit of a questionnaire with the provided methods of libprio alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Provided(Questionnaire);

impl Flp for Provided {
    type Field = Field;

    fn gadget(&self) -> Vec<Box<dyn Gadget<Field>>> {
        self.0.gadget()
    }

    fn num_gadgets(&self) -> usize {
        self.0.num_gadgets()
    }

    fn valid(
        &self,
        gadgets: &mut Vec<Box<dyn Gadget<Field>>>,
        input: &[Field],
        joint_rand: &[Field],
        num_shares: usize,
    ) -> Result<Vec<Field>, FlpError> {
        self.0.valid(gadgets, input, joint_rand, num_shares)
    }

    fn input_len(&self) -> usize {
        Flp::input_len(&self.0)
    }

    fn proof_len(&self) -> usize {
        self.0.proof_len()
    }

    fn verifier_len(&self) -> usize {
        self.0.verifier_len()
    }

    fn joint_rand_len(&self) -> usize {
        self.0.joint_rand_len()
    }

    fn eval_output_len(&self) -> usize {
        self.0.eval_output_len()
    }

    fn prove_rand_len(&self) -> usize {
        self.0.prove_rand_len()
    }
}

/// Whatever is asked, and whatever share or part of one is queried.
fn queried() -> impl Strategy<Value = (Questionnaire, usize)> {
    let question = prop_oneof![
        (1i128..1 << 40).prop_map(|max| number(0, max)),
        Just(Question::YesNo),
        (2u16..40).prop_map(|options| Question::Choice { options }),
        (1u16..40, 1u16..40)
            .prop_map(|(options, most)| Question::Choices { options, at_most: most.min(options) }),
    ];
    let questions = prop::collection::vec(question, 1..12);
    let fits = |questions| Questionnaire::new(questions).ok();
    (questions.prop_filter_map("too long an answer", fits), prop_oneof![Just(1), 2usize..=255])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(target_arch = "wasm32") { 20 } else { 200 }) })]

    #[test]
    fn a_query_is_libprio_s_own((questionnaire, shares) in queried(), seed: u64) {
        let dice = &mut Dice::new(seed);
        let mut random = |len| (0..len).map(|_| field::sample(&mut dice.0)).collect::<Vec<_>>();
        let provided = Provided(questionnaire.clone());
        let (share, proof) = (random(questionnaire.input_len()), random(questionnaire.proof_len()));
        let mut randomness = random(questionnaire.query_rand_len());
        let both = |input: &[Field], proof: &[Field], randomness: &[Field]| {
            let ours = questionnaire.query(input, proof, randomness, &[], shares);
            (ours.ok(), provided.query(input, proof, randomness, &[], shares).ok())
        };
        let (ours, theirs) = both(&share, &proof, &randomness);
        prop_assert!(theirs.is_some());
        prop_assert_eq!(ours, theirs);

        prop_assert_eq!(both(&share[1..], &proof, &randomness), (None, None));
        prop_assert_eq!(both(&share, &proof[1..], &randomness), (None, None));
        prop_assert_eq!(both(&share, &proof, &randomness[1..]), (None, None));
        // The answer's own elements stand at the roots of unity.
        let order = (1 + share.len()).next_power_of_two();
        let root = Field::root(order.ilog2() as usize).unwrap();
        *randomness.last_mut().unwrap() = root.pow(u128::from(seed) % order as u128);
        prop_assert_eq!(both(&share, &proof, &randomness), (None, None));
    }
}

#[test]
fn the_longest_query_is_libprio_s_own() {
    let mut dice = Dice::new(9);
    for len in [INPUT_LEN_MAX, INPUT_LEN_MAX / 2, INPUT_LEN_MAX / 2 - 1] {
        let questionnaire = questionnaire(vec![Question::YesNo; len]);
        let mut random = |len| (0..len).map(|_| field::sample(&mut dice.0)).collect::<Vec<_>>();
        let (share, proof) = (random(questionnaire.input_len()), random(questionnaire.proof_len()));
        let randomness = random(questionnaire.query_rand_len());
        let ours = questionnaire.query(&share, &proof, &randomness, &[], 1).expect("a message");
        let provided = Provided(questionnaire);
        assert_eq!(ours, provided.query(&share, &proof, &randomness, &[], 1).expect("a message"));
    }
}

#[test]
fn the_randomness_is_the_same_for_all_members_and_another_for_each_contribution() {
    let mut dice = Dice::new(9);
    let questionnaire = questionnaire(vec![number(0, 10)]);
    let (manifest, other) = (ManifestDigest(dice.bytes()), ManifestDigest(dice.bytes()));
    let contributions = [ContributionDigest(dice.bytes()), ContributionDigest(dice.bytes())];
    let of = |manifest, contribution| QueryRandomness::new(&questionnaire, manifest, contribution);
    assert_eq!(of(manifest, contributions[0]), of(manifest, contributions[0]));
    assert_ne!(of(manifest, contributions[0]), of(manifest, contributions[1]));
    assert_ne!(of(manifest, contributions[0]), of(other, contributions[0]));
}

/// The verifier message of a valid answer is `(0, f(t), f(t)^2 - f(t))`, and `f(t)` is uniform, because the wire
/// polynomial's first value is drawn at random. That this holds together with shares is looked at in
/// `zero_knowledge.rs`.
#[test]
fn the_verifier_message_of_a_valid_answer_says_only_that_it_is_valid() {
    let mut dice = Dice::new(10);
    let questionnaire = questionnaire(vec![number(0, 10), Question::Choice { options: 3 }]);
    let buckets = 8_u128;
    let mut seen = [[0_u32; 8]; 2];
    for (answer, counts) in
        [[Response::Number(0), Response::Choice(0)], [Response::Number(10), Response::Choice(2)]]
            .into_iter()
            .zip(&mut seen)
    {
        let input = questionnaire.encode(&answer).expect("an answer");
        let query = randomness(&questionnaire, &mut dice);
        for _ in 0..4_000 {
            let proven = questionnaire.prove(&input, &mut dice.0);
            let [output, wire, gadget] =
                questionnaire.verifier_share(&proven, &query, Scheme::threshold_of(4));
            assert_eq!((output, gadget), (Field::zero(), wire * wire - wire));
            let bucket = u128::from(wire) / (field::modulus() / buckets + 1);
            counts[usize::try_from(bucket).expect("small")] += 1;
        }
    }
    // 500 are expected in each, with a standard deviation of 21: six of them for a chance of 3 in 10^8.
    for count in seen.as_flattened() {
        assert!(count.abs_diff(500) < 126, "{seen:?}");
    }
}

#[test]
fn what_valid_answers_cannot_come_to_is_not_decoded() {
    let decode = |questionnaire: &Questionnaire, elements: &[Field], count| {
        let elements: Vec<_> = elements.iter().copied().map(Some).collect();
        questionnaire.decode(&elements, count)
    };
    let some = |numbers: &[u128]| Some(numbers.iter().copied().map(Some).collect::<Vec<_>>());
    let one = Field::one();
    let choice = questionnaire(vec![Question::Choice { options: 3 }]);
    assert_eq!(decode(&choice, &[one, one, field::zero()], 2), some(&[1, 1, 0]));
    assert_eq!(decode(&choice, &[one, one, one], 2), None, "three choices of two people");
    assert_eq!(decode(&choice, &[-one, one, one], 1), None);
    let choices = questionnaire(vec![Question::Choices { options: 3, at_most: 2 }]);
    assert_eq!(decode(&choices, &[one, one, one], 1), None, "three of at most two");
    assert_eq!(decode(&choices, &[one, one, one], 2), some(&[1, 1, 1]));
    let yes = questionnaire(vec![Question::YesNo]);
    assert_eq!(decode(&yes, &[one + one], 1), None);
}

#[test]
fn questions_and_responses_have_bounds() {
    assert_eq!(Questionnaire::new(vec![]), Err(QuestionnaireError::Empty));
    for (question, options, at_most) in [
        (Question::Choice { options: 1 }, 1, 1),
        (Question::Choice { options: 0 }, 0, 1),
        (Question::Choices { options: 3, at_most: 0 }, 3, 0),
        (Question::Choices { options: 3, at_most: 4 }, 3, 4),
    ] {
        let error = QuestionnaireError::Options { number: 2, options, at_most };
        assert_eq!(Questionnaire::new(vec![Question::YesNo, question]), Err(error));
    }
    let longest = u16::try_from(INPUT_LEN_MAX).expect("small");
    assert!(Questionnaire::new(vec![Question::Choice { options: longest }]).is_ok());
    let (len, calls) = (INPUT_LEN_MAX + 1, INPUT_LEN_MAX + 1);
    let error = QuestionnaireError::Length { len, calls };
    assert_eq!(Questionnaire::new(vec![Question::Choice { options: longest + 1 }]), Err(error));

    let questions = questionnaire(vec![
        number(0, 10),
        Question::Choice { options: 3 },
        Question::Choices { options: 4, at_most: 2 },
    ]);
    let good = [Response::Number(1), Response::Choice(2), Response::Choices(vec![0, 3])];
    assert!(questions.encode(&good).is_ok());
    for (position, bad) in [
        (0, Response::Number(11)),
        (0, Response::YesNo(true)),
        (1, Response::Choice(3)),
        (2, Response::Choices(vec![0, 1, 2])),
        (2, Response::Choices(vec![1, 1])),
        (2, Response::Choices(vec![3, 1])),
        (2, Response::Choices(vec![4])),
    ] {
        let mut responses = good.to_vec();
        responses[position] = bad;
        let error = ResponseError::NotAllowed { number: position + 1 };
        assert_eq!(questions.encode(&responses).err(), Some(error));
    }
    let error = ResponseError::Number { have: 2, need: 3 };
    assert_eq!(questions.encode(&good[..2]).err(), Some(error));
    assert!(!format!("{good:?}").contains('3'), "an answer does not show in a log");
}

#[test]
fn a_verifier_message_has_three_elements_whatever_is_asked() {
    for (questionnaire, _) in answered() {
        assert_eq!(Flp::verifier_len(&questionnaire), VERIFIER_LEN);
        assert_eq!(questionnaire.gadget().len(), questionnaire.num_gadgets());
    }
    assert!(ShareIndex::new(0).is_none());
}
