//! Decimal numbers as they are written: `0.1` is a tenth, never the binary number next to it.

use core::fmt;

use serde::{Serialize, Serializer};

/// The most digits that are read, besides the exponent: what an `i128` holds.
const DIGITS_MAX: usize = 38;

/// `mantissa` times ten to the power of `-decimals`. How many decimals were written is kept: `1.0` has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) mantissa: i128,
    pub(super) decimals: u8,
}

impl Decimal {
    pub(super) fn new(mantissa: i128, decimals: u8) -> Self {
        Self { mantissa, decimals }
    }

    /// Reads `-12`, `0.50`, `1e-3`; `None` if it is none, or has more than 38 digits in all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix(['-', '+']) {
            Some(rest) => (digits.starts_with('-'), rest),
            None => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let some = !whole.is_empty() && (digits.len() == whole.len() || !fraction.is_empty());
        if !some || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let joined = format!("{whole}{fraction}");
        let joined = joined.trim_start_matches('0');
        if joined.len() > DIGITS_MAX {
            return None;
        }
        let mut mantissa: i128 = if joined.is_empty() { 0 } else { joined.parse().ok()? };
        if negative {
            mantissa = -mantissa;
        }
        let decimals = i32::try_from(fraction.len()).ok()? - i32::from(exponent);
        if decimals < 0 {
            let power = 10_i128.checked_pow(decimals.unsigned_abs());
            mantissa = if mantissa == 0 { 0 } else { mantissa.checked_mul(power?)? };
        }
        Some(Self { mantissa, decimals: u8::try_from(decimals.max(0)).ok()? })
    }

    /// The whole number that it is, if it is one.
    pub(super) fn whole(self) -> Option<i128> {
        self.multiple_of(Self::new(1, 0))
    }

    /// How many times `step` it is, if it is a multiple.
    pub(super) fn multiple_of(self, step: Self) -> Option<i128> {
        let (up, down) = if self.decimals >= step.decimals {
            (0, self.decimals - step.decimals)
        } else {
            (step.decimals - self.decimals, 0)
        };
        let scaled =
            |mantissa: i128, by: u8| mantissa.checked_mul(10_i128.checked_pow(u32::from(by))?);
        let (number, step) = (scaled(self.mantissa, up)?, scaled(step.mantissa, down)?);
        (number.checked_rem(step)? == 0).then(|| number / step)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.decimals);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = format!("{:0>1$}", self.mantissa.unsigned_abs(), decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

impl Serialize for Decimal {
    /// A number where it is written with the same digits, which a number of JSON and TOML is up to 15 digits; the digits
    /// as a text otherwise, which is read just as well.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_string();
        if self.decimals == 0
            && let Ok(whole) = i64::try_from(self.mantissa)
        {
            return serializer.serialize_i64(whole);
        }
        match text.parse::<f64>() {
            Ok(number)
                if self.decimals > 0 && text.len() <= 16 && format!("{number:?}") == text =>
            {
                serializer.serialize_f64(number)
            }
            _ => serializer.serialize_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_as_they_are_written() {
        for (text, mantissa, decimals) in [
            ("0", 0, 0),
            ("-12", -12, 0),
            ("+7", 7, 0),
            ("0.1", 1, 1),
            ("-0.50", -50, 2),
            ("1e3", 1_000, 0),
            ("1.5E-3", 15, 4),
            ("0.1000000000000000055", 1_000_000_000_000_000_055, 19),
            (
                "12345678901234567890123456789012345678",
                12_345_678_901_234_567_890_123_456_789_012_345_678,
                0,
            ),
        ] {
            assert_eq!(Decimal::parse(text), Some(Decimal::new(mantissa, decimals)), "{text}");
        }
        for text in [
            "",
            "-",
            ".5",
            "1.",
            "1,5",
            "inf",
            "nan",
            "1e",
            "1e999999",
            "0x10",
            "1_000",
            " 1",
            "--1",
            "123456789012345678901234567890123456789",
            "1e38000",
            "1e-300",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn multiples_are_told_exactly() {
        let multiple = |number: &str, step: &str| {
            Decimal::parse(number).unwrap().multiple_of(Decimal::parse(step).unwrap())
        };
        assert_eq!(multiple("0.3", "0.1"), Some(3));
        assert_eq!(multiple("35.0", "0.5"), Some(70));
        assert_eq!(multiple("42", "0.5"), Some(84));
        assert_eq!(multiple("0.3", "0.2"), None);
        assert_eq!(multiple("1.0", "1"), Some(1));
        assert_eq!(multiple("1", "0"), None);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in [
            "0.1",
            "-0.05",
            "35.5",
            "1.0",
            "0.50",
            "0.0000001",
            "123456789012345.25",
            "-9",
            "170141183460469231731",
        ] {
            let decimal = Decimal::parse(text).unwrap();
            assert_eq!(decimal.to_string(), text);
            let json = serde_json::to_string(&decimal).unwrap();
            assert_eq!(Decimal::parse(json.trim_matches('"')), Some(decimal), "{json}");
        }
        assert_eq!(serde_json::to_string(&Decimal::parse("35.5").unwrap()).unwrap(), "35.5");
        assert_eq!(serde_json::to_string(&Decimal::parse("0.50").unwrap()).unwrap(), "\"0.50\"");
    }
}
