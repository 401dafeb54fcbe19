//! Requests that are refused: a status, and a JSON object whose `error` says why and what to do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::TokenRefused;
use crate::commands::{CommandRefused, Happened};
use crate::store::StoreError;
use crate::studies::StudiesError;
use crate::studies::definition::Problem;
use crate::transcripts::TranscriptFault;

/// A request that is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    body: Box<ErrorJson>,
    headers: HeaderMap,
}

/// Why a request was refused.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct ErrorJson {
    /// Why, and what to do, for people.
    error: String,
    /// With status 422: everything that is wrong with what was sent, each at its field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    /// With status 409, where a round is not where it was thought to be: what was done to it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    happened: Option<Happened>,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let body = Box::new(ErrorJson { error: error.into(), ..ErrorJson::default() });
        Self { status, body, headers: HeaderMap::new() }
    }

    /// What was sent is not right, for these reasons.
    pub(super) fn problems(problems: Vec<Problem>) -> Self {
        let text = "what was sent is not right; `problems` says what and where";
        let mut refused = Self::new(StatusCode::UNPROCESSABLE_ENTITY, text);
        refused.body.problems = problems;
        refused
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Too much was asked; another try makes sense after so long.
    pub(super) fn wait(error: impl Into<String>, wait: std::time::Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, error)
            .with(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, self.headers, Json(self.body)).into_response()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        // Where the data directory is is not said over the network; the log has it.
        let text = if error.is_temporary() {
            "the hospital's store does not work at the moment; try again later"
        } else {
            "the hospital's store does not give what was asked for; its log says why"
        };
        tracing::warn!(%error, "a request failed: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

impl From<TranscriptFault> for Refused {
    fn from(fault: TranscriptFault) -> Self {
        match fault {
            TranscriptFault::Store(error) => error.into(),
            fault => Self::new(StatusCode::NOT_FOUND, fault.to_string()),
        }
    }
}

impl From<TokenRefused> for Refused {
    /// RFC 6750, section 3: which kind of token is wanted, and what is wrong with the one that came.
    fn from(refused: TokenRefused) -> Self {
        let text = refused.to_string();
        let challenge = match refused {
            TokenRefused::TooMany(wait) => return Self::wait(text, wait),
            TokenRefused::Missing => "Bearer realm=\"wardsum\"",
            TokenRefused::Unknown | TokenRefused::Expired { .. } | TokenRefused::Revoked { .. } => {
                "Bearer realm=\"wardsum\", error=\"invalid_token\""
            }
        };
        Self::new(StatusCode::UNAUTHORIZED, text)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }
}

impl From<CommandRefused> for Refused {
    fn from(refused: CommandRefused) -> Self {
        let text = refused.to_string();
        match refused {
            CommandRefused::UnknownStudy(_) => Self::new(StatusCode::NOT_FOUND, text),
            CommandRefused::NotNow { happened, .. } => {
                let mut refused = Self::new(StatusCode::CONFLICT, text);
                refused.body.happened = happened;
                refused
            }
            CommandRefused::NotAllowed(_) => Self::new(StatusCode::CONFLICT, text),
            CommandRefused::Suspended(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, text),
            CommandRefused::NotAudited(error) => error.into(),
        }
    }
}

impl From<StudiesError> for Refused {
    fn from(error: StudiesError) -> Self {
        let text = error.to_string();
        match error {
            StudiesError::Problems(problems) => Self::problems(problems),
            StudiesError::Exists(_) | StudiesError::Conflict(_) => {
                Self::new(StatusCode::CONFLICT, text)
            }
            StudiesError::Unknown(_) => Self::new(StatusCode::NOT_FOUND, text),
            StudiesError::Store(error) => error.into(),
            StudiesError::Open(error) => {
                tracing::warn!(%error, "a study could not be opened: {error}");
                let text = "the study could not be opened, and is a draft; try again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        }
    }
}
