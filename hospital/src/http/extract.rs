//! What requests bring along, refused in JSON where it is not right.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refused::Refused;
use crate::questionnaires::FILE_MAX;
use crate::studies::definition::Problem;

/// A body of any kind, as it came.
pub(super) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                let text = format!("this is too long; a file may have {FILE_MAX} bytes");
                Refused::new(StatusCode::PAYLOAD_TOO_LARGE, text)
            }
            other => Refused::new(StatusCode::BAD_REQUEST, other.to_string()),
        })
    }
}

/// A body in JSON.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let named = request.headers().get(header::CONTENT_TYPE);
        let named = named.and_then(|named| named.to_str().ok()).unwrap_or_default();
        let media = named.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            let text = "send JSON, and say so with `Content-Type: application/json`";
            return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let Body(bytes) = Body::from_request(request, state).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            // Where it ends to be JSON, and nothing of what stands there.
            let (line, column) = (error.line(), error.column());
            let text = format!("this is not JSON: see line {line}, column {column}");
            Refused::new(StatusCode::BAD_REQUEST, text)
        })?;
        let read = serde_path_to_error::deserialize(whole_numbers(value));
        read.map(Self).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { "" } else { &path };
            Refused::problems(vec![Problem::new(field, error.inner().to_string())])
        })
    }
}

/// Writes numbers like 3.0 as 3: to JSON Schema, and to JavaScript, they are the same.
fn whole_numbers(value: Value) -> Value {
    /// 2^53, up to which every whole number is one that a float can have.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
                let whole = float as i64;
                whole.into()
            }
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(whole_numbers).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, whole_numbers(value))).collect()
        }
        other => other,
    }
}

/// The study's id in a path.
pub(super) struct IdOf(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for IdOf {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(rejection) => Err(Refused::new(StatusCode::BAD_REQUEST, rejection.body_text())),
        }
    }
}

/// What stands behind the path.
pub(super) struct QueryOf<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Refused::new(StatusCode::BAD_REQUEST, rejection.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let given: Value =
            serde_json::from_str("[3.0, -0.0, 1e3, 2.5, {\"a\": [7.0]}, 1e300]").unwrap();
        let expected = json!([3, 0, 1_000, 2.5, { "a": [7] }, 1e300]);
        assert_eq!(whole_numbers(given).to_string(), expected.to_string());
    }
}
