//! What can go wrong, seen from the page.

use wardsum_peer::protocol::peer::Failure;

/// Why a visit ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection never stood.
    Unreachable,
    /// The peer stopped taking part.
    Round(Failure),
}

impl Trouble {
    /// The value of `data-code`: stable, and for [`Trouble::Round`] the protocol's own name of the
    /// failure.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "hospital-unreachable",
            Self::Round(failure) => failure.code(),
        }
    }
}
