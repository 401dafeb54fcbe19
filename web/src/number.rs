//! Numbers as a reader of English expects them. Exact: no floating point anywhere.

/// A minus sign, which screen readers read out and line breaking keeps with its number.
const MINUS: char = '\u{2212}';

/// A whole number with thousands separators: `-1234567` becomes `−1,234,567`.
pub(crate) fn whole(value: i128) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + MINUS.len_utf8());
    if value < 0 {
        text.push(MINUS);
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `sum / count` to two decimals, halves rounded away from zero, with thousands separators.
/// `None` for nobody.
pub(crate) fn mean(sum: i128, count: u32) -> Option<String> {
    let hundredths = Hundredths::of(sum, count)?;
    let sign = if hundredths.negative { MINUS.to_string() } else { String::new() };
    // A magnitude of 2^127 exists only for `i128::MIN`, which no study can reach.
    let whole = whole(i128::try_from(hundredths.whole).unwrap_or(i128::MAX));
    Some(format!("{sign}{whole}.{:02}", hundredths.rest))
}

/// The same number for programs: no separators, an ASCII sign. `None` for nobody.
pub(crate) fn mean_plain(sum: i128, count: u32) -> Option<String> {
    let hundredths = Hundredths::of(sum, count)?;
    let sign = if hundredths.negative { "-" } else { "" };
    Some(format!("{sign}{}.{:02}", hundredths.whole, hundredths.rest))
}

/// A rounded quotient.
struct Hundredths {
    negative: bool,
    whole: u128,
    rest: u128,
}

impl Hundredths {
    fn of(sum: i128, count: u32) -> Option<Self> {
        let count = u128::from(count);
        let magnitude = sum.unsigned_abs();
        let mut whole = magnitude.checked_div(count)?;
        // The remainder is below 2^32, so nothing here can overflow.
        let mut rest = (magnitude % count * 100 + count / 2) / count;
        if rest == 100 {
            whole += 1;
            rest = 0;
        }
        // Minus zero would only confuse.
        let negative = sum < 0 && (whole, rest) != (0, 0);
        Some(Self { negative, whole, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::{mean, mean_plain, whole};

    #[test]
    fn thousands_are_separated() {
        assert_eq!(whole(0), "0");
        assert_eq!(whole(999), "999");
        assert_eq!(whole(1_000), "1,000");
        assert_eq!(whole(-1_234_567), "\u{2212}1,234,567");
        assert_eq!(whole(i128::MIN), "\u{2212}170,141,183,460,469,231,731,687,303,715,884,105,728");
    }

    #[test]
    fn means_have_two_decimals_and_round_half_away_from_zero() {
        assert_eq!(mean(10, 3).as_deref(), Some("3.33"));
        assert_eq!(mean(20, 3).as_deref(), Some("6.67"));
        assert_eq!(mean(1, 200).as_deref(), Some("0.01"));
        assert_eq!(mean(-1, 200).as_deref(), Some("\u{2212}0.01"));
        assert_eq!(mean(-1, 1_000).as_deref(), Some("0.00"));
        assert_eq!(mean(2_999, 1_000).as_deref(), Some("3.00"));
        assert_eq!(mean_plain(-5_000, 4).as_deref(), Some("-1250.00"));
        assert_eq!(mean(-5_000, 4).as_deref(), Some("\u{2212}1,250.00"));
    }

    #[test]
    fn extremes_do_not_overflow() {
        assert_eq!(
            mean_plain(i128::MAX, 1).as_deref(),
            Some("170141183460469231731687303715884105727.00")
        );
        assert!(mean(i128::MAX, u32::MAX).is_some());
    }

    #[test]
    fn nobody_has_no_mean() {
        assert_eq!(mean(0, 0), None);
    }
}
