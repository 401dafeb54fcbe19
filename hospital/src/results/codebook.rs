//! What stands in the table of a result, for whoever was not there when the study was made.

use wardsum_protocol::form::{ItemForm, Kind, OptionForm, Steps};
use wardsum_protocol::statistics::Decimal;

use super::PublishedResults;
use super::csv::{Table, text};

const COLUMNS: [&str; 17] = [
    "variable",
    "kind",
    "section",
    "text",
    "help",
    "system",
    "code",
    "unit",
    "minimum",
    "maximum",
    "optional",
    "grouping",
    "answer",
    "answer_label",
    "answer_value",
    "answer_system",
    "answer_code",
];

/// What each figure is.
pub(super) const FIGURES: [(&str, &str); 12] = [
    ("answered", "how many people answered; of a score, all of its items"),
    ("missing", "how many people did not"),
    ("count", "how many people gave this answer"),
    ("share", "count over answered"),
    ("share_lower", "lower bound of the 95 % interval of share (Wilson's score interval)"),
    ("share_upper", "upper bound of the 95 % interval of share (Wilson's score interval)"),
    ("sum", "sum of all answers"),
    ("mean", "sum over answered"),
    ("standard_deviation", "standard deviation of the sample, with n - 1"),
    ("lower_quartile", "quantile 0.25, type 2 of Hyndman and Fan"),
    ("median", "quantile 0.5, type 2 of Hyndman and Fan"),
    ("upper_quartile", "quantile 0.75, type 2 of Hyndman and Fan"),
];

/// A row's fields by the names of their columns; what is not named is empty.
fn row(table: &mut Table, named: &[(&str, String)]) {
    table.row(&COLUMNS.map(|column| {
        let field = named.iter().find(|(name, _)| *name == column);
        field.map(|(_, field)| field.clone()).unwrap_or_default()
    }));
}

impl PublishedResults<'_> {
    /// A table of every item, score and figure (RFC 4180, UTF-8), and behind each item a row for each of its options,
    /// with the codes that they have in terminologies.
    #[must_use]
    pub fn codebook(&self) -> String {
        let mut table = Table::new(COLUMNS);
        let mut position = 0_u16;
        for section in &self.form.sections {
            for item in &section.items {
                let grouping = self.form.grouping == Some(position);
                self.item(&mut table, self.text(&section.title), item, grouping);
                position += 1;
            }
        }
        for score in &self.form.scores {
            let items: Vec<_> = self.form.items().collect();
            let terms = score.terms.iter().map(|term| {
                let (weight, item) = (i32::from(term.weight), items[usize::from(term.item)]);
                // What is counted is steps, which in a document from elsewhere need not be ones.
                let one = Decimal { mantissa: 1, decimals: 0 };
                let step = item.kind.steps().map_or(one, |steps| Decimal {
                    mantissa: steps.step.into(),
                    decimals: steps.decimals,
                });
                let of = if step == one { String::new() } else { format!(" / {step}") };
                format!("{weight} * {}{of}", item.id.0)
            });
            row(
                &mut table,
                &[
                    ("variable", text(&score.id.0)),
                    ("kind", "score".to_owned()),
                    ("text", text(self.text(&score.title))),
                    ("help", text(&format!("sum of {}", terms.collect::<Vec<_>>().join(", ")))),
                    ("system", text(&score.code.system.0)),
                    ("code", text(&score.code.code.0)),
                ],
            );
        }
        for (name, meaning) in FIGURES {
            let meaning = ("text", text(meaning));
            row(&mut table, &[("variable", text(name)), ("kind", "figure".to_owned()), meaning]);
        }
        table.text
    }

    fn item(&self, table: &mut Table, section: &str, item: &ItemForm, grouping: bool) {
        let (kind, range) = match &item.kind {
            Kind::YesNo => ("yes-no", None),
            Kind::Number(number) => ("number", Some(&number.range)),
            Kind::Scale(scale) => ("scale", Some(&scale.range)),
            Kind::Choice(_) => ("choice", None),
            Kind::Choices(_) => ("choices", None),
        };
        let bound = |of: fn(&Steps) -> i128| range.map_or_else(String::new, |r| in_unit(r, of(r)));
        row(
            table,
            &[
                ("variable", text(&item.id.0)),
                ("kind", kind.to_owned()),
                ("section", text(section)),
                ("text", text(self.text(&item.text))),
                ("help", text(self.text(&item.help))),
                ("system", text(&item.code.system.0)),
                ("code", text(&item.code.code.0)),
                ("unit", text(self.text(&item.unit))),
                ("minimum", bound(|range| range.min.into())),
                ("maximum", bound(|range| range.max.into())),
                ("optional", item.optional.0.to_string()),
                ("grouping", grouping.to_string()),
            ],
        );
        let options: &[OptionForm] = match &item.kind {
            Kind::Choice(options) => options,
            Kind::Choices(choices) => &choices.options,
            Kind::Scale(scale) => {
                let (first, last) = (scale.range.min.into(), scale.range.max.into());
                for (end, words) in [(first, &scale.lowest), (last, &scale.highest)] {
                    let answer = ("answer", in_unit(&scale.range, end));
                    let label = ("answer_label", text(self.text(words)));
                    row(
                        table,
                        &[
                            ("variable", text(&item.id.0)),
                            ("kind", "option".to_owned()),
                            answer,
                            label,
                        ],
                    );
                }
                &[]
            }
            Kind::YesNo | Kind::Number(_) => &[],
        };
        for (number, option) in options.iter().enumerate() {
            let value = option.value.map(|value| i32::from(value).to_string());
            row(
                table,
                &[
                    ("variable", text(&item.id.0)),
                    ("kind", "option".to_owned()),
                    ("answer", number.to_string()),
                    ("answer_label", text(self.text(&option.text))),
                    ("answer_value", value.unwrap_or_default()),
                    ("answer_system", text(&option.code.system.0)),
                    ("answer_code", text(&option.code.code.0)),
                ],
            );
        }
    }
}

/// So many steps in the unit of their item.
fn in_unit(range: &Steps, steps: i128) -> String {
    let mantissa = steps.checked_mul(range.step.into());
    mantissa
        .map(|mantissa| Decimal { mantissa, decimals: range.decimals }.to_string())
        .unwrap_or_default()
}
