//! The one field of the protocol, and vectors of its elements that are secret.
//!
//! [`Field`] is `Field128` of the IETF VDAF draft (section 6.1.3): the integers modulo
//! `p = 2^66 * 4611686018427387897 + 1`, a little under `2^128`. An element is encoded as
//! [`ENCODED_LEN`] bytes, little-endian, and only the reduced representative is accepted.

use core::fmt;
use core::hint::black_box;

use prio::field::{Field128, FieldElement, FieldElementWithInteger};
use rand_core::CryptoRng;

/// An element of the field.
pub type Field = Field128;

/// Bytes of one encoded element.
pub const ENCODED_LEN: usize = 16;

/// The modulus `p`.
#[must_use]
pub fn modulus() -> u128 {
    Field::modulus()
}

/// The element zero.
#[must_use]
pub fn zero() -> Field {
    Field::zero()
}

/// Encodes one element.
#[must_use]
pub fn encode(element: Field) -> [u8; ENCODED_LEN] {
    u128::from(element).to_le_bytes()
}

/// Decodes one element; `None` unless the bytes are the reduced representative.
#[must_use]
pub fn decode(bytes: [u8; ENCODED_LEN]) -> Option<Field> {
    Field::try_from(bytes.as_slice()).ok()
}

/// Draws an element uniformly at random by rejection sampling.
pub fn sample(rng: &mut impl CryptoRng) -> Field {
    let mut bytes = [0; ENCODED_LEN];
    loop {
        rng.fill_bytes(&mut bytes);
        // The modulus is so close to 2^128 that a second draw is never seen in practice.
        if let Some(element) = decode(bytes) {
            return element;
        }
    }
}

/// Field elements that nobody but their holder may see: an encoded answer, or a share of it.
///
/// They are overwritten when dropped and do not show in `Debug`.
#[derive(Clone)]
pub struct SecretVector(Vec<Field>);

impl SecretVector {
    /// Takes the elements over; the caller keeps no other copy.
    #[must_use]
    pub fn new(elements: Vec<Field>) -> Self {
        Self(elements)
    }

    /// A vector of zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self(vec![Field::zero(); len])
    }

    /// Uniformly random elements.
    pub(crate) fn random(len: usize, rng: &mut impl CryptoRng) -> Self {
        let mut elements = Self(Vec::with_capacity(len));
        elements.0.extend((0..len).map(|_| sample(rng)));
        elements
    }

    /// The elements of `first`, and then these.
    pub(crate) fn behind(&self, first: &Self) -> Self {
        let mut both = Self(Vec::with_capacity(first.len() + self.len()));
        both.0.extend_from_slice(&first.0);
        both.0.extend_from_slice(&self.0);
        both
    }

    /// The elements.
    #[must_use]
    pub fn elements(&self) -> &[Field] {
        &self.0
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `other` element by element.
    ///
    /// # Panics
    ///
    /// If the lengths differ: both sides of every call come from one study.
    pub fn add_assign(&mut self, other: &Self) {
        assert_eq!(self.0.len(), other.0.len(), "vectors of one study");
        for (sum, element) in self.0.iter_mut().zip(&other.0) {
            *sum += *element;
        }
    }

    /// Adds `addend` to the element at `position`.
    pub(crate) fn add_at(&mut self, position: usize, addend: Field) {
        self.0[position] += addend;
    }

    /// Adds `addends` to the elements from `position` on.
    pub(crate) fn add_from(&mut self, position: usize, addends: &[Field]) {
        for (sum, addend) in self.0[position..].iter_mut().zip(addends) {
            *sum += *addend;
        }
    }

    /// Multiplies every element by `factor`.
    pub(crate) fn scale(&mut self, factor: Field) {
        for element in &mut self.0 {
            *element *= factor;
        }
    }

    /// Encodes the elements one after the other.
    #[must_use]
    pub fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(self.0.len() * ENCODED_LEN));
        for element in &self.0 {
            bytes.extend_from_slice(&encode(*element));
        }
        bytes
    }

    /// Decodes exactly `len` elements; `None` if the length differs or an element is not reduced.
    #[must_use]
    pub fn decode(bytes: &[u8], len: usize) -> Option<Self> {
        if bytes.len() != len * ENCODED_LEN {
            return None;
        }
        let mut elements = Self(Vec::with_capacity(len));
        for chunk in bytes.chunks_exact(ENCODED_LEN) {
            elements.0.push(Field::try_from(chunk).ok()?);
        }
        Some(elements)
    }
}

impl Drop for SecretVector {
    fn drop(&mut self) {
        // Elements are not integers that `zeroize` knows. `black_box` keeps the writes: the
        // compiler has to assume that somebody looks at the zeros.
        self.0.fill(Field::zero());
        black_box(&self.0);
    }
}

impl fmt::Debug for SecretVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVector").field("len", &self.0.len()).finish_non_exhaustive()
    }
}
