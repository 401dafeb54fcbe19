//! Questionnaires from files, checked before anything is made of them.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task;
use utoipa::{IntoParams, ToSchema};

use super::super::api::fresh;
use super::super::extract::{Body, QueryOf};
use super::super::refused::{ErrorJson, Refused};
use crate::questionnaires;
use crate::store::StoreError;

/// What a file is called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FileQuery {
    /// The file's name: `.toml` or `.json` at its end says what it is. With any other, the first character does.
    #[serde(default)]
    name: String,
}

/// What a file asks, or why it cannot be asked.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct CheckedJson {
    /// What it is called: a text, or one for each language. Null if there are problems.
    #[schema(value_type = Option<Value>)]
    title: Option<Value>,
    /// What it is about; null if it says nothing of that.
    #[schema(value_type = Option<Value>)]
    introduction: Option<Value>,
    /// The questionnaire in our own shape, as a study's `questionnaire` takes it. Null if there are problems.
    #[schema(value_type = Option<Object>)]
    form: Option<Value>,
    /// Everything that is wrong with it.
    problems: Vec<FileProblemJson>,
}

/// One thing that is wrong with a file.
#[derive(Debug, Serialize, ToSchema)]
struct FileProblemJson {
    /// Where, as in `section[0].item[2].min`, or `item linkId "1"` in a Questionnaire of FHIR; empty if it is the file as
    /// a whole.
    place: String,
    /// The line and the column, from 1 on, where they are known.
    line: Option<usize>,
    column: Option<usize>,
    /// What is wrong, and what to do.
    message: String,
}

/// Reads a questionnaire: TOML or JSON in our own shape, or a Questionnaire of FHIR R4. Nothing is kept of it.
///
/// A file that cannot be asked is no error here: `problems` says what is wrong with it.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/questionnaires/check",
    tag = "researcher",
    params(FileQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The file as it is."),
    security(("token" = [])),
    responses(
        (status = 200, description = "What it asks, or what is wrong with it.", body = CheckedJson),
        (status = "4XX", description = "It is too long (413), the token is not accepted (401) or a viewer's (403), or \
            too much was asked in a minute (429).", body = ErrorJson)
    )
)]
pub(super) async fn check(
    QueryOf(FileQuery { name }): QueryOf<FileQuery>,
    Body(file): Body,
) -> Result<Response, Refused> {
    // A file that was made to take long keeps nobody waiting.
    let checking = task::spawn_blocking(move || checked(&name, &file));
    let said = checking.await.map_err(|_| StoreError::Closed)?;
    Ok(fresh(&said))
}

fn checked(name: &str, file: &[u8]) -> CheckedJson {
    let imported = match questionnaires::read(name, file) {
        Ok(imported) => imported,
        Err(errors) => {
            let problems = errors.problems.into_iter().map(|problem| FileProblemJson {
                place: problem.place,
                line: problem.line,
                column: problem.column,
                message: problem.message,
            });
            return CheckedJson { problems: problems.collect(), ..CheckedJson::default() };
        }
    };
    let form = questionnaires::to_value(&imported);
    CheckedJson {
        title: form.get("title").cloned(),
        introduction: form.get("introduction").cloned(),
        form: Some(form),
        problems: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_asks_is_told_in_our_own_shape() {
        let fhir = include_bytes!("../../../questionnaires/phq-9.fhir.json");
        let said = checked("phq-9.fhir.json", fhir);
        assert!(said.problems.is_empty(), "{said:?}");
        let form = said.form.unwrap();
        let again = checked("form.json", form.to_string().as_bytes());
        let given = questionnaires::read("phq-9.fhir.json", fhir).unwrap();
        let kept = questionnaires::read("form.json", form.to_string().as_bytes()).unwrap();
        assert_eq!(kept, given, "the first language too, although JSON sorts them");
        assert_eq!(again.form, Some(form));
        assert_eq!(said.title.unwrap()["en"], "Patient Health Questionnaire (PHQ-9)");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let file = b"title = \"T\"\n[[section]]\n[[section.item]]\nid = \"a\"\ntext = \"A\"\nkind = \"guess\"\n";
        let said = checked("q.toml", file);
        assert!(said.form.is_none() && said.title.is_none());
        let [problem] = &said.problems[..] else { panic!("{said:?}") };
        assert_eq!((problem.place.as_str(), problem.line), ("section[0].item[0].kind", Some(6)));
    }
}
