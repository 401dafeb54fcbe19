//! Whether a form can be asked.

use super::{
    DECIMALS_MAX, Form, FormError, ID_MAX, ITEMS_MAX, ItemForm, Kind, OptionForm, Place,
    SHORT_TEXT_MAX, Steps, TEXT_MAX, Text,
};
use crate::questionnaire::Questionnaire;

/// How long a text has to be and may be, in bytes.
const SHORT: (usize, usize) = (1, SHORT_TEXT_MAX);
const SHORT_OR_NONE: (usize, usize) = (0, SHORT_TEXT_MAX);
const LONG: (usize, usize) = (1, TEXT_MAX);
const LONG_OR_NONE: (usize, usize) = (0, TEXT_MAX);

/// What every text of a form is held against.
#[derive(Default)]
struct Checking<'a> {
    /// The languages of the first text that there is.
    languages: Option<Vec<&'a str>>,
    /// Few enough to be looked through, and a set would be kilobytes of the page.
    ids: Vec<&'a str>,
}

impl Form {
    /// What it asks of the protocol, if it can be asked and every text is there.
    pub fn questionnaire(&self) -> Result<Questionnaire, FormError> {
        let mut checking = Checking::default();
        for (number, section) in (1..).zip(&self.sections) {
            let place = Place::Section(number);
            checking.text(place, &section.title, SHORT_OR_NONE, false)?;
            checking.text(place, &section.help, LONG_OR_NONE, true)?;
            if section.items.is_empty() {
                return Err(FormError::Items { place });
            }
        }
        for (number, item) in (1..).zip(self.items()) {
            let place = Place::Item(number);
            if number > ITEMS_MAX {
                return Err(FormError::Items { place });
            }
            checking.item(place, item)?;
        }
        for (number, score) in (1..).zip(&self.scores) {
            let place = Place::Score(number);
            checking.id(place, &score.id.0)?;
            checking.text(place, &score.title, SHORT, false)?;
        }
        Ok(Questionnaire::planned(self.plan()?)?)
    }
}

impl<'a> Checking<'a> {
    fn item(&mut self, place: Place, item: &'a ItemForm) -> Result<(), FormError> {
        self.id(place, &item.id.0)?;
        self.text(place, &item.text, LONG, true)?;
        self.text(place, &item.help, LONG_OR_NONE, true)?;
        self.text(place, &item.unit, SHORT_OR_NONE, false)?;
        match &item.kind {
            Kind::YesNo => Ok(()),
            Kind::Number(number) => steps(place, &number.range),
            Kind::Scale(scale) => {
                self.text(place, &scale.lowest, SHORT_OR_NONE, false)?;
                self.text(place, &scale.highest, SHORT_OR_NONE, false)?;
                steps(place, &scale.range)
            }
            Kind::Choice(options) => self.options(place, options),
            Kind::Choices(choices) => self.options(place, &choices.options),
        }
    }

    fn options(&mut self, place: Place, options: &'a [OptionForm]) -> Result<(), FormError> {
        let Place::Item(item) = place else { unreachable!("items have options") };
        for (number, option) in (1..).zip(options) {
            let place = Place::Option(item, number);
            self.text(place, &option.text, SHORT, false)?;
        }
        Ok(())
    }

    /// A text that is there is given in the languages of all others.
    fn text(
        &mut self,
        place: Place,
        text: &'a Text,
        len: (usize, usize),
        lines: bool,
    ) -> Result<(), FormError> {
        if len.0 == 0 && text.is_empty() {
            return Ok(());
        }
        let at_least_one = (1, len.1);
        text.check(at_least_one, lines).map_err(|source| FormError::Text { place, source })?;
        let languages: Vec<&str> = text.languages().collect();
        let first = self.languages.get_or_insert_with(|| languages.clone());
        if *first == languages { Ok(()) } else { Err(FormError::Languages { place }) }
    }

    fn id(&mut self, place: Place, id: &'a str) -> Result<(), FormError> {
        let printable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
        let proper = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(printable);
        if !proper || self.ids.contains(&id) {
            return Err(FormError::Id { place });
        }
        self.ids.push(id);
        Ok(())
    }
}

fn steps(place: Place, steps: &Steps) -> Result<(), FormError> {
    if steps.range().is_none() || steps.step == 0 || steps.decimals > DECIMALS_MAX {
        return Err(FormError::Range { place });
    }
    Ok(())
}
