//! Who contributes.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::committee::Committee;
use crate::contribution::ContributionError;
use crate::identity::PeerId;
use crate::invitation::{Credential, CredentialError, Invitation, Purpose, Ticket};
use crate::sharing::ShareIndex;
use crate::study::Study;

/// Who contributes: a member by its place, or somebody who only contributes, by its key.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Sender {
    /// The member with this share index.
    #[tls_codec(discriminant = 1)]
    Member(u8),
    /// A peer that is not on the committee, with its verifying key.
    #[tls_codec(discriminant = 2)]
    Visitor([u8; 32]),
    /// The same in an invited study, with the invitation.
    #[tls_codec(discriminant = 3)]
    Invited(Box<InvitedVisitor>),
}

/// Somebody who only contributes to an invited study.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct InvitedVisitor {
    verifying_key: [u8; 32],
    credential: Credential,
}

/// Whom a [`Sender`] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Whose contribution it is.
    pub id: PeerId,
    /// The invitation that it came with: none from members, who have shown theirs, and in open studies.
    pub ticket: Option<Ticket>,
}

impl Sender {
    /// How `id` names itself to this committee, with its invitation if it needs one.
    pub(crate) fn of(
        id: &PeerId,
        study: &Study,
        committee: &Committee,
        invitation: Option<&Invitation>,
    ) -> Self {
        if let Some(index) = committee.place_of(id) {
            return Self::Member(index.number());
        }
        let verifying_key = *id.as_bytes();
        match invitation {
            None => Self::Visitor(verifying_key),
            Some(invitation) => {
                let study = study.digest();
                let parts: [&[u8]; 2] = [study.as_bytes(), &verifying_key];
                let credential = invitation.show(Purpose::Contributing, &parts);
                Self::Invited(Box::new(InvitedVisitor { verifying_key, credential }))
            }
        }
    }

    /// The invitation that it shows.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Member(_) | Self::Visitor(_) => None,
            Self::Invited(invited) => Some(&invited.credential),
        }
    }

    /// The peer that is meant. A member that poses as a visitor is refused: it would count twice. In
    /// an invited study a visitor's invitation is checked, but not whether it was used before.
    pub fn resolve(
        &self,
        study: &Study,
        committee: &Committee,
    ) -> Result<Resolved, ContributionError> {
        let visitor = |key: &[u8; 32]| {
            let id = PeerId::decode(key)?;
            match committee.place_of(&id) {
                Some(_) => Err(ContributionError::MemberAsVisitor),
                None => Ok(id),
            }
        };
        match self {
            Self::Member(number) => ShareIndex::new(*number)
                .and_then(|index| committee.member(index))
                .map(|member| Resolved { id: member.id(), ticket: None })
                .ok_or(ContributionError::UnknownMember { number: *number }),
            Self::Visitor(_) if study.authority().is_some() => Err(CredentialError::Missing.into()),
            Self::Visitor(key) => Ok(Resolved { id: visitor(key)?, ticket: None }),
            Self::Invited(invited) => {
                let id = visitor(&invited.verifying_key)?;
                let ticket = invited.credential.verify_visitor(study, &invited.verifying_key)?;
                Ok(Resolved { id, ticket: Some(ticket) })
            }
        }
    }
}
