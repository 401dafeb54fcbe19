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

mod entry;
mod error;

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::limits::Limits;
use crate::study_desk::StudyPlan;

pub use entry::{SchemeName, SuiteName};
pub(crate) use entry::{StudyTable, admission_table};
pub(crate) use error::EntryError;
pub use error::{Place, StudiesFileError};

/// A studies file that was read and checked.
#[derive(Clone, Debug)]
pub struct StudiesFile {
    /// How the hospital serves them, where neither a flag nor the environment says so.
    pub server: ServerTable,
    /// The bounds of what it lets happen.
    pub limits: Limits,
    /// The studies, in the order of the file, each with an id of its own. There may be none: researchers make others.
    pub plans: Vec<StudyPlan>,
    /// The files with questionnaires that the studies name, as they name them.
    pub questionnaires: Vec<PathBuf>,
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
    /// The directory of the built researcher's page; default `researcher` in that of the page.
    pub researcher_page: Option<PathBuf>,
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

        let mut plans = Vec::with_capacity(tables.study.len());
        let mut questionnaires = Vec::new();
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut lines = HashMap::new();
        for study in tables.study {
            let line = line_of(text, &study.span());
            let place = Place { path: path.to_owned(), line };
            let study = study.into_inner();
            questionnaires.extend(study.questionnaire_file());
            let plan = study.into_plan(&place, directory)?;
            if let Some(first) = lines.insert(plan.id().clone(), line) {
                return Err(StudiesFileError::Duplicate { place, id: plan.id().clone(), first });
            }
            plans.push(plan);
        }
        Ok(Self { server: tables.server, limits: tables.limits, plans, questionnaires })
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

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use wardsum_protocol::Admission;

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
        let item = parameters.form.items().next().unwrap();
        let max = i128::from(item.kind.steps().unwrap().max);
        assert_eq!(max, 100_000_000_000_000_000_000);
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
    fn a_file_may_leave_all_studies_to_researchers() {
        assert!(parse("[limits]\nping_seconds = 3").unwrap().plans.is_empty());
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        for bad in ["0", "-3", "nan"] {
            let text = refusal(&STUDY.replace("= 15", &format!("= {bad}")));
            assert!(text.contains("settle time of enrolment"), "{text}");
        }
    }
}
