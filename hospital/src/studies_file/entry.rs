//! One study of the file, as it is written, and the plan that it comes to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wardsum_protocol::form::Text;
use wardsum_protocol::study::MINIMUM_CELL;
use wardsum_protocol::{Admission, Closing, SchemeChoice, StudyParameters, Suite};

use super::error::{EntryError, Place, StudiesFileError};
use crate::asked::{self, AskedError, OneNumber, Source};
use crate::hex;
use crate::questionnaires::Imported;
use crate::study_desk::{StudyId, StudyPlan};

/// One `[[study]]`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyTable {
    /// Names the study in addresses (`/?study=ID`) and logs: 1 to 64 of `a-z`, `0-9` and `-`.
    #[schema(pattern = "^[a-z0-9-]{1,64}$")]
    id: String,
    /// A short title; default that of the questionnaire.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 255)]
    title: Option<String>,
    /// Who asks.
    #[schema(min_length = 1, max_length = 255)]
    organisation: String,
    /// What is asked and why, and who learns it; default what the questionnaire says.
    #[serde(skip_serializing_if = "Option::is_none")]
    introduction: Option<String>,
    /// What is asked (`docs/QUESTIONNAIRES.md`): in a file, in TOML or JSON or as a Questionnaire of FHIR R4, whose path
    /// is taken from where this file is; or here. Instead of it, `question`, `min` and `max` ask for one whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    questionnaire: Option<Source>,
    /// What is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2_000)]
    question: Option<String>,
    /// The unit of the answer; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    unit: Option<String>,
    /// The smallest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WholeNumberText>)]
    min: Option<WholeNumber>,
    /// The largest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WholeNumberText>)]
    max: Option<WholeNumber>,
    /// How many people must have answered before anything is published; default and least 3.
    #[serde(default = "StudyTable::minimum_cohort")]
    #[schema(minimum = 3, maximum = 100_000)]
    minimum_cohort: u32,
    /// How few people a published number may be about; default 5, or `minimum_cohort` if that is less. 1
    /// suppresses nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100_000)]
    minimum_cell: Option<u32>,
    /// How many people can take part; default 1,000. The sum of as many answers must be exact.
    #[serde(default = "StudyTable::maximum_cohort")]
    #[schema(minimum = 3, maximum = 100_000)]
    maximum_cohort: u32,
    /// How many people hold shares at most, 3 to 255; default 32. Cost grows with it, and so does
    /// the number of people who would have to collude.
    #[serde(default = "StudyTable::committee_cap")]
    #[schema(minimum = 3, maximum = 255)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<AdmissionTable>,
    /// When the committee is fixed.
    enrolment: ClosingTable,
    /// When the answers to be counted are fixed; default: like enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    contributing: Option<ClosingTable>,
    /// How long the committee has to send its partial sums, in seconds; default 300.
    #[serde(default = "StudyTable::aggregation_deadline_seconds")]
    #[schema(minimum = 0.001, maximum = 34_560_000)]
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

    /// The plan of an entry of a file in this directory.
    pub(super) fn into_plan(
        self,
        place: &Place,
        directory: &Path,
    ) -> Result<StudyPlan, StudiesFileError> {
        let id = self.id.clone();
        self.plan_in(Some(directory)).map_err(|error| error.at(place.clone(), &id))
    }

    /// The file with its questionnaire, if it names one.
    pub(super) fn questionnaire_file(&self) -> Option<PathBuf> {
        match &self.questionnaire {
            Some(Source::File(name)) => Some(name.clone()),
            _ => None,
        }
    }

    /// What is asked.
    pub(crate) fn asked(&self, directory: Option<&Path>) -> Result<Imported, AskedError> {
        let number = OneNumber {
            question: self.question.as_deref(),
            unit: self.unit.as_deref(),
            min: self.min.map(|min| min.0),
            max: self.max.map(|max| max.0),
        };
        asked::asked(&number, self.questionnaire.as_ref(), directory)
    }

    /// The id, if it is one.
    pub(crate) fn id(&self) -> Result<StudyId, EntryError> {
        Ok(self.id.parse()?)
    }

    /// The title; empty if it is the questionnaire's, and that cannot be asked.
    pub(crate) fn title(&self) -> String {
        let of_questionnaire = || Some(self.asked(None).ok()?.title.first().to_owned());
        self.title.clone().or_else(of_questionnaire).unwrap_or_default()
    }

    /// For whom the study is; none if it is for everybody.
    pub(crate) fn admission(&self) -> Option<&AdmissionTable> {
        self.admission.as_ref()
    }

    /// The same study for people whom this authority invites.
    pub(crate) fn with_admission(self, authority: [u8; 32], instance: [u8; 16]) -> Self {
        let (authority, instance) = (Some(Hex(authority)), Some(Hex(instance)));
        Self { admission: Some(AdmissionTable { authority, instance }), ..self }
    }

    /// The same study for everybody.
    pub(crate) fn without_admission(self) -> Self {
        Self { admission: None, ..self }
    }

    /// Checks id and rules of an entry that is in no file.
    pub(crate) fn plan(self) -> Result<StudyPlan, EntryError> {
        self.plan_in(None)
    }

    fn plan_in(self, directory: Option<&Path>) -> Result<StudyPlan, EntryError> {
        let id = self.id()?;
        let Imported { title, introduction, form } = self.asked(directory)?;
        let (instance, admission) = match self.admission {
            None => ([0; 16], Admission::Open),
            Some(_) if self.reopen => return Err(EntryError::InvitedReopens),
            Some(AdmissionTable { authority: Some(authority), instance: Some(instance) }) => {
                (instance.0, Admission::Invited { authority: authority.0 })
            }
            Some(_) => return Err(EntryError::AuthorityMissing),
        };
        let contributing = self.contributing.unwrap_or(self.enrolment);
        let minimum_cell = self.minimum_cell.unwrap_or(MINIMUM_CELL.min(self.minimum_cohort));
        let parameters = StudyParameters {
            instance,
            title: self.title.map_or(title, Text::plain),
            organisation: self.organisation,
            introduction: self.introduction.map_or(introduction, Text::plain),
            form,
            minimum_cell,
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
        Ok(StudyPlan::new(id, parameters, self.reopen)?)
    }
}

