//! Sealing shares to committee members with HPKE (RFC 9180), base mode, single shot.
//!
//! Both suites use HKDF-SHA-256 and ChaCha20-Poly1305; they differ in the KEM:
//! X-Wing (ML-KEM-768 with X25519, draft-connolly-cfrg-xwing-kem), which stays closed to somebody
//! who stores ciphertexts until there is a quantum computer, or DHKEM(X25519, HKDF-SHA-256).

use core::fmt;

use chacha20::ChaCha20Rng;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::{CryptoRng, SeedableRng};
use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, Purpose};

/// Bytes of the AEAD's tag.
pub const TAG_LEN: usize = 16;

/// The algorithms of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Suite {
    /// X-Wing, HKDF-SHA-256, ChaCha20-Poly1305, Ed25519: the default.
    XWing = 1,
    /// DHKEM(X25519, HKDF-SHA-256), HKDF-SHA-256, ChaCha20-Poly1305, Ed25519.
    X25519 = 2,
}

impl Suite {
    /// Bytes of an encapsulated key (`Nenc` of RFC 9180).
    #[must_use]
    pub fn encapsulated_len(self) -> usize {
        match self {
            Self::XWing => 1120,
            Self::X25519 => 32,
        }
    }

    /// Bytes of a public sealing key (`Npk` of RFC 9180).
    #[must_use]
    pub fn public_key_len(self) -> usize {
        match self {
            Self::XWing => 1216,
            Self::X25519 => 32,
        }
    }

    /// The name in study files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::XWing => "x-wing",
            Self::X25519 => "x25519",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why something cannot be sealed or opened. It tells no more, on purpose.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// Not a public key of the suite.
    #[error("the sealing key is not a valid key of its suite")]
    Key,
    /// Sealed for somebody else, in another context, or altered.
    #[error("the sealed share cannot be opened")]
    Open,
}

type Public<K> = <K as Kem>::PublicKey;
type Private<K> = <K as Kem>::PrivateKey;

/// A member's public sealing key, parsed and checked.
#[derive(Clone)]
pub struct SealingKey(PublicKey);

#[derive(Clone)]
enum PublicKey {
    // An X-Wing key is a kilobyte; the variant is boxed so that lists of the other stay small.
    XWing(Box<Public<XWing>>),
    X25519(Public<X25519HkdfSha256>),
}

impl SealingKey {
    /// Reads a key of `suite`.
    pub fn decode(suite: Suite, bytes: &[u8]) -> Result<Self, SealError> {
        let key = match suite {
            Suite::XWing => PublicKey::XWing(Box::new(parse(bytes)?)),
            Suite::X25519 => PublicKey::X25519(parse(bytes)?),
        };
        Ok(Self(key))
    }

    /// Whether sealing to this key works: it does not for an X25519 key of small order.
    ///
    /// Found out by trying, with randomness that protects nothing.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        let mut rng = ChaCha20Rng::from_seed([0; 32]);
        self.seal(&[], &[], &[], &mut rng).is_ok()
    }

    /// Seals `plaintext`: `encapsulated key || ciphertext || tag`.
    ///
    /// `Err` only for an X25519 key of small order, which no honest peer has.
    pub fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        match &self.0 {
            PublicKey::XWing(key) => seal::<XWing>(key, info, aad, plaintext, rng),
            PublicKey::X25519(key) => seal::<X25519HkdfSha256>(key, info, aad, plaintext, rng),
        }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").finish_non_exhaustive()
    }
}

/// The key that opens what was sealed to a member. The libraries zeroize it when it is dropped.
pub struct OpeningKey(PrivateKey);

enum PrivateKey {
    XWing(Box<Private<XWing>>),
    X25519(Private<X25519HkdfSha256>),
}

impl OpeningKey {
    /// The key pair that `entropy` determines: the private key, and the encoded public one.
    #[must_use]
    pub fn derive(suite: Suite, entropy: &Entropy) -> (Self, Vec<u8>) {
        let ikm = entropy.derive(Purpose::SealingKey, &[&[suite as u8]]);
        match suite {
            Suite::XWing => {
                let (private, public) = XWing::derive_keypair(ikm.as_slice());
                (Self(PrivateKey::XWing(Box::new(private))), public.to_bytes().to_vec())
            }
            Suite::X25519 => {
                let (private, public) = X25519HkdfSha256::derive_keypair(ikm.as_slice());
                (Self(PrivateKey::X25519(private)), public.to_bytes().to_vec())
            }
        }
    }

    /// Opens what [`SealingKey::seal`] made with the same `info` and `aad`.
    pub fn open(
        &self,
        info: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        match &self.0 {
            PrivateKey::XWing(key) => open::<XWing>(key, Suite::XWing, info, aad, sealed),
            PrivateKey::X25519(key) => {
                open::<X25519HkdfSha256>(key, Suite::X25519, info, aad, sealed)
            }
        }
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpeningKey").finish_non_exhaustive()
    }
}

fn parse<K: Deserializable>(bytes: &[u8]) -> Result<K, SealError> {
    K::from_bytes(bytes).map_err(|_| SealError::Key)
}

fn seal<K: Kem>(
    key: &K::PublicKey,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let (encapsulated, mut context) =
        hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeS::Base,
            key,
            info,
            rng,
        )
        .map_err(|_| SealError::Key)?;
    let ciphertext = context.seal(plaintext, aad).map_err(|_| SealError::Key)?;
    Ok([encapsulated.to_bytes().as_slice(), &ciphertext].concat())
}

fn open<K: Kem>(
    key: &K::PrivateKey,
    suite: Suite,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (encapsulated, ciphertext) =
        sealed.split_at_checked(suite.encapsulated_len()).ok_or(SealError::Open)?;
    let encapsulated = K::EncappedKey::from_bytes(encapsulated).map_err(|_| SealError::Open)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeR::Base,
        key,
        &encapsulated,
        info,
        ciphertext,
        aad,
    )
    .map(Zeroizing::new)
    .map_err(|_| SealError::Open)
}
