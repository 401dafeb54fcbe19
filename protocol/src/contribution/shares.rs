//! The sealed shares of one contribution, as the relay keeps them.

use std::sync::Arc;

use bytes::Bytes;
use ct_merkle::HashableLeaf;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use sha2::digest::Update;

use crate::sharing::ShareIndex;

/// The sealed shares of one contribution, one per member, in order and of equal length, with the Merkle tree
/// over them (RFC 9162, section 2.1). The relay cuts and does not parse.
#[derive(Clone, Debug)]
pub struct SealedShares(Arc<MemoryBackedTree<Sha256, Sealed>>);

/// One of them: a piece of the message that it came in.
#[derive(Clone, Debug)]
struct Sealed(Bytes);

impl HashableLeaf for Sealed {
    fn hash<H: Update>(&self, hasher: &mut H) {
        hasher.update(&self.0);
    }
}

impl SealedShares {
    /// Cuts `bytes` into `count` pieces of equal length; `None` if that does not come out even.
    pub(super) fn new(bytes: &Bytes, count: u8) -> Option<Self> {
        let len = bytes.len().checked_div(count.into()).filter(|len| *len > 0)?;
        if bytes.len() != len * usize::from(count) {
            return None;
        }
        let mut tree = MemoryBackedTree::new();
        for piece in bytes.chunks_exact(len) {
            tree.push(Sealed(bytes.slice_ref(piece)));
        }
        Some(Self(Arc::new(tree)))
    }

    /// The root of the tree, which the sender signs.
    pub(super) fn root(&self) -> [u8; 32] {
        (*self.0.root().as_bytes()).into()
    }

    /// The sealed share of one member.
    ///
    /// # Panics
    ///
    /// If the committee has no such member.
    #[must_use]
    pub fn of(&self, member: ShareIndex) -> &[u8] {
        &self.0.items()[member.position()].0
    }

    /// The inclusion proof of one member's share: sibling hashes from the leaf up, 32 bytes each.
    ///
    /// # Panics
    ///
    /// If the committee has no such member.
    #[must_use]
    pub fn path(&self, member: ShareIndex) -> Vec<u8> {
        self.0.prove_inclusion(member.position()).as_bytes().to_vec()
    }
}
