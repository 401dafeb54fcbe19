//! What a patient has put down for a question, and whether it answers it.

use wardsum_peer::protocol::form::{ItemForm, Kind, Steps};
use wardsum_peer::protocol::questionnaire::Response;
use wardsum_peer::protocol::statistics::Decimal;

use crate::number::{self, Misread};

/// What stands on the page for one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing yet.
    #[default]
    Nothing,
    /// This in the field for a number.
    Typed(String),
    /// The options with these numbers, in ascending order. Yes is 0, and no is 1; of a scale the lowest is 0.
    Chosen(Vec<u16>),
    /// That one prefers not to answer.
    Declined,
}

/// Why what was given is not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerProblem {
    /// Nothing was given.
    Empty,
    /// Not a number in digits.
    NotANumber,
    /// Not a whole number in digits, where one is asked for.
    NotWhole,
    /// Between two of the numbers that may be answered.
    NotAStep,
    /// Outside of the question's range.
    OutOfRange,
    /// More options than may be chosen.
    TooMany,
}

impl AnswerProblem {
    /// A stable name, for tests.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotANumber => "not-a-number",
            Self::NotWhole => "not-whole",
            Self::NotAStep => "not-a-step",
            Self::OutOfRange => "out-of-range",
            Self::TooMany => "too-many",
        }
    }
}

impl Given {
    /// What it answers.
    pub(crate) fn response(&self, item: &ItemForm) -> Result<Response, AnswerProblem> {
        match (self, &item.kind) {
            (Self::Declined, _) if item.optional.0 => Ok(Response::None),
            (Self::Typed(typed), Kind::Number(number)) => {
                steps(typed, &number.range).map(Response::Number)
            }
            (Self::Chosen(chosen), Kind::YesNo) => {
                let first = chosen.first().ok_or(AnswerProblem::Empty)?;
                Ok(Response::YesNo(*first == YES))
            }
            (Self::Chosen(chosen), Kind::Scale(_) | Kind::Choice(_)) => {
                chosen.first().copied().map(Response::Choice).ok_or(AnswerProblem::Empty)
            }
            (Self::Chosen(chosen), Kind::Choices(choices)) => {
                let fits = chosen.len() <= usize::from(choices.at_most);
                fits.then(|| Response::Choices(chosen.clone())).ok_or(AnswerProblem::TooMany)
            }
            // None of them applies, then; whoever would rather not say can say that.
            (Self::Nothing, Kind::Choices(_)) => Ok(Response::Choices(Vec::new())),
            _ => Err(AnswerProblem::Empty),
        }
    }

    /// The same with or without this option, among others.
    pub(crate) fn toggled(&self, option: u16, chosen: bool) -> Self {
        let mut options = match self {
            Self::Chosen(options) => options.clone(),
            _ => Vec::new(),
        };
        options.retain(|other| *other != option);
        if chosen {
            let place = options.iter().take_while(|other| **other < option).count();
            options.insert(place, option);
        }
        if options.is_empty() { Self::Nothing } else { Self::Chosen(options) }
    }

    /// Whether this option is chosen.
    pub(crate) fn has(&self, option: u16) -> bool {
        matches!(self, Self::Chosen(options) if options.contains(&option))
    }
}

/// The option that says yes; the other one is 1.
pub(crate) const YES: u16 = 0;

/// So many steps as the number that people write; `None` if it is beyond what can be written.
pub(crate) fn of_steps(steps: &Steps, count: i128) -> Option<Decimal> {
    let mantissa = count.checked_mul(steps.step.into())?;
    Some(Decimal { mantissa, decimals: steps.decimals })
}

/// Reads a number of steps within their range.
fn steps(typed: &str, range: &Steps) -> Result<i128, AnswerProblem> {
    if typed.trim().is_empty() {
        return Err(AnswerProblem::Empty);
    }
    let whole = range.decimals == 0;
    let mantissa = number::parse(typed, range.decimals).map_err(|misread| match misread {
        Misread::NoNumber | Misread::TooFine if whole => AnswerProblem::NotWhole,
        Misread::NoNumber => AnswerProblem::NotANumber,
        Misread::TooFine => AnswerProblem::NotAStep,
        Misread::TooLarge => AnswerProblem::OutOfRange,
    })?;
    let step = i128::from(range.step);
    let count = mantissa.div_euclid(step);
    let (min, max) = (i128::from(range.min), i128::from(range.max));
    if !(min..=max).contains(&count) {
        return Err(AnswerProblem::OutOfRange);
    }
    if mantissa.rem_euclid(step) == 0 { Ok(count) } else { Err(AnswerProblem::NotAStep) }
}

#[cfg(test)]
pub(crate) mod tests {
    use wardsum_peer::protocol::form::{
        ChoicesForm, Coding, Form, NumberForm, OptionForm, ScaleForm, Text,
    };
    use wardsum_peer::protocol::wire::Flag;

    use super::*;

    pub(crate) fn item(id: &str, kind: Kind) -> ItemForm {
        ItemForm::new(id, id, kind)
    }

    pub(crate) fn number(min: i128, max: i128, step: u32, decimals: u8) -> Kind {
        let range = Steps { min: min.into(), max: max.into(), step, decimals };
        Kind::Number(NumberForm { range, squares: Flag(false) })
    }

