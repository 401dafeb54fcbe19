//! The contributions of a round, by number and by sender.

use std::collections::BTreeMap;

use crate::digest::ContributionDigest;
use crate::identity::PeerId;
use crate::manifest::Manifest;
use crate::messages::Inclusion;

/// What is kept of every contribution once its shares are stored.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<(PeerId, ContributionDigest)>,
    numbers: BTreeMap<PeerId, u32>,
}

impl Ledger {
    /// How many there are; the next one gets this number.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Enters the next contribution.
    pub(super) fn enter(&mut self, sender: PeerId, digest: ContributionDigest) {
        self.numbers.insert(sender, self.len());
        self.entries.push((sender, digest));
    }

    /// What this peer contributed.
    pub(super) fn digest_of(&self, sender: &PeerId) -> Option<ContributionDigest> {
        let number = *self.numbers.get(sender)?;
        self.entries.get(usize::try_from(number).ok()?).map(|(_, digest)| *digest)
    }

    /// All digests, by number.
    pub(super) fn digests(&self) -> Vec<ContributionDigest> {
        self.entries.iter().map(|(_, digest)| *digest).collect()
    }

    /// Closes the ledger.
    pub(super) fn seal(self) -> SealedLedger {
        let manifest = Manifest::new(self.entries.iter().map(|(sender, digest)| (sender, *digest)));
        SealedLedger { entries: self, manifest }
    }
}

/// A ledger that is closed, with the tree over it.
#[derive(Debug)]
pub(super) struct SealedLedger {
    entries: Ledger,
    pub(super) manifest: Manifest,
}

impl SealedLedger {
    /// What this peer contributed.
    pub(super) fn digest_of(&self, sender: &PeerId) -> Option<ContributionDigest> {
        self.entries.digest_of(sender)
    }

    /// The number of this peer's contribution.
    pub(super) fn number_of(&self, sender: &PeerId) -> Option<u32> {
        self.entries.numbers.get(sender).copied()
    }

    /// The proof that this peer's contribution counts, if it does.
    pub(super) fn inclusion(&self, sender: &PeerId) -> Option<Inclusion> {
        let number = self.number_of(sender)?;
        let commitment = self.manifest.commitment();
        Some(Inclusion {
            number,
            size: commitment.size,
            root: commitment.root,
            path: self.manifest.path(number).into(),
        })
    }
}
