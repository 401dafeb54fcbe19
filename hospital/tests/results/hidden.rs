//! Hidden cells are in no file, and nothing that is computed from them.

use serde_json::Value as Json;
use wardsum_hospital::results::{PublishedResults, Value};
use wardsum_protocol::questionnaire;

use crate::study::{TestStudy, form};

/// All that a result says in files.
fn files(published: &PublishedResults<'_>) -> [String; 5] {
    [
        published.csv(),
        published.codebook(),
        published.json().to_string(),
        published.measure_report().to_string(),
        published.report(),
    ]
}

#[test]
fn what_is_hidden_is_in_no_file() {
    let study = TestStudy::new(form(), 3);
    let published = study.published();
    let hidden: Vec<usize> =
        (0..study.cells.len()).filter(|cell| study.cells[*cell].is_none()).collect();
    assert!(hidden.len() > 10 && hidden.len() < study.cells.len() / 2, "{}", hidden.len());
    // Of each hidden cell that counts an answer, the row that would tell it.
    let subjects = published.subjects();
    let figures = published.figures(&subjects);
    let mut found = 0;
    for cell in hidden {
        let cell = &study.questionnaire.cells()[cell];
        let questionnaire::Figure::Option(option) = cell.figure else { continue };
        let questionnaire::Subject::Item(item) = cell.subject else { continue };
        let id = subjects[item].id;
        let answer = option.to_string();
        for name in ["count", "share", "share_lower", "share_upper"] {
            let mut of_cell = figures.iter().filter(|figure| {
                (figure.subject.id, figure.group, figure.name) == (id, cell.group, name)
                    && figure.answer.as_deref() == Some(&answer)
            });
            let figure = of_cell.next().expect("a row");
            assert_eq!((figure.value, of_cell.next()), (Value::Suppressed, None));
            found += 1;
        }
    }
    assert!(found > 10);
    let suppressed = figures.iter().filter(|figure| figure.value == Value::Suppressed).count();
    let [csv, _, json, fhir, report] = files(&published);
    assert_eq!(csv.lines().filter(|line| line.ends_with(",,true")).count(), suppressed);
    assert_eq!(csv.lines().filter(|line| line.ends_with(",true")).count(), suppressed);
    let parsed: Json = serde_json::from_str(&json).expect("JSON");
    let of_json = parsed["figures"].as_array().expect("figures");
    let of_json = of_json.iter().filter(|figure| figure["suppressed"] == true);
    assert!(of_json.clone().all(|figure| figure["value"].is_null() && figure["exact"].is_null()));
    assert_eq!(of_json.count(), suppressed);
    assert!(fhir.matches("\"masked\"").count() > 10 && report.matches(">hidden<").count() > 10);
}

/// Some cells in turn are hidden, after it was made a number that is nothing else: then no file has it any more.
#[test]
fn a_number_disappears_from_all_files_when_its_cell_is_hidden() {
    let mut study = TestStudy::new(form(), 0);
    let marked = "987654321";
    let (mut seen, mut tried) = (0, 0);
    for cell in (0..study.cells.len()).step_by(4) {
        tried += 1;
        study.cells[cell] = Some(987_654_321);
        let shown = files(&study.published());
        if shown.iter().any(|file| file.contains(marked)) {
            seen += 1;
        }
        study.cells[cell] = None;
        for file in files(&study.published()) {
            assert!(!file.contains(marked), "{:?}", study.questionnaire.cells()[cell]);
        }
        study.cells[cell] = Some(study.numbers[cell]);
    }
    assert!(seen > tried / 2);
}
