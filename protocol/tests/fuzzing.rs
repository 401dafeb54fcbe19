//! What the fuzz targets of `protocol/fuzz` rest on: the kept corpus holds, the seeds are what today's protocol
//! makes, and no decoder was forgotten.
//!
//! `WARDSUM_WRITE_SEEDS=1 cargo test -p wardsum-protocol --test fuzzing` writes the seeds anew.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz::{TARGETS, Target};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Name and content of every file of a target's corpus.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = corpus(target);
    let entries = fs::read_dir(&directory).expect("every target has a corpus");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .map(|path| {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a readable file"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn seeds_are_what_the_protocol_makes_today() {
    let writing = std::env::var_os("WARDSUM_WRITE_SEEDS").is_some();
    for Target { name, seeds, .. } in TARGETS {
        let made: BTreeSet<_> = seeds().into_iter().collect();
        if writing {
            let directory = corpus(name);
            fs::create_dir_all(&directory).expect("the corpus can be written to");
            for (file, _) in kept(name).iter().filter(|(file, _)| file.starts_with("seed-")) {
                fs::remove_file(directory.join(file)).expect("the corpus can be written to");
            }
            for (file, bytes) in &made {
                fs::write(directory.join(file), bytes).expect("the corpus can be written to");
            }
            continue;
        }
        let kept = kept(name).into_iter().filter(|(file, _)| file.starts_with("seed-"));
        assert!(kept.collect::<BTreeSet<_>>() == made, "the seeds of {name} are others; see above");
    }
}

#[test]
fn the_kept_corpus_holds() {
    for Target { name, run, .. } in TARGETS {
        for (file, bytes) in kept(name) {
            eprintln!("{name}/{file}");
            run(&bytes);
        }
    }
}

/// What of the protocol's source reads what others wrote: each type that is decoded, and each function for
/// others that reads or checks something. `file` is the name without extension.
fn readers(file: &str, source: &str) -> BTreeSet<String> {
    const READING: [&str; 7] =
        ["decode", "parse", "from_str", "verify", "open_share", "restore", "read"];
    let mut readers = BTreeSet::new();
    let (mut deriving, mut derived, mut of) = (false, false, file.to_owned());
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    for line in source.lines() {
        let code = line.trim_start();
        let word = |text: &str| {
            let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
            (end > 0).then(|| text[..end].to_owned())
        };
        let after = |keyword: &str| code.split_once(keyword).and_then(|(_, rest)| word(rest));
        deriving |= code.starts_with("#[derive(");
        derived |= deriving && code.contains("TlsDeserializeBytes");
        deriving &= !code.ends_with(")]");
        // Where a macro's arms derive, its uses do.
        derived &= !code.starts_with("impl");
        if let Some(name) = after("struct ").or_else(|| after("enum ")) {
            if std::mem::take(&mut derived) {
                readers.insert(name);
            }
        } else if code.ends_with("Digest") && code.chars().all(char::is_alphabetic) {
            // Made by a macro.
            readers.insert(code.to_owned());
        }
        if line.starts_with("impl") {
            of = after(" for ").or_else(|| after("impl ")).unwrap_or_else(|| file.to_owned());
            if code.contains("DeserializeBytes for ") {
                readers.insert(of.clone());
            }
        }
        let owner = if line.starts_with(' ') { of.as_str() } else { file };
        let function = ["pub fn ", "pub(crate) fn ", "fn from_str"]
            .iter()
            .find(|start| code.starts_with(**start))
            .and_then(|_| after("fn "));
        if let Some(name) =
            function.filter(|name| READING.iter().any(|word| name.starts_with(word)))
        {
            readers.insert(format!("{owner}::{name}"));
        }
    }
    readers
}

#[test]
fn every_decoder_is_fuzzed() {
    let mut readers = BTreeSet::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("the source is there") {
            let path = entry.expect("a readable directory").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.file_stem().expect("it has a name").to_string_lossy();
                let source = fs::read_to_string(&path).expect("source is text");
                readers.extend(self::readers(&file, &source));
            }
        }
    }
    let covered: BTreeSet<String> = fuzz::covered().map(str::to_owned).collect();
    let missing: Vec<_> = readers.difference(&covered).collect();
    assert!(missing.is_empty(), "no entry in a table of protocol/fuzz/src reaches {missing:?}");
    let gone: Vec<_> = covered.difference(&readers).collect();
    assert!(gone.is_empty(), "the tables of protocol/fuzz/src cover what is not there: {gone:?}");
}
