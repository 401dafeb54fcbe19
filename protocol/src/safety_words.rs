//! Eight words over study and committee, for people to compare (PROTOCOL.md, "Safety words").
//!
//! The hospital hands out the public keys. In an open study nobody else vouches for them, so the people
//! who take part compare eight words: whoever was shown another committee has other words.
//!
//! # What they cost to forge
//!
//! The words are 88 bits, 8 times 11. A hospital that shows two groups of people two committees may choose
//! keys of its own for both, so it need not hit given words: it looks for *any* two committees that agree,
//! which takes about `2^44.8` attempts (the square root of `2^88`, and a little more because the two have to
//! be of different kinds), next to no memory, and as many machines as it likes. That alone would be no
//! obstacle: with SHA-256 it takes one graphics card an hour. Here each attempt is an Argon2id over 64 MiB in
//! three passes: about 200 ms on a core of a server, and half a gigabyte that moves to and from memory on any
//! machine, so no more than some 2,000 a second on a graphics card with 1 TB/s. A collision then costs about
//! 500 years of such a card. And it cannot be prepared: each of the two committees has to contain a key that a
//! person's browser has only just made, or to agree with one that does. Within the 15 minutes for which
//! enrolment is open it would take some 17 million cards; within two weeks, 13,000.
//!
//! What is *not* covered: a committee which is the same for everybody and consists of the hospital's own
//! keys. Its words agree. This is why people are told how many hold the shares, and that they should
//! be at least as many themselves.

use core::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;

use crate::digest::{CommitteeDigest, StudyDigest};

/// How many words there are.
pub const WORDS: usize = 8;

/// What an index into the list of 2,048 words takes.
const BITS_PER_WORD: usize = 11;

/// The tag of Argon2id, in bytes: as many bits as the words have.
const TAG_LEN: usize = WORDS * BITS_PER_WORD / 8;

/// 64 MiB, gone over three times, one block after the other: a browser has one thread for it.
const PARAMETERS: Params = match Params::new(64 * 1024, 3, 1, Some(TAG_LEN)) {
    Ok(parameters) => parameters,
    Err(_) => panic!("these are within the bounds of RFC 9106, section 3.1"),
};

/// It is the same for everybody, since everybody has to come to the same words.
const SALT: &[u8] = b"wardsum v1 safety words";

/// The English list of BIP-39: 2,048 words of 3 to 8 letters, in alphabetical order, of which no two begin
/// with the same four letters. Each word is written as the number of letters that it shares with the one
/// before it, and the others: a page that loads it compressed loads a quarter less.
const LIST: &str = include_str!("safety_words/english.txt");

/// Eight words that stand for a study and a committee.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SafetyWords([u8; TAG_LEN]);

/// There is not enough memory for the words: they take 64 MiB.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("there is not enough memory on this device to compute the safety words")]
pub struct OutOfMemory;

impl SafetyWords {
    /// Computes the words. It takes 64 MiB and, on purpose, its time: about 200 ms on a server, half a second to two
    /// seconds in a browser. Nothing that has to react should wait for it.
    pub fn compute(study: StudyDigest, committee: CommitteeDigest) -> Result<Self, OutOfMemory> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMETERS);
        let password = [*study.as_bytes(), *committee.as_bytes()].concat();
        let mut tag = [0; TAG_LEN];
        match argon2.hash_password_into(&password, SALT, &mut tag) {
            Ok(()) => Ok(Self(tag)),
            // Everything else is fixed, and within the bounds.
            Err(_) => Err(OutOfMemory),
        }
    }

    /// Takes what [`SafetyWords::as_bytes`] gave, in another thread of a browser for example.
    #[must_use]
    pub fn from_bytes(tag: [u8; TAG_LEN]) -> Self {
        Self(tag)
    }

    /// The tag that the words spell.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; TAG_LEN] {
        &self.0
    }

    /// The words, in the order in which they are read out.
    #[must_use]
    pub fn words(&self) -> [String; WORDS] {
        core::array::from_fn(|position| {
            let bits = position * BITS_PER_WORD..(position + 1) * BITS_PER_WORD;
            word(bits.fold(0, |index, bit| {
                index << 1 | usize::from(self.0[bit / 8] >> (7 - bit % 8) & 1)
            }))
        })
    }
}

impl fmt::Display for SafetyWords {
    /// The words with a space between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

impl fmt::Debug for SafetyWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafetyWords({self})")
    }
}

/// The word at this place of the list, from 0 on.
fn word(index: usize) -> String {
    let mut word = String::new();
    let mut begun = 0;
    for letter in LIST.chars() {
        match letter.to_digit(10) {
            Some(_) if begun > index => break,
            Some(shared) => {
                word.truncate(shared as usize);
                begun += 1;
            }
            None => word.push(letter),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// The digest of `english.txt` as it is published with BIP-39.
    const PUBLISHED: [u8; 32] = [
        0x2f, 0x5e, 0xed, 0x53, 0xa4, 0x72, 0x7b, 0x4b, 0xf8, 0x88, 0x0d, 0x8f, 0x3f, 0x19, 0x9e,
        0xfc, 0x90, 0xe5, 0x85, 0x03, 0x64, 0x6d, 0x9f, 0xf8, 0xef, 0xf3, 0xa2, 0xed, 0x3b, 0x24,
        0xdb, 0xda,
    ];

    #[test]
    fn the_list_is_the_one_that_is_published() {
        let mut hasher = Sha256::new();
        for index in 0..1 << BITS_PER_WORD {
            hasher.update(word(index));
            hasher.update("\n");
        }
        assert_eq!(<[u8; 32]>::from(hasher.finalize()), PUBLISHED);
        assert_eq!(word(usize::MAX), "zoo", "there are no more");
    }

    #[test]
    fn every_bit_of_the_tag_is_in_a_word() {
        let zero = SafetyWords([0; TAG_LEN]);
        assert_eq!(zero.to_string(), ["abandon"; WORDS].join(" "));
        assert_eq!(SafetyWords([0xff; TAG_LEN]).to_string(), ["zoo"; WORDS].join(" "));
        for bit in 0..8 * TAG_LEN {
            let mut tag = [0; TAG_LEN];
            tag[bit / 8] = 0x80 >> (bit % 8);
            let words = SafetyWords(tag).words();
            let changed =
                |(position, word): (usize, &String)| (word != "abandon").then_some(position);
            let changed: Vec<_> = words.iter().enumerate().filter_map(changed).collect();
            assert_eq!(changed, [bit / BITS_PER_WORD]);
        }
    }
}
