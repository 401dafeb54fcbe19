//! What the researcher's API says, as far as the page needs it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A text by language; the language is empty where none is said.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Words {
    /// One text.
    One(String),
    /// Several.
    Many(BTreeMap<String, String>),
}

impl Default for Words {
    fn default() -> Self {
        Self::One(String::new())
    }
}

impl Words {
    /// The text in the page's language, or else the first one.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::One(text) => text,
            Self::Many(texts) => {
                let text = texts.get(crate::text::LANGUAGE).or_else(|| texts.values().next());
                text.map_or("", String::as_str)
            }
        }
    }
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Whoami {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) expires_unix_ms: Option<f64>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Change studies.
    Editor,
    /// Look at them.
    Viewer,
}

/// All studies.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Studies {
    pub(crate) studies: Vec<Study>,
}

/// A study.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Study {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) source: Source,
    pub(crate) state: StudyState,
    pub(crate) made_by: Option<String>,
    pub(crate) made_unix_ms: Option<f64>,
    pub(crate) invited: bool,
    pub(crate) invited_digest: Option<String>,
    /// What an entry of the studies file says.
    pub(crate) definition: Option<Value>,
    pub(crate) current: Option<Current>,
}

impl Study {
    /// Its title in the page's language, if its entry says it in several.
    pub(crate) fn shown_title(&self) -> String {
        let entry = self.definition.as_ref();
        let said =
            entry.into_iter().flat_map(|entry| [&entry["title"], &entry["questionnaire"]["title"]]);
        let said = said.filter_map(|title| serde_json::from_value::<Words>(title.clone()).ok());
        let title = said.map(|words| words.shown().to_owned()).find(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| self.title.clone());
        if title.is_empty() { self.id.clone() } else { title }
    }
}

/// Where a study comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    File,
    Made,
}

/// How far a study has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StudyState {
    Draft,
    Open,
    Closed,
    Archived,
}

impl StudyState {
    /// As the API says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Archived => "archived",
        }
    }
}

/// A study's current round.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Current {
    pub(crate) organisation: String,
    pub(crate) questions: u32,
    pub(crate) minimum_cohort: u32,
    pub(crate) minimum_cell: u32,
    pub(crate) phase: String,
    pub(crate) enrolled: u32,
    pub(crate) contributed: u32,
    pub(crate) round: u32,
    pub(crate) result: Option<Value>,
    pub(crate) previous: Vec<Previous>,
}

/// An earlier round with a result.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Previous {
    pub(crate) round: u32,
    pub(crate) count: u32,
}

/// How a round stands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Live {
    pub(crate) round: u32,
    pub(crate) phase: String,
    pub(crate) suspended: bool,
    pub(crate) connected: u32,
    pub(crate) enrolled: u32,
    pub(crate) committee: Option<Committee>,
    pub(crate) contributed: u32,
    pub(crate) verified: u32,
    pub(crate) partials: u32,
    pub(crate) rejected: Rejected,
    pub(crate) closes_unix_ms: Option<f64>,
    pub(crate) published: bool,
    pub(crate) ended: Option<String>,
}

/// A round's committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Committee {
    pub(crate) size: u32,
    pub(crate) threshold: u32,
    pub(crate) present: u32,
}

/// Contributions that are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Rejected {
    pub(crate) invalid: u32,
    pub(crate) disputed: u32,
}

/// Why a stream ends.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct End {
    pub(crate) reason: String,
}

/// What a command has led to.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Done {
    pub(crate) done: String,
}

/// Something that is wrong with a field of a study.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) message: String,
}

/// Why a request was refused.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refused {
    #[serde(default)]
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) problems: Vec<Problem>,
}

/// What a questionnaire's file asks.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Checked {
    pub(crate) form: Option<Value>,
    pub(crate) problems: Vec<FileProblem>,
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct FileProblem {
    pub(crate) place: String,
    pub(crate) line: Option<u32>,
    pub(crate) message: String,
}

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct RoundResult {
    pub(crate) round: u32,
    pub(crate) over_unix_ms: Option<f64>,
    pub(crate) contributed: u32,
    pub(crate) rejected: Rejected,
    pub(crate) result: Option<Value>,
    pub(crate) ended: Option<String>,
}

/// What a round has found out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Findings {
    pub(crate) round: u32,
    pub(crate) count: u32,
    pub(crate) minimum_cell: u32,
    pub(crate) grouping: Option<Words>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) groups: Vec<Group>,
}

/// A question or a score.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Subject {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) text: Words,
    pub(crate) unit: Option<Words>,
    pub(crate) section: Option<Words>,
}

/// Everybody, or one group.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Group {
    #[serde(rename = "group")]
    pub(crate) name: Option<Words>,
    pub(crate) people: Option<u32>,
    pub(crate) summaries: Vec<Summary>,
}

/// What a group has answered to one question.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Summary {
    pub(crate) subject: usize,
    pub(crate) answered: Option<u32>,
    pub(crate) missing: Option<u32>,
    pub(crate) counts: Vec<Count>,
    pub(crate) numbers: Option<Numbers>,
}