/// `[study.admission]`: the study is for people with an invitation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdmissionTable {
    /// The authority's verifying key, 64 hexadecimal digits. A draft may be without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-fA-F]{64}$")]
    authority: Option<Hex<32>>,
    /// What tells this round from any other, 32 hexadecimal digits. Invitations are bound to it. A draft may
    /// be without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-fA-F]{32}$")]
    instance: Option<Hex<16>>,
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        hex::decode(&text)
            .map(Self)
            .ok_or_else(|| format!("this should be {} hexadecimal digits", 2 * N))
    }
}

impl<const N: usize> From<Hex<N>> for String {
    fn from(bytes: Hex<N>) -> Self {
        hex::encode(&bytes.0)
    }
}

/// `[study.enrolment]` and `[study.contributing]`: whichever comes first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClosingTable {
    /// As soon as this many people are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 3, maximum = 100_000)]
    count: Option<u32>,
    /// Once the minimum is there and nobody new has come for this long, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.001, maximum = 34_560_000)]
    settle_seconds: Option<f64>,
    /// At the latest this long after the phase began, in seconds; default a day, at most 400 days. The
    /// round ends if the minimum is not there by then. Time for which the hospital is down does not
    /// count.
    #[serde(default = "ClosingTable::deadline_seconds")]
    #[schema(minimum = 0.001, maximum = 34_560_000)]
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
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "WholeNumberText", into = "WholeNumberText")]
struct WholeNumber(i128);

/// A whole number of at most 128 bits, or one written as a string.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a whole number, or one written as a string")]
enum WholeNumberText {
    Integer(i64),
    Text(String),
}

impl From<WholeNumber> for WholeNumberText {
    fn from(WholeNumber(value): WholeNumber) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Text(value.to_string()), Self::Integer)
    }
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
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, ToSchema,
)]
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
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, ToSchema,
)]
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
