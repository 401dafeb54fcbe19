//! A questionnaire as a file gives it, and what has to hold of it whatever the file's format.

use std::collections::BTreeMap;

use wardsum_protocol::form::{
    ChoicesForm, Coding, DECIMALS_MAX, Form, FormError, ID_MAX, ITEMS_MAX, ItemForm, Kind,
    NumberForm, OptionForm, Place as FormPlace, SHORT_TEXT_MAX, ScaleForm, ScoreForm, ScoreTerm,
    Section, Steps, TEXT_MAX,
};
use wardsum_protocol::questionnaire::{CELLS_MAX, INPUT_LEN_MAX, QuestionnaireError};
use wardsum_protocol::study::INTRODUCTION_MAX;
use wardsum_protocol::wire::Flag;

use super::decimal::Decimal;
use super::problem::{Place, Problems, quoted};
use super::words::{Languages, Words};
use super::{CODING_MAX, Imported, SCORES_MAX};

/// How long a text has to be and may be, in bytes.
const SHORT: (usize, usize) = (1, SHORT_TEXT_MAX);
const SHORT_OR_NONE: (usize, usize) = (0, SHORT_TEXT_MAX);
const LONG: (usize, usize) = (1, TEXT_MAX);
const LONG_OR_NONE: (usize, usize) = (0, TEXT_MAX);

/// What was read of a file. Ids stand for items here; their numbers come at the end.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) title: Words,
    pub(super) introduction: Words,
    pub(super) sections: Vec<DraftSection>,
    pub(super) grouping: Option<Named>,
    pub(super) scores: Vec<DraftScore>,
}

#[derive(Debug, Default)]
pub(super) struct DraftSection {
    pub(super) place: Place,
    pub(super) title: Words,
    pub(super) help: Words,
    pub(super) items: Vec<DraftItem>,
}

#[derive(Debug)]
pub(super) struct DraftItem {
    pub(super) place: Place,
    pub(super) id: Named,
    pub(super) code: DraftCoding,
    pub(super) text: Words,
    pub(super) help: Words,
    pub(super) unit: Words,
    pub(super) optional: bool,
    /// `None` where it could not be read, which is reported already.
    pub(super) kind: Option<DraftKind>,
}

/// An id, and where it stands. It is empty where there is none, which is reported already.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) place: Place,
    pub(super) id: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct DraftCoding {
    pub(super) place: Place,
    pub(super) system: String,
    pub(super) code: String,
}

#[derive(Debug)]
pub(super) enum DraftKind {
    YesNo,
    Number { steps: Steps, squares: bool },
    Scale { steps: Steps, lowest: Words, highest: Words },
    Choice(Vec<DraftOption>),
    Choices { options: Vec<DraftOption>, at_most: u16 },
}

#[derive(Clone, Debug)]
pub(super) struct DraftOption {
    pub(super) code: DraftCoding,
    pub(super) text: Words,
    pub(super) value: Option<i32>,
}

#[derive(Debug)]
pub(super) struct DraftScore {
    pub(super) place: Place,
    pub(super) id: Named,
    pub(super) code: DraftCoding,
    pub(super) title: Words,
    pub(super) terms: Vec<DraftTerm>,
    pub(super) distribution: bool,
}

#[derive(Clone, Debug)]
pub(super) struct DraftTerm {
    pub(super) item: Named,
    pub(super) weight: i32,
}

/// The numbers from `min` to `max` in steps, where there are such; reported otherwise.
pub(super) fn steps(
    place: &Place,
    (min, max): (Decimal, Decimal),
    step: Decimal,
    problems: &mut Problems,
) -> Option<Steps> {
    let mantissa = u32::try_from(step.mantissa).ok().filter(|mantissa| *mantissa > 0);
    let Some(mantissa) = mantissa.filter(|_| step.decimals <= DECIMALS_MAX) else {
        let message = format!(
            "the step {step} is not more than zero, or too large, or has more than {DECIMALS_MAX} decimals"
        );
        problems.report(place, message);
        return None;
    };
    let (Some(first), Some(last)) = (min.multiple_of(step), max.multiple_of(step)) else {
        let message = format!(
            "the smallest number {min} and the largest {max} have to be multiples of the step {step}"
        );
        problems.report(place, message);
        return None;
    };
    if first >= last {
        let message = format!("the largest number {max} has to be more than the smallest {min}");
        problems.report(place, message);
        return None;
    }
    Some(Steps { min: first.into(), max: last.into(), step: mantissa, decimals: step.decimals })
}

