//! Whatever the bytes of a file are: it is read, or problems are told. A panic is our bug.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use wardsum_hospital::questionnaires::{FILE_MAX, PROBLEMS_MAX, read, to_json, to_toml};

use super::problems;

const NAMES: [&str; 3] = ["a.json", "a.toml", "a"];

/// Reads bytes under every name, and checks what always holds.
fn harmless(bytes: &[u8]) {
    for name in NAMES {
        match read(name, bytes) {
            Ok(imported) => {
                imported.form.questionnaire().expect("what was read can be asked");
                assert_eq!(read("b.toml", to_toml(&imported).as_bytes()).as_ref(), Ok(&imported));
                assert_eq!(read("b.json", to_json(&imported).as_bytes()), Ok(imported));
            }
            Err(errors) => {
                assert!((1..=PROBLEMS_MAX).contains(&errors.problems.len()));
                assert!(errors.problems.iter().all(|problem| !problem.message.is_empty()));
            }
        }
    }
}

fn shipped() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("questionnaires");
    let files = fs::read_dir(directory).expect("there are shipped files");
    files.map(|file| fs::read(file.expect("it is listed").path()).expect("it is read")).collect()
}

/// What makes sense here and there in a file.
const TOKENS: [&str; 16] = [
    "null",
    "true",
    "-1",
    "1e308",
    "0.1",
    "\"\"",
    "{}",
    "[]",
    "{",
    "]",
    "\"#\"",
    "\\u0000",
    "kind = \"scale\"",
    "[[section]]",
    "\"item\": [",
    "\u{202e}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        harmless(&bytes);
    }

    #[test]
    fn anything_like_a_file_is_harmless(
        text in "(\\{|\\[|\"[a-z]{0,8}\"|:|,|\\}|\\]|[0-9.eE-]{1,6}|true|null| |\n|=|'){0,60}"
    ) {
        harmless(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_harmless(
        file in 0_usize..4,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..5, any::<u8>()), 1..6),
    ) {
        let mut bytes = shipped().swap_remove(file);
        for (at, how, byte) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                3 => {
                    let token = TOKENS[usize::from(byte) % TOKENS.len()];
                    bytes.splice(at..at, token.bytes());
                }
                _ => {
                    // A piece of the file where another one was.
                    let piece: Vec<u8> = bytes[at..].iter().copied().take(usize::from(byte)).collect();
                    let to = bytes.len() / 2;
                    bytes.splice(to..to, piece);
                }
            }
        }
        harmless(&bytes);
    }
}

#[test]
fn what_is_no_questionnaire_is_refused_as_a_whole() {
    for (name, bytes, expected) in [
        (
            "a.json",
            vec![b' '; FILE_MAX + 1],
            "the file has 1048577 bytes; no more than 1048576 are read",
        ),
        ("a.json", vec![0xff, 0xfe, b'{', 0], "not in UTF-8"),
        ("a.xml", b"<?xml version='1.0'?><Questionnaire/>".to_vec(), "the file is XML"),
        ("a.json", b"".to_vec(), "this is not JSON"),
        ("a.json", b"[]".to_vec(), "this is a list; give a table"),
        ("a.json", b"7".to_vec(), "this is a number; give a table"),
        ("a.toml", b"".to_vec(), "there is no question"),
        ("a.toml", b"title = \"T\"\n[[item]]\n".to_vec(), "write [[section]]"),
    ] {
        let found = problems(name, bytes);
        assert!(
            found.iter().any(|(_, message)| message.contains(expected)),
            "{expected}: {found:?}"
        );
    }
    let with_mark = b"\xef\xbb\xbftitle = \"T\"\n[[section]]\n[[section.item]]\nid = \"a\"\nkind = \"yes-no\"\ntext = \"?\"\n";
    assert!(read("a.toml", with_mark).is_ok(), "a byte order mark is no character");
}

#[test]
fn the_largest_and_the_deepest_files_end() {
    let nested = |levels: usize| {
        format!(
            "{}{}",
            "{\"resourceType\":\"Questionnaire\",\"item\":[".repeat(levels),
            "]}".repeat(levels)
        )
    };
    let items = "{\"linkId\":\"a\",\"type\":\"boolean\",\"text\":\"?\"},".repeat(20_000);
    for source in [
        nested(5_000),
        "[".repeat(FILE_MAX),
        "{\"a\":".repeat(FILE_MAX / 5),
        "a.".repeat(FILE_MAX / 2),
        "[a]\n".repeat(FILE_MAX / 20),
        "=\n".repeat(FILE_MAX / 20),
        "a=[".repeat(FILE_MAX / 3),
        format!(
            "{{\"resourceType\":\"Questionnaire\",\"item\":[{}]}}",
            items.trim_end_matches(',')
        ),
        format!(
            "{{\"resourceType\":\"Questionnaire\",\"extension\":[{}]}}",
            vec!["{}"; 150_000].join(",")
        ),
        format!("{{\"title\":\"{}\"}}", "x".repeat(FILE_MAX - 20)),
        format!(
            "title = \"T\"\n[[section]]\n[[section.item]]\noption = [{}]",
            "{text=\"x\"},".repeat(60_000)
        ),
    ] {
        assert!(source.len() <= FILE_MAX);
        harmless(source.as_bytes());
    }
}
