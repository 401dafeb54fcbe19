//! Proofs that an answer is one of those that its questions allow.
//!
//! The proof system is the FLP of the VDAF draft (draft-irtf-cfrg-vdaf, section 7; Boneh, Boyle,
//! Corrigan-Gibbs, Gilboa and Ishai, "Zero-Knowledge Proofs on Secret-Shared Data via Fully Linear PCPs",
//! CRYPTO 2019) in libprio's implementation. The validity circuit of a [`Questionnaire`] calls the gadget
//! `x^2 - x` for each bit, which is zero then, and for what is multiplied ([`crate::questionnaire`]). Its outputs are compressed with the query randomness, so there is no joint randomness.
//!
//! An answer is shared together with its proof. The query of a verifier is an affine function of both, so
//! that members query their shares: what the members get are shares of the verifier message, of the same
//! sharing. Of constants an additive share takes a `k`-th part, while a share of Shamir's takes them whole,
//! because the coefficients that combine these shares add up to one.
//!
//! Those who verify have contributed too, so no key to verify with could be kept from them. The randomness
//! is expanded from the manifest and the contribution instead, both of which are fixed before it can be
//! known ([`QueryRandomness`]).

use chacha20::ChaCha20Rng;
use prio::field::{FieldElement, FieldElementWithInteger, NttFriendlyFieldElement};
use prio::flp::gadgets::PolyEval;
use prio::flp::{Flp, FlpError, Gadget, Type};
use rand_core::{CryptoRng, SeedableRng};

use crate::digest::{ContributionDigest, DigestLabel, ManifestDigest, hash};
use crate::field::{self, Field, SecretVector};
use crate::questionnaire::{Questionnaire, Response};
use crate::sharing::Scheme;

/// Elements of a verifier message: the compressed outputs of the circuit, the wire polynomial and the
/// gadget polynomial at the point that is queried.
pub const VERIFIER_LEN: usize = 3;

/// The gadget takes one element and is of degree two: `x^2 - x`.
const GADGET: [i8; 3] = [0, -1, 1];
const GADGET_ARITY: usize = 1;
const GADGET_DEGREE: usize = 2;

/// A verifier message, or a share of one.
pub type Verifier = [Field; VERIFIER_LEN];

impl Questionnaire {
    /// How many elements an encoded answer has with its proof: the length of every share.
    #[must_use]
    pub fn proven_len(&self) -> usize {
        self.input_len() + self.proof_len()
    }

    /// Puts the proof of its validity behind an encoded answer. One that is not valid gets a proof too,
    /// which proves nothing.
    ///
    /// # Panics
    ///
    /// If `input` does not have [`input_len`](Self::input_len) elements.
    pub fn prove(&self, input: &SecretVector, rng: &mut impl CryptoRng) -> SecretVector {
        let blind = SecretVector::random(self.prove_rand_len(), rng);
        let proof =
            Flp::prove(self, input.elements(), blind.elements(), &[]).unwrap_or_else(|_| {
                unreachable!("input and randomness are as long as they have to be")
            });
        SecretVector::new(proof).behind(input)
    }

    /// What a member finds when it queries its share of an answer and its proof.
    ///
    /// # Panics
    ///
    /// If `share` does not have [`proven_len`](Self::proven_len) elements, or the randomness was made for
    /// another questionnaire.
    #[must_use]
    pub fn verifier_share(
        &self,
        share: &SecretVector,
        randomness: &QueryRandomness,
        scheme: Scheme,
    ) -> Verifier {
        let (input, proof) = share.elements().split_at(self.input_len());
        let constants = if scheme.is_additive() { usize::from(scheme.shares()) } else { 1 };
        let verifier = Flp::query(self, input, proof, &randomness.0, &[], constants)
            .unwrap_or_else(|_| {
                unreachable!(
                    "share and randomness are as long as they have to be, and no root of unity"
                )
            });
        let verifier = verifier.try_into();
        verifier.unwrap_or_else(|_| unreachable!("a verifier message of one gadget with one wire"))
    }

    /// Whether a verifier message is that of a valid answer.
    #[must_use]
    pub fn accepts(&self, verifier: &Verifier) -> bool {
        // A message of this length is always decided.
        Flp::decide(self, verifier).is_ok_and(|valid| valid)
    }

    /// What the gadget is called for, in order, of an answer or of a share in which constants have this part.
    fn arguments(&self, input: &[Field], part: Field) -> impl Iterator<Item = Field> {
        let circuit = self.circuit();
        let others = circuit.calls().iter().map(move |form| form.of(input, part));
        input[..circuit.bits()].iter().copied().chain(others)
    }

