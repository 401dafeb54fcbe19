//! What the person at the hospital's terminal is told, in plain sentences.
//!
//! Announcements are for people and logs are for operators; both are made where the thing happens.
//! The library prints nothing: whoever runs it says where announcements go.

use std::fmt;
use std::sync::Arc;

use wardsum_protocol::EndReason;

use crate::result_json::ResultJson;
use crate::round_task::RoundLabel;

/// Something that the person at the terminal wants to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Announcement {
    /// A new round of a study is open.
    RoundOpened {
        /// Which.
        label: RoundLabel,
    },
    /// A round that a process before this one had opened goes on.
    RoundResumed {
        /// Which.
        label: RoundLabel,
    },
    /// A round was published.
    Published {
        /// Which.
        label: RoundLabel,
        /// What the hospital, and everybody else, has learnt.
        result: ResultJson,
    },
    /// A round ended without a result.
    Ended {
        /// Which.
        label: RoundLabel,
        /// Why.
        reason: EndReason,
    },
    /// A round ended without a result, by a fault in the hospital's program or data.
    Failed {
        /// Which.
        label: RoundLabel,
    },
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoundOpened { label } => {
                write!(f, "Open: study \"{}\", round {}", label.study, label.number)
            }
            Self::RoundResumed { label } => {
                write!(f, "Goes on: study \"{}\", round {}", label.study, label.number)
            }
            Self::Published { label, result } => {
                write!(f, "Published: {result} (study \"{}\", round {})", label.study, label.number)
            }
            Self::Ended { label, reason } => write!(
                f,
                "Ended without a result: {reason} (study \"{}\", round {})",
                label.study, label.number,
            ),
            Self::Failed { label } => write!(
                f,
                "Failed: the hospital's program or data is at fault, see its log (study \"{}\", round {})",
                label.study, label.number,
            ),
        }
    }
}

/// Where announcements go.
#[derive(Clone)]
pub struct Announce(Arc<dyn Fn(&Announcement) + Send + Sync>);

impl Announce {
    /// Calls `hear` with each announcement. It is called on the tasks that serve people: be quick.
    pub fn to(hear: impl Fn(&Announcement) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Nobody is told.
    #[must_use]
    pub fn nobody() -> Self {
        Self::to(|_| {})
    }

    pub(crate) fn say(&self, announcement: &Announcement) {
        (self.0)(announcement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_one_plain_line() {
        let label = RoundLabel { study: "pain-scale".parse().unwrap(), number: 1 };
        let (sum, mean) = (Some("17".to_owned()), Some(17.0 / 3.0));
        let result = ResultJson { count: 3, cells: Vec::new(), sum, mean };
        assert_eq!(
            Announcement::Published { label, result }.to_string(),
            "Published: sum 17 over 3 answers, mean 5.67 (study \"pain-scale\", round 1)"
        );
    }
}
