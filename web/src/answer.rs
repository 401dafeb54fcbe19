//! What a patient typed, and whether it is an answer.

/// Why what was typed is not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerProblem {
    /// Nothing was typed.
    Empty,
    /// Not a whole number in digits.
    NotWhole,
    /// A whole number outside of the study's range.
    OutOfRange,
}

impl AnswerProblem {
    /// A stable name, for tests.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotWhole => "not-whole",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// Reads a whole number in `min..=max`. Spaces around it and a leading plus are forgiven, and so is
/// a typographic minus; separators and decimals are not, since they mean different things to
/// different people.
pub(crate) fn parse(typed: &str, min: i128, max: i128) -> Result<i128, AnswerProblem> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(AnswerProblem::Empty);
    }
    let (negative, digits) = match typed.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (true, digits),
        None => (false, typed.strip_prefix('+').unwrap_or(typed)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AnswerProblem::NotWhole);
    }
    // All digits, so it can only fail by being too large for any study.
    let magnitude: i128 = digits.parse().map_err(|_| AnswerProblem::OutOfRange)?;
    let value = if negative { -magnitude } else { magnitude };
    if (min..=max).contains(&value) { Ok(value) } else { Err(AnswerProblem::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use super::{AnswerProblem, parse};

    #[test]
    fn whole_numbers_within_the_range_are_answers() {
        assert_eq!(parse("7", 0, 10), Ok(7));
        assert_eq!(parse(" 10 ", 0, 10), Ok(10));
        assert_eq!(parse("+3", 0, 10), Ok(3));
        assert_eq!(parse("007", 0, 10), Ok(7));
        assert_eq!(parse("-5", -5, 5), Ok(-5));
        assert_eq!(parse("\u{2212}5", -5, 5), Ok(-5));
    }

    #[test]
    fn nothing_is_not_an_answer() {
        assert_eq!(parse("", 0, 10), Err(AnswerProblem::Empty));
        assert_eq!(parse("  ", 0, 10), Err(AnswerProblem::Empty));
    }

    #[test]
    fn anything_but_digits_is_not_whole() {
        for typed in ["3.5", "3,5", "1,000", "seven", "1e3", "0x7", "-", "+", "--1", "1 2", "٣"] {
            assert_eq!(parse(typed, -2_000, 2_000), Err(AnswerProblem::NotWhole), "{typed}");
        }
    }

    #[test]
    fn outside_is_out_of_range_however_far() {
        for typed in [
            "11",
            "-1",
            "340282366920938463463374607431768211456",
            "-99999999999999999999999999999999999999999",
        ] {
            assert_eq!(parse(typed, 0, 10), Err(AnswerProblem::OutOfRange), "{typed}");
        }
    }
}
