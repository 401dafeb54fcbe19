//! A study that is being written: what was typed so far, and the JSON that the hospital is sent.
//!
//! What was typed is sent as it is. Whether it is right the hospital says, with the place of each field, so that there
//! is one set of rules and not two.

use core::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;
use serde_json::{Map, Number, Value, json};

/// A field of text.
pub(crate) type Field = RwSignal<String>;
/// A box to tick.
pub(crate) type Tick = RwSignal<bool>;

/// What tells drafts of one kind apart, whatever is typed into them.
pub(crate) type Key = u32;

fn next_key() -> Key {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn field() -> Field {
    RwSignal::new(String::new())
}

/// What may be answered to an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    YesNo,
    #[default]
    Number,
    Scale,
    Choice,
    Choices,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Number, Self::Scale, Self::YesNo, Self::Choice, Self::Choices];

    /// As a questionnaire's file says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::YesNo => "yes-no",
            Self::Number => "number",
            Self::Scale => "scale",
            Self::Choice => "choice",
            Self::Choices => "choices",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn has_range(self) -> bool {
        matches!(self, Self::Number | Self::Scale)
    }

    pub(crate) fn has_options(self) -> bool {
        matches!(self, Self::Choice | Self::Choices)
    }

    /// Whether its answers can tell people apart.
    pub(crate) fn can_group(self) -> bool {
        matches!(self, Self::YesNo | Self::Choice)
    }
}

/// An option of an item.
#[derive(Clone, Copy)]
pub(crate) struct OptionDraft {
    pub(crate) key: Key,
    pub(crate) text: Field,
    pub(crate) value: Field,
}

impl OptionDraft {
    pub(crate) fn new() -> Self {
        Self { key: next_key(), text: field(), value: field() }
    }
}

/// An item.
#[derive(Clone, Copy)]
pub(crate) struct ItemDraft {
    pub(crate) key: Key,
    pub(crate) id: Field,
    pub(crate) kind: RwSignal<Kind>,
    pub(crate) text: Field,
    pub(crate) help: Field,
    pub(crate) unit: Field,
    pub(crate) min: Field,
    pub(crate) max: Field,
    pub(crate) step: Field,
    pub(crate) lowest: Field,
    pub(crate) highest: Field,
    pub(crate) at_most: Field,
    pub(crate) squares: Tick,
    pub(crate) optional: Tick,
    pub(crate) groups: Tick,
    pub(crate) options: RwSignal<Vec<OptionDraft>>,
}

impl ItemDraft {
    /// An empty one, whose id is this number's.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            key: next_key(),
            id: RwSignal::new(format!("q{number}")),
            kind: RwSignal::new(Kind::default()),
            text: field(),
            help: field(),
            unit: field(),
            min: field(),
            max: field(),
            step: field(),
            lowest: field(),
            highest: field(),
            at_most: field(),
            squares: RwSignal::new(false),
            optional: RwSignal::new(false),
            groups: RwSignal::new(false),
            options: RwSignal::new(vec![OptionDraft::new(), OptionDraft::new()]),
        }
    }

    fn json(&self) -> Value {
        let kind = self.kind.get();
        let mut json = Object::default();
        json.text("id", self.id);
        json.put("kind", kind.name());
        json.text("text", self.text);
        json.text("help", self.help);
        json.tick("optional", self.optional);
        if kind.has_range() {
            json.number("min", self.min);
            json.number("max", self.max);
            json.number("step", self.step);
            json.text("unit", self.unit);
        }
        match kind {
            Kind::Number => json.tick("squares", self.squares),
            Kind::Scale => {
                json.text("lowest", self.lowest);
                json.text("highest", self.highest);
            }
            Kind::Choices => json.number("at_most", self.at_most),
            Kind::YesNo | Kind::Choice => {}
        }
        if kind.has_options() {
            let options = self.options.get().into_iter().map(|option| {
                let mut json = Object::default();
                json.text("text", option.text);
                json.number("value", option.value);
                json.done()
            });
            json.put("option", options.collect::<Vec<_>>());
        }
        json.done()
    }
}

/// Items that are asked together.
#[derive(Clone, Copy)]
pub(crate) struct SectionDraft {
    pub(crate) key: Key,
    pub(crate) title: Field,
    pub(crate) help: Field,
    pub(crate) items: RwSignal<Vec<ItemDraft>>,
}

impl SectionDraft {
    pub(crate) fn new(items: Vec<ItemDraft>) -> Self {
        Self { key: next_key(), title: field(), help: field(), items: RwSignal::new(items) }
    }
}

/// A sum over items.
#[derive(Clone, Copy)]
pub(crate) struct ScoreDraft {
    pub(crate) key: Key,
    pub(crate) id: Field,
    pub(crate) title: Field,
    /// The items that it adds up, by their keys.
    pub(crate) items: RwSignal<Vec<Key>>,
    pub(crate) distribution: Tick,
}

