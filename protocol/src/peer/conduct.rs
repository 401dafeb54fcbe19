//! Whether a peer does as the protocol says. It does, unless a test or a simulation makes it cheat.

#[cfg(feature = "adversary")]
pub use adversary::{Change, Misbehaviour};

use crate::field::SecretVector;
use crate::sharing::{Scheme, Share, ShareIndex};
use crate::verification::Finding;

/// How a peer behaves. Without the feature `adversary` there is one way only, and all of this is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conduct {
    #[cfg(feature = "adversary")]
    misbehaviour: Option<Misbehaviour>,
}

/// What a peer that does as it should leaves as it is.
#[cfg(not(feature = "adversary"))]
#[expect(clippy::unused_self, reason = "a peer that cheats needs it")]
impl Conduct {
    pub(super) fn input(self, _: &mut SecretVector) {}
    pub(super) fn proven(self, _: &mut SecretVector, _: usize) {}
    pub(crate) fn scheme(self, scheme: Scheme) -> Scheme {
        scheme
    }
    pub(crate) fn share(self, _: &mut Share) {}
    pub(crate) fn sealed(self, _: ShareIndex, _: &mut [u8]) {}
    pub(super) fn finding(self, _: u32, _: &mut Finding) {}
    pub(super) fn partial(self, _: &mut SecretVector) {}
}

#[cfg(feature = "adversary")]
mod adversary {
    use super::{Conduct, Finding, Scheme, SecretVector, Share, ShareIndex};
    use crate::field::Field;

    /// What is added to one element.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Change {
        /// Which element, counted around the end.
        pub position: usize,
        /// What is added to it.
        pub add: u128,
    }

    /// What a peer does instead of what it should.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Misbehaviour {
        /// Answers what is no answer: the encoded answer is changed before it is proven.
        Input(Change),
        /// Changes the proof.
        Proof(Change),
        /// Changes the share of one member.
        Share(u8, Change),
        /// Seals something to one member that it cannot open.
        Unopenable(u8),
        /// Seals to every member something that it cannot open.
        UnopenableByAll,
        /// Shares its answer with a polynomial of a degree that is too high by one.
        Degree,
        /// Says of the contribution with this number that it cannot read its share.
        Dispute(u32),
        /// Says so of all contributions.
        DisputeAll,
        /// Changes every verifier share that it gives.
        Verifier(Change),
        /// Changes its partial aggregate.
        Partial(Change),
    }

    impl Change {
        fn apply(self, elements: &mut SecretVector, from: usize) {
            let position = from + self.position % (elements.len() - from);
            elements.add_at(position, Field::from(self.add));
        }
    }

    impl Conduct {
        pub(crate) fn of(misbehaviour: Misbehaviour) -> Self {
            Self { misbehaviour: Some(misbehaviour) }
        }

        pub(crate) fn input(self, input: &mut SecretVector) {
            if let Some(Misbehaviour::Input(change)) = self.misbehaviour {
                change.apply(input, 0);
            }
        }

        pub(crate) fn proven(self, proven: &mut SecretVector, input_len: usize) {
            if let Some(Misbehaviour::Proof(change)) = self.misbehaviour {
                change.apply(proven, input_len);
            }
        }

        pub(crate) fn scheme(self, scheme: Scheme) -> Scheme {
            match self.misbehaviour {
                Some(Misbehaviour::Degree) => {
                    Scheme::new(scheme.shares(), scheme.threshold() + 1).unwrap_or(scheme)
                }
                _ => scheme,
            }
        }

        pub(crate) fn share(self, share: &mut Share) {
            if let Some(Misbehaviour::Share(member, change)) = self.misbehaviour
                && share.index.number() == member
            {
                change.apply(&mut share.values, 0);
            }
        }

        pub(crate) fn sealed(self, member: ShareIndex, sealed: &mut [u8]) {
            let spoils = match self.misbehaviour {
                Some(Misbehaviour::Unopenable(only)) => only == member.number(),
                misbehaviour => misbehaviour == Some(Misbehaviour::UnopenableByAll),
            };
            if spoils && let Some(last) = sealed.last_mut() {
                *last ^= 1;
            }
        }

        pub(crate) fn finding(self, number: u32, finding: &mut Finding) {
            match (self.misbehaviour, &mut *finding) {
                (Some(Misbehaviour::Dispute(disputed)), _) if disputed == number => {
                    *finding = Finding::Unreadable;
                }
                (Some(Misbehaviour::DisputeAll), _) => *finding = Finding::Unreadable,
                (Some(Misbehaviour::Verifier(change)), Finding::Share(verifier)) => {
                    verifier[change.position % verifier.len()] += Field::from(change.add);
                }
                _ => {}
            }
        }

        pub(crate) fn partial(self, partial: &mut SecretVector) {
            if let Some(Misbehaviour::Partial(change)) = self.misbehaviour {
                change.apply(partial, 0);
            }
        }
    }
}
