//! What can go wrong, seen from the page.

use wardsum_peer::protocol::peer::Failure;
use wardsum_peer::storage::StorageError;

/// Why a visit ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection never stood.
    Unreachable,
    /// The hospital takes no more connections from this network.
    Crowded,
    /// Something could not be written down on this device.
    Storage(StorageError),
    /// The peer stopped taking part.
    Round(Failure),
}

impl Trouble {
    /// The value of `data-code`: stable, and for [`Trouble::Round`] the protocol's own name of the
    /// failure.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "hospital-unreachable",
            Self::Crowded => "too-many-connections",
            Self::Storage(error) => error.code(),
            Self::Round(failure) => failure.code(),
        }
    }

    /// Whether nobody should go on here at all: somebody may stand between the people and the hospital.
    pub(crate) fn is_warning(&self) -> bool {
        matches!(self, Self::Round(Failure::WordsDiffer | Failure::Committee(_)))
    }

    /// Whether an invitation is missing, or admits nobody here.
    pub(crate) fn is_about_invitation(&self) -> bool {
        matches!(
            self,
            Self::Round(
                Failure::NotInvited
                    | Failure::ForeignInvitation(_)
                    | Failure::InvitationUsed
                    | Failure::InvitationRevoked
            )
        )
    }

    /// Whether the same visit may go on after this: what it needs is kept.
    pub(crate) fn may_resume(&self) -> bool {
        match self {
            Self::Unreachable | Self::Crowded | Self::Storage(_) => true,
            Self::Round(failure) => matches!(
                failure,
                Failure::ConnectionLost | Failure::HospitalStopping | Failure::HospitalSilent
            ),
        }
    }
}