    /// What has to be zero besides the gadget's values for the bits.
    fn checked(
        &self,
        gadget: impl Fn(usize) -> Field + Copy,
        input: &[Field],
        part: Field,
    ) -> impl Iterator<Item = Field> {
        self.circuit().checks().iter().map(move |check| check.of(gadget, input, part))
    }

    /// From how many points a wire's polynomial is interpolated: a power of two.
    fn wire_points(&self) -> usize {
        (1 + self.circuit().calls_len()).next_power_of_two()
    }
}

/// The randomness with which one contribution is queried; the same for all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryRandomness(Vec<Field>);

impl QueryRandomness {
    /// That of `contribution` as one of the contributions of `manifest`.
    #[must_use]
    pub fn new(
        questionnaire: &Questionnaire,
        manifest: ManifestDigest,
        contribution: ContributionDigest,
    ) -> Self {
        let parts: [&[u8]; 2] = [manifest.as_bytes(), contribution.as_bytes()];
        let mut stream = ChaCha20Rng::from_seed(hash(DigestLabel::Query, &parts));
        let mut elements: Vec<_> =
            (1..questionnaire.query_rand_len()).map(|_| field::sample(&mut stream)).collect();
        elements.push(point(&mut stream, questionnaire.wire_points()));
        Self(elements)
    }
}

/// The next element of a stream that is none of the points from which wire polynomials are interpolated:
/// the answer's own bits stand there. Of `p` elements that is no more than 1,024.
fn point(stream: &mut impl CryptoRng, wire_points: usize) -> Field {
    loop {
        let point = field::sample(stream);
        if !is_root_of_unity(point, wire_points) {
            return point;
        }
    }
}

fn is_root_of_unity(element: Field, order: usize) -> bool {
    let order = u128::try_from(order).expect("a usize has at most 64 bits");
    element.pow(order) == Field::one()
}

/// That of which the others of this order, a power of two, are powers.
fn primitive_root(order: usize) -> Field {
    let power = usize::try_from(order.ilog2()).expect("below 64");
    Field::root(power)
        .expect("an answer has at most 1,024 elements, and the field roots up to order 2^20")
}

/// The value at `at` of the polynomial that has these values at the powers of the primitive root of unity whose order,
/// a power of two, is their number: Lagrange's formula without a division for each of them (IACR ePrint 2025/1727,
/// algorithm 7, as in libprio).
fn value_at(values: impl Iterator<Item = Field>, number: usize, at: Field) -> Field {
    let root = primitive_root(number);
    // Of the points so far, the product of all distances from `at`, and the sum of the values, each with its point
    // and with the distances of all others.
    let (mut distances, mut sum, mut point) = (Field::one(), Field::zero(), Field::one());
    for value in values {
        let distance = point - at;
        sum = sum * distance + distances * point * value;
        distances *= distance;
        point *= root;
    }
    let by_number = (0..number.ilog2()).fold(Field::one(), |part, _| part * Field::half());
    -sum * by_number
}

/// What of a constant stands in one of so many additive shares.
fn part_of(num_shares: usize) -> Field {
    let shares = u128::try_from(num_shares).expect("a usize has at most 64 bits");
    if shares == 1 { Field::one() } else { Field::from(shares).inv() }
}

impl Flp for Questionnaire {
    type Field = Field;

    fn gadget(&self) -> Vec<Box<dyn Gadget<Field>>> {
        let coefficient = |number: i8| match number {
            -1 => -Field::one(),
            number => Field::from(u128::from(number.unsigned_abs())),
        };
        vec![Box::new(PolyEval::new(GADGET.map(coefficient).to_vec(), self.circuit().calls_len()))]
    }

    fn num_gadgets(&self) -> usize {
        1
    }

    fn valid(
        &self,
        gadgets: &mut Vec<Box<dyn Gadget<Field>>>,
        input: &[Field],
        joint_rand: &[Field],
        num_shares: usize,
    ) -> Result<Vec<Field>, FlpError> {
        self.valid_call_check(input, joint_rand)?;
        let part = part_of(num_shares);
        let called = self.arguments(input, part);
        let called = called.map(|argument| gadgets[0].eval(&[argument]));
        let called = called.collect::<Result<Vec<_>, _>>()?;
        let mut outputs = called[..self.circuit().bits()].to_vec();
        outputs.extend(self.checked(|call| called[call], input, part));
        Ok(outputs)
    }

