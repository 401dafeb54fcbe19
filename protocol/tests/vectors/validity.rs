//! The circuit of a study that asks for one number, its query and its decision, written down a second time
//! from the document: nothing of the implementation's validity proofs is used.

use chacha20::ChaCha20Rng;
use prio::field::{FieldElement, FieldElementWithInteger};
use rand_core::{Rng, SeedableRng};
use wardsum_protocol::field::{self, Field};

/// Elements of a verifier message.
const VERIFIER_LEN: usize = 3;

/// `7^4611686018427387897`, which generates the roots of unity of order `2^66`.
fn generator() -> Field {
    Field::from(7u128).pow(4_611_686_018_427_387_897)
}

/// Elements, one after the other.
pub(crate) fn encode(elements: &[Field]) -> Vec<u8> {
    elements.iter().flat_map(|element| field::encode(*element)).collect()
}

/// The weights of a number in `min..=max`.
pub(crate) fn weights(min: i128, max: i128) -> Vec<Field> {
    let width = max.wrapping_sub(min).cast_unsigned();
    let bits = u128::BITS - width.leading_zeros();
    let powers = (0..bits - 1).map(|bit| 1u128 << bit);
    powers.chain([width - ((1 << (bits - 1)) - 1)]).map(Field::from).collect()
}

/// One call of `x^2 - x` for each of `len` bits.
pub(crate) struct Circuit {
    pub(crate) len: usize,
}

impl Circuit {
    /// From how many points a wire's polynomial is interpolated: `m`.
    fn wire_points(&self) -> usize {
        let mut points = 1;
        while points < self.len + 1 {
            points *= 2;
        }
        points
    }

    /// Bits, the wire's seed, and the gadget polynomial's values at `2m - 1` of the roots of order `2m`.
    pub(crate) fn proven_len(&self) -> usize {
        self.len + 1 + 2 * self.wire_points() - 1
    }

    /// The coefficients that compress the circuit's outputs, and the point that is queried.
    pub(crate) fn query_randomness(&self, seed: [u8; 32]) -> Vec<Field> {
        query_randomness(seed, self.len, self.len)
    }

    /// What a member finds when it queries its share.
    pub(crate) fn query(&self, share: &[Field], randomness: &[Field]) -> [Field; VERIFIER_LEN] {
        let (bits, proof) = share.split_at(self.len);
        let (seed, gadget) = proof.split_first().expect("a proof begins with the wire's seed");
        let (point, coefficients) = randomness.split_last().expect("there is a point");
        let points = self.wire_points();
        // Of a polynomial that is known at 2m - 1 of the 2m roots.
        let finer: Vec<Field> = roots(2 * points).into_iter().take(gadget.len()).collect();
        let gadget_at = |x: Field| lagrange(&finer, gadget, x);
        let wires = roots(points);
        let mut wire = vec![*seed];
        wire.extend_from_slice(bits);
        wire.resize(points, field::zero());

        let outputs: Vec<Field> = (1..=self.len).map(|call| gadget_at(wires[call])).collect();
        let output = match coefficients {
            [] => outputs[0],
            coefficients => sum(outputs.iter().zip(coefficients).map(|(out, r)| *out * *r)),
        };
        [output, lagrange(&wires, &wire, *point), gadget_at(*point)]
    }
}

/// The coefficients for so many outputs of a circuit, and the point that is queried where the gadget is called so often.
pub(crate) fn query_randomness(seed: [u8; 32], outputs: usize, calls: usize) -> Vec<Field> {
    let mut stream = ChaCha20Rng::from_seed(seed);
    let mut next = || loop {
        let mut bytes = [0; 16];
        stream.fill_bytes(&mut bytes);
        if let Some(element) = field::decode(bytes) {
            return element;
        }
    };
    let coefficients = if outputs > 1 { outputs } else { 0 };
    let mut randomness: Vec<Field> = (0..coefficients).map(|_| next()).collect();
    loop {
        let point = next();
        if point.pow((calls + 1).next_power_of_two() as u128) != Field::one() {
            randomness.push(point);
            return randomness;
        }
    }
}

/// Whether a verifier message is that of a valid answer.
pub(crate) fn is_valid(verifier: &[Field]) -> bool {
    let [output, wire, gadget] = *verifier else { panic!("a verifier message") };
    output == field::zero() && wire * wire - wire == gadget
}

fn sum(terms: impl Iterator<Item = Field>) -> Field {
    terms.fold(field::zero(), |sum, term| sum + term)
}

/// The roots of unity of this order, a power of two, in the order of their exponents.
pub(crate) fn roots(order: usize) -> Vec<Field> {
    let root = generator().pow((1u128 << 66) / order as u128);
    (0..order as u128).map(|exponent| root.pow(exponent)).collect()
}

/// The value at `x` of the polynomial that has these values at these points.
pub(crate) fn lagrange(points: &[Field], values: &[Field], x: Field) -> Field {
    let term = |(i, value): (usize, &Field)| {
        let others = (0..points.len()).filter(|j| *j != i);
        let (above, below) = others.fold((Field::one(), Field::one()), |(above, below), j| {
            (above * (x - points[j]), below * (points[i] - points[j]))
        });
        *value * above * below.inv()
    };
    sum(values.iter().enumerate().map(term))
}
