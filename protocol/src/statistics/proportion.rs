//! Shares of people.

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A share of people, and between which bounds it may well lie in all those of whom they are a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// The share itself, `0.0..=1.0`.
    pub share: f64,
    /// The lower bound of the 95 % interval.
    pub lower: f64,
    /// The upper bound of the 95 % interval.
    pub upper: f64,
}

impl Proportion {
    /// `people` of so many; `None` if there are none or not that many.
    ///
    /// Wilson's score interval without correction for continuity: with `x` of `n` people and `z` = 1.96, its bounds are
    /// `(2x + z^2 -+ z * sqrt(z^2 + 4x(n - x)/n)) / (2(n + z^2))`. E. B. Wilson, "Probable Inference, the Law of
    /// Succession, and Statistical Inference", Journal of the American Statistical Association 22 (1927), 209-212;
    /// recommended for small samples by Brown, Cai and `DasGupta`, "Interval Estimation for a Binomial Proportion",
    /// Statistical Science 16 (2001), 101-133.
    #[must_use]
    pub fn of(people: u32, of: u32) -> Option<Self> {
        let others = of.checked_sub(people).filter(|_| of > 0)?;
        let (x, y, n) = (f64::from(people), f64::from(others), f64::from(of));
        let root = Z * (Z * Z + 4.0 * x * y / n).sqrt();
        // The product of the bounds is `x^2 / (n * (n + z^2))`: divided by the upper bound, nothing cancels out, and of
        // nobody the lower one is zero. The upper one is one less the lower one of all others.
        let lower = |x: f64| 2.0 * x * x / (n * (2.0 * x + Z * Z + root));
        Some(Self { share: x / n, lower: lower(x), upper: 1.0 - lower(y) })
    }
}
