//! Test vectors: the files in `tests/vectors` say byte by byte what `docs/PROTOCOL.md` says in
//! words. These tests hold the implementation to the files, and the document's examples too.
//!
//! `WARDSUM_WRITE_VECTORS=1 cargo test -p wardsum-protocol --test vectors` writes the files anew;
//! what is then compared with them is the next, ordinary run.

#[path = "vectors/arithmetic.rs"]
mod arithmetic;
#[path = "vectors/circuit.rs"]
mod circuit;
#[path = "vectors/conversation.rs"]
mod conversation;
#[path = "vectors/document.rs"]
mod document;
#[path = "vectors/for_hospital.rs"]
mod for_hospital;
#[path = "vectors/for_peers.rs"]
mod for_peers;
#[path = "vectors/forms.rs"]
mod forms;
#[path = "vectors/invitations.rs"]
mod invitations;
#[path = "vectors/json.rs"]
mod json;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/machines.rs"]
mod machines;
#[path = "vectors/questionnaires.rs"]
mod questionnaires;
#[path = "vectors/refusals.rs"]
mod refusals;
#[path = "vectors/replay.rs"]
mod replay;
#[path = "vectors/rounds.rs"]
mod rounds;
#[path = "vectors/studies.rs"]
mod studies;
#[path = "vectors/validity.rs"]
mod validity;
#[path = "vectors/values.rs"]
mod values;
#[path = "vectors/words.rs"]
mod words;

use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// A file of vectors.
struct VectorFile {
    /// Its name without `.json`.
    name: &'static str,
    /// What it contains.
    text: &'static str,
    /// What this implementation would write into it.
    generate: fn() -> Value,
}

macro_rules! vector_file {
    ($name:literal, $generate:path) => {
        VectorFile {
            name: $name,
            text: include_str!(concat!("vectors/", $name, ".json")),
            generate: $generate,
        }
    };
}

/// All files, in the order of the document.
const FILES: [VectorFile; 12] = [
    vector_file!("encoding", arithmetic::generate_encoding),
    vector_file!("sharing", arithmetic::generate_sharing),
    vector_file!("questionnaire", questionnaires::generate),
    vector_file!("study", studies::generate),
    vector_file!("invitation", invitations::generate),
    vector_file!("additive-round", rounds::generate_additive),
    vector_file!("shamir-round", rounds::generate_shamir),
    vector_file!("resumed-round", rounds::generate_resumed),
    vector_file!("questionnaire-round", rounds::generate_questionnaire),
    vector_file!("x-wing", rounds::generate_x_wing),
    vector_file!("safety-words", words::generate),
    vector_file!("refusals", refusals::generate),
];

/// What a file contains.
fn load(name: &str) -> Value {
    let file = FILES.iter().find(|file| file.name == name).expect("the file is in the list");
    serde_json::from_str(file.text).expect("a file of vectors is JSON")
}

/// Whether the files are to be written; the other tests then have nothing to compare with.
fn writing() -> bool {
    std::env::var_os("WARDSUM_WRITE_VECTORS").is_some()
}

#[test]
fn files_are_what_the_implementation_writes() {
    for VectorFile { name, text, generate } in FILES {
        let generated = generate();
        if writing() {
            write(name, &generated);
            continue;
        }
        let read: Value = serde_json::from_str(text).expect("a file of vectors is JSON");
        assert!(
            read == generated,
            "{name}.json differs; if that is meant, write it anew and say why"
        );
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn write(name: &str, content: &Value) {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = serde_json::to_string_pretty(content).expect("JSON values have a text") + "\n";
    std::fs::write(path, text).expect("the directory of the vectors can be written to");
}

#[cfg(target_arch = "wasm32")]
fn write(_: &str, _: &Value) {
    panic!("a browser writes no files");
}
