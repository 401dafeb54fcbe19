//! A byte of the database that was altered is harmless or is reported, and never makes a wrong value.

use std::fs;

use wardsum_hospital::store::StoreError;

use crate::fixture::{DATABASE, copy, fill, open, read, runtime};

/// Which places are tried: all in the header, the first of each page, and every so many.
/// `WARDSUM_EVERY_BYTE=1` tries all.
fn places(len: usize) -> Vec<usize> {
    let step = if std::env::var_os("WARDSUM_EVERY_BYTE").is_some() { 1 } else { 173 };
    (0..len).filter(|place| *place < 108 || place % 16_384 < 8 || place % step == 0).collect()
}

#[test]
fn every_altered_byte_is_harmless_or_reported() {
    runtime().block_on(async {
        let whole = tempfile::tempdir().unwrap();
        let store = open(whole.path()).unwrap();
        fill(&store).await;
        store.close().await;
        drop(store);
        let good = fs::read(whole.path().join(DATABASE)).unwrap();
        let expected = read(copy(whole.path()).path()).await.unwrap();
        let (mut harmless, mut reported) = (0, 0);
        for place in places(good.len()) {
            let mask = [0x01, 0x80, 0xff][place % 3];
            let dir = copy(whole.path());
            let file = dir.path().join(DATABASE);
            let mut bytes = good.clone();
            bytes[place] ^= mask;
            fs::write(&file, &bytes).unwrap();
            let what = format!("byte {place} xor {mask:#x}");
            match read(dir.path()).await {
                Ok(contents) => {
                    assert!(contents == expected, "{what}");
                    harmless += 1;
                }
                Err(
                    error @ (StoreError::Damaged { .. }
                    | StoreError::NotAStore { .. }
                    | StoreError::Newer { .. }),
                ) => {
                    let text = error.to_string();
                    assert!(text.contains(DATABASE) && text.contains("--data"), "{what}: {text}");
                    reported += 1;
                }
                Err(error) => panic!("{what}: {error:?}"),
            }
        }
        assert!(harmless > 10, "unused parts of pages are there");
        assert!(reported > 100, "and used ones");
    });
}

#[test]
fn what_is_refused_is_left_as_it_was_found() {
    runtime().block_on(async {
        let whole = tempfile::tempdir().unwrap();
        let store = open(whole.path()).unwrap();
        fill(&store).await;
        store.close().await;
        let mut bytes = fs::read(whole.path().join(DATABASE)).unwrap();
        let text = b"Test Hospital";
        let place = bytes.windows(text.len()).position(|window| window == text).unwrap();
        bytes[place] ^= 1;
        fs::write(whole.path().join(DATABASE), &bytes).unwrap();
        let error = read(whole.path()).await.unwrap_err().to_string();
        assert!(error.contains("is damaged: round"), "{error}");
        assert!(error.contains("restore the latest backup"), "{error}");
        assert!(fs::read(whole.path().join(DATABASE)).unwrap() == bytes);
    });
}

#[test]
fn a_database_that_lost_its_end_or_is_missing_is_reported() {
    runtime().block_on(async {
        let whole = tempfile::tempdir().unwrap();
        let store = open(whole.path()).unwrap();
        fill(&store).await;
        store.close().await;
        let good = fs::read(whole.path().join(DATABASE)).unwrap();
        for len in [0, 1, 50, 100, 4_096, good.len() / 2, good.len() - 4_096, good.len() - 1] {
            let dir = copy(whole.path());
            fs::write(dir.path().join(DATABASE), &good[..len]).unwrap();
            let error = read(dir.path()).await.unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{len}: {error:?}");
        }
        let dir = copy(whole.path());
        fs::remove_file(dir.path().join(DATABASE)).unwrap();
        let error = read(dir.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(!dir.path().join(DATABASE).exists(), "no empty one takes its place");
    });
}
