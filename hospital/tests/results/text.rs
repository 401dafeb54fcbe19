//! Texts of a study that would be more than text: formulas, markup, separators.

use wardsum_protocol::form::{ChoicesForm, Form, Kind};

use crate::study::{TestStudy, form};

const FORMULAS: [&str; 8] = [
    "=HYPERLINK(\"http://example.com\",\"click\")",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "  =1+1",
    "\n=1+1",
    "\u{ff1d}1+1",
    "\u{ff20}SUM(A1)",
];

/// A form in which every text is this.
fn everywhere(text: &str) -> Form {
    let mut form = form();
    for section in &mut form.sections {
        for item in &mut section.items {
            item.text = text.into();
            item.help = text.into();
            item.unit = text.trim().into();
            match &mut item.kind {
                Kind::Choice(options) | Kind::Choices(ChoicesForm { options, .. }) => {
                    for option in options {
                        option.text = text.trim().into();
                    }
                }
                Kind::Scale(scale) => scale.lowest = text.trim().into(),
                Kind::YesNo | Kind::Number(_) => {}
            }
        }
    }
    form
}

/// The fields of a table, read by the rules of RFC 4180 alone.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        let row = rows.last_mut().expect("a row");
        match (character, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().expect("a field").push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(String::new()),
            ('\r', false) => {
                assert_eq!(characters.next(), Some('\n'));
                rows.push(vec![String::new()]);
            }
            _ => row.last_mut().expect("a field").push(character),
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]), "the last line ends too");
    rows
}

#[test]
fn no_field_of_a_table_is_calculated() {
    for formula in FORMULAS {
        let study = TestStudy::new(everywhere(formula), 0);
        let mut published = study.published();
        published.title = formula;
        published.organisation = formula;
        for table in [published.csv(), published.codebook()] {
            let rows = rows(&table);
            let columns = rows[0].len();
            let mut defused = 0;
            for row in &rows {
                assert_eq!(row.len(), columns, "{row:?}");
                for field in row {
                    let first = field.trim_start().chars().next();
                    let begins = first.is_some_and(|first| "=+-@\u{ff1d}\u{ff20}".contains(first));
                    assert!(!begins || field.parse::<f64>().is_ok(), "{field:?}");
                    defused += usize::from(field.starts_with('\'') && field.ends_with(formula));
                }
            }
            assert!(defused > 5, "{formula:?}");
        }
    }
}

#[test]
fn a_unit_stays_as_it_is_though_it_is_no_letter() {
    let mut form = form();
    form.sections[0].items[1].unit = "%".into();
    let study = TestStudy::new(form, 0);
    assert!(rows(&study.published().codebook()).iter().any(|row| row[7] == "%"));
}

#[test]
fn quotes_separators_and_line_breaks_stay_in_their_field() {
    let text = "one, \"two\";\nthree";
    let mut form = form();
    form.sections[0].items[1].text = text.into();
    let study = TestStudy::new(form, 0);
    let rows = rows(&study.published().csv());
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    assert!(rows.iter().any(|row| row[3] == text));
}

#[test]
fn markup_is_text_in_the_report() {
    let markup = "</title><script>alert(1)</script>\"'&";
    let study = TestStudy::new(everywhere(markup), 0);
    let mut published = study.published();
    (published.title, published.organisation) = (markup, markup);
    (published.study_digest, published.language) = (markup, markup);
    let report = published.report();
    assert!(report.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    for markup in ["<script", "onload", "href", "src=", "@import", "url("] {
        assert!(!report.contains(markup), "{markup}");
    }
    assert_eq!(report.matches("</title>").count(), 1);
}
