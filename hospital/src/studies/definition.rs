//! What a study that is made at run time says: an entry of the studies file, as JSON.
//!
//! Whoever fills in a form wants to hear of everything that is wrong with it at once, and at the place
//! where it is wrong. The reader of the file stops at the first thing, so each field is tried by itself, in
//! an entry that is right but for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use wardsum_protocol::StudyError;
use wardsum_protocol::form::FormError;

use crate::asked::AskedError;
use crate::hex;
use crate::studies_file::{EntryError, StudyTable};
use crate::study_desk::{StudyId, StudyPlan};

/// A study's id and rules, which were checked. The authority of an invited one may be missing.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    table: StudyTable,
    id: StudyId,
    title: String,
    /// None while the authority is missing.
    plan: Option<StudyPlan>,
}

/// The most fields of a study, and of a table in it: more than there are, and few enough to try each.
const FIELDS_MAX: usize = 64;

/// Something that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// Where, as in `enrolment.count`; empty if it is about the whole.
    #[schema(example = "enrolment.count")]
    pub(crate) field: String,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Definition {
    /// Reads and checks an entry; tells all that is wrong with it. It takes its time with a long questionnaire.
    pub(crate) fn read(mut entry: Value) -> Result<Self, Vec<Problem>> {
        strip_nulls(&mut entry);
        let Value::Object(entry) = entry else {
            return Err(vec![Problem::new(
                "",
                "this should be an object with the fields of a study",
            )]);
        };
        if let Some(problem) = too_many_fields(&entry) {
            return Err(vec![problem]);
        }
        let (mended, mut problems) = fields(&entry);
        rules(mended, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into_iter().collect());
        }
        let table = StudyTable::deserialize(Value::Object(entry));
        let table = table.map_err(|error| vec![Problem::new("", error.to_string())])?;
        Self::of(table).map_err(|problem| vec![problem])
    }

    /// Reads what [`Definition::to_json`] has written.
    pub(crate) fn of_json(text: &str) -> Result<Self, String> {
        let table = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::of(table).map_err(|problem| problem.message)
    }

    fn of(table: StudyTable) -> Result<Self, Problem> {
        let problem = |error: EntryError| Problem::new(place_of(&error)[0], error.to_string());
        let plan = match table.clone().plan() {
            Ok(plan) => Some(plan),
            Err(EntryError::AuthorityMissing) => None,
            Err(error) => return Err(problem(error)),
        };
        let id = table.id().map_err(problem)?;
        let title = match &plan {
            Some(plan) => plan.parameters().title.first().to_owned(),
            None => table.title(),
        };
        Ok(Self { table, id, title, plan })
    }

    /// As the store keeps it, and [`Definition::of_json`] reads it.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&self.table).expect("an entry is made of texts, numbers and tables")
    }

    /// The entry, for whoever asks for it.
    pub(crate) fn table(&self) -> &StudyTable {
        &self.table
    }

    /// A studies file with this entry alone, as an authority takes it.
    pub(crate) fn to_file(&self) -> String {
        #[derive(Serialize)]
        struct File<'a> {
            study: [&'a StudyTable; 1],
        }
        // The authority's program takes none for a study whose authority it is to be.
        let mut table = self.table.clone();
        if self.plan.is_none() {
            table = table.without_admission();
        }
        toml::to_string(&File { study: [&table] })
            .expect("an entry is made of texts, numbers and tables")
    }

    /// Names the study in addresses and logs.
    pub(crate) fn id(&self) -> &StudyId {
        &self.id
    }

    /// What it is called, in its first language.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// What its rounds are opened by; none while the authority is missing.
    pub(crate) fn plan(&self) -> Option<&StudyPlan> {
        self.plan.as_ref()
    }

    /// Whether only people with an invitation take part.
    pub(crate) fn is_invited(&self) -> bool {
        self.table.admission().is_some()
    }

    /// The same study for people whom this authority invites, to the round of this instance, 16 bytes; another
    /// one is drawn if none is given.
    pub(crate) fn with_authority(
        &self,
        authority: &str,
        instance: Option<&str>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let key = hex::decode::<32>(authority);
        if key.is_none() {
            // Nothing of it is repeated: it may be more than the public key.
            let message = "this should be the authority's public key, 64 hexadecimal digits: the line \
                `authority` of the study file that `hospital invite` has made, and never its key file";
            problems.push(Problem::new("authority", message));
        }
        let draw = || {
            let mut drawn = [0; 16];
            getrandom::fill(&mut drawn).ok().map(|()| drawn)
        };
        let drawn = instance.map_or_else(draw, hex::decode::<16>);
        if drawn.is_none() {
            let message = "this should be what tells the round from any other, 32 hexadecimal digits: the \
                line `instance` of the study file that `hospital invite` has made";
            problems.push(Problem::new("instance", message));
        }
        let (Some(key), Some(drawn)) = (key, drawn) else { return Err(problems) };
        let table = self.table.clone().with_admission(key, drawn);
        Self::of(table).map_err(|problem| {
            let field = problem.field.strip_prefix("admission.").unwrap_or(&problem.field);
            vec![Problem::new(field, &problem.message)]
        })
    }
}

