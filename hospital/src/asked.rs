//! What a study's entry asks: one whole number that stands in it, or a questionnaire.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use utoipa::ToSchema;
use wardsum_protocol::form::{Form, Text};

use crate::questionnaires::{self, ImportErrors, Imported, QuestionnaireFileError};

/// Where a study's questionnaire stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "the name of a file, or a questionnaire")]
pub(crate) enum Source {
    /// In a file; its path is taken from where the studies file is.
    #[schema(value_type = String)]
    File(PathBuf),
    /// In the entry itself, in our own shape or as a Questionnaire of FHIR R4.
    #[schema(value_type = Object)]
    Inline(Value),
}

/// An entry that asks nothing, or nothing that can be asked.
#[derive(Clone, Debug, Error)]
pub enum AskedError {
    /// Neither a question nor a questionnaire.
    #[error("give it a `questionnaire`, or `question`, `min` and `max`")]
    Nothing,
    /// Both.
    #[error("remove `question`, `unit`, `min` and `max`: its questionnaire says that")]
    Both,
    /// A file where there are none.
    #[error("put the questionnaire itself here instead of the name of a file")]
    NoFiles,
    /// A file that cannot be asked.
    #[error(transparent)]
    File(#[from] Arc<QuestionnaireFileError>),
    /// A questionnaire that cannot be asked.
    #[error("{0}")]
    Inline(#[from] ImportErrors),
}

/// One whole number, as far as an entry asks for it.
pub(crate) struct OneNumber<'a> {
    pub(crate) question: Option<&'a str>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) min: Option<i128>,
    pub(crate) max: Option<i128>,
}

/// What an entry asks. Files are looked for in `directory`, if there may be any.
pub(crate) fn asked(
    number: &OneNumber<'_>,
    source: Option<&Source>,
    directory: Option<&Path>,
) -> Result<Imported, AskedError> {
    let OneNumber { question, unit, min, max } = *number;
    let Some(source) = source else {
        let (Some(question), Some(min), Some(max)) = (question, min, max) else {
            return Err(AskedError::Nothing);
        };
        return Ok(Imported {
            title: Text::default(),
            introduction: Text::default(),
            form: Form::number(question, unit.unwrap_or(""), min, max),
        });
    };
    if question.is_some() || unit.is_some() || min.is_some() || max.is_some() {
        return Err(AskedError::Both);
    }
    match (source, directory) {
        (Source::Inline(questionnaire), _) => {
            Ok(questionnaires::read("questionnaire.json", questionnaire.to_string().as_bytes())?)
        }
        (Source::File(_), None) => Err(AskedError::NoFiles),
        (Source::File(name), Some(directory)) => {
            Ok(questionnaires::read_file(&directory.join(name)).map_err(Arc::new)?)
        }
    }
}
