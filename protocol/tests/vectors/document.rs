//! The examples of `docs/PROTOCOL.md` are the vectors.
//!
//! A fenced block with the title `hex FILE NAME` shows the bytes that `FILE.json` calls `NAME`. What
//! follows a `#` is explanation, and `...N` stands for N bytes that are not shown.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{named, unhex};

const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");

/// A block of the document.
struct Example<'a> {
    file: &'a str,
    name: &'a str,
    lines: Vec<&'a str>,
}

fn examples() -> Vec<Example<'static>> {
    let mut examples = Vec::new();
    let mut lines = DOCUMENT.lines();
    while let Some(line) = lines.next() {
        let Some(title) = line.strip_prefix("```hex ") else { continue };
        let (file, name) = title.split_once(' ').expect("a block names its file and its vector");
        let body = lines.by_ref().take_while(|line| *line != "```").collect();
        examples.push(Example { file, name, lines: body });
    }
    examples
}

/// Compares what is shown with what is meant.
fn check(example: &Example<'_>) {
    let Example { file, name, lines } = example;
    let expected = named(&crate::load(file), name);
    let mut rest = expected.as_slice();
    for line in lines {
        let shown = line.split('#').next().unwrap_or_default();
        for token in shown.split_whitespace() {
            let length = match token.strip_prefix("...") {
                Some(count) => count.parse().expect("a number of bytes"),
                None => token.len() / 2,
            };
            let (next, after) = rest.split_at_checked(length).unwrap_or_else(|| {
                panic!("{file} {name}: the document shows more bytes than there are")
            });
            if !token.starts_with("...") {
                assert_eq!(unhex(token), next, "{file} {name}: {line}");
            }
            rest = after;
        }
    }
    assert!(
        rest.is_empty(),
        "{file} {name}: the document leaves out the last {} bytes",
        rest.len()
    );
}

#[test]
fn examples_in_the_document_are_the_vectors() {
    if crate::writing() {
        return;
    }
    let examples = examples();
    assert!(examples.len() >= 20, "the document shows {} vectors", examples.len());
    examples.iter().for_each(check);
}