/// How many gave one answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Count {
    pub(crate) answer: Words,
    pub(crate) people: Option<u32>,
    pub(crate) share: Option<f64>,
    pub(crate) lower: Option<f64>,
    pub(crate) upper: Option<f64>,
}

/// Answers in numbers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) sum: Option<String>,
    pub(crate) mean: Option<f64>,
    pub(crate) standard_deviation: Option<f64>,
    pub(crate) quartiles: Option<Vec<String>>,
}

/// A page of the audit log.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Audit {
    pub(crate) entries: Vec<AuditEntry>,
    pub(crate) next_before: Option<u64>,
}

/// An entry of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct AuditEntry {
    pub(crate) number: u64,
    pub(crate) at_unix_ms: f64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) detail: String,
}

/// What can be downloaded of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    /// The last part of its path, or the format that is asked for.
    pub(crate) name: String,
    /// Its path below the study's, to which the round is added.
    pub(crate) path: String,
}

/// What the description of the API says can be downloaded of a round.
///
/// The page offers what the hospital has, whichever version it is.
pub(crate) fn exports(description: &Value) -> Vec<Export> {
    const BELOW: &str = "/api/v1/researcher/studies/{id}/";
    /// What has a view of its own, or is about the study and not about a round.
    const NOT: [&str; 5] = ["events", "file", "findings", "invitations", "result"];
    let Some(paths) = description["paths"].as_object() else { return Vec::new() };
    let offered = paths.iter().filter_map(|(path, operations)| {
        let path = path.strip_prefix(BELOW)?;
        let get = operations.get("get")?;
        (!path.contains('{') && !NOT.contains(&path)).then(|| of_path(path, get))
    });
    offered.flatten().collect()
}

/// One file, or one in each of the formats among which can be chosen.
fn of_path(path: &str, get: &Value) -> Vec<Export> {
    let parameters = || get["parameters"].as_array().into_iter().flatten();
    let formats = parameters().filter(|parameter| parameter["name"] == "format");
    // A file is in the language in which the results are read here.
    let language = if parameters().any(|parameter| parameter["name"] == "language") {
        format!("language={}&", crate::text::LANGUAGE)
    } else {
        String::new()
    };
    let formats = formats.filter_map(|parameter| parameter["schema"]["enum"].as_array()).flatten();
    let formats = formats.filter_map(Value::as_str).map(|format| Export {
        name: format.to_owned(),
        path: format!("{path}?format={format}&{language}"),
    });
    let formats = formats.collect::<Vec<_>>();
    if formats.is_empty() {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        return vec![Export { name, path: format!("{path}?{language}") }];
    }
    formats
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_downloaded_is_what_the_description_has() {
        let description = json!({ "paths": {
            "/api/v1/researcher/audit": { "get": {} },
            "/api/v1/researcher/studies/{id}/events": { "get": {} },
            "/api/v1/researcher/studies/{id}/transcript": { "get": {} },
            "/api/v1/researcher/studies/{id}/result/file": { "get": { "parameters": [
                { "name": "id" }, { "name": "format", "schema": { "enum": ["csv", "report"] } },
                { "name": "language" },
            ] } },
            "/api/v1/researcher/studies/{id}/close": { "post": {} },
        }});
        let offered = exports(&description).into_iter().map(|export| (export.name, export.path));
        let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        let offered: BTreeSet<_> = offered.collect();
        let expected = BTreeSet::from([
            pair("csv", "result/file?format=csv&language=en&"),
            pair("report", "result/file?format=report&language=en&"),
            pair("transcript", "transcript?"),
        ]);
        assert_eq!(offered, expected);
        assert!(exports(&Value::Null).is_empty());
    }

    #[test]
    fn a_title_is_that_of_the_entry_in_the_page_language() {
        let study = |definition: Value| {
            let study = json!({
                "id": "pain", "title": "Smerte", "source": "made", "state": "draft", "made_by": null,
                "made_unix_ms": null, "invited": false, "invited_digest": null, "definition": definition,
                "current": null,
            });
            serde_json::from_value::<Study>(study).unwrap().shown_title()
        };
        let asked = json!({ "title": { "da": "Smerte", "en": "Pain" } });
        assert_eq!(study(json!({ "questionnaire": asked })), "Pain");
        assert_eq!(study(json!({ "title": "Ward 7", "questionnaire": asked })), "Ward 7");
        assert_eq!(study(json!({ "questionnaire": "file.toml" })), "Smerte");
        assert_eq!(study(Value::Null), "Smerte");
    }

    #[test]
    fn texts_are_shown_in_the_page_language_or_in_any() {
        let words = |value: Value| serde_json::from_value::<Words>(value).unwrap();
        assert_eq!(words(json!("Pain")).shown(), "Pain");
        assert_eq!(words(json!({ "da": "Smerte", "en": "Pain" })).shown(), "Pain");
        assert_eq!(words(json!({ "da": "Smerte" })).shown(), "Smerte");
        assert_eq!(words(json!({})).shown(), "");
    }
}
