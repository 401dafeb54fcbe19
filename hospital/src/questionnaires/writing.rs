//! A questionnaire written down in our own shape, so that what was built on a screen can be kept in a file.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Value;
use wardsum_protocol::form::{Coding, ItemForm, Kind, OptionForm, ScoreForm, Section, Steps, Text};

use super::Imported;
use super::decimal::Decimal;

/// The questionnaire in TOML. [Reading](super::read) it gives the same questionnaire.
///
/// # Panics
///
/// Never: every value of a document has a form in TOML.
#[must_use]
pub fn to_toml(questionnaire: &Imported) -> String {
    let document = Document::of(questionnaire);
    toml::to_string(&document).expect("every value of a document has a form in TOML")
}

/// The questionnaire in JSON of the same shape. [Reading](super::read) it gives the same questionnaire.
///
/// # Panics
///
/// Never: every value of a document has a form in JSON.
#[must_use]
pub fn to_json(questionnaire: &Imported) -> String {
    let document = Document::of(questionnaire);
    serde_json::to_string_pretty(&document).expect("every value of a document has a form in JSON")
}

/// The same as a value, for whoever puts it into a larger one.
pub(crate) fn to_value(questionnaire: &Imported) -> Value {
    serde_json::to_value(Document::of(questionnaire))
        .expect("every value of a document has a form in JSON")
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    title: Words<'a>,
    #[serde(skip_serializing_if = "Words::is_empty")]
    introduction: Words<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grouping: Option<&'a str>,
    section: Vec<SectionOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    score: Vec<ScoreOut<'a>>,
}

#[derive(Serialize)]
struct SectionOut<'a> {
    #[serde(skip_serializing_if = "Words::is_empty")]
    title: Words<'a>,
    #[serde(skip_serializing_if = "Words::is_empty")]
    help: Words<'a>,
    item: Vec<ItemOut<'a>>,
}

#[derive(Serialize)]
struct ItemOut<'a> {
    id: &'a str,
    text: Words<'a>,
    #[serde(skip_serializing_if = "Words::is_empty")]
    help: Words<'a>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Decimal>,
    #[serde(skip_serializing_if = "Words::is_empty")]
    unit: Words<'a>,
    #[serde(skip_serializing_if = "Words::is_empty")]
    lowest: Words<'a>,
    #[serde(skip_serializing_if = "Words::is_empty")]
    highest: Words<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<u16>,
    #[serde(skip_serializing_if = "is_false")]
    optional: bool,
    #[serde(skip_serializing_if = "is_false")]
    squares: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodingOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    option: Vec<OptionOut<'a>>,
}

#[derive(Serialize)]
struct CodingOut<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'a str,
}

#[derive(Serialize)]
struct OptionOut<'a> {
    text: Words<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodingOut<'a>>,
}

#[derive(Serialize)]
struct ScoreOut<'a> {
    id: &'a str,
    title: Words<'a>,
    items: Vec<Term<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    distribution: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodingOut<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A text: a string where its language is not said, a table of languages otherwise.
struct Words<'a>(Option<&'a Text>);

impl<'a> Words<'a> {
    fn of(text: &'a Text) -> Self {
        Self(Some(text))
    }

    fn none() -> Self {
        Self(None)
    }

    fn is_empty(&self) -> bool {
        self.0.is_none_or(Text::is_empty)
    }
}

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(text) = self.0 else { return serializer.serialize_str("") };
        if text.is_empty() || text.languages().eq([""]) {
            return serializer.serialize_str(text.first());
        }
        let mut map = serializer.serialize_map(Some(text.languages().count()))?;
        for language in text.languages() {
            map.serialize_entry(language, text.preferred([language]))?;
        }
        map.end()
    }
}

/// An item of a score: its id, with its weight where that is not one.
struct Term<'a> {
    id: &'a str,
    weight: i32,
}

