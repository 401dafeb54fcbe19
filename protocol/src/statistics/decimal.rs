//! Numbers as people write them.

use core::fmt;

/// A decimal number: `mantissa` times ten to the power of `-decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All of its digits.
    pub mantissa: i128,
    /// How many of them stand behind the point, up to ten.
    pub decimals: u8,
}

impl Decimal {
    /// The nearest floating-point number, or where the mantissa has more than 53 bits one next to it.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        float(self.mantissa) / float(self.denominator())
    }

    /// It over so many people; `None` if there are none.
    pub(super) fn over(self, people: u32) -> Option<f64> {
        let denominator = self.denominator() * i128::from(people);
        (people > 0).then(|| float(self.mantissa) / float(denominator))
    }

    /// The number in the middle between two of as many decimals, with one more.
    pub(super) fn halfway(a: Self, b: Self) -> Option<Self> {
        if a == b {
            return Some(a);
        }
        let mantissa = a.mantissa.checked_add(b.mantissa)?.checked_mul(5)?;
        Some(Self { mantissa, decimals: a.decimals + 1 }.shortened())
    }

    /// Without a last zero behind the point.
    fn shortened(self) -> Self {
        if self.decimals > 0 && self.mantissa % 10 == 0 {
            return Self { mantissa: self.mantissa / 10, decimals: self.decimals - 1 };
        }
        self
    }

    fn denominator(self) -> i128 {
        10_i128.pow(self.decimals.into())
    }
}

impl fmt::Display for Decimal {
    /// All digits, with a point and without an exponent: `-0.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.decimals);
        let digits = self.mantissa.unsigned_abs();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if decimals == 0 {
            return write!(f, "{sign}{digits}");
        }
        let denominator = self.denominator().unsigned_abs();
        let (whole, behind) = (digits / denominator, digits % denominator);
        write!(f, "{sign}{whole}.{behind:0decimals$}")
    }
}

fn float(number: i128) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rounds to the nearest")]
    let float = number as f64;
    float
}
