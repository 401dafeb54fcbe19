//! The secret end of an invitation: what a personal link carries behind its `#`.
//!
//! Browsers never send that part of an address to a server.

use core::fmt;

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, Zeroizing};

use super::{Credential, Grant, Purpose, Service};
use crate::digest::{DigestLabel, StudyDigest, hash};
use crate::identity::{Identity, PeerId, SIGNATURE_LEN};
use crate::study::Study;
use crate::wire;

/// How many characters the fragment of an invitation's link has.
pub const LINK_LEN: usize = (LINK_BYTES * 8).div_ceil(6);

const LINK_BYTES: usize = 1 + 32 + 32 + 32 + 4 + 1 + SIGNATURE_LEN + CHECKSUM_LEN;

const CHECKSUM_LEN: usize = 4;

/// The version of the link's bytes.
const VERSION: u8 = 1;

/// One person's invitation to one study, with the one-time key that makes it that person's.
#[derive(Clone)]
pub struct Invitation {
    pub(super) study: StudyDigest,
    pub(super) authority: PeerId,
    pub(super) grant: Grant,
    pub(super) one_time_seed: Zeroizing<[u8; 32]>,
    pub(super) signature: [u8; SIGNATURE_LEN],
}

/// Why what stands behind the `#` of an address is no invitation. Each text is the end of a sentence.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    /// A character that no link has.
    #[error("its character {position} is '{found}', which no link has")]
    Character {
        /// Its place behind the `#`, from 1 on.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// The end is missing.
    #[error("its last {missing} characters are missing")]
    TooShort {
        /// How many.
        missing: usize,
    },
    /// There is more than a link has.
    #[error("it has {extra} characters too many")]
    TooLong {
        /// How many.
        extra: usize,
    },
    /// The checksum does not fit: something was changed, or left out and something else put in.
    #[error("a character of it was changed")]
    Damaged,
    /// A whole link, made for another version of this program.
    #[error("it is of version {0}, which this page does not know")]
    Version(u8),
    /// A whole link that says what cannot be.
    #[error("it was made by a faulty program")]
    Malformed,
    /// A whole link whose invitation its own authority has not signed.
    #[error("its authority has not signed it")]
    Signature,
}

/// Why an invitation is not one to a study.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MismatchError {
    /// It is for another study, or for another round of it.
    #[error("the invitation is for another study")]
    ForeignStudy,
    /// The study names another authority.
    #[error("the invitation is by another authority than the study's")]
    ForeignAuthority,
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct LinkBytes {
    version: u8,
    study: StudyDigest,
    authority: [u8; 32],
    one_time_seed: [u8; 32],
    serial: u32,
    service: Service,
    signature: [u8; SIGNATURE_LEN],
}

impl Drop for LinkBytes {
    fn drop(&mut self) {
        self.one_time_seed.zeroize();
    }
}

impl Invitation {
    /// Reads what stands behind the `#` of a link, without the `#`.
    pub fn parse(fragment: &str) -> Result<Self, LinkError> {
        // What is whole has a checksum that fits, however long its version makes it.
        let decoded = base64_decode(fragment)?;
        let Some(bytes) = decoded.as_ref().and_then(|bytes| checked(bytes)) else {
            let len = fragment.len();
            return Err(match LINK_LEN {
                link if len < link => LinkError::TooShort { missing: link - len },
                link if len > link => LinkError::TooLong { extra: len - link },
                _ => LinkError::Damaged,
            });
        };
        Self::decode(bytes)
    }

    /// What stands behind the `#` of the link, without the `#`: [`LINK_LEN`] characters, a secret.
    #[must_use]
    pub fn fragment(&self) -> Zeroizing<String> {
        let mut bytes = self.encode();
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        base64_encode(&bytes)
    }

