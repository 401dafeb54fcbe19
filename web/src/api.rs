//! The hospital's status API, as far as the page needs it.
//!
//! Read through the browser's own JSON parser: it is there already, and a second one would weigh
//! more than the rest of this crate.

use js_sys::{Array, Reflect};
use wardsum_peer::Kept;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestCache, RequestInit, RequestMode, Response};

use crate::browser;

/// Where all studies are listed, and each below.
const STUDIES: &str = "/api/v1/studies";

/// How long the hospital may take to answer, in milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// One study as the hospital describes it before the page has connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StudySummary {
    /// What `?study=` names.
    pub(crate) id: String,
    /// The study digest of the current round, in hexadecimal digits: every round has its own.
    pub(crate) digest: String,
    /// A short title.
    pub(crate) title: String,
    /// Who asks.
    pub(crate) organisation: String,
    /// Whether it is for people with an invitation, which is good for one round.
    pub(crate) invited: bool,
    /// Where the current round stands.
    pub(crate) phase: RoundPhase,
    /// How many people at least must take part.
    pub(crate) minimum_cohort: u32,
    /// The published result of the current round, or of the one before it.
    pub(crate) latest: Option<PublishedResult>,
}

impl StudySummary {
    /// What is known of a study that was answered here before.
    pub(crate) fn of_kept(kept: &Kept) -> Self {
        let study = kept.study();
        Self {
            id: kept.study_id().to_owned(),
            digest: study.digest().to_string(),
            title: crate::text::of(study.title()),
            organisation: study.organisation().to_owned(),
            invited: !study.needs_comparison(),
            phase: RoundPhase::Open,
            minimum_cohort: study.minimum_cohort(),
            latest: None,
        }
    }

    /// Whether the current round takes answers of anybody and is another one than `done_with`, a study
    /// digest.
    pub(crate) fn is_open_after(&self, done_with: &str) -> bool {
        self.phase == RoundPhase::Open && self.digest != done_with && !self.invited
    }
}

/// A published result, as far as it can be told without knowing the study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublishedResult {
    /// How many answers it counts.
    pub(crate) count: u32,
    /// Their sum, of a study that asks for one number.
    pub(crate) sum: Option<i128>,
}

/// Where a round stands, as far as it matters to somebody who has not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundPhase {
    /// Answers are taken.
    Open,
    /// Answers are not taken any more; the result is being put together.
    Closing,
    /// It is over, with or without a result.
    Over,
}

/// Why the list of studies could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// No answer at all.
    Unreachable,
    /// The hospital is there, and does not let pages of this origin read its answers.
    OtherOrigin,
    /// An answer that this page does not understand, with its HTTP status.
    Unexpected(u16),
}

impl ApiError {
    /// A stable name, for tests.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "hospital-unreachable",
            Self::OtherOrigin => "page-not-allowed",
            Self::Unexpected(_) => "unexpected-answer",
        }
    }
}

/// Asks the hospital for its studies.
pub(crate) async fn studies() -> Result<Vec<StudySummary>, ApiError> {
    let (status, body) = fetch_json(STUDIES).await?;
    let unexpected = ApiError::Unexpected(status);
    let list = field(&body, "studies").filter(Array::is_array).ok_or(unexpected)?;
    Array::from(&list).iter().map(|study| summary(&study).ok_or(unexpected)).collect()
}

/// Asks the hospital for one of its studies.
pub(crate) async fn study(id: &str) -> Result<StudySummary, ApiError> {
    let path = format!("{STUDIES}/{}", js_sys::encode_uri_component(id));
    let (status, body) = fetch_json(&path).await?;
    summary(&body).ok_or(ApiError::Unexpected(status))
}

async fn fetch_json(path: &str) -> Result<(u16, JsValue), ApiError> {
    let hospital = browser::other_hospital();
    let address = format!("{}{path}", hospital.as_deref().unwrap_or_default());
    let Some(response) = fetch(&address, RequestMode::Cors).await else {
        // Without leave to read, which is as much as any page may ask of any server.
        let there = hospital.is_some() && fetch(&address, RequestMode::NoCors).await.is_some();
        return Err(if there { ApiError::OtherOrigin } else { ApiError::Unreachable });
    };
    let status = response.status();
    // What a proxy answers when the hospital behind it is away.
    if matches!(status, 500 | 502..=504) {
        return Err(ApiError::Unreachable);
    }
    let unexpected = ApiError::Unexpected(status);
    if !response.ok() {
        return Err(unexpected);
    }
    let body =
        JsFuture::from(response.json().map_err(|_| unexpected)?).await.map_err(|_| unexpected)?;
    Ok((status, body))
}

async fn fetch(address: &str, mode: RequestMode) -> Option<Response> {
    let init = RequestInit::new();
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    init.set_cache(RequestCache::NoStore);
    init.set_mode(mode);
    let response = web_sys::window()?.fetch_with_str_and_init(address, &init);
    JsFuture::from(response).await.ok()?.dyn_into().ok()
}

fn summary(study: &JsValue) -> Option<StudySummary> {
    let current = field(study, "result").as_ref().and_then(published);
    let previous = field(study, "previous")
        .filter(Array::is_array)
        .and_then(|list| Array::from(&list).iter().last())
        .as_ref()
        .and_then(published);
    Some(StudySummary {
        id: text(study, "id")?,
        digest: text(study, "digest")?,
        title: text(study, "title")?,
        organisation: text(study, "organisation")?,
        invited: text(study, "admission").as_deref() == Some("invited"),
        phase: match text(study, "phase")?.as_str() {
            "enrolling" | "contributing" => RoundPhase::Open,
            "verifying" | "aggregating" => RoundPhase::Closing,
            _ => RoundPhase::Over,
        },
        minimum_cohort: whole(study, "minimum_cohort")?,
        latest: current.or(previous),
    })
}

fn published(result: &JsValue) -> Option<PublishedResult> {
    Some(PublishedResult {
        count: whole(result, "count")?,
        sum: text(result, "sum").and_then(|sum| sum.parse().ok()),
    })
}

fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &JsValue::from_str(name))
        .ok()
        .filter(|value| !value.is_null() && !value.is_undefined())
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    field(object, name)?.as_string()
}

fn whole(object: &JsValue, name: &str) -> Option<u32> {
    let number = field(object, name)?.as_f64()?;
    // Counts of people and rounds: the check makes the conversion exact.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked in the same expression"
    )]
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number))
        .then_some(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_round_that_takes_answers_is_open_after_one() {
        let of = |digest: &str, phase| StudySummary {
            id: "pain".to_owned(),
            digest: digest.to_owned(),
            title: "Pain".to_owned(),
            organisation: "Ward 7".to_owned(),
            invited: false,
            phase,
            minimum_cohort: 3,
            latest: None,
        };
        let open = of("0b", RoundPhase::Open);
        assert!(open.is_open_after("0a"));
        let invited = StudySummary { invited: true, ..open };
        assert!(
            !invited.is_open_after("0a"),
            "whoever has been in one round is invited to no other"
        );
        assert!(!of("0a", RoundPhase::Open).is_open_after("0a"), "the same round");
        for phase in [RoundPhase::Closing, RoundPhase::Over] {
            assert!(!of("0b", phase).is_open_after("0a"), "{phase:?}");
        }
    }
}