/// An entry that is right and asks for one number, with what else such an entry may have.
fn sample() -> Map<String, Value> {
    let closing =
        json!({ "count": 3, "settle_seconds": 1.0, "deadline_seconds": 60.0, "by_command": true });
    let sample = json!({
        "id": "sample",
        "title": "Title",
        "organisation": "Organisation",
        "question": "Question",
        "unit": "",
        "min": 0,
        "max": 1,
        "minimum_cohort": 3,
        "maximum_cohort": 1_000,
        "committee_cap": 32,
        "suite": "x-wing",
        "scheme": "threshold",
        "reopen": false,
        "admission": {
            "authority": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "instance": "000102030405060708090a0b0c0d0e0f",
        },
        "enrolment": closing,
        "contributing": closing,
        "aggregation_deadline_seconds": 300.0,
    });
    match sample {
        Value::Object(sample) => sample,
        _ => unreachable!("it was written as one"),
    }
}

/// Where an error of the rules belongs: the field that is named first, and all that it may come from.
fn place_of(error: &EntryError) -> Vec<&'static str> {
    let study = match error {
        EntryError::Id(_) => return vec!["id"],
        EntryError::InvitedReopens => return vec!["reopen"],
        EntryError::AuthorityMissing => return vec!["admission.authority"],
        EntryError::Asked(AskedError::Nothing) => return vec!["question"],
        EntryError::Asked(_) => return vec!["questionnaire"],
        EntryError::Rule(error) => error,
    };
    match study {
        StudyError::Encoding => vec![""],
        StudyError::TextLength { field, .. }
        | StudyError::TextControl { field }
        | StudyError::Text { field, .. } => vec![*field],
        StudyError::Form(FormError::Range { .. }) => vec!["max", "min"],
        StudyError::Form(_) | StudyError::TooLong { .. } => vec!["questionnaire", "question"],
        StudyError::SumCouldWrap { .. } => vec!["maximum_cohort", "min", "max"],
        StudyError::MinimumCell { .. } => vec!["minimum_cell", "minimum_cohort"],
        StudyError::MinimumCohort(_) => vec!["minimum_cohort"],
        StudyError::MaximumCohort { .. } => vec!["maximum_cohort", "minimum_cohort"],
        StudyError::CommitteeCap(_) => vec!["committee_cap"],
        StudyError::CountBelowMinimum { phase, .. }
        | StudyError::CountUnreachable { phase, .. } => {
            vec![if phase.to_string() == "enrolment" {
                "enrolment.count"
            } else {
                "contributing.count"
            }]
        }
        StudyError::Authority => vec!["admission.authority"],
        StudyError::Duration { what, .. } => {
            let rule = match (what.contains("settle"), what.contains("enrolment")) {
                (true, true) => "enrolment.settle_seconds",
                (true, false) => "contributing.settle_seconds",
                (false, true) => "enrolment.deadline_seconds",
                (false, false) if what.contains("contributing") => "contributing.deadline_seconds",
                (false, false) => "aggregation_deadline_seconds",
            };
            vec![rule]
        }
    }
}

/// What is left out, and what is said to be nothing, is the same.
fn strip_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(strip_nulls);
    }
}

/// What says more than any study does is not tried field by field.
fn too_many_fields(entry: &Map<String, Value>) -> Option<Problem> {
    let tables = entry.iter().filter(|(name, _)| *name != "questionnaire");
    let tables = tables.filter_map(|(name, value)| Some((name.as_str(), value.as_object()?)));
    let too_large = std::iter::once(("", entry)).chain(tables);
    let (name, fields) = too_large.into_iter().find(|(_, fields)| fields.len() > FIELDS_MAX)?;
    let message =
        format!("this has {} fields, and no study has more than {FIELDS_MAX}", fields.len());
    Some(Problem::new(name, message))
}