    /// What the provided method returns, with less work. That one finds the one value of the gadget polynomial which
    /// the proof does not tell in a time that grows with the square of the answer's length.
    fn query(
        &self,
        input: &[Field],
        proof: &[Field],
        query_rand: &[Field],
        joint_rand: &[Field],
        num_shares: usize,
    ) -> Result<Vec<Field>, FlpError> {
        self.valid_call_check(input, joint_rand)?;
        let refused = |what: &str| FlpError::Query(what.to_owned());
        if query_rand.len() != self.query_rand_len() || proof.len() != self.proof_len() {
            return Err(refused("randomness or proof are not as long as they have to be"));
        }
        let (Some((&at, compressing)), Some((&seed, told))) =
            (query_rand.split_last(), proof.split_first())
        else {
            return Err(refused("there is nothing to query"));
        };
        let points = self.wire_points();
        if is_root_of_unity(at, points) {
            return Err(refused("the answer itself stands at this point"));
        }

        // The gadget polynomial is told at all but the last of these roots of unity. It has one coefficient less
        // than there are of them: that the last coefficient is zero is what tells the value there.
        let root = primitive_root(GADGET_DEGREE * points);
        let last = -root * told.iter().rev().fold(Field::zero(), |sum, value| sum * root + *value);
        let gadget = || told.iter().copied().chain([last]);

        let part = part_of(num_shares);
        let called = |call: usize| told[GADGET_DEGREE * (call + 1)];
        let bits = (0..self.circuit().bits()).map(called);
        let mut outputs = bits.chain(self.checked(called, input, part));
        let output = if compressing.is_empty() {
            outputs.next().unwrap_or_else(Field::zero)
        } else {
            outputs.zip(compressing).fold(Field::zero(), |sum, (output, by)| sum + *by * output)
        };
        let padding = points - 1 - self.circuit().calls_len();
        let padding = core::iter::repeat_n(Field::zero(), padding);
        let wire = [seed].into_iter().chain(self.arguments(input, part)).chain(padding);
        Ok(vec![output, value_at(wire, points, at), value_at(gadget(), GADGET_DEGREE * points, at)])
    }

    fn input_len(&self) -> usize {
        Self::input_len(self)
    }

    fn proof_len(&self) -> usize {
        GADGET_ARITY + GADGET_DEGREE * (self.wire_points() - 1) + 1
    }

    fn verifier_len(&self) -> usize {
        VERIFIER_LEN
    }

    fn joint_rand_len(&self) -> usize {
        0
    }

    fn eval_output_len(&self) -> usize {
        self.circuit().bits() + self.circuit().checks().len()
    }

    fn prove_rand_len(&self) -> usize {
        GADGET_ARITY
    }
}

impl Type for Questionnaire {
    type Measurement = Vec<Response>;
    type AggregateResult = Vec<u128>;

    fn encode_measurement(&self, responses: &Vec<Response>) -> Result<Vec<Field>, FlpError> {
        let input = self.encode(responses).map_err(|error| FlpError::Encode(error.to_string()))?;
        Ok(input.elements().to_vec())
    }

    fn truncate(&self, input: Vec<Field>) -> Result<Vec<Field>, FlpError> {
        self.truncate_call_check(&input)?;
        Ok(self.aggregate_with(&SecretVector::new(input), Field::one()).elements().to_vec())
    }

    fn decode_result(&self, data: &[Field], answers: usize) -> Result<Vec<u128>, FlpError> {
        let impossible = || FlpError::Decode(format!("{answers} answers cannot come to that"));
        if data.len() != self.output_len() {
            return Err(impossible());
        }
        let count = u32::try_from(answers).map_err(|_| impossible())?;
        let output: Vec<Option<Field>> = data.iter().copied().map(Some).collect();
        let numbers = Self::decode(self, &output, count);
        numbers.and_then(|numbers| numbers.into_iter().collect()).ok_or_else(impossible)
    }

    fn output_len(&self) -> usize {
        Self::output_len(self)
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use std::collections::VecDeque;

    use rand_core::{TryCryptoRng, TryRng};

    use super::*;

    /// A stream of these elements, and of nothing behind them.
    struct Scripted(VecDeque<Field>);

    impl TryRng for Scripted {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("elements are drawn whole")
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("elements are drawn whole")
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.copy_from_slice(&field::encode(self.0.pop_front().expect("it goes on")));
            Ok(())
        }
    }

    impl TryCryptoRng for Scripted {}

    /// All members draw again, and so go on from the same place in the stream.
    #[test]
    fn a_root_of_unity_is_drawn_again() {
        let (points, other) = (8, Field::from(5));
        let root = primitive_root(points);
        for power in 0..points {
            let refused = root.pow(u128::try_from(power).expect("small"));
            let mut stream = Scripted([refused, root, other, -other].into());
            assert_eq!(point(&mut stream, points), other, "after root number {power}");
            assert_eq!(point(&mut stream, points), -other, "nothing more was drawn");
        }
        // A root of a higher order is none of the points from which this wire is interpolated.
        let root = primitive_root(2 * points);
        assert_eq!(point(&mut Scripted([root].into()), points), root);
    }
}
