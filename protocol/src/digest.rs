//! Domain-separated hashes: SHA-256 over a label and the bytes that it covers.
//!
//! The input is `uint8 label_length || label || data`, so no digest of one kind is ever one of
//! another kind.

use core::fmt;

use sha2::{Digest as _, Sha256};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

/// What a digest covers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DigestLabel {
    Study,
    Committee,
    Contribution,
    Manifest,
    Query,
    Verdict,
    Message,
    Stored,
    SharesOfVersion2,
    InvitationLink,
    Receipt,
    Result,
    Element,
    Elements,
}

impl DigestLabel {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Study => b"wardsum v1 study",
            Self::Committee => b"wardsum v1 committee",
            Self::Contribution => b"wardsum v1 contribution",
            Self::Manifest => b"wardsum v1 manifest",
            Self::Query => b"wardsum v1 query",
            Self::Verdict => b"wardsum v1 verdict",
            Self::Message => b"wardsum v1 message",
            Self::Stored => b"wardsum v1 stored contribution",
            Self::SharesOfVersion2 => b"wardsum v1 shares",
            Self::InvitationLink => b"wardsum v1 invitation link",
            Self::Receipt => b"wardsum v1 receipt",
            Self::Result => b"wardsum v1 result",
            Self::Element => b"wardsum v1 partial aggregate element",
            Self::Elements => b"wardsum v1 partial aggregate elements",
        }
    }
}

/// Hashes `parts`, one after the other, under `label`.
pub(crate) fn hash(label: DigestLabel, parts: &[&[u8]]) -> [u8; 32] {
    let text = label.text();
    let mut hasher = Sha256::new();
    hasher.update([u8::try_from(text.len()).expect("labels are short")]);
    hasher.update(text);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Defines a digest of one kind, so that one cannot be taken for another.
macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            TlsSize, TlsSerialize, TlsDeserializeBytes,
        )]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The 32 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

digest! {
    /// Identifies a study: the hash of its canonical bytes.
    StudyDigest
}
digest! {
    /// Identifies a committee: the hash of the bytes that name its members.
    CommitteeDigest
}
digest! {
    /// Identifies a contribution: the hash of study, committee, sender and the root over all sealed
    /// shares.
    ContributionDigest
}
digest! {
    /// Identifies a manifest: the hash of study, committee, size and Merkle root.
    ManifestDigest
}
digest! {
    /// Identifies a verdict: the hash of the manifest and of which contributions and members it leaves out.
    VerdictDigest
}
digest! {
    /// Identifies a result: the hash of how many answers were counted, and of what is published of them.
    ResultDigest
}
digest! {
    /// Identifies a message from a peer, for the hospital's acknowledgement of it: the hash of its bytes, or,
    /// for a contribution, the contribution's digest.
    MessageDigest
}

digest! {
    /// Covers every byte of a contribution's message, for whoever stores it. Unlike [`ContributionDigest`] it
    /// depends on nothing but these bytes; the shares enter by the same hash, so that the hospital hashes them once.
    StoredDigest
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("a study digest has 64 hexadecimal digits")]
pub struct ParseDigestError;

impl core::str::FromStr for StudyDigest {
    type Err = ParseDigestError;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ParseDigestError);
        }
        for (position, byte) in bytes.iter_mut().enumerate() {
            // Not a slice, which would bring the words for when it ends within a character into the page.
            let digits = text.get(2 * position..2 * position + 2).ok_or(ParseDigestError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| ParseDigestError)?;
        }
        Ok(Self(bytes))
    }
}

impl From<ContributionDigest> for MessageDigest {
    /// A contribution is acknowledged by its own digest.
    fn from(digest: ContributionDigest) -> Self {
        Self(digest.0)
    }
}

impl MessageDigest {
    /// The digest of a message's bytes.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        Self(hash(DigestLabel::Message, &[message]))
    }
}

/// Writes bytes in lower-case hexadecimal digits.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
