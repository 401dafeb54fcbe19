//! Questionnaires from files: what is read of them, what is refused and why, and that no file harms.

mod documents;
mod fhir;
mod fhir_refusals;
mod hostile_files;
mod shipped;

use serde_json::{Value, json};
use wardsum_hospital::questionnaires::{Imported, read};
use wardsum_protocol::form::{ItemForm, Kind};

/// What is read of a document in TOML.
fn toml(source: &str) -> Imported {
    read("questionnaire.toml", source.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is read of a resource of FHIR.
fn fhir(resource: &Value) -> Imported {
    read("questionnaire.json", resource.to_string().as_bytes())
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with a file: place and message of each problem.
fn problems(name: &str, bytes: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let errors = read(name, bytes.as_ref()).expect_err("there is something wrong with it");
    errors.problems.into_iter().map(|problem| (problem.place, problem.message)).collect()
}

/// A Questionnaire of FHIR with these items.
fn with_items(items: &Value) -> Value {
    json!({ "resourceType": "Questionnaire", "status": "active", "title": "A questionnaire", "item": items })
}

/// The only item of a questionnaire.
fn only(imported: &Imported) -> &ItemForm {
    let mut items = imported.form.items();
    let item = items.next().expect("an item");
    assert!(items.next().is_none(), "only one item");
    item
}

/// The kind of the only item of a questionnaire.
fn only_kind(imported: &Imported) -> &Kind {
    &only(imported).kind
}