impl Draft {
    /// The questionnaire, if it can be asked. Everything that is wrong with it is reported.
    pub(super) fn finish(self, problems: &mut Problems) -> Option<Imported> {
        let nothing = Words::default();
        let texts = self.sections.iter().flat_map(|section| &section.items).map(|item| &item.text);
        let first = [&self.title].into_iter().chain(texts).find(|words| !words.is_empty());
        let languages = Languages::of(first.unwrap_or(&nothing), problems);
        let mut finishing = Finishing { languages, problems, ids: BTreeMap::new() };
        let title = finishing.text(&self.title, SHORT, false);
        let introduction = finishing.text(&self.introduction, (0, INTRODUCTION_MAX), true);
        let mut sections = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            sections.push(finishing.section(section));
        }
        let items: Vec<&DraftItem> =
            self.sections.iter().flat_map(|section| &section.items).collect();
        if items.is_empty() {
            finishing.problems.report(&Place::default(), "there is no question; ask at least one");
        }
        if items.len() > ITEMS_MAX {
            finishing.problems.report(&Place::default(), too_many(items.len()));
        }
        let grouping = self.grouping.as_ref().and_then(|named| finishing.grouping(named, &items));
        if self.scores.len() > SCORES_MAX {
            let message =
                format!("there are {} scores; give {SCORES_MAX} at most", self.scores.len());
            finishing.problems.report(&Place::default(), message);
        }
        let mut scores = Vec::with_capacity(SCORES_MAX.min(self.scores.len()));
        for score in self.scores.iter().take(SCORES_MAX) {
            scores.push(finishing.score(score, &items));
        }
        if problems.count() > 0 {
            return None;
        }
        let form = Form { sections, grouping, scores };
        if let Err(error) = form.questionnaire() {
            let (place, message) = self.blamed(&error);
            problems.report(&place, message);
            return None;
        }
        Some(Imported { title, introduction, form })
    }

    /// Where something is wrong with the whole that is wrong with no part of it, and what to do.
    fn blamed(&self, error: &FormError) -> (Place, String) {
        match error {
            FormError::Score { place: FormPlace::Score(number) }
            | FormError::Questionnaire(QuestionnaireError::Score { number }) => {
                let place = self.scores.get(number - 1).map(|score| score.place.clone());
                (
                    place.unwrap_or_default(),
                    "this score is the same for everybody, or too large".into(),
                )
            }
            FormError::Questionnaire(QuestionnaireError::Length { len, calls }) => {
                let message = format!(
                    "all questions together are too much for one answer ({len} elements and {calls} \
                     multiplications); ask fewer, give them fewer options, smaller ranges or no squares, find out \
                     no distribution of a score, or no groups"
                );
                (Place::default(), message)
            }
            FormError::Questionnaire(QuestionnaireError::Cells { cells }) => {
                let message = format!(
                    "{cells} numbers or more would be found out, and a result has no more than {CELLS_MAX}; give the \
                     grouping fewer options, ask fewer questions, or leave out scores"
                );
                (Place::default(), message)
            }
            other => (Place::default(), other.to_string()),
        }
    }
}

/// What to say of too many items.
pub(super) fn too_many(items: usize) -> String {
    format!("there are {items} items; no more than {ITEMS_MAX} can be asked")
}

/// What the parts of a draft are held against.
struct Finishing<'p, 's> {
    languages: Languages,
    problems: &'p mut Problems<'s>,
    /// Every id, and where it stands.
    ids: BTreeMap<String, Place>,
}