impl ScoreDraft {
    /// An empty one, whose id is this number's.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            key: next_key(),
            id: RwSignal::new(format!("score{number}")),
            title: field(),
            items: RwSignal::new(Vec::new()),
            distribution: RwSignal::new(false),
        }
    }
}

/// A questionnaire.
#[derive(Clone, Copy)]
pub(crate) struct QuestionnaireDraft {
    /// Owns what is added later, which must outlive the part of the form that it was added in.
    owner: StoredValue<Owner>,
    pub(crate) language: Field,
    pub(crate) sections: RwSignal<Vec<SectionDraft>>,
    pub(crate) scores: RwSignal<Vec<ScoreDraft>>,
}

impl QuestionnaireDraft {
    /// One item.
    pub(crate) fn new() -> Self {
        Self {
            owner: StoredValue::new(Owner::current().unwrap_or_default()),
            language: RwSignal::new(crate::text::LANGUAGE.to_owned()),
            sections: RwSignal::new(vec![SectionDraft::new(vec![ItemDraft::new(1)])]),
            scores: RwSignal::new(Vec::new()),
        }
    }

    fn owned<T>(&self, make: impl FnOnce() -> T) -> T {
        self.owner.with_value(Clone::clone).with(make)
    }

    /// Another section, with one item.
    pub(crate) fn add_section(&self) {
        let number = untrack(|| self.items()).len() + 1;
        let section = self.owned(|| SectionDraft::new(vec![ItemDraft::new(number)]));
        self.sections.update(|sections| sections.push(section));
    }

    /// Another item at the end of a section.
    pub(crate) fn add_item(&self, section: SectionDraft) {
        let number = untrack(|| self.items()).len() + 1;
        let item = self.owned(|| ItemDraft::new(number));
        section.items.update(|items| items.push(item));
    }

    /// Another option of an item.
    pub(crate) fn add_option(&self, item: ItemDraft) {
        let option = self.owned(OptionDraft::new);
        item.options.update(|options| options.push(option));
    }

    /// Another score.
    pub(crate) fn add_score(&self) {
        let number = self.scores.with_untracked(Vec::len) + 1;
        let score = self.owned(|| ScoreDraft::new(number));
        self.scores.update(|scores| scores.push(score));
    }

    /// All items, through all sections.
    pub(crate) fn items(&self) -> Vec<ItemDraft> {
        self.sections.get().into_iter().flat_map(|section| section.items.get()).collect()
    }

    /// The questionnaire, as a file has it.
    pub(crate) fn json(&self, title: Field, introduction: Field) -> Value {
        let items = self.items();
        let mut json = Object::default();
        json.text("language", self.language);
        json.text("title", title);
        json.text("introduction", introduction);
        let grouping = items.iter().find(|item| item.groups.get() && item.kind.get().can_group());
        if let Some(item) = grouping {
            json.text("grouping", item.id);
        }
        let sections = self.sections.get().into_iter().map(|section| {
            let mut json = Object::default();
            json.text("title", section.title);
            json.text("help", section.help);
            let items = section.items.get();
            json.put("item", items.iter().map(ItemDraft::json).collect::<Vec<_>>());
            json.done()
        });
        json.put("section", sections.collect::<Vec<_>>());
        let scores = self.scores.get().into_iter().map(|score| {
            let mut json = Object::default();
            json.text("id", score.id);
            json.text("title", score.title);
            json.tick("distribution", score.distribution);
            let chosen = score.items.get();
            let summed = items.iter().filter(|item| chosen.contains(&item.key));
            json.put("items", summed.map(|item| item.id.get()).collect::<Vec<_>>());
            json.done()
        });
        let scores = scores.collect::<Vec<_>>();
        if !scores.is_empty() {
            json.put("score", scores);
        }
        json.done()
    }
}

/// When a phase closes.
#[derive(Clone, Copy)]
pub(crate) struct ClosingDraft {
    pub(crate) count: Field,
    pub(crate) settle_seconds: Field,
    pub(crate) deadline_hours: Field,
    pub(crate) by_command: Tick,
}

impl ClosingDraft {
    fn new() -> Self {
        Self {
            count: field(),
            settle_seconds: field(),
            deadline_hours: field(),
            by_command: RwSignal::new(true),
        }
    }

    fn json(&self) -> Value {
        let mut json = Object::default();
        json.number("count", self.count);
        json.number("settle_seconds", self.settle_seconds);
        let hours = self.deadline_hours.get();
        match hours.trim().parse::<f64>() {
            Ok(hours) => json.put("deadline_seconds", hours * 3600.0),
            Err(_) => json.number("deadline_seconds", self.deadline_hours),
        }
        json.tick("by_command", self.by_command);
        json.done()
    }
}

/// A study.
#[derive(Clone, Copy)]
pub(crate) struct StudyDraft {
    pub(crate) id: Field,
    pub(crate) title: Field,
    pub(crate) organisation: Field,
    pub(crate) introduction: Field,
    pub(crate) minimum_cohort: Field,
    pub(crate) maximum_cohort: Field,
    pub(crate) minimum_cell: Field,
    pub(crate) committee_cap: Field,
    pub(crate) invited: Tick,
    pub(crate) reopen: Tick,
    pub(crate) additive: Tick,
    pub(crate) enrolment: ClosingDraft,
    pub(crate) contributing: ClosingDraft,
}

