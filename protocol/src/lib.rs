//! The Wardsum round without I/O.
//!
//! A hospital learns the sum of its patients' answers while nobody sees a single answer. Each
//! patient's peer splits its answer into shares, seals one to every member of a committee of
//! patients, and sends them through the hospital, which relays what it cannot read. The members add
//! up the shares they receive; the hospital combines these partial aggregates into the sum.
//!
//! This crate is everything that both sides must agree on, and nothing else: it opens no socket,
//! reads no clock and draws no randomness of its own (a lint holds it to that). The two state
//! machines are [`peer::Peer`] and [`round::Round`]; the *driving contract* that both keep to
//! stands in [`round`]. Byte by byte, the protocol is described in `docs/PROTOCOL.md`.
//!
//! Errors are typed by blame: what a peer did wrong ([`round::Refusal`]), what the hospital did
//! wrong or could not help ([`peer::Failure`]), what the caller did wrong ([`study::StudyError`],
//! [`peer::AnswerError`]). A panic is a bug of this crate, whatever the other side sends.

pub mod aggregate;
pub mod committee;
pub mod contribution;
mod digest;
pub mod encoding;
mod entropy;
pub mod field;
pub mod form;
pub mod identification;
pub mod identity;
pub mod invitation;
pub mod manifest;
mod merkle;
pub mod messages;
pub mod peer;
pub mod questionnaire;
pub mod receipt;
pub mod round;
pub mod safety_words;
pub mod seal;
pub mod sharing;
pub mod statistics;
pub mod study;
pub mod suppression;
mod time;
pub mod transcript;
pub mod validity;
pub mod verdict;
pub mod verification;
pub mod wire;

pub use aggregate::{Aggregate, AggregateError};
pub use committee::{Committee, CommitteeError, EnrolmentError};
pub use contribution::ContributionError;
pub use digest::{
    CommitteeDigest, ContributionDigest, ManifestDigest, MessageDigest, ParseDigestError,
    ResultDigest, StoredDigest, StudyDigest, VerdictDigest,
};
pub use entropy::Entropy;
pub use identification::{Challenge, IdentificationError};
pub use identity::{IdentityError, PeerId};
pub use invitation::{
    Authority, CredentialError, Invitation, LinkError, MismatchError, NotTheAuthority,
};
pub use messages::{DeclineReason, EndReason, Phase, Shortfall};
pub use receipt::Receipt;
pub use safety_words::SafetyWords;
pub use seal::Suite;
pub use study::{Admission, Closing, SchemeChoice, Study, StudyError, StudyParameters};
pub use time::Timestamp;

/// The WebSocket subprotocol, which names the protocol's version.
pub const SUBPROTOCOL: &str = "wardsum.v3";
