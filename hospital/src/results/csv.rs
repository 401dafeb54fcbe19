//! A result as a table (RFC 4180): a row for each figure.

use super::{PublishedResults, Value};

const COLUMNS: [&str; 12] = [
    "study",
    "subject",
    "kind",
    "text",
    "group",
    "group_label",
    "figure",
    "answer",
    "answer_label",
    "unit",
    "value",
    "suppressed",
];

impl PublishedResults<'_> {
    /// A table of all figures in long form: UTF-8, the names of the columns first, lines that end with CR LF.
    ///
    /// `value` is a number, and empty where there is none: `suppressed` is then `true` if it is hidden, and `false` if
    /// there is no such figure of so few people. `group` is empty for everybody. Text that a spreadsheet would calculate
    /// has an apostrophe before it.
    #[must_use]
    pub fn csv(&self) -> String {
        let subjects = self.subjects();
        let mut table = Table::new(COLUMNS);
        table.row(&[
            text(self.study_digest),
            String::new(),
            text("study"),
            text(self.title),
            String::new(),
            String::new(),
            text("count"),
            String::new(),
            String::new(),
            String::new(),
            self.count.to_string(),
            "false".to_owned(),
        ]);
        for figure in self.figures(&subjects) {
            let value = match figure.value {
                Value::Known(number) => number.to_string(),
                Value::Suppressed | Value::Undefined => String::new(),
            };
            table.row(&[
                text(self.study_digest),
                text(figure.subject.id),
                text(if figure.subject.score { "score" } else { "item" }),
                text(figure.subject.text),
                figure.group.map(|group| group.to_string()).unwrap_or_default(),
                text(figure.group_label.unwrap_or_default()),
                text(figure.name),
                // A number or a word of ours, which no spreadsheet calculates.
                figure.answer.unwrap_or_default(),
                text(figure.answer_label.unwrap_or_default()),
                text(figure.subject.unit),
                value,
                (figure.value == Value::Suppressed).to_string(),
            ]);
        }
        table.text
    }
}

/// A table in the making.
pub(super) struct Table {
    pub(super) text: String,
}

impl Table {
    pub(super) fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut table = Self { text: String::new() };
        table.row(&columns.map(str::to_owned));
        table
    }

    pub(super) fn row(&mut self, fields: &[String]) {
        self.text += &fields.join(",");
        self.text += "\r\n";
    }
}

/// A field with this text: within quotes where it needs them, and as text to a spreadsheet even where it begins like a
/// formula ("CSV Injection", OWASP).
pub(super) fn text(text: &str) -> String {
    let formula = |first: char| "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(first);
    let begins = text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(formula);
    let safe = if begins { format!("'{text}") } else { text.to_owned() };
    let quoted = safe.contains([',', '"', '\r', '\n', ';', '\t']) || safe.trim() != safe;
    if quoted { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}
