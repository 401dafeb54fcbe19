//! Forms, and the cells of answers to them.

use wardsum_protocol::field::Field;
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ItemForm, Kind, NumberForm, OptionForm, ScaleForm, Section, Steps,
    Text,
};
use wardsum_protocol::questionnaire::{Questionnaire, Response};
use wardsum_protocol::sharing::Scheme;
use wardsum_protocol::wire::Flag;

pub(crate) fn steps(min: i128, max: i128, step: u32, decimals: u8) -> Steps {
    Steps { min: min.into(), max: max.into(), step, decimals }
}

pub(crate) fn number(range: Steps, squares: bool) -> Kind {
    Kind::Number(NumberForm { range, squares: Flag(squares) })
}

pub(crate) fn scale(range: Steps) -> Kind {
    Kind::Scale(ScaleForm { range, lowest: Text::default(), highest: Text::default() })
}

pub(crate) fn choice(values: &[Option<i32>]) -> Kind {
    Kind::Choice(options(values))
}

pub(crate) fn choices(values: &[Option<i32>], at_most: u16) -> Kind {
    Kind::Choices(ChoicesForm { options: options(values), at_most })
}

fn options(values: &[Option<i32>]) -> Vec<OptionForm> {
    let option = |value: &Option<i32>| OptionForm {
        code: Coding::default(),
        text: Text::plain("An option"),
        value: value.map(Into::into),
    };
    values.iter().map(option).collect()
}

pub(crate) fn item(id: &str, kind: Kind, optional: bool) -> ItemForm {
    ItemForm { optional: Flag(optional), ..ItemForm::new(id, "A question?", kind) }
}

/// A form of these items, in two sections where there are several.
pub(crate) fn form(mut items: Vec<ItemForm>) -> Form {
    let last = items.split_off(items.len() / 2);
    let sections = [items, last].into_iter().filter(|items| !items.is_empty());
    let sections = sections.map(|items| Section { items, ..Section::default() });
    Form { sections: sections.collect(), ..Form::default() }
}

/// What is found out about people who answer this.
pub(crate) fn cells(questionnaire: &Questionnaire, people: &[Vec<Response>]) -> Vec<u128> {
    let mut cells = vec![0; questionnaire.output_len()];
    for responses in people {
        let input = questionnaire.encode(responses).expect("an answer");
        let output = questionnaire.aggregate(&input, 1, Scheme::threshold_of(4));
        for (cell, element) in cells.iter_mut().zip(output.elements()) {
            *cell += <Field as Into<u128>>::into(*element);
        }
    }
    cells
}
