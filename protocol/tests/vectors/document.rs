//! The examples of `docs/PROTOCOL.md` are the vectors, and its table of close codes is what peers do.
//!
//! A fenced block with the title `hex FILE NAME` shows the bytes that `FILE.json` calls `NAME`. What
//! follows a `#` is explanation, and `...N` stands for N bytes that are not shown.

use wardsum_protocol::peer::Input;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{list, named, unhex};

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

/// The rows of the table of close codes: each with what a peer does at it.
fn close_codes() -> Vec<(u16, &'static str)> {
    let rows = DOCUMENT.lines().skip_while(|line| *line != "| code | meaning | the peer |");
    rows.skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [codes, _, does] = cells[..] else { panic!("{row} has three cells") };
            codes.split(", ").map(move |code| (code.parse().expect("a close code"), does))
        })
        .collect()
}

#[test]
fn peers_do_at_a_close_code_what_the_document_says() {
    if crate::writing() {
        return;
    }
    let round = crate::load("additive-round");
    let codes = close_codes();
    assert!(codes.len() >= 15, "the document has {} close codes", codes.len());
    for (code, does) in &codes {
        let mut person = crate::replay::person(&round, 1, Some("committee_to_1"));
        person.input(Input::ConnectionLost { code: *code });
        let expected = does.strip_prefix("ends, ").map(|name| name.trim_matches('`'));
        assert!(expected.is_some() || does.starts_with("comes back"), "{code}: {does}");
        assert_eq!(person.peer.failure().map(|failure| failure.code()), expected, "{code}");
    }
    for case in list(&crate::load("refusals"), "cases") {
        if let Some(code) = case["close_code"].as_u64() {
            assert!(codes.iter().any(|(known, _)| u64::from(*known) == code), "{code} is listed");
        }
    }
}