    /// The link's bytes without the checksum.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let Self { study, authority, grant, one_time_seed, signature } = self;
        // Room for the checksum, so that no copy of the secret stays behind when that is added.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LINK_BYTES));
        let link = LinkBytes {
            version: VERSION,
            study: *study,
            authority: *authority.as_bytes(),
            one_time_seed: **one_time_seed,
            serial: grant.serial,
            service: grant.service,
            signature: *signature,
        };
        bytes.extend_from_slice(&Zeroizing::new(wire::encode(&link)));
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LinkError> {
        match bytes.first() {
            Some(&VERSION) => {}
            Some(version) => return Err(LinkError::Version(*version)),
            None => return Err(LinkError::Malformed),
        }
        let link: LinkBytes = wire::decode(bytes).map_err(|_| LinkError::Malformed)?;
        let authority = PeerId::decode(&link.authority).map_err(|_| LinkError::Malformed)?;
        let one_time_seed = Zeroizing::new(link.one_time_seed);
        let one_time_key = *Identity::of_seed(&one_time_seed).id().as_bytes();
        let grant = Grant { serial: link.serial, service: link.service, one_time_key };
        if !grant.is_signed(&link.study, &authority, &link.signature) {
            return Err(LinkError::Signature);
        }
        let (study, signature) = (link.study, link.signature);
        Ok(Self { study, authority, grant, one_time_seed, signature })
    }

    /// The study that it is for, and so the one round of it.
    #[must_use]
    pub fn study(&self) -> StudyDigest {
        self.study
    }

    /// Its number.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.grant.serial
    }

    /// Whether whoever has it may serve on the committee.
    #[must_use]
    pub fn may_serve(&self) -> bool {
        self.grant.service == Service::Committee
    }

    /// Whether it is one to this study.
    pub fn check(&self, study: &Study) -> Result<(), MismatchError> {
        if self.study != study.digest() {
            return Err(MismatchError::ForeignStudy);
        }
        // The digest covers the authority's key, so this is somebody else's forgery.
        if study.authority() != Some(&self.authority) {
            return Err(MismatchError::ForeignAuthority);
        }
        Ok(())
    }

    /// Shows it for what `parts` say.
    pub(crate) fn show(&self, purpose: Purpose, parts: &[&[u8]]) -> Credential {
        let holder = Identity::of_seed(&self.one_time_seed);
        Credential {
            grant: self.grant,
            authority_signature: self.signature,
            holder_signature: holder.sign(purpose.label(), parts),
        }
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation")
            .field("study", &self.study)
            .field("serial", &self.serial())
            .finish_non_exhaustive()
    }
}

/// The digits of base64url (RFC 4648, section 5).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes bytes in base64url without padding. (A library that does this and much more would be a part of
/// every patient's page.)
fn base64_encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        (bits, count) = (bits << 8 | u32::from(*byte), count + 8);
        while count >= 6 {
            count -= 6;
            text.push(digit(bits >> count));
        }
    }
    if count > 0 {
        text.push(digit(bits << (6 - count)));
    }
    text
}

fn digit(bits: u32) -> char {
    char::from(DIGITS[(bits & 63) as usize])
}

/// Reads base64url without padding; `None` if these digits are no whole bytes, or say them in another way
/// than [`base64_encode`].
fn base64_decode(text: &str) -> Result<Option<Zeroizing<Vec<u8>>>, LinkError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0_u32, 0);
    for (position, found) in (1..).zip(text.chars()) {
        let value = DIGITS.iter().zip(0..).find(|(digit, _)| char::from(**digit) == found);
        let Some((_, value)) = value else { return Err(LinkError::Character { position, found }) };
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    let whole = count < 6 && bits & ((1 << count) - 1) == 0;
    Ok(whole.then_some(bytes))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = hash(DigestLabel::InvitationLink, &[bytes]);
    core::array::from_fn(|at| hash[at])
}

/// The bytes before the checksum, if it is theirs.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
    (checksum(bytes) == *sum).then_some(bytes)
}
