//! The only randomness of a peer: 32 bytes that its driver asks the operating system for.
//!
//! Everything random in a round is expanded from them with HKDF-SHA-256 (RFC 5869) and `ChaCha20`,
//! under a label and over everything that the random bytes are used for. So a peer that resumes
//! makes the same bytes again, and one that is asked for something else draws from an unrelated
//! stream: no share is ever made from a stream that made another.

use core::fmt;

use chacha20::ChaCha20Rng;
use hkdf::Hkdf;
use rand_core::SeedableRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 32 uniformly random bytes, used for one round only.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Entropy([u8; 32]);

/// What a stream of randomness is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    SigningKey,
    SealingKey,
    Proof,
    Sharing,
    Encapsulation,
    /// What keeps the elements of a partial aggregate behind their digests.
    Salts,
    /// Pauses before connecting again. They need no secrecy, only to differ between peers.
    Backoff,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::SigningKey => b"wardsum v1 signing key",
            Self::SealingKey => b"wardsum v1 sealing key",
            Self::Proof => b"wardsum v1 proof",
            Self::Sharing => b"wardsum v1 sharing",
            Self::Encapsulation => b"wardsum v1 encapsulation",
            Self::Salts => b"wardsum v1 salts",
            Self::Backoff => b"wardsum v1 backoff",
        }
    }
}

impl Entropy {
    /// Takes 32 bytes from a source that is fit for keys.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 32 bytes for `purpose` over `context`, whose parts must be of lengths that are known.
    pub(crate) fn derive(&self, purpose: Purpose, context: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        let mut info = vec![purpose.label()];
        info.extend_from_slice(context);
        Hkdf::<Sha256>::new(None, &self.0)
            .expand_multi_info(&info, derived.as_mut())
            .expect("32 bytes are below HKDF's limit of 255 blocks");
        derived
    }

    /// A stream of random bytes for `purpose` over `context`.
    pub(crate) fn stream(&self, purpose: Purpose, context: &[&[u8]]) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(*self.derive(purpose, context))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entropy").finish_non_exhaustive()
    }
}