impl Serialize for Term<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.weight == 1 {
            return serializer.serialize_str(self.id);
        }
        let mut term = serializer.serialize_struct("Term", 2)?;
        term.serialize_field("id", self.id)?;
        term.serialize_field("weight", &self.weight)?;
        term.end()
    }
}

impl<'a> Document<'a> {
    fn of(questionnaire: &'a Imported) -> Self {
        let form = &questionnaire.form;
        let ids: Vec<&str> = form.items().map(|item| &*item.id.0).collect();
        let id = |number: u16| ids.get(usize::from(number)).copied().unwrap_or_default();
        let mut languages = questionnaire.title.languages();
        let (first, second) = (languages.next(), languages.next());
        Self {
            language: first.filter(|_| second.is_some()),
            title: Words::of(&questionnaire.title),
            introduction: Words::of(&questionnaire.introduction),
            grouping: form.grouping.map(id),
            section: form.sections.iter().map(SectionOut::of).collect(),
            score: form.scores.iter().map(|score| ScoreOut::of(score, &id)).collect(),
        }
    }
}

impl<'a> SectionOut<'a> {
    fn of(section: &'a Section) -> Self {
        Self {
            title: Words::of(&section.title),
            help: Words::of(&section.help),
            item: section.items.iter().map(ItemOut::of).collect(),
        }
    }
}

impl<'a> ItemOut<'a> {
    fn of(item: &'a ItemForm) -> Self {
        let mut out = Self {
            id: &item.id.0,
            text: Words::of(&item.text),
            help: Words::of(&item.help),
            kind: "yes-no",
            min: None,
            max: None,
            step: None,
            unit: Words::of(&item.unit),
            lowest: Words::none(),
            highest: Words::none(),
            at_most: None,
            optional: item.optional.0,
            squares: false,
            code: CodingOut::of(&item.code),
            option: Vec::new(),
        };
        match &item.kind {
            Kind::YesNo => {}
            Kind::Number(number) => {
                out.kind = "number";
                out.squares = number.squares.0;
                out.range(&number.range);
            }
            Kind::Scale(scale) => {
                out.kind = "scale";
                out.lowest = Words::of(&scale.lowest);
                out.highest = Words::of(&scale.highest);
                out.range(&scale.range);
            }
            Kind::Choice(options) => {
                out.kind = "choice";
                out.option = options.iter().map(OptionOut::of).collect();
            }
            Kind::Choices(choices) => {
                out.kind = "choices";
                out.at_most = Some(choices.at_most);
                out.option = choices.options.iter().map(OptionOut::of).collect();
            }
        }
        out
    }

    fn range(&mut self, steps: &Steps) {
        let times = |number: i128| number.saturating_mul(i128::from(steps.step));
        self.min = Some(Decimal::new(times(steps.min.into()), steps.decimals));
        self.max = Some(Decimal::new(times(steps.max.into()), steps.decimals));
        let step = Decimal::new(steps.step.into(), steps.decimals);
        self.step = (step != Decimal::new(1, 0)).then_some(step);
    }
}

impl<'a> CodingOut<'a> {
    fn of(coding: &'a Coding) -> Option<Self> {
        let some = *coding != Coding::default();
        some.then(|| Self { system: &coding.system.0, code: &coding.code.0 })
    }
}

impl<'a> OptionOut<'a> {
    fn of(option: &'a OptionForm) -> Self {
        Self {
            text: Words::of(&option.text),
            value: option.value.map(Into::into),
            code: CodingOut::of(&option.code),
        }
    }
}

impl<'a> ScoreOut<'a> {
    fn of(score: &'a ScoreForm, id: &impl Fn(u16) -> &'a str) -> Self {
        let term = |term: &wardsum_protocol::form::ScoreTerm| Term {
            id: id(term.item),
            weight: term.weight.into(),
        };
        Self {
            id: &score.id.0,
            title: Words::of(&score.title),
            items: score.terms.iter().map(term).collect(),
            distribution: score.distribution.0,
            code: CodingOut::of(&score.code),
        }
    }
}
