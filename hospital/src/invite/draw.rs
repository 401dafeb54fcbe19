//! Who may serve on the committee is drawn at random, with the operating system's randomness.

/// `chosen` of `count`, all choices being equally likely.
///
/// # Panics
///
/// If there are fewer than `chosen`.
pub(super) fn choose(count: u32, chosen: u32) -> Result<Vec<bool>, getrandom::Error> {
    assert!(chosen <= count, "as many can be chosen as there are");
    let mut drawn = vec![false; count as usize];
    drawn[..chosen as usize].fill(true);
    // Fisher and Yates' shuffle.
    for last in (1..count).rev() {
        drawn.swap(last as usize, below(last + 1)? as usize);
    }
    Ok(drawn)
}

/// A random number below `bound`.
fn below(bound: u32) -> Result<u32, getrandom::Error> {
    let whole = u32::MAX - u32::MAX % bound;
    loop {
        // What is left beyond whole multiples would make small numbers likelier.
        let number = getrandom::u32()?;
        if number < whole {
            return Ok(number % bound);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use wardsum_protocol::{Authority, Study};

    use super::*;
    use crate::studies_file::{StudiesFile, admission_table};

    /// A study of this authority.
    pub(in crate::invite) fn study(authority: &Authority) -> Study {
        let admission = admission_table(authority.key().as_bytes(), &[3; 16]);
        let text = format!(
            "[[study]]\nid = \"pain\"\ntitle = \"Pain & more\"\norganisation = \"<Ward>\"\n\
             question = \"?\"\nmin = 0\nmax = 1\n[study.enrolment]\n{admission}"
        );
        let file = StudiesFile::parse(&text, Path::new("test")).unwrap();
        Study::new(file.plans[0].parameters().clone()).unwrap()
    }

    #[test]
    fn as_many_are_chosen_as_were_asked_for() {
        for (count, chosen) in [(1, 0), (1, 1), (7, 3), (1_000, 999), (100_000, 64)] {
            let drawn = choose(count, chosen).unwrap();
            assert_eq!(drawn.len(), count as usize);
            assert_eq!(drawn.iter().filter(|chosen| **chosen).count(), chosen as usize);
        }
    }

    /// Of 3,000 draws of 2 out of 6 everybody is in a third, give or take six standard deviations (25.8).
    #[test]
    fn everybody_is_chosen_as_often_as_others() {
        let mut often = [0_u32; 6];
        for _ in 0..3_000 {
            for (times, chosen) in often.iter_mut().zip(choose(6, 2).unwrap()) {
                *times += u32::from(chosen);
            }
        }
        assert!(often.iter().all(|times| (845..=1_155).contains(times)), "{often:?}");
    }
}
