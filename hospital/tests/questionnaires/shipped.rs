//! The questionnaires that come with the hospital say what the golden files beside this test say.
//!
//! `WARDSUM_WRITE_GOLDEN=1 cargo test -p wardsum-hospital --test questionnaires` writes these anew; what is then compared
//! with them is the next, ordinary run.

use std::fs;
use std::path::{Path, PathBuf};

use wardsum_hospital::questionnaires::{Imported, read, to_json, to_toml};
use wardsum_protocol::form::Kind;

const SHIPPED: [&str; 4] =
    ["adverse-events.toml", "pain-scale.toml", "phq-9.fhir.json", "treatment.toml"];

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn shipped(name: &str) -> Imported {
    let bytes = fs::read(directory("questionnaires").join(name)).expect("it is shipped");
    read(name, &bytes).unwrap_or_else(|errors| panic!("{name}:\n{errors}"))
}

#[test]
fn every_shipped_file_is_tested() {
    let mut files: Vec<String> = fs::read_dir(directory("questionnaires"))
        .expect("there is the directory")
        .map(|entry| entry.expect("it is read").file_name().into_string().expect("a plain name"))
        .collect();
    files.sort();
    assert_eq!(files, SHIPPED);
}

#[test]
fn shipped_files_are_read_as_the_golden_files_say() {
    for name in SHIPPED {
        let golden = directory("tests/questionnaires/golden").join(format!("{name}.txt"));
        let found = format!("{:#?}\n", shipped(name));
        if std::env::var_os("WARDSUM_WRITE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("the golden file is written");
            continue;
        }
        let expected = fs::read_to_string(&golden).expect("there is a golden file");
        assert!(
            found == expected,
            "{name} is read differently than {} says:\n{found}",
            golden.display()
        );
    }
}

#[test]
fn shipped_files_can_be_asked_and_written_down_again() {
    for name in SHIPPED {
        let imported = shipped(name);
        imported.form.questionnaire().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            read("again.toml", to_toml(&imported).as_bytes()),
            Ok(imported.clone()),
            "{name}"
        );
        assert_eq!(read("again.json", to_json(&imported).as_bytes()), Ok(imported), "{name}");
    }
}

#[test]
fn our_own_questionnaires_are_in_three_languages() {
    for name in ["adverse-events.toml", "pain-scale.toml", "treatment.toml"] {
        let imported = shipped(name);
        assert_eq!(imported.title.languages().collect::<Vec<_>>(), ["en", "da", "de"], "{name}");
    }
}

#[test]
fn the_phq_9_is_that_of_loinc() {
    let imported = shipped("phq-9.fhir.json");
    let form = &imported.form;
    let items: Vec<_> = form.items().collect();
    let codes: Vec<&str> = items.iter().map(|item| &*item.code.code.0).collect();
    assert_eq!(
        codes,
        [
            "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3",
            "44260-8"
        ]
    );
    for item in &items {
        assert_eq!(item.id.0, format!("/{}", item.code.code.0));
        let Kind::Choice(options) = &item.kind else { panic!("{} is a choice", item.id.0) };
        let options: Vec<_> = options
            .iter()
            .map(|option| {
                (&*option.code.system.0, &*option.code.code.0, option.value.map(i32::from))
            })
            .collect();
        assert_eq!(
            options,
            [
                ("http://loinc.org", "LA6568-5", Some(0)),
                ("http://loinc.org", "LA6569-3", Some(1)),
                ("http://loinc.org", "LA6570-1", Some(2)),
                ("http://loinc.org", "LA6571-9", Some(3)),
            ]
        );
    }
    let [total] = &*form.scores else { panic!("one total score") };
    let loinc = (&*total.code.system.0, &*total.code.code.0);
    assert_eq!(loinc, ("http://loinc.org", "44261-6"));
    assert_eq!(total.id.0, "/44261-6");
    let terms: Vec<_> =
        total.terms.iter().map(|term| (term.item, i32::from(term.weight))).collect();
    assert_eq!(terms, (0..9).map(|item| (item, 1)).collect::<Vec<_>>());
    let first = form.sections[0].items[0].text.preferred(["de"]);
    assert_eq!(first, "Wenig Interesse oder Freude an Ihren Tätigkeiten");
}
