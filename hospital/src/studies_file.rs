//! The studies file: TOML that says which studies a hospital runs, and how it serves them.
//!
//! ```toml
//! [[study]]
//! id = "pain-scale"
//! title = "Pain on the ward today"
//! organisation = "St. Example's Hospital"
//! question = "How strong is your pain right now?"
//! min = 0
//! max = 10
//! minimum_cohort = 3
//! reopen = true
//!
//! [study.enrolment]
//! settle_seconds = 15
//! ```

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;
use wardsum_protocol::{Admission, Closing, SchemeChoice, StudyError, StudyParameters, Suite};

use crate::hex;
use crate::limits::{Limits, LimitsError};
use crate::study_desk::{StudyId, StudyIdError, StudyPlan};

/// A studies file that was read and checked.
#[derive(Clone, Debug)]
pub struct StudiesFile {
    /// How the hospital serves them, where neither a flag nor the environment says so.
    pub server: ServerTable,
    /// The bounds of what it lets happen.
    pub limits: Limits,
    /// The studies, in the order of the file; at least one, and each with an id of its own.
    pub plans: Vec<StudyPlan>,
}

/// The `[server]` table. Each entry is also a flag of `hospital serve` and an environment variable,
/// which go before it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTable {
    /// Address and port to listen on; default `127.0.0.1:8443`, which only this computer reaches.
    pub listen: Option<String>,
    /// The directory of the built page; default `web/dist`. Without it only the API is served.
    pub page: Option<PathBuf>,
    /// Where rounds are kept; default `wardsum-data`. Made, for its owner only, if it is missing.
    pub data: Option<PathBuf>,
    /// How long sealed shares are kept after their round is over, in hours; default 24. Then they are
    /// erased from the disk; results stay. Zero erases them within ten minutes.
    pub retention_hours: Option<u32>,
    /// Address and port of the operators' plain HTTP: `/healthz`, `/readyz`, `/metrics`; default none.
    /// Nobody is asked who they are there, so it belongs on loopback.
    pub ops: Option<String>,
    /// The certificate chain in PEM, leaf first; default: a local one is made in `certs_dir`.
    pub cert: Option<PathBuf>,
    /// The private key of `cert` in PEM; given together with it or not at all.
    pub key: Option<PathBuf>,
    /// Where local certificates are kept; default `certs/local`. Unused when `cert` is given.
    pub certs_dir: Option<PathBuf>,
    /// Origins besides the hospital's own whose pages may open a WebSocket, as
    /// `https://host` or `https://host:port`; default none.
    pub allowed_origins: Vec<String>,
}

/// Why a studies file cannot be used. Each text says where, and what to do.
#[derive(Debug, Error)]
pub enum StudiesFileError {
    /// The file cannot be read.
    #[error("the studies file {path} cannot be read ({source}); name one with --studies FILE")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Not TOML, an unknown key, a missing field, or a value of the wrong kind.
    #[error("the studies file {path} is not valid: {source}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        source: Box<toml::de::Error>,
    },
    /// No study at all.
    #[error("the studies file {0} has no [[study]]; add one")]
    Empty(PathBuf),
    /// An id that cannot stand in an address.
    #[error("{place}: {source}")]
    Id {
        /// File and line.
        place: Place,
        /// The rule that it breaks.
        source: StudyIdError,
    },
    /// Two studies of one id.
    #[error("{place}: there is another study \"{id}\" on line {first}; give each its own id")]
    Duplicate {
        /// File and line of the second one.
        place: Place,
        /// Their id.
        id: StudyId,
        /// The line of the first one.
        first: usize,
    },
    /// Rules that contradict each other.
    #[error("{place}: study \"{id}\": {source}")]
    Rule {
        /// File and line of the study.
        place: Place,
        /// Its id.
        id: StudyId,
        /// The rule, and what to do.
        source: StudyError,
    },
    /// A study that is to open again and again, although its invitations are for one round.
    #[error(
        "{place}: study \"{id}\" has invitations, which are for one round, so it cannot reopen; remove \
         `reopen = true`, and make the next round a study file of its own with `hospital invite`"
    )]
    InvitedReopens {
        /// File and line of the study.
        place: Place,
        /// Its id.
        id: StudyId,
    },
    /// Limits that contradict each other.
    #[error("{path}: {source}")]
    Limits {
        /// The file.
        path: PathBuf,
        /// Which, and what to do.
        source: LimitsError,
    },
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from one.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.path.display(), self.line)
    }
}

