//! A small set of share indices.

use core::fmt;

use super::ShareIndex;

/// A set of share indices, `1..=255`, that is copied and not allocated.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareIndices([u128; 2]);

impl ShareIndices {
    /// How many there are.
    #[must_use]
    pub fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == [0; 2]
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(self, index: ShareIndex) -> bool {
        let (word, bit) = place(index);
        self.0[word] & bit != 0
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = ShareIndex> {
        ShareIndex::all(u8::MAX).filter(move |index| self.contains(*index))
    }
}

/// In which word an index is kept, and as which bit.
fn place(index: ShareIndex) -> (usize, u128) {
    let number = usize::from(index.number());
    (number / 128, 1 << (number % 128))
}

impl FromIterator<ShareIndex> for ShareIndices {
    fn from_iter<I: IntoIterator<Item = ShareIndex>>(indices: I) -> Self {
        let mut set = Self::default();
        for index in indices {
            let (word, bit) = place(index);
            set.0[word] |= bit;
        }
        set
    }
}

impl fmt::Debug for ShareIndices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(ShareIndex::number)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let all: ShareIndices = ShareIndex::all(u8::MAX).collect();
        assert_eq!((all.len(), all.is_empty()), (255, false));
        for index in ShareIndex::all(u8::MAX) {
            let alone = ShareIndices::from_iter([index, index]);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [index]);
            assert!(alone.contains(index) && all.contains(index));
        }
        assert!(ShareIndices::default().is_empty());
    }
}
