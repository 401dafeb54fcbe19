//! Numbers as readers of the page's language expect them. Exact, except where a floating-point number is what there is.
//!
//! The browser says what stands between thousands and before decimals (`Intl.NumberFormat`). The digits are put there
//! by this program, because what browsers format as a number has 53 bits.

use wardsum_peer::protocol::statistics::Decimal;

use crate::language;

/// A minus sign, which screen readers read out and line breaking keeps with its number.
const MINUS: char = '\u{2212}';

/// A whole number with thousands separators: in English `-1234567` becomes `−1,234,567`.
pub(crate) fn whole(value: i128) -> String {
    decimal(Decimal { mantissa: value, decimals: 0 })
}

/// A number with all of its decimals, and thousands separators.
pub(crate) fn decimal(value: Decimal) -> String {
    Digits::of(value).for_people()
}

/// The digits of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    negative: bool,
    /// More than there are decimals.
    all: String,
    decimals: usize,
}

impl Digits {
    /// Those of a number.
    pub(crate) fn of(Decimal { mantissa, decimals }: Decimal) -> Self {
        Self::new(mantissa < 0, mantissa.unsigned_abs().to_string(), decimals.into())
    }

    /// Those of `sum` over `count`, to two decimals at least and to one more than the sum has, halves rounded away from
    /// zero. `None` for nobody.
    pub(crate) fn mean(sum: Decimal, count: u32) -> Option<Self> {
        let more: u8 = if sum.decimals == 0 { 2 } else { 1 };
        let scale = 10_u128.pow(more.into());
        let count = u128::from(count);
        let magnitude = sum.mantissa.unsigned_abs();
        let mut whole = magnitude.checked_div(count)?;
        // The remainder is below 2^32, so nothing here can overflow.
        let mut rest = (magnitude % count * scale + count / 2) / count;
        if rest == scale {
            whole += 1;
            rest = 0;
        }
        let decimals = usize::from(more);
        let digits = format!("{whole}{rest:0decimals$}");
        Some(Self::new(sum.mantissa < 0, digits, usize::from(sum.decimals) + decimals))
    }

    /// Those of a number to so many decimals.
    pub(crate) fn rounded(value: f64, decimals: u8) -> Self {
        let scaled = (value.abs() * 10_f64.powi(decimals.into())).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and what is too large is shown as the largest that there is"
        )]
        let digits = scaled as u128;
        Self::new(value < 0.0, digits.to_string(), decimals.into())
    }

    fn new(negative: bool, mut digits: String, decimals: usize) -> Self {
        while digits.len() <= decimals {
            digits.insert(0, '0');
        }
        // Minus zero would only confuse.
        let negative = negative && digits.bytes().any(|digit| digit != b'0');
        Self { negative, all: digits, decimals }
    }

    /// For people: with separators, and a minus that is one.
    pub(crate) fn for_people(&self) -> String {
        let spoken = language::spoken();
        self.written(MINUS, &spoken.decimal, &spoken.group)
    }

    /// For programs: without separators, with an ASCII sign.
    pub(crate) fn plain(&self) -> String {
        self.written('-', ".", "")
    }

    /// As people type it in a field, where nothing stands between thousands.
    pub(crate) fn typed(&self) -> String {
        self.written('-', &language::spoken().decimal, "")
    }

    fn written(&self, minus: char, point: &str, separator: &str) -> String {
        let whole = self.all.len() - self.decimals;
        let mut text = String::with_capacity(self.all.len() * 2);
        if self.negative {
            text.push(minus);
        }
        for (index, digit) in self.all.chars().enumerate() {
            if index == whole {
                text.push_str(point);
            } else if index > 0 && index < whole && (whole - index).is_multiple_of(3) {
                text.push_str(separator);
            }
            text.push(digit);
        }
        text
    }
}

/// Why something that was typed is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// Other characters than those of a number.
    NoNumber,
    /// More decimals than there may be.
    TooFine,
    /// Beyond any number that this page knows.
    TooLarge,
}

