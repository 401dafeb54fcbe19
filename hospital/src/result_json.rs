//! A published result, as the API and exports say it in JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wardsum_protocol::form::Kind;
use wardsum_protocol::{Aggregate, Study};

/// What a round has published. Numbers that can be beyond 2^53 are decimal digits in a string.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResultJson {
    /// How many answers were counted.
    pub count: u32,
    /// The number in each cell of the questionnaire, in the order of PROTOCOL.md, "Cells"; `null` where it is
    /// suppressed because it tells of too few people.
    pub cells: Vec<Option<String>>,
    /// The sum of the answers, of a study that asks for one whole number.
    pub sum: Option<String>,
    /// Their mean, for display.
    pub mean: Option<f64>,
}

impl ResultJson {
    /// What was published of this study.
    #[must_use]
    pub fn new(study: &Study, aggregate: &Aggregate) -> Self {
        let sum = sum_of_one_number(study, aggregate);
        let cells = aggregate.cells.iter().map(|cell| cell.map(|number| number.to_string()));
        Self {
            count: aggregate.count,
            cells: cells.collect(),
            sum: sum.map(|sum| sum.to_string()),
            mean: sum.map(|sum| mean(sum, aggregate.count)),
        }
    }

    /// The same as the protocol has it; `None` if a cell is no number.
    #[must_use]
    pub fn aggregate(&self) -> Option<Aggregate> {
        let number = |cell: &Option<String>| match cell {
            Some(digits) => digits.parse().ok().map(Some),
            None => Some(None),
        };
        let cells = self.cells.iter().map(number).collect::<Option<_>>()?;
        Some(Aggregate { count: self.count, cells })
    }
}

impl fmt::Display for ResultJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count;
        if let (Some(sum), Some(mean)) = (&self.sum, self.mean) {
            return write!(f, "sum {sum} over {count} answers, mean {mean:.2}");
        }
        let shown = self.cells.iter().flatten().count();
        write!(f, "{shown} numbers about {count} answers")?;
        match self.cells.len() - shown {
            0 => Ok(()),
            hidden => write!(f, ", {hidden} more suppressed"),
        }
    }
}

/// The sum, if the study asks everybody for one whole number and nothing else.
fn sum_of_one_number(study: &Study, aggregate: &Aggregate) -> Option<i128> {
    let mut items = study.form().items();
    let (Some(item), None) = (items.next(), items.next()) else { return None };
    let Kind::Number(number) = &item.kind else { return None };
    let whole = (number.range.step, number.range.decimals) == (1, 0) && !item.optional.0;
    aggregate.sum(study).filter(|_| whole)
}

/// `sum / count` as the nearest double: exact below 2^53, and beyond that what a screen can show anyway.
fn mean(sum: i128, count: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a mean for display")]
    let sum = sum as f64;
    sum / f64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::one_number;

    #[test]
    fn a_result_is_one_plain_line_and_reads_back() {
        let study = one_number(3, 10);
        let aggregate = Aggregate { count: 3, cells: [Some(8)].into() };
        let said = ResultJson::new(&study, &aggregate);
        assert_eq!(said.to_string(), "sum 17 over 3 answers, mean 5.67");
        assert_eq!(said.aggregate(), Some(aggregate));
        let hidden = Aggregate { count: 3, cells: [None].into() };
        let said = ResultJson::new(&study, &hidden);
        assert_eq!(said.to_string(), "0 numbers about 3 answers, 1 more suppressed");
        assert_eq!(said.aggregate(), Some(hidden));
    }
}
