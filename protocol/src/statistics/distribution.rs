//! Standard deviations and quartiles.

/// How many people are how far above the smallest value.
pub(super) struct Distribution(Vec<(u128, u32)>);

impl Distribution {
    /// These distances with the number of people at each; `None` if one of the numbers is not known, or if the people
    /// are too many to be counted.
    pub(super) fn new(all: impl Iterator<Item = (u128, Option<u32>)>) -> Option<Self> {
        let mut known: Vec<(u128, u32)> = Vec::new();
        for (distance, people) in all {
            // They come nearly in order, and to sort them otherwise would be kilobytes of the page.
            let place = known.iter().rposition(|(other, _)| *other <= distance);
            known.insert(place.map_or(0, |place| place + 1), (distance, people?));
        }
        known.iter().try_fold(0_u32, |sum, (_, people)| sum.checked_add(*people))?;
        Some(Self(known))
    }

    pub(super) fn people(&self) -> u32 {
        self.0.iter().map(|(_, people)| people).sum()
    }

    /// The sum of all distances. They are below 2^32, those of options with values, and so it fits.
    pub(super) fn sum(&self) -> u128 {
        self.0.iter().map(|(distance, people)| distance * u128::from(*people)).sum()
    }

    /// The sum of the squares of all distances, below 2^96.
    pub(super) fn squares(&self) -> u128 {
        self.0.iter().map(|(distance, people)| distance * distance * u128::from(*people)).sum()
    }

    /// The two distances in whose middle each quartile lies, which are often the same; `None` if there is nobody.
    ///
    /// Type 2 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996),
    /// 361-365; the averaged inverse of the empirical distribution function, definition 5 of SAS.
    pub(super) fn quartiles(&self) -> Option<[(u128, u128); 3]> {
        let people = u64::from(self.people());
        // Of how many quarters of all people, the rank of the last one within and the first one beyond.
        let quartile = |quarters: u64| {
            let within = (people * quarters).div_ceil(4);
            let beyond = people * quarters / 4 + 1;
            Some((self.ranked(within)?, self.ranked(beyond)?))
        };
        Some([quartile(1)?, quartile(2)?, quartile(3)?])
    }

    /// The distance of this rank, from 1 on.
    fn ranked(&self, rank: u64) -> Option<u128> {
        let mut below = 0;
        let found = self.0.iter().find(|(_, people)| {
            below += u64::from(*people);
            below >= rank
        });
        found.map(|(distance, _)| *distance)
    }
}

/// The standard deviation of a sample of so many `people` with this `sum` and sum of `squares`; `None` for fewer than two,
/// and if no numbers have both.
///
/// With `sum = q * n + r`, the squared distances from the whole number `q` come to
/// `squares - q * sum - q * r`, and those from the mean to `r^2 / n` less. All of that is exact and never less than zero,
/// and `q * sum` is at most `squares` (Cauchy and Schwarz), so that nothing leaves 128 bits, and nothing cancels out
/// after it was rounded: the textbook's `n * squares - sum^2` would do the former, and `squares / n - mean^2` the latter.
pub(super) fn deviation(people: u32, sum: u128, squares: u128) -> Option<f64> {
    if people < 2 {
        return None;
    }
    let n = u128::from(people);
    let (q, r) = (sum / n, sum % n);
    let from_q = squares.checked_sub(q.checked_mul(sum)?)?.checked_sub(q.checked_mul(r)?)?;
    // `r` is below `n`, which has 32 bits. What is taken off is a whole number and `rest / n`.
    let (whole, rest) = (r * r / n, r * r % n);
    let borrowed = u128::from(rest > 0);
    let whole = from_q.checked_sub(whole + borrowed)?;
    let part = float(borrowed * n - rest) / float(n);
    Some(((float(whole) + part) / float(n - 1)).sqrt())
}

fn float(number: u128) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rounds to the nearest")]
    let float = number as f64;
    float
}
