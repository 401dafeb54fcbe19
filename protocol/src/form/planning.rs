//! What a form asks of the protocol.

use super::{
    Coding, Form, FormError, ItemForm, Kind, NumberForm, OptionForm, Place, ScaleForm, ScoreForm,
    Section, Steps, Text,
};
use crate::encoding::IntegerRange;
use crate::questionnaire::{INPUT_LEN_MAX, Item, Plan, Points, Question, Score, Term};
use crate::wire::Flag;

impl Steps {
    /// The encoding of so many steps; `None` if there are none to choose from.
    #[must_use]
    pub fn range(&self) -> Option<IntegerRange> {
        IntegerRange::new(self.min.into(), self.max.into())
    }

    /// How many numbers there are, if they are few enough to be told apart.
    fn count(&self) -> Option<u16> {
        let width = self.range()?.width();
        let count = u16::try_from(width.checked_add(1)?).ok()?;
        (usize::from(count) <= INPUT_LEN_MAX).then_some(count)
    }
}

impl Kind {
    /// The numbers that may be answered, if numbers are.
    #[must_use]
    pub fn steps(&self) -> Option<Steps> {
        match self {
            Self::Number(NumberForm { range, .. }) | Self::Scale(ScaleForm { range, .. }) => {
                Some(*range)
            }
            Self::YesNo | Self::Choice(_) | Self::Choices(_) => None,
        }
    }
}

impl Form {
    /// One question, after a whole number in `min..=max`, which everybody answers.
    #[must_use]
    pub fn number(question: &str, unit: &str, min: i128, max: i128) -> Self {
        let range = Steps { min: min.into(), max: max.into(), step: 1, decimals: 0 };
        let kind = Kind::Number(NumberForm { range, squares: Flag(false) });
        let item = ItemForm { unit: unit.into(), ..ItemForm::new("answer", question, kind) };
        let section = Section { items: vec![item], ..Section::default() };
        Self { sections: vec![section], ..Self::default() }
    }

    /// All items, through all sections.
    pub fn items(&self) -> impl Iterator<Item = &ItemForm> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// What is asked, in numbers.
    pub(super) fn plan(&self) -> Result<Plan, FormError> {
        let asked: Vec<&ItemForm> = self.items().collect();
        let items = (1..).zip(&asked).map(|(number, item)| item.planned(Place::Item(number)));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let scores = (1..).zip(&self.scores).map(|(number, score)| {
            let place = Place::Score(number);
            score.planned(&asked).ok_or(FormError::Score { place })
        });
        let scores = scores.collect::<Result<Vec<_>, _>>()?;
        Ok(Plan { items, grouping: self.grouping.map(usize::from), scores })
    }
}

/// How many options there are, if the questionnaire can have as many.
fn options_of(options: &[OptionForm]) -> u16 {
    u16::try_from(options.len()).unwrap_or(u16::MAX)
}

impl ItemForm {
    /// A question that everybody answers, with nothing to read but itself.
    #[must_use]
    pub fn new(id: &str, text: impl Into<Text>, kind: Kind) -> Self {
        Self {
            id: id.into(),
            code: Coding::default(),
            text: text.into(),
            help: Text::default(),
            unit: Text::default(),
            optional: Flag(false),
            kind,
        }
    }

    fn planned(&self, place: Place) -> Result<Item, FormError> {
        let mut squares = false;
        let question = match &self.kind {
            Kind::YesNo => Question::YesNo,
            Kind::Number(number) => {
                squares = number.squares.0;
                Question::Number(number.range.range().ok_or(FormError::Range { place })?)
            }
            Kind::Scale(scale) => {
                scale.range.range().ok_or(FormError::Range { place })?;
                let options = scale.range.count().ok_or(FormError::Scale { place })?;
                squares = true;
                Question::Choice { options }
            }
            Kind::Choice(options) => Question::Choice { options: options_of(options) },
            Kind::Choices(choices) => {
                let options = options_of(&choices.options);
                Question::Choices { options, at_most: choices.at_most }
            }
        };
        Ok(Item { question, optional: self.optional.0, squares })
    }

    /// What an answer is worth, each times `weight`; `None` if that is nowhere said.
    fn points(&self, weight: i32) -> Option<Points> {
        let of_options = |options: &[OptionForm]| {
            let points = options.iter().map(|option| i32::from(option.value?).checked_mul(weight));
            points.collect::<Option<Vec<_>>>().map(Points::PerOption)
        };
        match &self.kind {
            Kind::YesNo | Kind::Number(_) => Some(Points::Times(weight)),
            Kind::Scale(scale) => {
                let first = i32::try_from(i128::from(scale.range.min)).ok()?;
                let numbers = (0..i32::from(scale.range.count()?))
                    .map(|step| first.checked_add(step)?.checked_mul(weight));
                numbers.collect::<Option<Vec<_>>>().map(Points::PerOption)
            }
            Kind::Choice(options) => of_options(options),
            Kind::Choices(choices) => of_options(&choices.options),
        }
    }
}

impl ScoreForm {
    fn planned(&self, asked: &[&ItemForm]) -> Option<Score> {
        let terms = self.terms.iter().map(|term| {
            let item = usize::from(term.item);
            Some(Term { item, points: asked.get(item)?.points(term.weight.into())? })
        });
        Some(Score { terms: terms.collect::<Option<_>>()?, distribution: self.distribution.0 })
    }
}
