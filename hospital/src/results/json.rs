//! A result as JSON.

use serde_json::{Value as Json, json};

use super::figures::{Number, Value};
use super::{PublishedResults, rfc_3339};

/// What `format` says, and changes when the shape does.
pub const FORMAT: &str = "wardsum-result/1";

impl PublishedResults<'_> {
    /// All figures in this shape:
    ///
    /// ```json
    /// {
    ///   "format": "wardsum-result/1",
    ///   "study": {"title": "..", "organisation": "..", "digest": "..", "language": ".."},
    ///   "started": "2026-01-31T12:00:00Z", "ended": "2026-01-31T12:05:00Z",
    ///   "count": 20, "rejected": 0,
    ///   "grouping": "arm",
    ///   "groups": [{"group": 0, "label": "control", "people": 10, "suppressed": false}],
    ///   "subjects": [{"id": "pain", "kind": "item", "text": "..", "unit": "", "system": "..", "code": ".."}],
    ///   "figures": [{"subject": "pain", "group": null, "figure": "count", "answer": "3", "label": null,
    ///                "value": 4, "exact": "4", "suppressed": false}]
    /// }
    /// ```
    ///
    /// `value` is the nearest number that programs can read, `exact` all of its digits, if it was not rounded. Both are
    /// null where there is none: because it is `suppressed`, or because there is no such figure of so few people.
    #[must_use]
    pub fn json(&self) -> Json {
        let subjects = self.subjects();
        let groups = self.groups();
        let in_groups = groups.iter().filter(|group| group.group.is_some());
        let in_groups = in_groups.map(|group| {
            json!({
                "group": group.group,
                "label": self.group_label(group.group),
                "people": group.people,
                "suppressed": group.people.is_none(),
            })
        });
        let grouping = self.form.grouping.map(|item| subjects[usize::from(item)].id);
        let described = subjects.iter().map(|subject| {
            json!({
                "id": subject.id,
                "kind": if subject.score { "score" } else { "item" },
                "text": subject.text,
                "unit": subject.unit,
                "system": subject.code.map(|code| &code.system.0),
                "code": subject.code.map(|code| &code.code.0),
            })
        });
        let figures = self.figures(&subjects).into_iter().map(|figure| {
            let (value, exact) = match figure.value {
                Value::Known(Number::People(people)) => (json!(people), Some(people.to_string())),
                Value::Known(Number::Exact(exact)) => {
                    (json!(exact.to_f64()), Some(exact.to_string()))
                }
                Value::Known(Number::Rounded(number)) => (json!(number), None),
                Value::Suppressed | Value::Undefined => (Json::Null, None),
            };
            json!({
                "subject": figure.subject.id,
                "group": figure.group,
                "figure": figure.name,
                "answer": figure.answer,
                "label": figure.answer_label,
                "value": value,
                "exact": exact,
                "suppressed": figure.value == Value::Suppressed,
            })
        });
        json!({
            "format": FORMAT,
            "study": {
                "title": self.title,
                "organisation": self.organisation,
                "digest": self.study_digest,
                "language": self.language,
            },
            "started": rfc_3339(self.started_ms),
            "ended": rfc_3339(self.ended_ms),
            "count": self.count,
            "rejected": self.rejected,
            "grouping": grouping,
            "groups": in_groups.collect::<Vec<_>>(),
            "subjects": described.collect::<Vec<_>>(),
            "figures": figures.collect::<Vec<_>>(),
        })
    }
}
