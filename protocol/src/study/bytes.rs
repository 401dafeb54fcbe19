//! The canonical bytes of a study (PROTOCOL.md, "Study"), of this version and of earlier ones.

use tls_codec::{
    DeserializeBytes, TlsByteVecU8, TlsByteVecU16, TlsDeserializeBytes, TlsSerialize, TlsSize,
};

use super::{Admission, Closing, SchemeChoice, StudyParameters};
use crate::form::{Form, Text};
use crate::seal::Suite;
use crate::wire::{self, Flag, Int128, Utf8};

/// The version of the canonical bytes, and of everything that is bound to them.
pub(super) const VERSION: u16 = 4;

/// The version before: one whole number, and no texts in several languages.
const VERSION_ONE_NUMBER: u16 = 3;

/// The same bytes as in the version after it, for contributions whose shares were signed one by one.
const VERSION_SHARES_SIGNED: u16 = 2;

/// The first version, which ends with the suite.
const VERSION_OPEN_ONLY: u16 = 1;

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct StudyBytes {
    version: u16,
    instance: [u8; 16],
    title: Text,
    organisation: Utf8,
    introduction: Text,
    form: Form,
    minimum_cell: u32,
    rules: RulesBytes,
    admission: Admission,
}

/// The same in versions 1 to 3, up to the [`Admission`], which follows from version 2 on.
#[derive(TlsDeserializeBytes, TlsSize)]
struct OneNumberBytes {
    version: u16,
    instance: [u8; 16],
    title: TlsByteVecU8,
    organisation: TlsByteVecU8,
    question: TlsByteVecU16,
    unit: TlsByteVecU8,
    min: Int128,
    max: Int128,
    rules: RulesBytes,
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct RulesBytes {
    minimum_cohort: u32,
    maximum_cohort: u32,
    committee_cap: u16,
    enrolment: ClosingBytes,
    contributing: ClosingBytes,
    aggregation_deadline_ms: u64,
    scheme: SchemeChoice,
    suite: Suite,
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct ClosingBytes {
    count: Option<u32>,
    settle_ms: Option<u64>,
    deadline_ms: u64,
    by_command: Flag,
}

impl From<Closing> for ClosingBytes {
    fn from(Closing { count, settle_ms, deadline_ms, by_command }: Closing) -> Self {
        Self { count, settle_ms, deadline_ms, by_command: Flag(by_command) }
    }
}

impl From<ClosingBytes> for Closing {
    fn from(ClosingBytes { count, settle_ms, deadline_ms, by_command }: ClosingBytes) -> Self {
        Self { count, settle_ms, deadline_ms, by_command: by_command.0 }
    }
}

/// The canonical bytes.
pub(super) fn encode(p: &StudyParameters) -> Vec<u8> {
    wire::encode(&StudyBytes {
        version: VERSION,
        instance: p.instance,
        title: p.title.clone(),
        organisation: Utf8(p.organisation.clone()),
        introduction: p.introduction.clone(),
        form: p.form.clone(),
        minimum_cell: p.minimum_cell,
        rules: RulesBytes {
            minimum_cohort: p.minimum_cohort,
            maximum_cohort: p.maximum_cohort,
            committee_cap: p.committee_cap,
            enrolment: p.enrolment.into(),
            contributing: p.contributing.into(),
            aggregation_deadline_ms: p.aggregation_deadline_ms,
            scheme: p.scheme,
            suite: p.suite,
        },
        admission: p.admission,
    })
}

/// Reads bytes of this version; `None` if they are not the canonical ones: a length could also be written in more bytes
/// than it takes.
pub(super) fn decode_current(bytes: &[u8]) -> Option<StudyParameters> {
    let decoded: StudyBytes = wire::decode(bytes).ok()?;
    let canonical = decoded.version == VERSION && wire::encode(&decoded) == bytes;
    canonical.then(|| decoded.into_parameters())
}

/// Reads bytes of any version; `None` if they are none.
pub(super) fn decode(bytes: &[u8]) -> Option<(u16, StudyParameters)> {
    let (version, _) = u16::tls_deserialize_bytes(bytes).ok()?;
    let parameters = match version {
        VERSION => decode_current(bytes)?,
        VERSION_ONE_NUMBER | VERSION_SHARES_SIGNED | VERSION_OPEN_ONLY => {
            let (study, rest) = OneNumberBytes::tls_deserialize_bytes(bytes).ok()?;
            let admission = match version {
                VERSION_OPEN_ONLY if rest.is_empty() => Admission::Open,
                VERSION_OPEN_ONLY => return None,
                _ => wire::decode(rest).ok()?,
            };
            study.into_parameters(admission)?
        }
        _ => return None,
    };
    Some((version, parameters))
}

impl StudyBytes {
    fn into_parameters(self) -> StudyParameters {
        let Self { instance, title, introduction, form, minimum_cell, admission, .. } = self;
        let organisation = self.organisation.0;
        let parameters = self.rules.into_parameters(instance, admission);
        StudyParameters { title, organisation, introduction, form, minimum_cell, ..parameters }
    }
}

impl OneNumberBytes {
    fn into_parameters(self, admission: Admission) -> Option<StudyParameters> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let (question, unit) = (text(self.question.as_slice())?, text(self.unit.as_slice())?);
        let form = Form::number(&question, &unit, self.min.into(), self.max.into());
        let title = Text::plain(text(self.title.as_slice())?);
        let organisation = text(self.organisation.as_slice())?;
        let parameters = self.rules.into_parameters(self.instance, admission);
        Some(StudyParameters { title, organisation, form, ..parameters })
    }
}

impl RulesBytes {
    /// The parameters of a study with these rules, which asks nothing yet.
    fn into_parameters(self, instance: [u8; 16], admission: Admission) -> StudyParameters {
        StudyParameters {
            instance,
            title: Text::default(),
            organisation: String::new(),
            introduction: Text::default(),
            form: Form::default(),
            minimum_cell: 1,
            minimum_cohort: self.minimum_cohort,
            maximum_cohort: self.maximum_cohort,
            committee_cap: self.committee_cap,
            enrolment: self.enrolment.into(),
            contributing: self.contributing.into(),
            aggregation_deadline_ms: self.aggregation_deadline_ms,
            scheme: self.scheme,
            suite: self.suite,
            admission,
        }
    }
}
