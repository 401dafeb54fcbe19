//! The manifest: the contributions that a round counts, as a Merkle tree (RFC 9162, section 2.1).

use ct_merkle::HashableLeaf;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use sha2::digest::Update;

use crate::committee::Committee;
use crate::digest::{ContributionDigest, DigestLabel, ManifestDigest, hash};
use crate::identity::PeerId;
use crate::merkle;
use crate::study::Study;

/// One leaf of the tree: the sender's key and the contribution's digest.
#[derive(Clone, Debug)]
struct Leaf([u8; 64]);

impl Leaf {
    fn new(sender: &PeerId, contribution: ContributionDigest) -> Self {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(sender.as_bytes());
        bytes[32..].copy_from_slice(contribution.as_bytes());
        Self(bytes)
    }
}

impl HashableLeaf for Leaf {
    fn hash<H: Update>(&self, hasher: &mut H) {
        hasher.update(&self.0);
    }
}

/// A manifest with all its leaves.
#[derive(Debug)]
pub struct Manifest {
    tree: MemoryBackedTree<Sha256, Leaf>,
    commitment: Commitment,
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
        let leaves = entries.into_iter().map(|(sender, digest)| Leaf::new(sender, digest));
        let (size, root) = merkle::root(leaves.map(|leaf| merkle::leaf(&leaf.0)));
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
        let leaf = merkle::leaf(&Leaf::new(sender, contribution).0);
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
        let mut tree = MemoryBackedTree::new();
        for (sender, contribution) in entries {
            tree.push(Leaf::new(sender, contribution));
        }
        let root = tree.root();
        let commitment = Commitment {
            size: u32::try_from(tree.len()).expect("a cohort is at most 100,000"),
            root: (*root.as_bytes()).into(),
        };
        Self { tree, commitment }
    }

    /// Size and root.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// The inclusion proof of contribution `number`: sibling hashes from the leaf up.
    ///
    /// # Panics
    ///
    /// If there is no such contribution.
    #[must_use]
    pub fn path(&self, number: u32) -> Vec<u8> {
        let position = usize::try_from(number).expect("a usize has at least 32 bits");
        self.tree.prove_inclusion(position).as_bytes().to_vec()
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
