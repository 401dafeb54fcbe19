//! A witness of how much was acknowledged.
//!
//! SQLite silently ignores everything in its write-ahead log from the first bad frame on, because it
//! cannot tell damage from a transaction that never completed. So each transaction counts, and when
//! its commit has returned, the count is written to a file of its own before anything is acknowledged.
//! A database that has counted less than this file says has lost what it had promised to keep.
//!
//! The file is not synced: a power failure may take its last change along, and then it says less than
//! it could, never more.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::checksum::checksum;
use super::data_dir::private_file;

const COUNT_LEN: usize = 8;
const LEN: usize = COUNT_LEN + 32;

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct Witness(File);

impl Witness {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        private_file(path).map(Self)
    }

    /// Notes that this many transactions are durable.
    pub(super) fn note(&self, commits: u64) -> io::Result<()> {
        let count = commits.to_be_bytes();
        let mut bytes = [0; LEN];
        bytes[..COUNT_LEN].copy_from_slice(&count);
        bytes[COUNT_LEN..].copy_from_slice(&checksum("witness", &[&count]));
        self.0.write_all_at(&bytes, 0)
    }
}

/// How many transactions are known to have been durable; zero if nothing readable says so.
pub(super) fn read(path: &Path) -> io::Result<u64> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let Some((count, check)) = bytes.split_first_chunk::<COUNT_LEN>() else { return Ok(0) };
    let known = check == checksum("witness", &[count]);
    Ok(if known { u64::from_be_bytes(*count) } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_last_count_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness");
        assert_eq!(read(&path).unwrap(), 0, "a missing witness says nothing");
        let witness = Witness::open(&path).unwrap();
        assert_eq!(read(&path).unwrap(), 0, "an empty one as well");
        witness.note(7).unwrap();
        witness.note(260).unwrap();
        assert_eq!(read(&path).unwrap(), 260);
        let good = fs::read(&path).unwrap();
        for place in 0..good.len() {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap(), 0, "a damaged one says nothing");
        }
    }
}
