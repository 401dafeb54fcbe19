//! What stays of a round that is over: its result, and whether it counts the answer of this tab.
//!
//! The keys, the shares and the answer are erased by then. None of this is a secret: the hospital
//! publishes the study and the result, and that somebody has answered is all that is left of the patient, with the
//! receipt that says so. It lies
//! in the tab's `sessionStorage`, so that it goes with the tab: nobody who opens the page next on a
//! shared device sees it.

use std::fmt::Write;

use js_sys::Date;
use wardsum_protocol::peer::OwnAnswer;
use wardsum_protocol::verdict::Rejection;
use wardsum_protocol::{Aggregate, Study};

use crate::ownership::session;
use crate::storage::hex_bytes;

/// The key in `sessionStorage`.
const OUTCOME: &str = "wardsum:outcome";

/// How long an outcome is kept in a tab that stays open, in milliseconds: a week.
pub const OUTCOME_KEPT_MS: u32 = 7 * 24 * 60 * 60 * 1_000;

/// How the round ended that this tab has answered in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which study at the hospital, as in `/ws/STUDY`.
    pub study_id: String,
    /// The study, which says what the numbers are about. Its digest names the round.
    pub study: Study,
    /// What was published, as this tab's peer has checked it.
    pub aggregate: Aggregate,
    /// How many answers came and were not counted.
    pub rejected: u32,
    /// Whether it counts the answer that was given here.
    pub own: OwnAnswer,
    /// The receipt, if an answer was given here ([`PeerHandle::receipt`](crate::PeerHandle::receipt)).
    pub receipt: Option<String>,
}

impl Outcome {
    /// How this tab's last round has ended; `None` if none has, if it was more than
    /// [`OUTCOME_KEPT_MS`] ago, or if the browser keeps nothing.
    #[must_use]
    pub fn of_this_tab() -> Option<Self> {
        let written = session().ok()?.get_item(OUTCOME).ok()??;
        let outcome = Self::parse(&written, now_ms());
        if outcome.is_none() {
            forget();
        }
        outcome
    }

    pub(crate) fn remember(&self) {
        if let Ok(session) = session() {
            // Without it the page shows after a reload what it shows to everybody.
            let _ = session.set_item(OUTCOME, &self.write(now_ms()));
        }
    }

    fn write(&self, now_ms: i128) -> String {
        let Self { study_id, study, aggregate: Aggregate { count, cells }, rejected, own, receipt } =
            self;
        let until = now_ms + i128::from(OUTCOME_KEPT_MS);
        let own = OWN_ANSWERS.iter().position(|known| known == own).unwrap_or_default();
        let mut written = format!("{until} {count} {rejected} {own} {study_id}\n");
        for byte in study.encode() {
            // Writing to a string cannot fail.
            let _ = write!(written, "{byte:02x}");
        }
        written.push('\n');
        for cell in cells.iter() {
            let _ = match cell {
                Some(number) => write!(written, "{number} "),
                None => write!(written, "{SUPPRESSED} "),
            };
        }
        written.push('\n');
        written.push_str(receipt.as_deref().unwrap_or_default());
        written
    }

    /// Reads what [`Outcome::write`] wrote, unless its time is over.
    fn parse(written: &str, now_ms: i128) -> Option<Self> {
        let mut lines = written.splitn(4, '\n');
        let mut parts = lines.next()?.splitn(5, ' ');
        let mut number = || parts.next()?.parse::<i128>().ok();
        let (until, count, rejected, own) = (number()?, number()?, number()?, number()?);
        let own = *OWN_ANSWERS.get(usize::try_from(own).ok()?)?;
        let (count, rejected) = (u32::try_from(count).ok()?, u32::try_from(rejected).ok()?);
        let study_id = parts.next()?.to_owned();
        let study = Study::decode_current(&hex_bytes(lines.next()?)?).ok()?;
        let cells = lines.next()?.split_ascii_whitespace().map(|cell| match cell {
            SUPPRESSED => Some(None),
            number => number.parse().ok().map(Some),
        });
        let aggregate = Aggregate { count, cells: cells.collect::<Option<_>>()? };
        if aggregate.cells.len() != study.questionnaire().output_len() {
            return None;
        }
        let receipt = lines.next().filter(|receipt| !receipt.is_empty()).map(str::to_owned);
        (now_ms < until).then_some(Self { study_id, study, aggregate, rejected, own, receipt })
    }
}

/// What is written in the place of a number that is not published.
const SUPPRESSED: &str = "-";

/// What can become of an answer, by the number that is written down.
const OWN_ANSWERS: [OwnAnswer; 5] = [
    OwnAnswer::None,
    OwnAnswer::Counted,
    OwnAnswer::NotCounted,
    OwnAnswer::Rejected(Rejection::Invalid),
    OwnAnswer::Rejected(Rejection::Disputed),
];

/// Erases what this tab knows of its last round.
pub(crate) fn forget() {
    if let Ok(session) = session() {
        // Refused only where nothing could be written.
        let _ = session.remove_item(OUTCOME);
    }
}

/// Milliseconds since 1970, by this device's clock.
fn now_ms() -> i128 {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far below 2^53")]
    let now = Date::now() as i128;
    now
}

#[cfg(test)]
mod tests {
    use wardsum_protocol::form::{Form, Kind};

    use super::*;

    const NOW_MS: i128 = 1_800_000_000_000;

    /// The sum of one number is shown, and that of its squares is not.
    fn outcome() -> Outcome {
        let mut form = Form::number("How strong is your pain?", "points", 0, 10);
        let Kind::Number(number) = &mut form.sections[0].items[0].kind else {
            unreachable!("a number is asked for")
        };
        number.squares.0 = true;
        let study = crate::study::study_of(form);
        Outcome {
            study_id: "pain scale".to_owned(),
            study,
            aggregate: Aggregate { count: 3, cells: [Some(12), None].into() },
            rejected: 2,
            own: OwnAnswer::Counted,
            receipt: Some("wardsum receipt 1\nstudy: Sleep well\n".to_owned()),
        }
    }

    // The same tests natively and in a browser.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_is_written_is_read_until_its_time_is_over() {
        let without = Outcome { receipt: None, ..outcome() };
        let outcomes = OWN_ANSWERS.map(|own| Outcome { own, ..outcome() });
        for outcome in outcomes.into_iter().chain([without]) {
            let written = outcome.write(NOW_MS);
            let end = NOW_MS + i128::from(OUTCOME_KEPT_MS);
            assert_eq!(Outcome::parse(&written, end - 1), Some(outcome));
            assert_eq!(Outcome::parse(&written, end), None);
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn anything_else_is_nothing() {
        let written = outcome().write(NOW_MS);
        let one_cell_less = written.replace("12 - ", "12 ");
        let negative = written.replace("12 - ", "-12 - ");
        let no_study = written.replace("5061696e", "");
        let earlier = format!("{NOW_MS}1 3 12 2 1 {} pain\nreceipt", "a5".repeat(32));
        for bad in ["", "1", &one_cell_less, &negative, &no_study, &earlier] {
            assert_eq!(Outcome::parse(bad, NOW_MS), None, "{bad}");
        }
    }
}
