//! Studies for the tests.

use std::fmt::Write as _;

/// One study, as a table of a studies file. Its phases are short, so that tests are.
#[derive(Clone, Debug)]
pub struct TestStudy {
    /// Names it in addresses.
    pub id: String,
    /// A short title.
    pub title: String,
    /// The smallest answer.
    pub min: i64,
    /// The largest answer.
    pub max: i64,
    /// `x-wing` or `x25519`.
    pub suite: &'static str,
    /// How many people hold shares at most.
    pub committee_cap: u16,
    /// Enrolment and contributing close when this many are there.
    pub people: Option<u32>,
    /// Enrolment closes when nobody has come for this long.
    pub settle_seconds: Option<f64>,
    /// Enrolment closes at the latest after this long.
    pub deadline_seconds: Option<f64>,
    /// Whether a new round follows.
    pub reopen: bool,
    /// The lines of `[study.admission]`, where the study is for the invited.
    pub admission: Option<String>,
}

impl TestStudy {
    /// A pain scale that this many people complete.
    #[must_use]
    pub fn of(id: &str, people: u32) -> Self {
        Self {
            id: id.to_owned(),
            title: format!("Pain on ward {id}"),
            min: 0,
            max: 10,
            suite: "x-wing",
            committee_cap: 32,
            people: Some(people),
            settle_seconds: None,
            deadline_seconds: None,
            reopen: false,
            admission: None,
        }
    }

    /// The same study with X25519, which is the cheaper suite.
    #[must_use]
    pub fn x25519(self) -> Self {
        Self { suite: "x25519", ..self }
    }

    /// The same study with another range.
    #[must_use]
    pub fn range(self, min: i64, max: i64) -> Self {
        Self { min, max, ..self }
    }

    /// The question that it asks.
    #[must_use]
    pub fn question(&self) -> String {
        format!("How strong is your pain right now, from {} to {}?", self.min, self.max)
    }

    /// The studies file.
    #[must_use]
    pub fn file(studies: &[Self]) -> String {
        studies.iter().fold(String::new(), |mut file, study| {
            study.write(&mut file);
            file
        })
    }

    fn write(&self, file: &mut String) {
        let Self { id, title, min, max, suite, committee_cap, reopen, .. } = self;
        let question = self.question();
        let closing = |table: &str, settle: Option<f64>| {
            let mut text = format!("[study.{table}]\n");
            let mut line = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "{name} = {value}");
                }
            };
            line("count", self.people.map(|count| count.to_string()));
            line("settle_seconds", settle.map(|seconds| format!("{seconds:?}")));
            line("deadline_seconds", self.deadline_seconds.map(|seconds| format!("{seconds:?}")));
            text
        };
        let (enrolment, contributing) = (
            closing("enrolment", self.settle_seconds),
            closing("contributing", self.settle_seconds),
        );
        let admission = self.admission.as_ref();
        let admission = admission.map(|lines| format!("[study.admission]\n{lines}"));
        let admission = admission.unwrap_or_default();
        let _ = write!(
            file,
            "[[study]]\nid = {id:?}\ntitle = {title:?}\norganisation = \"St. Example's Hospital\"\n\
             question = {question:?}\nunit = \"points\"\nmin = {min}\nmax = {max}\nminimum_cohort = 3\n\
             maximum_cohort = 100\ncommittee_cap = {committee_cap}\nsuite = {suite:?}\nreopen = {reopen}\n\
             aggregation_deadline_seconds = 60\n{enrolment}{contributing}{admission}\n"
        );
    }
}
