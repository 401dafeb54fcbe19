//! The sealed shares of one contribution, as the relay keeps them.

use bytes::Bytes;

use crate::merkle::{self, Tree};
use crate::sharing::ShareIndex;

/// The sealed shares of one contribution, one per member, in order and of equal length, with the Merkle tree
/// over them (RFC 9162, section 2.1). The relay cuts and does not parse.
#[derive(Clone, Debug)]
pub struct SealedShares {
    bytes: Bytes,
    share_len: usize,
    tree: Tree,
}

impl SealedShares {
    /// Cuts `bytes` into `count` pieces of equal length; `None` if that does not come out even.
    pub(super) fn new(bytes: Bytes, count: u8) -> Option<Self> {
        let share_len = bytes.len().checked_div(count.into()).filter(|len| *len > 0)?;
        if bytes.len() != share_len * usize::from(count) {
            return None;
        }
        let tree = Tree::new(bytes.chunks_exact(share_len).map(merkle::leaf).collect());
        Some(Self { bytes, share_len, tree })
    }

    /// The root of the tree, which the sender signs.
    pub(super) fn root(&self) -> [u8; 32] {
        self.tree.root()
    }

    /// The sealed share of one member.
    ///
    /// # Panics
    ///
    /// If the committee has no such member.
    #[must_use]
    pub fn of(&self, member: ShareIndex) -> &[u8] {
        let from = member.position() * self.share_len;
        &self.bytes[from..from + self.share_len]
    }

    /// The inclusion proof of one member's share: sibling hashes from the leaf up, 32 bytes each.
    ///
    /// # Panics
    ///
    /// If the committee has no such member.
    #[must_use]
    pub fn path(&self, member: ShareIndex) -> Vec<u8> {
        self.tree.path(member.position()).into_flattened()
    }
}