/// Tries every field by itself. Returns the entry with the sample's in place of those that are not right.
fn fields(entry: &Map<String, Value>) -> (Map<String, Value>, BTreeSet<Problem>) {
    let sample = sample();
    let mut mended = entry.clone();
    let mut problems = BTreeSet::new();
    let names = entry.keys().chain(sample.keys()).collect::<BTreeSet<_>>();
    for name in names {
        let (given, usual) = (entry.get(name), sample.get(name));
        if let (Some(Value::Object(inner)), Some(Value::Object(usual_inner))) = (given, usual) {
            let inside = inner.keys().chain(usual_inner.keys()).collect::<BTreeSet<_>>();
            for part in inside {
                let mut tried = usual_inner.clone();
                put(&mut tried, part, inner.get(part).cloned());
                let path = format!("{name}.{part}");
                if let Some(problem) = try_field(&sample, name, Some(tried.into()), &path) {
                    problems.insert(problem);
                    if let Some(Value::Object(mended)) = mended.get_mut(name) {
                        put(mended, part, usual_inner.get(part).cloned());
                    }
                }
            }
        } else if let Some(problem) = try_field(&sample, name, given.cloned(), name) {
            problems.insert(problem);
            put(&mut mended, name, usual.cloned());
        }
    }
    (mended, problems)
}

/// What is wrong with the sample if one of its fields is this, or is missing.
fn try_field(
    sample: &Map<String, Value>,
    name: &str,
    value: Option<Value>,
    path: &str,
) -> Option<Problem> {
    let is_there = value.is_some();
    let mut tried = sample.clone();
    put(&mut tried, name, value);
    let error = serde_path_to_error::deserialize::<_, StudyTable>(Value::Object(tried)).err()?;
    if !is_there {
        return Some(Problem::new(path, "this field is missing"));
    }
    let deeper = error.path().to_string();
    let place = if deeper.len() > path.len() && deeper.starts_with(path) { &deeper } else { path };
    Some(Problem::new(place, error.inner().to_string()))
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
}

