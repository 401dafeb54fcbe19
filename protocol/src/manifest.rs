//! The manifest: the contributions that a round counts, as a Merkle tree (RFC 9162, section 2.1).

use crate::committee::Committee;
use crate::digest::{ContributionDigest, DigestLabel, ManifestDigest, hash};
use crate::identity::PeerId;
use crate::merkle;
use crate::study::Study;

/// The hash of a leaf of the tree: over the sender's key and the contribution's digest.
fn leaf((sender, contribution): (&PeerId, ContributionDigest)) -> merkle::Hash {
    merkle::leaf([*sender.as_bytes(), *contribution.as_bytes()].as_flattened())
}

/// A manifest with all its leaves.
#[derive(Debug)]
pub struct Manifest {
    size: u32,
    tree: merkle::Tree,
}

/// What a manifest comes down to: how many contributions, and the root over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// How many contributions.
    pub size: u32,
    /// The root of the Merkle tree.
    pub root: [u8; 32],
}

impl Commitment {
    /// What the manifest of these contributions, numbered from 0 in this order, comes down to: the Merkle
    /// tree hash of RFC 9162, section 2.1.1, with two hashes per contribution and none of them kept.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX`.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = (&'a PeerId, ContributionDigest)>) -> Self {
        let (size, root) = merkle::root(entries.into_iter().map(leaf));
        Self { size, root }
    }

    /// Whether it counts as many as the study allows: fewer would give answers away, and the sum of
    /// more could wrap.
    #[must_use]
    pub fn fits(&self, study: &Study) -> bool {
        (study.minimum_cohort()..=study.maximum_cohort()).contains(&self.size)
    }

    /// What partial aggregates are bound to.
    #[must_use]
    pub fn digest(&self, study: &Study, committee: &Committee) -> ManifestDigest {
        let (study, committee) = (study.digest(), committee.digest());
        let size = self.size.to_be_bytes();
        let parts: [&[u8]; 4] = [study.as_bytes(), committee.as_bytes(), &size, &self.root];
        ManifestDigest(hash(DigestLabel::Manifest, &parts))
    }

    /// Whether `path` shows that contribution `number` is in the manifest.
    #[must_use]
    pub fn includes(
        &self,
        number: u32,
        sender: &PeerId,
        contribution: ContributionDigest,
        path: &[u8],
    ) -> bool {
        let leaf = leaf((sender, contribution));
        merkle::root_of_path(leaf, number, self.size, path) == Some(self.root)
    }
}

impl Manifest {
    /// The manifest of these contributions, numbered from 0 in this order.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX`.
    #[must_use]
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a PeerId, ContributionDigest)>) -> Self {
        let leaves: Vec<_> = entries.into_iter().map(leaf).collect();
        let size = u32::try_from(leaves.len()).expect("a cohort is at most 100,000");
        Self { size, tree: merkle::Tree::new(leaves) }
    }

    /// Size and root.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment { size: self.size, root: self.tree.root() }
    }

    /// The inclusion proof of contribution `number`: sibling hashes from the leaf up.
    ///
    /// # Panics
    ///
    /// If there is no such contribution.
    #[must_use]
    pub fn path(&self, number: u32) -> Vec<u8> {
        let position = usize::try_from(number).expect("a usize has at least 32 bits");
        self.tree.path(position).as_flattened().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::identity::Identity;

    #[test]
    fn what_a_manifest_comes_down_to_is_the_root_of_its_tree() {
        let sender = Identity::derive(&Entropy::new([1; 32])).id();
        for size in (0_u32..70).chain([127, 128, 129, 1_000]) {
            let digests = (0..size)
                .map(|n| ContributionDigest(hash(DigestLabel::Manifest, &[&n.to_be_bytes()])));
            let entries: Vec<_> = digests.map(|digest| (&sender, digest)).collect();
            let tree = Manifest::new(entries.iter().copied()).commitment();
            assert_eq!(Commitment::of(entries), tree, "{size} contributions");
        }
    }
}