impl Finishing<'_, '_> {
    fn text(
        &mut self,
        words: &Words,
        len: (usize, usize),
        lines: bool,
    ) -> wardsum_protocol::form::Text {
        self.languages.text(words, len, lines, self.problems)
    }

    fn id(&mut self, named: &Named) {
        let Named { place, id } = named;
        if id.is_empty() {
            return;
        }
        let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
        if id.len() > ID_MAX || !id.bytes().all(proper) {
            let message = format!(
                "the id {} is not 1 to {ID_MAX} letters from a to z, digits, and -._/; rename it",
                quoted(id)
            );
            self.problems.report(place, message);
        } else if let Some(first) = self.ids.get(id) {
            let first = self.problems.located(first);
            let message =
                format!("the id {} is taken already, at {first}; give each its own", quoted(id));
            self.problems.report(place, message);
        } else {
            self.ids.insert(id.clone(), place.clone());
        }
    }

    fn coding(&mut self, coding: &DraftCoding) -> Coding {
        for text in [&coding.system, &coding.code] {
            if text.len() > CODING_MAX || text.chars().any(char::is_control) {
                let message = format!(
                    "{} is longer than {CODING_MAX} bytes, or has a control character",
                    quoted(text)
                );
                self.problems.report(&coding.place, message);
            }
        }
        Coding { system: (&*coding.system).into(), code: (&*coding.code).into() }
    }

    fn section(&mut self, section: &DraftSection) -> Section {
        if section.items.is_empty() {
            self.problems.report(
                &section.place,
                "there is no question in this section; ask one, or remove it",
            );
        }
        Section {
            title: self.text(&section.title, SHORT_OR_NONE, false),
            help: self.text(&section.help, LONG_OR_NONE, true),
            items: section.items.iter().map(|item| self.item(item)).collect(),
        }
    }

    fn item(&mut self, item: &DraftItem) -> ItemForm {
        let before = self.problems.count();
        self.id(&item.id);
        let form = ItemForm {
            id: (&*item.id.id).into(),
            code: self.coding(&item.code),
            text: self.text(&item.text, LONG, true),
            help: self.text(&item.help, LONG_OR_NONE, true),
            unit: self.text(&item.unit, SHORT_OR_NONE, false),
            optional: Flag(item.optional),
            kind: item.kind.as_ref().map_or(Kind::YesNo, |kind| self.kind(kind)),
        };
        // What no text is to blame for is asked of the protocol, one item at a time.
        if self.problems.count() == before && item.kind.is_some() && !form.id.0.is_empty() {
            let section = Section { items: vec![form.clone()], ..Section::default() };
            let alone = Form { sections: vec![section], ..Form::default() };
            let text = |error: &FormError| {
                matches!(error, FormError::Text { .. } | FormError::Languages { .. })
            };
            if let Some(error) = alone.questionnaire().err().filter(|error| !text(error)) {
                self.problems.report(&item.place, impossible(&error));
            }
        }
        form
    }

    fn kind(&mut self, kind: &DraftKind) -> Kind {
        match kind {
            DraftKind::YesNo => Kind::YesNo,
            DraftKind::Number { steps, squares } => {
                Kind::Number(NumberForm { range: *steps, squares: Flag(*squares) })
            }
            DraftKind::Scale { steps, lowest, highest } => Kind::Scale(ScaleForm {
                range: *steps,
                lowest: self.text(lowest, SHORT_OR_NONE, false),
                highest: self.text(highest, SHORT_OR_NONE, false),
            }),
            DraftKind::Choice(options) => Kind::Choice(self.options(options)),
            DraftKind::Choices { options, at_most } => {
                Kind::Choices(ChoicesForm { options: self.options(options), at_most: *at_most })
            }
        }
    }

