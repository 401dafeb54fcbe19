//! A result as a `MeasureReport` of HL7 FHIR R4 (<https://hl7.org/fhir/R4/measurereport.html>).
//!
//! It is of type `summary` and has no subject: there is nobody in particular whom it is about. Each item and each score
//! is a group. Its populations are whoever was asked (`initial-population`), whoever answered (`denominator`), and whoever
//! gave each answer; its score is the mean, or of yes and no the share of yes. The grouping item is its stratifier, with a
//! stratum for each group. FHIR has no place for sums, standard deviations, quartiles and intervals: they are extensions
//! with the URL [`STATISTIC`], each made of `name`, as in the table, `answer` if it is about one, `value`, and of a share `lower` and `upper`. What is
//! hidden has the data-absent-reason `masked`, and what does not exist `not-applicable`; in a statistic it stands in the
//! place of `value`.

use serde_json::{Map, Value as Json, json};
use wardsum_protocol::form::{Coding, Kind};
use wardsum_protocol::statistics::{Answer, Summary};

use super::figures::{Subject, Value, written};
use super::{PublishedResults, rfc_3339};

/// The URL of the extension for a figure that FHIR has no place for.
pub const STATISTIC: &str = "urn:wardsum:fhir:statistic";

/// What stands before the study's digest in the URI of the measure that is reported.
pub const MEASURE: &str = "urn:wardsum:study:";

const POPULATION: &str = "http://terminology.hl7.org/CodeSystem/measure-population";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// Why a value is missing.
fn absent(value: Value) -> Json {
    let reason = if value == Value::Undefined { "not-applicable" } else { "masked" };
    json!([{ "url": ABSENT, "valueCode": reason }])
}

fn concept(coding: Option<&Coding>, text: &str) -> Json {
    let coding = coding.filter(|coding| !coding.code.0.is_empty());
    let mut concept = Map::new();
    if let Some(Coding { system, code }) = coding {
        let mut one = json!({ "code": code.0 });
        if !system.0.is_empty() {
            one["system"] = json!(system.0);
        }
        concept.insert("coding".into(), json!([one]));
    }
    concept.insert("text".into(), json!(text));
    concept.into()
}

fn population(code: &Json, people: Option<u32>) -> Json {
    match people {
        Some(people) => json!({ "code": code, "count": people }),
        None => json!({ "code": code, "_count": { "extension": absent(Value::Suppressed) } }),
    }
}

fn defined(code: &str) -> Json {
    json!({ "coding": [{ "system": POPULATION, "code": code }] })
}

impl PublishedResults<'_> {
    /// The report, as JSON.
    #[must_use]
    pub fn measure_report(&self) -> Json {
        let subjects = self.subjects();
        let groups = self.groups();
        let mut reported = Vec::new();
        for summary in &groups[0].summaries {
            let place = self.place(summary);
            let subject = &subjects[place];
            let mut group = json!({ "code": concept(subject.code, subject.text) });
            self.fill_in(&mut group, subject, summary, groups[0].people);
            let strata = groups[1..].iter().filter_map(|group| {
                let about = |summary: &&Summary| self.place(summary) == place;
                let summary = group.summaries.iter().find(about)?;
                let label = self.group_label(group.group).unwrap_or_default();
                let coding = self.group_coding(group.group);
                let mut stratum = json!({ "value": concept(coding, label) });
                self.fill_in(&mut stratum, subject, summary, group.people);
                Some(stratum)
            });
            let strata: Vec<Json> = strata.collect();
            if !strata.is_empty() {
                let code = concept(None, self.grouping().unwrap_or_default());
                group["stratifier"] = json!([{ "code": [code], "stratum": strata }]);
            }
            reported.push(group);
        }
        json!({
            "resourceType": "MeasureReport",
            "status": "complete",
            "type": "summary",
            "measure": format!("{MEASURE}{}", self.study_digest),
            "date": rfc_3339(self.ended_ms),
            "reporter": { "display": self.organisation },
            "period": { "start": rfc_3339(self.started_ms), "end": rfc_3339(self.ended_ms) },
            "group": reported,
        })
    }

    fn group_coding(&self, group: Option<u16>) -> Option<&Coding> {
        let item = self.form.items().nth(self.form.grouping?.into())?;
        match &item.kind {
            Kind::Choice(options) => Some(&options.get(usize::from(group?))?.code),
            _ => None,
        }
    }

    /// Populations, score and other figures of a group of the report, or of a stratum.
    fn fill_in(
        &self,
        into: &mut Json,
        subject: &Subject<'_>,
        summary: &Summary,
        people: Option<u32>,
    ) {
        let mut populations = vec![
            population(&defined("initial-population"), people),
            population(&defined("denominator"), summary.answered),
        ];
        for count in &summary.counts {
            let code = match count.answer {
                Answer::Yes => {
                    json!({ "coding": [{ "system": POPULATION, "code": "numerator" }], "text": "yes" })
                }
                answer => {
                    let label = self.answer_label(subject, answer);
                    let label = label.map_or_else(|| written(answer), str::to_owned);
                    concept(self.answer_coding(summary, answer), &label)
                }
            };
            populations.push(population(&code, count.people));
        }
        into["population"] = populations.into();
        let mut statistics = Vec::new();
        for (name, answer, value) in subject.values(summary) {
            let scored = matches!((name, answer), ("mean", None) | ("share", Some(Answer::Yes)));
            if scored {
                into["measureScore"] = quantity(value, subject.unit);
            }
            match name {
                "answered" | "missing" | "count" | "mean" => {}
                "share_lower" | "share_upper" => {
                    let bound = name.trim_start_matches("share_");
                    let share: Option<&mut Json> = statistics.last_mut();
                    let parts = share.and_then(|share| share["extension"].as_array_mut());
                    // A bound that is hidden is so with the share that it belongs to.
                    if let (Some(parts), Value::Known(_)) = (parts, value) {
                        parts.push(part(bound, value));
                    }
                }
                _ => statistics.push(statistic(name, answer, value)),
            }
        }
        if !statistics.is_empty() {
            into["extension"] = statistics.into();
        }
    }

    fn answer_coding(&self, summary: &Summary, answer: Answer) -> Option<&Coding> {
        let item = self.form.items().nth(self.place(summary))?;
        let Answer::Option(option) = answer else { return None };
        let options = match &item.kind {
            Kind::Choice(options) => options,
            Kind::Choices(choices) => &choices.options,
            _ => return None,
        };
        Some(&options.get(usize::from(option))?.code)
    }
}

fn quantity(value: Value, unit: &str) -> Json {
    match value {
        Value::Known(number) if unit.is_empty() => json!({ "value": number.to_f64() }),
        Value::Known(number) => json!({ "value": number.to_f64(), "unit": unit }),
        missing => json!({ "extension": absent(missing) }),
    }
}

fn statistic(name: &str, answer: Option<Answer>, value: Value) -> Json {
    let mut parts = vec![json!({ "url": "name", "valueCode": name })];
    if let Some(answer) = answer {
        parts.push(json!({ "url": "answer", "valueString": written(answer) }));
    }
    parts.push(part("value", value));
    json!({ "url": STATISTIC, "extension": parts })
}

/// A number of a statistic, or why there is none.
fn part(url: &str, value: Value) -> Json {
    match value {
        Value::Known(number) => json!({ "url": url, "valueDecimal": number.to_f64() }),
        missing => absent(missing)[0].clone(),
    }
}
