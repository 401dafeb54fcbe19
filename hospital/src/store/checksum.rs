//! Checksums of rows. SQLite has none of its own, and a wrong value must never be taken for a right one.

use sha2::{Digest as _, Sha256};

use super::error::Fault;

/// The SHA-256 of everything that a row says.
pub(super) type Checksum = [u8; 32];

/// Hashes a row's fields under the name of its table. Each field is preceded by its length.
pub(super) fn checksum(table: &str, fields: &[&[u8]]) -> Checksum {
    let mut hasher = Sha256::new();
    for field in [b"wardsum store v1", table.as_bytes()].iter().chain(fields) {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

/// Compares a checksum that was stored; `what` names the row if they differ.
pub(super) fn compare(
    stored: &[u8],
    expected: &Checksum,
    what: impl FnOnce() -> String,
) -> Result<(), Fault> {
    if stored == expected { Ok(()) } else { Fault::damage(format!("{} was altered", what())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_have_the_same_bytes_hashed() {
        let sums = [
            checksum("a", &[b"bc", b"d"]),
            checksum("a", &[b"b", b"cd"]),
            checksum("ab", &[b"c", b"d"]),
            checksum("a", &[b"bcd"]),
            checksum("a", &[b"bc", b"d", b""]),
        ];
        for (place, sum) in sums.iter().enumerate() {
            assert!(!sums[..place].contains(sum));
        }
    }
}
