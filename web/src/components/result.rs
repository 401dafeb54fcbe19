//! Figures in large digits.

use wardsum_peer::protocol::statistics::Decimal;

use crate::dom::{Element, View, element};
use crate::number::{self, Digits};
use crate::text;

/// One figure of a result.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What it is called.
    pub(crate) name: &'static str,
    /// For tests.
    pub(crate) id: &'static str,
    /// For programs.
    pub(crate) plain: String,
    /// For people.
    pub(crate) value: String,
    /// May be empty.
    pub(crate) unit: String,
}

impl Figure {
    /// A sum of answers.
    pub(crate) fn sum(sum: Decimal, unit: &str) -> Self {
        let (plain, value) = (sum.to_string(), number::decimal(sum));
        Self { name: text::sum(), id: "result-sum", plain, value, unit: unit.to_owned() }
    }

    /// Their mean.
    pub(crate) fn mean(mean: &Digits, unit: &str) -> Self {
        Self::of(text::mean(), "result-mean", mean, unit)
    }

    /// Any other.
    pub(crate) fn of(name: &'static str, id: &'static str, digits: &Digits, unit: &str) -> Self {
        let (plain, value) = (digits.plain(), digits.for_people());
        Self { name, id, plain, value, unit: unit.to_owned() }
    }

    /// How many people there are.
    pub(crate) fn people(count: u32) -> Self {
        let (plain, value) = (count.to_string(), number::whole(count.into()));
        Self { name: text::people(), id: "result-count", plain, value, unit: String::new() }
    }
}

/// Some figures.
pub(crate) fn figures(figures: &[Figure]) -> View {
    let figures: Vec<Element> = figures.iter().map(figure).collect();
    element("dl").class("figures").with(figures).into()
}

fn figure(Figure { name, id, plain, value, unit }: &Figure) -> Element {
    let unit = (!unit.is_empty()).then(|| element("span").class("unit").with(format!(" {unit}")));
    let value = element("dd").test_id(id).attr("data-value", plain).with(value.as_str()).with(unit);
    element("div").with(element("dt").with(*name)).with(value)
}