    fn options(&mut self, options: &[DraftOption]) -> Vec<OptionForm> {
        let form = |option: &DraftOption| OptionForm {
            code: self.coding(&option.code),
            text: self.text(&option.text, SHORT, false),
            value: option.value.map(Into::into),
        };
        options.iter().map(form).collect()
    }

    /// The number of the item that is meant.
    fn found(&mut self, named: &Named, items: &[&DraftItem]) -> Option<u16> {
        let number = items.iter().position(|item| item.id.id == named.id);
        if number.is_none() && !named.id.is_empty() {
            let message = format!("there is no item {}; name one by its id", quoted(&named.id));
            self.problems.report(&named.place, message);
        }
        u16::try_from(number?).ok()
    }

    fn grouping(&mut self, named: &Named, items: &[&DraftItem]) -> Option<u16> {
        let number = self.found(named, items)?;
        if let Some(DraftKind::Number { .. } | DraftKind::Choices { .. }) =
            items[usize::from(number)].kind
        {
            let message = format!(
                "{} tells no groups apart; name an item that is answered by yes or no, a scale or one choice",
                quoted(&named.id)
            );
            self.problems.report(&named.place, message);
        }
        Some(number)
    }

    fn score(&mut self, score: &DraftScore, items: &[&DraftItem]) -> ScoreForm {
        self.id(&score.id);
        let mut terms: Vec<ScoreTerm> = Vec::with_capacity(score.terms.len());
        for term in &score.terms {
            let Some(number) = self.found(&term.item, items) else { continue };
            if terms.iter().any(|other| other.item == number) {
                let message = format!(
                    "{} is in this score twice; give it a weight instead",
                    quoted(&term.item.id)
                );
                self.problems.report(&term.item.place, message);
                continue;
            }
            if let Some(reason) = items[usize::from(number)].kind.as_ref().and_then(worthless) {
                let message = format!("{} cannot be in a score: {reason}", quoted(&term.item.id));
                self.problems.report(&term.item.place, message);
            }
            if term.weight == 0 {
                self.problems.report(&term.item.place, "its weight is zero; leave it out instead");
            }
            terms.push(ScoreTerm { item: number, weight: term.weight.into() });
        }
        if score.terms.is_empty() {
            self.problems.report(
                &score.place,
                "there is no item in this score; name those that it is the sum of",
            );
        }
        ScoreForm {
            id: (&*score.id.id).into(),
            code: self.coding(&score.code),
            title: self.text(&score.title, SHORT, false),
            terms,
            distribution: Flag(score.distribution),
        }
    }
}

/// Why the answers to an item cannot be added up, if they cannot.
fn worthless(kind: &DraftKind) -> Option<String> {
    match kind {
        DraftKind::YesNo => None,
        DraftKind::Number { steps, .. } | DraftKind::Scale { steps, .. } => {
            let whole = steps.step == 1 && steps.decimals == 0;
            (!whole).then(|| "only whole numbers, in steps of 1, are added up".to_owned())
        }
        DraftKind::Choice(options) | DraftKind::Choices { options, .. } => {
            let without = options.iter().position(|option| option.value.is_none())?;
            Some(format!("its option {} has no value; give every option one", without + 1))
        }
    }
}

/// What to say of an item that cannot be asked even alone.
fn impossible(error: &FormError) -> String {
    match error {
        FormError::Scale { .. } => {
            format!("a scale has no more than {INPUT_LEN_MAX} numbers; ask for a number instead")
        }
        FormError::Questionnaire(QuestionnaireError::Options { options, at_most, .. }) => format!(
            "of {options} options {at_most} may be chosen; give a choice two options or more, and let no more be \
             chosen than there are"
        ),
        FormError::Questionnaire(QuestionnaireError::Squares { .. }) => {
            "the squares of so large numbers cannot be added up; leave out `squares`, or give a smaller range".into()
        }
        FormError::Questionnaire(QuestionnaireError::Length { .. }) => {
            "this question alone is too much for one answer; give it fewer options or a smaller range".into()
        }
        other => other.to_string(),
    }
}