/// Asks the rules until they have nothing more to say about an entry whose fields are right; what they
/// do not like is put right before they are asked again.
fn rules(mut entry: Map<String, Value>, problems: &mut BTreeSet<Problem>) {
    let sample = sample();
    // The authority may come later.
    if let Some(Value::Object(admission)) = entry.get_mut("admission") {
        for (name, usual) in sample["admission"].as_object().into_iter().flatten() {
            admission.entry(name).or_insert_with(|| usual.clone());
        }
    }
    let mut told = BTreeSet::new();
    while let Ok(table) = StudyTable::deserialize(Value::Object(entry.clone())) {
        let Err(error) = table.plan() else { return };
        let places = place_of(&error);
        let first = places[0];
        if !told.insert(first) {
            return;
        }
        if problems.iter().all(|problem| problem.field != first) {
            problems.insert(Problem::new(first, error.to_string()));
        }
        for place in places {
            match place.split_once('.') {
                None => put(&mut entry, place, sample.get(place).cloned()),
                Some((name, part)) => {
                    // A rule about a table that is not there comes from the one that stands for it.
                    let name = if entry.contains_key(name) { name } else { "enrolment" };
                    if let Some(Value::Object(table)) = entry.get_mut(name) {
                        let usual =
                            if part == "count" { None } else { sample[name].get(part).cloned() };
                        put(table, part, usual);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Value {
        json!({
            "id": "pain-scale",
            "title": "Pain",
            "organisation": "Ward 7",
            "question": "How strong is your pain?",
            "min": 0,
            "max": 10,
            "enrolment": { "settle_seconds": 15 },
        })
    }

    fn with(changes: Value) -> Value {
        let Value::Object(mut entry) = entry() else { unreachable!() };
        let Value::Object(changes) = changes else { unreachable!() };
        entry.extend(changes);
        entry.into()
    }

    fn problems(entry: Value) -> Vec<(String, String)> {
        let problems = Definition::read(entry).unwrap_err().into_iter();
        problems.map(|problem| (problem.field, problem.message)).collect()
    }

    fn fields_of(entry: Value) -> Vec<String> {
        problems(entry).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn every_field_of_the_sample_is_one_and_right() {
        let mut whole = Value::Object(sample());
        assert!(Definition::read(whole.clone()).is_ok());
        whole["reopen"] = true.into();
        whole.as_object_mut().unwrap().remove("admission");
        assert!(Definition::read(whole).is_ok());
    }

    #[test]
    fn an_entry_is_kept_as_it_was_read_and_fits_in_a_file() {
        let definition = Definition::read(entry()).unwrap();
        let again = Definition::of_json(&definition.to_json()).unwrap();
        let parameters = |definition: &Definition| definition.plan().unwrap().parameters().clone();
        assert_eq!(parameters(&again), parameters(&definition));
        let file = definition.to_file();
        let file = crate::studies_file::StudiesFile::parse(&file, "study.toml".as_ref()).unwrap();
        assert_eq!(*file.plans[0].parameters(), parameters(&definition));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_at_its_field() {
        let bad = json!({
            "id": "Pain Scale",
            "title": 7,
            "organisation": "",
            "question": null,
            "min": 20,
            "maximum": 3,
            "committee_cap": 2,
            "minimum_cohort": 2,
            "suite": "rot13",
            "enrolment": { "count": -1, "settle": 3, "deadline_seconds": 0 },
            "contributing": { "count": 2_000 },
        });
        let expected = [
            "committee_cap",
            "contributing.count",
            "enrolment.count",
            "enrolment.deadline_seconds",
            "enrolment.settle",
            "id",
            "max",
            "maximum",
            "minimum_cohort",
            "organisation",
            "question",
            "suite",
            "title",
        ];
        assert_eq!(fields_of(with(bad)), expected);
        let without_title = {
            let mut entry = entry();
            entry.as_object_mut().unwrap().remove("title");
            entry
        };
        let missing = ("title".to_owned(), "title: it has 0 bytes; give it 1 to 255".to_owned());
        assert_eq!(problems(without_title), [missing]);
    }

    #[test]
    fn what_is_no_entry_at_all_is_told() {
        assert_eq!(fields_of(json!([1, 2])), [""]);
        let of_nothing = fields_of(json!({}));
        assert_eq!(of_nothing, ["enrolment", "id", "organisation", "question"]);
        assert_eq!(fields_of(with(json!({ "enrolment": 3 }))), ["enrolment"]);
        assert_eq!(fields_of(with(json!({ "max": "ten" }))), ["max"]);
        let huge = "1701411834604692317316873037158841057";
        assert_eq!(
            fields_of(with(json!({ "max": huge, "maximum_cohort": 100_000 }))),
            ["maximum_cohort"]
        );
    }

    #[test]
    fn a_thousand_fields_are_one_problem() {
        let many = (0..1_000).map(|number| (format!("field{number}"), json!(number)));
        let many = Value::Object(many.collect());
        assert_eq!(fields_of(with(many.clone())), [""]);
        assert_eq!(fields_of(with(json!({ "enrolment": many }))), ["enrolment"]);
    }

    #[test]
    fn the_authority_of_an_invited_study_may_come_later() {
        let draft = Definition::read(with(json!({ "admission": {} }))).unwrap();
        assert!(draft.is_invited() && draft.plan().is_none());
        assert_eq!(fields_of(with(json!({ "admission": {}, "reopen": true }))), ["reopen"]);
        assert_eq!(
            fields_of(with(json!({ "admission": { "authority": "12" } }))),
            ["admission.authority"]
        );
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let invited = draft.with_authority(key, None).unwrap();
        assert!(invited.plan().is_some());
        let again = Definition::of_json(&invited.to_json()).unwrap();
        let digest = |definition: &Definition| {
            wardsum_protocol::Study::new(definition.plan().unwrap().parameters().clone())
                .unwrap()
                .digest()
        };
        assert_eq!(digest(&again), digest(&invited), "the round that the links are for stays");
        let secret = format!("kind: wardsum authority key\nsecret: {key}");
        for (bad, instance, field) in [
            (secret.as_str(), None, "authority"),
            ("025a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", None, "authority"),
            (key, Some("00"), "instance"),
        ] {
            let problems = draft.with_authority(bad, instance).unwrap_err();
            assert_eq!(problems[0].field, field);
            assert!(!problems[0].message.contains(key), "{problems:?}");
        }
    }
}
