//! Invitations: how an authority that is not the hospital says who may take part.
//!
//! The authority signs one [`Invitation`] per person, offline, for one study: a number, a one-time
//! key, and whether the person may serve on the committee. The person's device makes its own keys, as
//! in any study, because whoever made the link knows the one-time key. It shows the invitation with a
//! signature by the one-time key over its own ([`Credential`]), which every other peer checks. So a
//! hospital can neither put its keys in place of a patient's nor invent patients.
//!
//! There is no expiry: peers have no clock that they could trust. The study has deadlines, and an
//! invitation is for one instance of it.

mod authority;
mod link;

use std::collections::BTreeMap;

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::identity::{PeerId, SIGNATURE_LEN, SignatureLabel};
use crate::study::Study;
use crate::wire;

pub use authority::{Authority, NotTheAuthority};
pub use link::{Invitation, LINK_LEN, LinkError, MismatchError};

/// What an authority signs, after the study's digest (PROTOCOL.md, "Invitations").
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Grant {
    serial: u32,
    service: Service,
    one_time_key: [u8; 32],
}

/// Whether somebody may serve on the committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
enum Service {
    Contributor = 1,
    Committee = 2,
}

impl Service {
    fn of(may_serve: bool) -> Self {
        if may_serve { Self::Committee } else { Self::Contributor }
    }
}

impl Grant {
    fn is_signed(
        &self,
        study: &crate::StudyDigest,
        authority: &PeerId,
        signature: &[u8; SIGNATURE_LEN],
    ) -> bool {
        let parts: [&[u8]; 2] = [study.as_bytes(), &wire::encode(self)];
        authority.verify(SignatureLabel::Invitation, &parts, signature).is_ok()
    }
}

/// An invitation as its holder shows it: signed by the authority, and by its one-time key over the
/// keys that it is shown for.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Credential {
    grant: Grant,
    authority_signature: [u8; SIGNATURE_LEN],
    holder_signature: [u8; SIGNATURE_LEN],
}

/// What an invitation is shown for. A signature made for one is no good for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To serve on the committee.
    Enrolling,
    /// To contribute and no more.
    Contributing,
}

impl Purpose {
    fn label(self) -> SignatureLabel {
        match self {
            Self::Enrolling => SignatureLabel::InvitedEnrolment,
            Self::Contributing => SignatureLabel::InvitedContribution,
        }
    }
}

/// Why an invitation does not admit whoever shows it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// An invited study, and no invitation.
    #[error("there is no invitation")]
    Missing,
    /// An invitation to an open study.
    #[error("the study is open and knows no invitations")]
    Open,
    /// The invitation of a committee member, beside the one that it enrolled with.
    #[error("a committee member has shown its invitation already")]
    Unneeded,
    /// Not signed by the study's authority for this study, in these words.
    #[error("the study's authority has not signed this invitation")]
    Authority,
    /// Whoever shows it does not hold its one-time key.
    #[error("the invitation belongs to somebody else")]
    Holder,
    /// It does not say that its holder may serve.
    #[error("the invitation does not allow to serve on the committee")]
    MayNotServe,
}

impl Credential {
    /// Checks that the authority of `study` lets the holder of this do what `purpose` says, and that
    /// its one-time key signed `parts`.
    pub(crate) fn verify(
        &self,
        study: &Study,
        purpose: Purpose,
        parts: &[&[u8]],
    ) -> Result<Ticket, CredentialError> {
        let authority = study.authority().ok_or(CredentialError::Open)?;
        let Grant { service, one_time_key, .. } = self.grant;
        if !self.grant.is_signed(&study.digest(), authority, &self.authority_signature) {
            return Err(CredentialError::Authority);
        }
        if purpose == Purpose::Enrolling && service != Service::Committee {
            return Err(CredentialError::MayNotServe);
        }
        PeerId::decode(&one_time_key)
            .and_then(|holder| holder.verify(purpose.label(), parts, &self.holder_signature))
            .map_err(|_| CredentialError::Holder)?;
        Ok(self.ticket())
    }

    /// Checks that it was shown by somebody who only contributes, under this key.
    pub(crate) fn verify_visitor(
        &self,
        study: &Study,
        verifying_key: &[u8; 32],
    ) -> Result<Ticket, CredentialError> {
        let digest = study.digest();
        self.verify(study, Purpose::Contributing, &[digest.as_bytes(), verifying_key])
    }

    /// What may count once only, unchecked.
    pub(crate) fn ticket(&self) -> Ticket {
        let Grant { serial, one_time_key, .. } = self.grant;
        Ticket { serial, one_time_key }
    }
}

/// An invitation that was checked, in as far as it may count once only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its number.
    pub serial: u32,
    pub(crate) one_time_key: [u8; 32],
}

impl Ticket {
    /// Whether the two may be one invitation, so that only one of them counts.
    pub(crate) fn clashes_with(&self, other: &Self) -> bool {
        self.serial == other.serial || self.one_time_key == other.one_time_key
    }
}

/// Which invitations are used, and by whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsedTickets {
    /// Each invitation twice, by its number and by its one-time key: one map is less for a page to load
    /// than two. That a number looks like a key is as unlikely as any other key, and would refuse it only.
    by: BTreeMap<[u8; 32], [u8; 32]>,
}

impl Ticket {
    fn names(&self) -> [[u8; 32]; 2] {
        let mut serial = [0; 32];
        serial[..4].copy_from_slice(&self.serial.to_be_bytes());
        [serial, self.one_time_key]
    }
}

impl UsedTickets {
    /// Whether another peer has used the invitation.
    pub(crate) fn is_used_by_another(&self, ticket: &Ticket, peer: &PeerId) -> bool {
        // An authority that gives one key two numbers, or two keys one, has made a mistake that must
        // not let anybody count twice.
        let other = |by: &[u8; 32]| by != peer.as_bytes();
        ticket.names().iter().any(|name| self.by.get(name).is_some_and(other))
    }

    /// Notes that a peer uses an invitation; `false` if another one has.
    pub(crate) fn enter(&mut self, ticket: &Ticket, peer: PeerId) -> bool {
        if self.is_used_by_another(ticket, &peer) {
            return false;
        }
        for name in ticket.names() {
            self.by.insert(name, *peer.as_bytes());
        }
        true
    }
}