impl StudiesFile {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, StudiesFileError> {
        let text = fs::read_to_string(path)
            .map_err(|source| StudiesFileError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is for messages only.
    pub fn parse(text: &str, path: &Path) -> Result<Self, StudiesFileError> {
        let tables: Tables = toml::from_str(text).map_err(|source| StudiesFileError::Toml {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        tables
            .limits
            .check()
            .map_err(|source| StudiesFileError::Limits { path: path.to_owned(), source })?;
        if tables.study.is_empty() {
            return Err(StudiesFileError::Empty(path.to_owned()));
        }

        let mut plans = Vec::with_capacity(tables.study.len());
        let mut lines = HashMap::new();
        for study in tables.study {
            let line = line_of(text, &study.span());
            let place = Place { path: path.to_owned(), line };
            let plan = study.into_inner().into_plan(place.clone())?;
            if let Some(first) = lines.insert(plan.id().clone(), line) {
                return Err(StudiesFileError::Duplicate { place, id: plan.id().clone(), first });
            }
            plans.push(plan);
        }
        Ok(Self { server: tables.server, limits: tables.limits, plans })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    server: ServerTable,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    study: Vec<Spanned<StudyTable>>,
}

/// One `[[study]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StudyTable {
    /// Names the study in addresses (`/?study=ID`) and logs: 1 to 64 of `a-z`, `0-9` and `-`.
    id: String,
    /// A short title.
    title: String,
    /// Who asks.
    organisation: String,
    /// What is asked.
    question: String,
    /// The unit of the answer; default none.
    #[serde(default)]
    unit: String,
    /// The smallest answer.
    min: WholeNumber,
    /// The largest answer.
    max: WholeNumber,
    /// How many people must have answered before anything is published; default and least 3.
    #[serde(default = "StudyTable::minimum_cohort")]
    minimum_cohort: u32,
    /// How many people can take part; default 1,000. The sum of as many answers must be exact.
    #[serde(default = "StudyTable::maximum_cohort")]
    maximum_cohort: u32,
    /// How many people hold shares at most, 3 to 255; default 32. Cost grows with it, and so does
    /// the number of people who would have to collude.
    #[serde(default = "StudyTable::committee_cap")]
    committee_cap: u16,
    /// `x-wing` (default: safe against quantum computers too) or `x25519` (half the work).
    #[serde(default)]
    suite: SuiteName,
    /// `threshold` (default: a third of the committee may be lost) or `additive` (nobody may).
    #[serde(default)]
    scheme: SchemeName,
    /// Whether a new round opens when one is published or has ended; default false.
    #[serde(default)]
    reopen: bool,
    /// Whose invitations admit people, as `hospital invite` writes it; default: anybody takes part.
    admission: Option<AdmissionTable>,
    /// When the committee is fixed.
    enrolment: ClosingTable,
    /// When the answers to be counted are fixed; default: like enrolment.
    contributing: Option<ClosingTable>,
    /// How long the committee has to send its partial sums, in seconds; default 300.
    #[serde(default = "StudyTable::aggregation_deadline_seconds")]
    aggregation_deadline_seconds: f64,
}

impl StudyTable {
    fn minimum_cohort() -> u32 {
        3
    }

    fn maximum_cohort() -> u32 {
        1_000
    }

    fn committee_cap() -> u16 {
        32
    }

    fn aggregation_deadline_seconds() -> f64 {
        300.0
    }

    fn into_plan(self, place: Place) -> Result<StudyPlan, StudiesFileError> {
        let id = match self.id.parse::<StudyId>() {
            Ok(id) => id,
            Err(source) => return Err(StudiesFileError::Id { place, source }),
        };
        let (instance, admission) = match &self.admission {
            None => ([0; 16], Admission::Open),
            Some(_) if self.reopen => return Err(StudiesFileError::InvitedReopens { place, id }),
            Some(AdmissionTable { authority, instance }) => {
                (instance.0, Admission::Invited { authority: authority.0 })
            }
        };
        let contributing = self.contributing.unwrap_or(self.enrolment);
        let parameters = StudyParameters {
            instance,
            title: self.title,
            organisation: self.organisation,
            question: self.question,
            unit: self.unit,
            min: self.min.0,
            max: self.max.0,
            minimum_cohort: self.minimum_cohort,
            maximum_cohort: self.maximum_cohort,
            committee_cap: self.committee_cap,
            enrolment: self.enrolment.into(),
            contributing: contributing.into(),
            aggregation_deadline_ms: milliseconds(self.aggregation_deadline_seconds),
            scheme: self.scheme.into(),
            suite: self.suite.into(),
            admission,
        };
        StudyPlan::new(id.clone(), parameters, self.reopen)
            .map_err(|source| StudiesFileError::Rule { place, id, source })
    }
}

/// `[study.admission]`: the study is for people with an invitation.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmissionTable {
    /// The authority's verifying key, 64 hexadecimal digits.
    authority: Hex<32>,
    /// What tells this round from any other, 32 hexadecimal digits. Invitations are bound to it.
    instance: Hex<16>,
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        hex::decode(&text)
            .map(Self)
            .ok_or_else(|| format!("this should be {} hexadecimal digits", 2 * N))
    }
}

/// `[study.enrolment]` and `[study.contributing]`: whichever comes first.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosingTable {
    /// As soon as this many people are there.
    count: Option<u32>,
    /// Once the minimum is there and nobody new has come for this long, in seconds.
    settle_seconds: Option<f64>,
    /// At the latest this long after the phase began, in seconds; default a day, at most 400. The
    /// round ends if the minimum is not there by then. Time for which the hospital is down does not
    /// count.
    #[serde(default = "ClosingTable::deadline_seconds")]
    deadline_seconds: f64,
    /// When somebody at the hospital says so with `hospital study close`; default false.
    #[serde(default)]
    by_command: bool,
}

impl ClosingTable {
    fn deadline_seconds() -> f64 {
        24.0 * 60.0 * 60.0
    }
}

impl From<ClosingTable> for Closing {
    fn from(table: ClosingTable) -> Self {
        Self {
            count: table.count,
            settle_ms: table.settle_seconds.map(milliseconds),
            deadline_ms: milliseconds(table.deadline_seconds),
            by_command: table.by_command,
        }
    }
}

/// Seconds in milliseconds. What is no time at all becomes zero, which [`StudyPlan::new`] refuses.
fn milliseconds(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// TOML's integers have 64 bits; a larger number is written as a string.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "WholeNumberText")]
struct WholeNumber(i128);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number, or one written as a string")]
enum WholeNumberText {
    Integer(i64),
    Text(String),
}

impl TryFrom<WholeNumberText> for WholeNumber {
    type Error = String;

    fn try_from(text: WholeNumberText) -> Result<Self, String> {
        match text {
            WholeNumberText::Integer(value) => Ok(Self(value.into())),
            WholeNumberText::Text(text) => text
                .parse()
                .map(Self)
                .map_err(|_| format!("\"{text}\" is not a whole number of at most 128 bits")),
        }
    }
}

/// A suite, as files and flags name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SuiteName {
    /// X-Wing: X25519 and ML-KEM-768 together, safe against quantum computers too.
    #[default]
    XWing,
    /// X25519 alone: half the work and a tenth of the bytes.
    X25519,
}

impl From<SuiteName> for Suite {
    fn from(name: SuiteName) -> Self {
        match name {
            SuiteName::XWing => Self::XWing,
            SuiteName::X25519 => Self::X25519,
        }
    }
}

/// A sharing scheme, as files and flags name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeName {
    /// More than two thirds of the committee reveal the sum; the rest may be lost.
    #[default]
    Threshold,
    /// The whole committee is needed.
    Additive,
}