    pub(crate) fn scale(min: i128, max: i128) -> Kind {
        let range = Steps { min: min.into(), max: max.into(), step: 1, decimals: 0 };
        Kind::Scale(ScaleForm { range, lowest: Text::default(), highest: Text::default() })
    }

    pub(crate) fn options(texts: &[&str]) -> Vec<OptionForm> {
        let option =
            |text: &&str| OptionForm { code: Coding::default(), text: (*text).into(), value: None };
        texts.iter().map(option).collect()
    }

    fn typed(
        text: &str,
        min: i128,
        max: i128,
        step: u32,
        decimals: u8,
    ) -> Result<i128, AnswerProblem> {
        let kind = number(min, max, step, decimals);
        match Given::Typed(text.to_owned()).response(&item("n", kind))? {
            Response::Number(steps) => Ok(steps),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whole_numbers_within_the_range_are_answers() {
        assert_eq!(typed("7", 0, 10, 1, 0), Ok(7));
        assert_eq!(typed(" 10 ", 0, 10, 1, 0), Ok(10));
        assert_eq!(typed("+3", 0, 10, 1, 0), Ok(3));
        assert_eq!(typed("007", 0, 10, 1, 0), Ok(7));
        assert_eq!(typed("-5", -5, 5, 1, 0), Ok(-5));
        assert_eq!(typed("\u{2212}5", -5, 5, 1, 0), Ok(-5));
    }

    #[test]
    fn numbers_are_counted_in_steps_however_they_are_written() {
        // 35.0 to 42.0 by halves.
        for (text, steps) in [("36.5", 73), ("36,5", 73), ("42", 84), ("35.0", 70)] {
            assert_eq!(typed(text, 70, 84, 5, 1), Ok(steps), "{text}");
        }
        assert_eq!(typed("-0.5", -2, 2, 5, 1), Ok(-1));
    }

    #[test]
    fn nothing_is_not_an_answer() {
        assert_eq!(typed("", 0, 10, 1, 0), Err(AnswerProblem::Empty));
        assert_eq!(typed("  ", 0, 10, 1, 0), Err(AnswerProblem::Empty));
        for kind in
            [number(0, 1, 1, 0), scale(0, 4), Kind::YesNo, Kind::Choice(options(&["a", "b"]))]
        {
            assert_eq!(Given::Nothing.response(&item("n", kind)), Err(AnswerProblem::Empty));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_apart_from_what_may_not_be_answered() {
        for text in ["3.5", "3,5", "1,000", "seven", "1e3", "0x7", "-", "+", "--1", "1 2", "٣"] {
            assert_eq!(typed(text, -2_000, 2_000, 1, 0), Err(AnswerProblem::NotWhole), "{text}");
        }
        assert_eq!(typed("warm", 70, 84, 5, 1), Err(AnswerProblem::NotANumber));
        for text in ["36.6", "36.55", "36,0000"] {
            assert_eq!(typed(text, 70, 84, 5, 1), Err(AnswerProblem::NotAStep), "{text}");
        }
        for text in ["11", "-1", "340282366920938463463374607431768211456"] {
            assert_eq!(typed(text, 0, 10, 1, 0), Err(AnswerProblem::OutOfRange), "{text}");
        }
        assert_eq!(typed("42.5", 70, 84, 5, 1), Err(AnswerProblem::OutOfRange));
    }

    #[test]
    fn several_options_are_no_more_than_may_be_chosen_and_may_be_none() {
        let kind = Kind::Choices(ChoicesForm { options: options(&["a", "b", "c"]), at_most: 2 });
        let asked = item("n", kind);
        let one = Given::Nothing.toggled(2, true);
        let two = one.toggled(0, true);
        assert_eq!(Given::Nothing.response(&asked), Ok(Response::Choices(vec![])));
        assert_eq!(two.response(&asked), Ok(Response::Choices(vec![0, 2])));
        assert_eq!(two.toggled(1, true).response(&asked), Err(AnswerProblem::TooMany));
        assert_eq!(two.toggled(0, false), one);
        assert_eq!(one.toggled(2, false), Given::Nothing);
        assert!(two.has(2) && !two.has(1));
    }

    #[test]
    fn only_what_may_be_left_out_can_be_declined() {
        let mut asked = item("n", Kind::YesNo);
        assert_eq!(Given::Declined.response(&asked), Err(AnswerProblem::Empty));
        asked.optional = Flag(true);
        assert_eq!(Given::Declined.response(&asked), Ok(Response::None));
        assert_eq!(Given::Chosen(vec![YES]).response(&asked), Ok(Response::YesNo(true)));
        assert_eq!(Given::Chosen(vec![1]).response(&asked), Ok(Response::YesNo(false)));
    }

    #[test]
    fn every_response_is_one_that_its_study_takes() {
        let mut form = Form::number("How strong is your pain?", "points", 0, 10);
        let section = &mut form.sections[0];
        section.items.push(item("asthma", Kind::YesNo));
        section.items.push(item("sleep", scale(1, 5)));
        let given = [Given::Typed("7".to_owned()), Given::Chosen(vec![1]), Given::Chosen(vec![4])];
        let questionnaire = form.questionnaire().expect("it can be asked");
        let responses: Vec<_> = form.sections[0]
            .items
            .iter()
            .zip(&given)
            .map(|(item, given)| given.response(item).expect("an answer"))
            .collect();
        assert!(questionnaire.encode(&responses).is_ok());
    }
}