impl StudyDraft {
    pub(crate) fn new() -> Self {
        let filled = |text: &str| RwSignal::new(text.to_owned());
        Self {
            id: field(),
            title: field(),
            organisation: field(),
            introduction: field(),
            minimum_cohort: filled("10"),
            maximum_cohort: filled("1000"),
            minimum_cell: filled("5"),
            committee_cap: filled("32"),
            invited: RwSignal::new(false),
            reopen: RwSignal::new(false),
            additive: RwSignal::new(false),
            enrolment: ClosingDraft::new(),
            contributing: ClosingDraft::new(),
        }
    }

    /// The study, as the hospital takes it, which asks this questionnaire. Title and introduction are the
    /// questionnaire's where nothing else was typed.
    pub(crate) fn json(&self, questionnaire: Value) -> Value {
        let mut json = Object::default();
        // A study without an id is told so at its field.
        json.put("id", self.id.get().trim());
        json.put("organisation", self.organisation.get().trim());
        json.text("title", self.title);
        json.text("introduction", self.introduction);
        json.number("minimum_cohort", self.minimum_cohort);
        json.number("maximum_cohort", self.maximum_cohort);
        json.number("minimum_cell", self.minimum_cell);
        json.number("committee_cap", self.committee_cap);
        json.tick("reopen", self.reopen);
        if self.additive.get() {
            json.put("scheme", "additive");
        }
        if self.invited.get() {
            json.put("admission", json!({}));
        }
        json.put("enrolment", self.enrolment.json());
        json.put("contributing", self.contributing.json());
        json.put("questionnaire", questionnaire);
        json.done()
    }
}

/// An object in which what was not typed is not there.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn text(&mut self, name: &str, field: Field) {
        let text = field.get();
        if !text.trim().is_empty() {
            self.put(name, text.trim());
        }
    }

    /// A number to the last digit; what is none is sent as it is, to be refused at its place.
    fn number(&mut self, name: &str, field: Field) {
        let text = field.get();
        let text = text.trim();
        if !text.is_empty() {
            let number = text.parse::<Number>().map_or_else(|_| text.into(), Value::Number);
            self.put(name, number);
        }
    }

    fn tick(&mut self, name: &str, tick: Tick) {
        if tick.get() {
            self.put(name, true);
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_sent_and_nothing_else() {
        Owner::new().with(|| {
            let study = StudyDraft::new();
            study.id.set(" sleep ".into());
            study.title.set("Sleep".into());
            study.organisation.set("Ward 7".into());
            study.enrolment.count.set("3".into());
            study.enrolment.deadline_hours.set("0.5".into());
            study.contributing.count.set("three".into());
            let asked = QuestionnaireDraft::new();
            let [item] = asked.items()[..] else { panic!("one item") };
            item.text.set("How many hours?".into());
            item.min.set("0".into());
            item.max.set("24".into());
            item.squares.set(true);
            let questionnaire = asked.json(study.title, study.introduction);
            assert_eq!(
                questionnaire,
                json!({ "language": "en", "title": "Sleep", "section": [{ "item": [{
                    "id": "q1", "kind": "number", "text": "How many hours?", "min": 0, "max": 24, "squares": true,
                }] }] })
            );
            assert_eq!(
                study.json(json!("Q")),
                json!({
                    "id": "sleep", "title": "Sleep", "organisation": "Ward 7", "minimum_cohort": 10,
                    "maximum_cohort": 1000, "minimum_cell": 5, "committee_cap": 32, "questionnaire": "Q",
                    "enrolment": { "count": 3, "deadline_seconds": 1800.0, "by_command": true },
                    "contributing": { "count": "three", "by_command": true },
                })
            );
        });
    }

    #[test]
    fn a_kind_sends_only_what_it_has() {
        Owner::new().with(|| {
            let asked = QuestionnaireDraft::new();
            let [arm] = asked.items()[..] else { panic!("one item") };
            arm.min.set("1".into());
            arm.groups.set(true);
            assert_eq!(asked.json(field(), field())["grouping"], Value::Null, "a number tells nobody apart");
            arm.kind.set(Kind::Choice);
            for (option, name) in arm.options.get().iter().zip(["A", "B"]) {
                option.text.set(name.into());
            }
            let score = ScoreDraft::new(1);
            score.items.set(vec![arm.key]);
            asked.scores.set(vec![score]);
            let json = asked.json(field(), field());
            assert_eq!(json["grouping"], "q1");
            let item = json!({ "id": "q1", "kind": "choice", "option": [{ "text": "A" }, { "text": "B" }] });
            assert_eq!(json["section"][0]["item"][0], item);
            assert_eq!(json["score"], json!([{ "id": "score1", "items": ["q1"] }]));
        });
    }
}