/// Reads a number with up to so many decimals, behind a point or a comma, as the whole number that it makes without it.
/// Spaces around it and a leading plus are forgiven, and so is a typographic minus; separators of thousands are not,
/// since they mean different things to different people.
pub(crate) fn parse(typed: &str, decimals: u8) -> Result<i128, Misread> {
    let typed = typed.trim();
    let (negative, number) = match typed.strip_prefix(['-', MINUS]) {
        Some(number) => (true, number),
        None => (false, typed.strip_prefix('+').unwrap_or(typed)),
    };
    let mut digits = String::new();
    let mut behind = None;
    for character in number.chars() {
        match character {
            '0'..='9' => {
                digits.push(character);
                behind = behind.map(|behind: u8| behind.saturating_add(1));
            }
            '.' | ',' if behind.is_none() && !digits.is_empty() => behind = Some(0),
            _ => return Err(Misread::NoNumber),
        }
    }
    if digits.is_empty() || behind == Some(0) {
        return Err(Misread::NoNumber);
    }
    let missing = decimals.checked_sub(behind.unwrap_or(0)).ok_or(Misread::TooFine)?;
    digits.extend((0..missing).map(|_| '0'));
    // All digits, so it can only fail by being too large.
    let magnitude: i128 = digits.parse().map_err(|_| Misread::TooLarge)?;
    Ok(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mantissa: i128, decimals: u8) -> Decimal {
        Decimal { mantissa, decimals }
    }

    fn mean(sum: i128, decimals: u8, count: u32) -> Option<String> {
        Digits::mean(of(sum, decimals), count).map(|digits| digits.for_people())
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(whole(0), "0");
        assert_eq!(whole(999), "999");
        assert_eq!(whole(1_000), "1,000");
        assert_eq!(whole(-1_234_567), "\u{2212}1,234,567");
        assert_eq!(whole(i128::MIN), "\u{2212}170,141,183,460,469,231,731,687,303,715,884,105,728");
    }

    #[test]
    fn a_language_has_separators_of_its_own() {
        language::tests::speak("de", language::tests::GERMAN, ".", ",");
        assert_eq!(whole(-1_234_567), "\u{2212}1.234.567");
        assert_eq!(mean(-5_000, 0, 4).as_deref(), Some("\u{2212}1.250,00"));
        let mean = Digits::mean(of(-5_000, 0), 4).unwrap();
        assert_eq!(mean.plain(), "-1250.00", "programs read it as ever");
        assert_eq!(parse(&mean.typed(), 2), Ok(-125_000), "and what is typed is read");
    }

    #[test]
    fn decimals_stand_behind_the_point() {
        assert_eq!(decimal(of(366, 1)), "36.6");
        assert_eq!(decimal(of(5, 3)), "0.005");
        assert_eq!(decimal(of(-1_234_567, 2)), "\u{2212}12,345.67");
        assert_eq!(decimal(of(0, 2)), "0.00");
        assert_eq!(Digits::of(of(-1_234_567, 2)).plain(), "-12345.67");
    }

    #[test]
    fn means_have_two_decimals_and_round_half_away_from_zero() {
        assert_eq!(mean(10, 0, 3).as_deref(), Some("3.33"));
        assert_eq!(mean(20, 0, 3).as_deref(), Some("6.67"));
        assert_eq!(mean(1, 0, 200).as_deref(), Some("0.01"));
        assert_eq!(mean(-1, 0, 200).as_deref(), Some("\u{2212}0.01"));
        assert_eq!(mean(-1, 0, 1_000).as_deref(), Some("0.00"));
        assert_eq!(mean(2_999, 0, 1_000).as_deref(), Some("3.00"));
        assert_eq!(mean(-5_000, 0, 4).as_deref(), Some("\u{2212}1,250.00"));
        let plain = Digits::mean(of(-5_000, 0), 4).map(|digits| digits.plain());
        assert_eq!(plain.as_deref(), Some("-1250.00"));
        assert_eq!(mean(1_101, 1, 3).as_deref(), Some("36.70"));
        assert_eq!(mean(1, 3, 3).as_deref(), Some("0.0003"));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let largest = Digits::mean(of(i128::MAX, 0), 1).map(|digits| digits.plain());
        assert_eq!(largest.as_deref(), Some("170141183460469231731687303715884105727.00"));
        assert!(mean(i128::MAX, 0, u32::MAX).is_some());
    }

    #[test]
    fn nobody_has_no_mean() {
        assert_eq!(mean(0, 0, 0), None);
    }

    #[test]
    fn floating_point_numbers_are_rounded() {
        let rounded = |value, decimals| Digits::rounded(value, decimals).for_people();
        assert_eq!(rounded(1.5811, 2), "1.58");
        assert_eq!(rounded(0.996, 2), "1.00");
        assert_eq!(rounded(33.4, 0), "33");
        assert_eq!(rounded(-0.001, 2), "0.00");
        assert_eq!(rounded(-1_234.5, 1), "\u{2212}1,234.5");
    }

    #[test]
    fn what_is_typed_is_read_exactly_behind_a_point_or_a_comma() {
        assert_eq!(parse("36.6", 1), Ok(366));
        assert_eq!(parse(" 36,6 ", 1), Ok(366));
        assert_eq!(parse("36", 1), Ok(360));
        assert_eq!(parse("+0.05", 2), Ok(5));
        assert_eq!(parse("\u{2212}0,5", 2), Ok(-50));
        assert_eq!(parse("007", 0), Ok(7));
        assert_eq!(parse("0.000000001", 9), Ok(1));
    }

    #[test]
    fn anything_else_is_no_number() {
        for typed in [
            "", "seven", "1e3", "0x7", "-", "+", "--1", "1 2", "٣", ".", ".5", "5.", "1.2.3",
            "1,000.0",
        ] {
            assert_eq!(parse(typed, 3), Err(Misread::NoNumber), "{typed}");
        }
    }

    #[test]
    fn no_digit_is_left_out_and_none_wraps_around() {
        // Whoever means a thousand by it shall not have said one.
        for typed in ["3.5", "3,0", "1,000"] {
            assert_eq!(parse(typed, 0), Err(Misread::TooFine), "{typed}");
        }
        assert_eq!(parse("36.65", 1), Err(Misread::TooFine));
        for typed in [
            "340282366920938463463374607431768211456",
            "-99999999999999999999999999999999999999999",
        ] {
            assert_eq!(parse(typed, 0), Err(Misread::TooLarge), "{typed}");
        }
    }
}