impl From<SchemeName> for SchemeChoice {
    fn from(name: SchemeName) -> Self {
        match name {
            SchemeName::Threshold => Self::Threshold,
            SchemeName::Additive => Self::Additive,
        }
    }
}

/// The `[study.admission]` table of an invited study, as it stands behind the study's other lines.
pub(crate) fn admission_table(authority: &[u8; 32], instance: &[u8; 16]) -> String {
    let (authority, instance) = (hex::encode(authority), hex::encode(instance));
    format!("[study.admission]\nauthority = \"{authority}\"\ninstance = \"{instance}\"\n")
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDY: &str = r#"
[[study]]
id = "pain-scale"
title = "Pain"
organisation = "Ward 7"
question = "How strong is your pain?"
min = 0
max = 10

[study.enrolment]
settle_seconds = 15
"#;

    fn parse(text: &str) -> Result<StudiesFile, StudiesFileError> {
        StudiesFile::parse(text, Path::new("studies.toml"))
    }

    fn refusal(text: &str) -> String {
        parse(text).expect_err("this file should be refused").to_string()
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let file = parse(STUDY).unwrap();
        let parameters = file.plans[0].parameters();
        assert_eq!(parameters.minimum_cohort, 3);
        assert_eq!(parameters.committee_cap, 32);
        assert_eq!(parameters.enrolment.settle_ms, Some(15_000));
        assert_eq!(parameters.contributing, parameters.enrolment);
        assert_eq!(parameters.aggregation_deadline_ms, 300_000);
        assert_eq!(file.limits, Limits::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = refusal(&STUDY.replace("max = 10", "max = 10\nmaximum = 10"));
        assert!(text.contains("maximum") && text.contains("line 9"), "{text}");
    }

    #[test]
    fn a_missing_field_is_named_with_its_line() {
        let text = refusal(&STUDY.replace("title = \"Pain\"\n", ""));
        assert!(text.contains("title") && text.contains("line 2"), "{text}");
    }

    #[test]
    fn contradicting_rules_are_named_with_study_and_line() {
        let text = refusal(&STUDY.replace("max = 10", "max = 0"));
        assert!(text.contains("studies.toml, line 2"), "{text}");
        assert!(text.contains("study \"pain-scale\""), "{text}");
        assert!(text.contains("max must be more than min"), "{text}");
    }

    #[test]
    fn an_id_stands_for_one_study_only() {
        let text = refusal(&format!("{STUDY}{STUDY}"));
        assert!(text.contains("line 13") && text.contains("on line 2"), "{text}");
    }

    #[test]
    fn a_range_beyond_64_bits_is_written_as_text() {
        let text = STUDY.replace("max = 10", "max = \"100000000000000000000\"");
        let parameters = parse(&text).unwrap().plans[0].parameters().clone();
        assert_eq!(parameters.max, 100_000_000_000_000_000_000);
        let text = refusal(&STUDY.replace("max = 10", "max = \"ten\""));
        assert!(text.contains("\"ten\""), "{text}");
    }

    const ADMISSION: &str = "
[study.admission]
authority = \"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"
instance = \"000102030405060708090a0b0c0d0e0f\"
";

    #[test]
    fn an_invited_study_says_for_which_round_and_by_whom() {
        let parameters =
            parse(&format!("{STUDY}{ADMISSION}")).unwrap().plans[0].parameters().clone();
        assert_eq!(parameters.instance, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        let Admission::Invited { authority } = parameters.admission else {
            panic!("it is invited")
        };
        assert_eq!((authority[0], authority[31]), (0xd7, 0x1a));
    }

    #[test]
    fn an_admission_that_is_none_is_refused_with_its_place() {
        let with = |from: &str, to: &str| refusal(&format!("{STUDY}{ADMISSION}").replace(from, to));
        let text = with("instance = \"00", "instance = \"");
        assert!(text.contains("line 15") && text.contains("32 hexadecimal digits"), "{text}");
        let text = with("d75a", "+75a");
        assert!(text.contains("line 14") && text.contains("64 hexadecimal digits"), "{text}");
        // Hexadecimal, and no point of the curve.
        let text = with("d75a", "025a");
        assert!(text.contains("line 2") && text.contains("the authority's key"), "{text}");
        let text = with("instance", "instant");
        assert!(text.contains("line 15") && text.contains("instant"), "{text}");
        let text = with("max = 10", "max = 10\nreopen = true");
        assert!(text.contains("line 2") && text.contains("remove `reopen = true`"), "{text}");
    }

    #[test]
    fn a_file_without_studies_is_refused() {
        assert!(refusal("[limits]\nping_seconds = 3").contains("[[study]]"));
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        for bad in ["0", "-3", "nan"] {
            let text = refusal(&STUDY.replace("= 15", &format!("= {bad}")));
            assert!(text.contains("settle time of enrolment"), "{text}");
        }
    }
}
