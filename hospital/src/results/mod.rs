//! Results as files for others' programs: tables, a codebook, JSON, FHIR, and a report to print.
//!
//! All are made of one list of [figures](Figure), which [`wardsum_protocol::statistics`] computes from the cells that are
//! published. A hidden cell is not known here, so that it can be in none of them.

mod codebook;
mod csv;
mod figures;
mod files;
mod json;
mod measure_report;
mod report;

use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::questionnaire::Questionnaire;

use crate::utc::rfc_3339;

pub use self::figures::{Figure, Number, Subject, Value};
pub(crate) use self::files::candidates;
pub use self::files::{Format, NoResult, RoundResult};
pub use self::json::FORMAT as JSON_FORMAT;
pub use self::measure_report::{MEASURE, STATISTIC};

/// The result of a round, as it was published.
#[derive(Clone, Copy, Debug)]
pub struct PublishedResults<'a> {
    /// The study's title.
    pub title: &'a str,
    /// Who asks.
    pub organisation: &'a str,
    /// What was asked, in words.
    pub form: &'a Form,
    /// The same in numbers.
    pub questionnaire: &'a Questionnaire,
    /// How many people's answers were counted.
    pub count: u32,
    /// How many were not.
    pub rejected: u32,
    /// The numbers in the [cells](Questionnaire::cells), in their order; `None` is hidden.
    pub cells: &'a [Option<u128>],
    /// When the round began, in milliseconds since 1970, UTC.
    pub started_ms: i64,
    /// When its result was found, likewise.
    pub ended_ms: i64,
    /// The digest of the study, in hexadecimal digits, by which the round's transcript is known.
    pub study_digest: &'a str,
    /// The language in which texts are given, a tag of BCP 47. Those that are not given in it are in the form's first.
    pub language: &'a str,
}

impl PublishedResults<'_> {
    fn text<'a>(&self, text: &'a Text) -> &'a str {
        text.preferred([self.language])
    }

    /// How the groups are told apart: the text of the grouping item.
    fn grouping(&self) -> Option<&str> {
        let item = usize::from(self.form.grouping?);
        self.form.items().nth(item).map(|item| self.text(&item.text))
    }
}
