//! Which view is shown. It stands behind the `#` of the address, which no server sees, so that going back works.

use core::fmt;

/// A view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    /// All studies.
    #[default]
    Studies,
    /// A study that is being made.
    New,
    /// One study, by its id.
    Study(String),
    /// What a round of it has found out.
    Results {
        /// The study's id.
        study: String,
        /// The round's number; the last one that is over if there is none.
        round: Option<u32>,
    },
    /// The audit log.
    Audit,
}

impl Route {
    /// The view of an address; `None` if it only leads to a part of the view that is shown.
    pub(crate) fn of(hash: &str) -> Option<Self> {
        let hash = hash.strip_prefix('#').unwrap_or(hash);
        if hash.is_empty() {
            return Some(Self::Studies);
        }
        let mut parts = hash.strip_prefix('/')?.split('/');
        let id = |part: Option<&str>| part.filter(|id| is_id(id)).map(str::to_owned);
        let route = match parts.next().unwrap_or_default() {
            "new" => Self::New,
            "audit" => Self::Audit,
            "study" => match id(parts.next()) {
                Some(study) => Self::Study(study),
                None => Self::Studies,
            },
            "results" => match id(parts.next()) {
                Some(study) => Self::Results {
                    study,
                    round: parts.next().and_then(|round| round.parse().ok()),
                },
                None => Self::Studies,
            },
            _ => Self::Studies,
        };
        Some(route)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Studies => f.write_str("#/"),
            Self::New => f.write_str("#/new"),
            Self::Study(id) => write!(f, "#/study/{id}"),
            Self::Results { study, round: None } => write!(f, "#/results/{study}"),
            Self::Results { study, round: Some(round) } => write!(f, "#/results/{study}/{round}"),
            Self::Audit => f.write_str("#/audit"),
        }
    }
}

/// Whether it can be a study's id, and so stand in an address as it is.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_has_an_address_that_leads_back_to_it() {
        let id = || "pain-2".to_owned();
        for route in [
            Route::Studies,
            Route::New,
            Route::Study(id()),
            Route::Results { study: id(), round: None },
            Route::Results { study: id(), round: Some(3) },
            Route::Audit,
        ] {
            assert_eq!(Route::of(&route.to_string()), Some(route));
        }
    }

    #[test]
    fn what_is_no_address_of_a_view_leads_to_the_studies_or_nowhere() {
        assert_eq!(Route::of("#main"), None, "the link past the navigation");
        for odd in ["", "#", "#/nothing", "#/study/", "#/study/../x", "#/study/A%20b", "#/results"]
        {
            assert_eq!(Route::of(odd), Some(Route::Studies), "{odd}");
        }
    }
}
