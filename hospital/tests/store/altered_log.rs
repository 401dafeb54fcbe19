//! A write-ahead log that was altered is reported; one with a torn tail is normal.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use wardsum_hospital::store::{RoundKey, Store, StoreError};
use wardsum_protocol::Timestamp;

use crate::fixture::{Contents, LOG, copy, fill, open, read, runtime};
use crate::sample::contribution;

const WITNESS: &str = "wardsum.acknowledged";
const FRAME: usize = 24 + 16_384;

/// A store that runs, with everything still in its log.
struct Running {
    dir: TempDir,
    store: Store,
    round: RoundKey,
    next: u32,
}

impl Running {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let round = fill(&store).await;
        Self { dir, store, round, next: 2 }
    }

    async fn append(&mut self) {
        let record = contribution(self.next, 6_000);
        self.store.append(self.round, Timestamp(400), vec![record]).await.unwrap();
        self.next += 1;
    }

    /// The files as they are now, as a process that is killed leaves them.
    fn files(&self) -> TempDir {
        copy(self.dir.path())
    }
}

fn log(dir: &Path) -> Vec<u8> {
    fs::read(dir.join(LOG)).unwrap()
}

/// What a store says whose log is `log`.
async fn with_log(files: &TempDir, log: &[u8]) -> Result<Contents, StoreError> {
    let dir = copy(files.path());
    fs::write(dir.path().join(LOG), log).unwrap();
    read(dir.path()).await
}

#[test]
fn every_altered_byte_of_what_was_acknowledged_is_reported() {
    runtime().block_on(async {
        let mut running = Running::start().await;
        running.append().await;
        let files = running.files();
        let good = log(files.path());
        let expected = with_log(&files, &good).await.unwrap();
        assert_eq!(expected.rounds[1].2.len(), 3, "the log holds what was stored");
        let step = if std::env::var_os("WARDSUM_EVERY_BYTE").is_some() { 1 } else { 997 };
        let headers = (0..good.len()).filter(|place| {
            *place < 32 || (good.len() - place <= 3 * FRAME && (place - 32) % FRAME < 24)
        });
        for place in headers.chain((0..good.len()).step_by(step)) {
            let mut bytes = good.clone();
            bytes[place] ^= [0x01, 0x80, 0xff][place % 3];
            let error = with_log(&files, &bytes).await.map(|_| ()).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "byte {place}: {error:?}");
        }
    });
}

#[test]
fn damage_before_other_transactions_is_reported_without_a_witness() {
    runtime().block_on(async {
        let mut running = Running::start().await;
        running.append().await;
        running.append().await;
        let files = running.files();
        fs::remove_file(files.path().join(WITNESS)).unwrap();
        let good = log(files.path());
        for place in [0, 17, 32 + 1, 32 + 9, 32 + 17, 32 + 500, 32 + 5 * FRAME + 500] {
            let mut bytes = good.clone();
            bytes[place] ^= 0x10;
            let dir = copy(files.path());
            fs::write(dir.path().join(LOG), &bytes).unwrap();
            let error = read(dir.path()).await.map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(LOG), "byte {place}: {error}");
            assert!(log(dir.path()) == bytes, "what is refused stays as it was found");
        }
    });
}

#[test]
fn a_lost_log_is_reported() {
    runtime().block_on(async {
        let mut running = Running::start().await;
        running.append().await;
        let files = running.files();
        let good = log(files.path());
        for len in [0, 32, 32 + FRAME, good.len() - FRAME, good.len() - 1] {
            let error = with_log(&files, &good[..len]).await.map(|_| ()).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{len} bytes: {error:?}");
        }
        fs::remove_file(files.path().join(LOG)).unwrap();
        let error = read(files.path()).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    });
}

#[test]
fn a_torn_last_transaction_that_was_never_acknowledged_is_dropped() {
    runtime().block_on(async {
        let mut running = Running::start().await;
        let before = running.files();
        let begin = log(before.path()).len();
        let expected = read(copy(before.path()).path()).await.unwrap();
        running.append().await;
        let after = log(running.files().path());
        assert!(after.len() > begin + 2 * FRAME);
        // A power failure keeps any part of what was not synced.
        for len in [begin + 1, begin + 30, begin + FRAME, after.len() - FRAME, after.len() - 1] {
            assert!(with_log(&before, &after[..len]).await.unwrap() == expected, "{len} bytes");
        }
        for (from, to) in
            [(begin, begin + FRAME), (begin + 600, begin + 1_100), (begin, begin + 512)]
        {
            let mut torn = after.clone();
            // What was in the file before.
            torn[from..to].fill(0xa5);
            assert!(with_log(&before, &torn).await.unwrap() == expected, "{from}..{to} is missing");
        }
        // Whole, it counts, although nobody was told.
        let contents = with_log(&before, &after).await.unwrap();
        assert_eq!(contents.rounds[1].2.len(), expected.rounds[1].2.len() + 1);
    });
}
