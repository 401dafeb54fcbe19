//! Proofs that an answer is one of those that its questions allow.
//!
//! The proof system is the FLP of the VDAF draft (draft-irtf-cfrg-vdaf, section 7; Boneh, Boyle,
//! Corrigan-Gibbs, Gilboa and Ishai, "Zero-Knowledge Proofs on Secret-Shared Data via Fully Linear PCPs",
//! CRYPTO 2019) in libprio's implementation. The validity circuit of a [`Questionnaire`] calls the gadget
//! `x^2 - x` once for each element, which is zero for a bit, and computes each sum that has to be a
//! certain number. Its outputs are compressed with the query randomness, so there is no joint randomness.
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
use prio::field::{FieldElement, FieldElementWithInteger};
use prio::flp::gadgets::PolyEval;
use prio::flp::{Flp, FlpError, Gadget, Type};
use rand_core::{CryptoRng, SeedableRng};

use crate::digest::{ContributionDigest, DigestLabel, ManifestDigest, hash};
use crate::field::{self, Field, SecretVector};
use crate::questionnaire::{Questionnaire, Response, Tally};
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
        let proof = Flp::prove(self, input.elements(), blind.elements(), &[])
            .expect("input and randomness are as long as they have to be");
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
            .expect("share and randomness are as long as they have to be, and no root of unity");
        verifier.try_into().expect("a verifier message of one gadget with one wire")
    }

    /// Whether a verifier message is that of a valid answer.
    #[must_use]
    pub fn accepts(&self, verifier: &Verifier) -> bool {
        // A message of this length is always decided.
        Flp::decide(self, verifier).is_ok_and(|valid| valid)
    }

    /// From how many points a wire's polynomial is interpolated: a power of two.
    fn wire_points(&self) -> usize {
        (1 + self.input_len()).next_power_of_two()
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
        let exponent = u128::try_from(wire_points).expect("a usize has at most 64 bits");
        if point.pow(exponent) != Field::one() {
            return point;
        }
    }
}

impl Flp for Questionnaire {
    type Field = Field;

    fn gadget(&self) -> Vec<Box<dyn Gadget<Field>>> {
        let coefficient = |number: i8| match number {
            -1 => -Field::one(),
            number => Field::from(u128::from(number.unsigned_abs())),
        };
        vec![Box::new(PolyEval::new(GADGET.map(coefficient).to_vec(), self.input_len()))]
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
        let mut outputs = Vec::with_capacity(self.eval_output_len());
        for element in input {
            outputs.push(gadgets[0].eval(core::slice::from_ref(element))?);
        }
        let shares = u128::try_from(num_shares).expect("a usize has at most 64 bits");
        let part = Field::from(shares).inv();
        for constraint in self.constraints() {
            let terms =
                constraint.terms.iter().map(|(position, weight)| input[*position] * *weight);
            let sum = terms.fold(Field::zero(), |sum, term| sum + term);
            outputs.push(sum - Field::from(u128::from(constraint.total)) * part);
        }
        Ok(outputs)
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
        Self::input_len(self) + self.constraints_len()
    }

    fn prove_rand_len(&self) -> usize {
        GADGET_ARITY
    }
}

impl Type for Questionnaire {
    type Measurement = Vec<Response>;
    type AggregateResult = Vec<Tally>;

    fn encode_measurement(&self, responses: &Vec<Response>) -> Result<Vec<Field>, FlpError> {
        let input = self.encode(responses).map_err(|error| FlpError::Encode(error.to_string()))?;
        Ok(input.elements().to_vec())
    }

    fn truncate(&self, input: Vec<Field>) -> Result<Vec<Field>, FlpError> {
        self.truncate_call_check(&input)?;
        Ok(self.aggregate(&SecretVector::new(input)).elements().to_vec())
    }

    fn decode_result(&self, data: &[Field], answers: usize) -> Result<Vec<Tally>, FlpError> {
        let impossible = || FlpError::Decode(format!("{answers} answers cannot come to that"));
        if data.len() != self.output_len() {
            return Err(impossible());
        }
        let count = u32::try_from(answers).map_err(|_| impossible())?;
        self.tally(data, count).ok_or_else(impossible)
    }

    fn output_len(&self) -> usize {
        Self::output_len(self)
    }
}
