//! Merkle tree hashes (RFC 9162, section 2.1).
//!
//! Peers keep nothing of a tree: a [`root`] or a path is all that they need. The relay makes a [`Tree`] for each
//! contribution and one for the manifest. The tests hold all of it against `ct_merkle`.

use sha2::{Digest, Sha256};

/// What the hash of a leaf begins with.
const LEAF: u8 = 0;
/// What the hash of two subtrees begins with.
const NODE: u8 = 1;

/// A node of a tree, or its root.
pub(crate) type Hash = [u8; 32];

/// Bytes of a hash.
const HASH_LEN: usize = 32;

fn tree_hash(kind: u8, content: &[u8]) -> Hash {
    Sha256::new_with_prefix([kind]).chain_update(content).finalize().into()
}

/// The hash of a leaf with this content.
pub(crate) fn leaf(content: &[u8]) -> Hash {
    tree_hash(LEAF, content)
}

fn node(left: Hash, right: Hash) -> Hash {
    tree_hash(NODE, [left, right].as_flattened())
}

/// The root of a tree without leaves.
fn of_nothing() -> Hash {
    Sha256::digest([]).into()
}

/// How many leaves there are, and the root over their hashes (section 2.1.1).
///
/// # Panics
///
/// If there are more than `u32::MAX`.
pub(crate) fn root(leaves: impl IntoIterator<Item = Hash>) -> (u32, Hash) {
    let mut size = 0_u32;
    // The roots of the complete subtrees so far, from the largest on.
    let mut subtrees: Vec<Hash> = Vec::new();
    for leaf in leaves {
        let mut root = leaf;
        for _ in 0..size.trailing_ones() {
            root = node(subtrees.pop().expect("a one in the size is a complete subtree"), root);
        }
        subtrees.push(root);
        size = size.checked_add(1).expect("no tree here has as many leaves");
    }
    let root = subtrees.into_iter().rev().reduce(|right, left| node(left, right));
    (size, root.unwrap_or_else(of_nothing))
}

/// A tree with all its nodes, level by level: the hashes of the leaves first, the root last.
#[derive(Clone, Debug)]
pub(crate) struct Tree(Vec<Vec<Hash>>);

impl Tree {
    /// The tree over leaves with these hashes.
    pub(crate) fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            // The last of an odd number has no sibling before a higher level.
            let above = level.chunks(2).map(|pair| match pair {
                [left, right] => node(*left, *right),
                alone => alone[0],
            });
            levels.push(above.collect());
        }
        Self(levels)
    }

    pub(crate) fn root(&self) -> Hash {
        self.0.last().and_then(|top| top.first()).copied().unwrap_or_else(of_nothing)
    }

    /// The inclusion proof of a leaf: sibling hashes from the leaf up (section 2.1.3.1).
    ///
    /// # Panics
    ///
    /// If there is no such leaf.
    pub(crate) fn path(&self, leaf: usize) -> Vec<Hash> {
        assert!(leaf < self.0[0].len(), "there is no leaf {leaf}");
        let siblings =
            self.0.iter().enumerate().map(|(height, level)| level.get(leaf >> height ^ 1));
        siblings.flatten().copied().collect()
    }
}

/// The root of the tree of `size` leaves in which `path`, the sibling hashes from the leaf up, is the inclusion
/// proof of the leaf with this hash and this number (section 2.1.3.2); `None` if it cannot be one.
pub(crate) fn root_of_path(leaf: Hash, number: u32, size: u32, path: &[u8]) -> Option<Hash> {
    let mut last = size.checked_sub(1).filter(|last| number <= *last)?;
    let mut number = number;
    let mut root = leaf;
    let (siblings, []) = path.as_chunks::<HASH_LEN>() else { return None };
    for sibling in siblings {
        if last == 0 {
            return None;
        }
        if number % 2 == 1 || number == last {
            root = node(*sibling, root);
            // Where the tree is not complete, a subtree on the right has no sibling for some levels.
            while number.is_multiple_of(2) && number != 0 {
                (number, last) = (number / 2, last / 2);
            }
        } else {
            root = node(root, *sibling);
        }
        (number, last) = (number / 2, last / 2);
    }
    (last == 0).then_some(root)
}

#[cfg(test)]
mod tests {
    use ct_merkle::HashableLeaf;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use sha2::digest::Update;

    use super::*;

    #[derive(Clone, Debug)]
    struct Number(u32);

    impl HashableLeaf for Number {
        fn hash<H: Update>(&self, hasher: &mut H) {
            hasher.update(&self.0.to_be_bytes());
        }
    }

    fn tree(size: u32) -> MemoryBackedTree<Sha256, Number> {
        let mut tree = MemoryBackedTree::new();
        (0..size).for_each(|number| tree.push(Number(number)));
        tree
    }

    fn leaves(size: u32) -> impl Iterator<Item = Hash> {
        (0..size).map(|number| leaf(&number.to_be_bytes()))
    }

    #[test]
    fn a_root_is_that_of_the_tree() {
        for size in (0..70).chain([127, 128, 129, 1_000]) {
            let (counted, root) = root(leaves(size));
            assert_eq!((counted, &root[..]), (size, &tree(size).root().as_bytes()[..]), "{size}");
            assert_eq!(Tree::new(leaves(size).collect()).root(), root, "{size}");
        }
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_changed_one_does() {
        for size in (1..40).chain([127, 128, 129, 255]) {
            let (_, root) = root(leaves(size));
            let (tree, whole) = (tree(size), Tree::new(leaves(size).collect()));
            for (number, leaf) in (0..).zip(leaves(size)) {
                let position = usize::try_from(number).unwrap();
                let path = tree.prove_inclusion(position).as_bytes().to_vec();
                assert_eq!(whole.path(position).as_flattened(), path, "{number}/{size}");
                assert_eq!(root_of_path(leaf, number, size, &path), Some(root), "{number}/{size}");
                assert_ne!(root_of_path([7; 32], number, size, &path), Some(root));
                for other in [number + 1, number.wrapping_sub(1), number ^ 1] {
                    assert_ne!(root_of_path(leaf, other, size, &path), Some(root));
                }
                let longer = [&path[..], &[0; 32]].concat();
                assert_eq!(root_of_path(leaf, number, size, &longer), None);
                if let Some(shorter) = path.len().checked_sub(32) {
                    assert_eq!(root_of_path(leaf, number, size, &path[..shorter]), None);
                    assert_eq!(root_of_path(leaf, number, size, &path[1..]), None);
                }
                for level in (0..path.len()).step_by(32) {
                    let mut changed = path.clone();
                    changed[level] ^= 1;
                    assert_ne!(root_of_path(leaf, number, size, &changed), Some(root));
                }
            }
        }
    }

    #[test]
    fn an_empty_tree_has_no_paths() {
        assert_eq!(root_of_path([0; 32], 0, 0, &[]), None);
    }
}
