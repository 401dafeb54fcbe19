//! The files of one study, which people have looked at.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::study::{TestStudy, form};

/// The golden file of this name, which is this text if golden files are written anew.
fn golden(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/results/golden").join(name);
    if std::env::var_os("WARDSUM_WRITE_GOLDEN").is_some() {
        fs::write(&path, text).expect("the tree can be written");
    }
    fs::read_to_string(&path).expect("a golden file")
}

fn is_golden(name: &str, text: &str) {
    assert!(golden(name, text) == text, "{name} is not as it was");
}

/// The order of keys says nothing, and is another one where a crate asks `serde_json` to keep it.
fn is_golden_json(name: &str, json: &Value) {
    let text = serde_json::to_string_pretty(json).expect("JSON") + "\n";
    let golden: Value = serde_json::from_str(&golden(name, &text)).expect("JSON");
    assert!(golden == *json, "{name} is not as it was");
}

#[test]
fn files_are_as_they_were() {
    let study = TestStudy::new(form(), 3);
    let published = study.published();
    is_golden("result.csv", &published.csv());
    is_golden_json("result.json", &published.json());
    is_golden_json("result.fhir.json", &published.measure_report());
    is_golden("result.html", &published.report());
    is_golden("codebook.csv", &published.codebook());
}
