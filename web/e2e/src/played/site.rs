//! The built page, and the list of studies that it asks for.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use wardsum_hospital::result_json::ResultJson;
use wardsum_protocol::round::Round;

use super::STUDY;

/// The files of the built page.
pub(crate) struct Site {
    files: HashMap<String, Vec<u8>>,
}

impl Site {
    /// Reads them from a directory.
    pub(crate) fn load(page: &Path) -> Result<Self> {
        let mut files = HashMap::new();
        read_into(&mut files, page, "")?;
        Ok(Self { files })
    }

    /// The file of that path.
    pub(crate) fn answer(&self, path: &str) -> Response {
        let path = if path == "/" { "/index.html" } else { path };
        match self.files.get(path) {
            Some(bytes) => {
                ([(header::CONTENT_TYPE, content_type(path))], Body::from(bytes.clone()))
                    .into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

fn read_into(files: &mut HashMap<String, Vec<u8>>, directory: &Path, prefix: &str) -> Result<()> {
    let unreadable = || format!("cannot read {}", directory.display());
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_into(files, &entry.path(), &name)?;
        } else {
            files.insert(name, fs::read(entry.path()).with_context(unreadable)?);
        }
    }
    Ok(())
}

fn content_type(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// What `GET /api/v1/studies` answers.
pub(super) fn studies(round: &Round) -> Response {
    Json(json!({ "studies": [study(round)] })).into_response()
}

/// What `GET /api/v1/studies/{id}` answers.
pub(super) fn only_study(round: &Round) -> Response {
    Json(study(round)).into_response()
}

fn study(round: &Round) -> Value {
    let (study, status) = (round.study(), round.status());
    let result = status.aggregate.map(|aggregate| ResultJson::new(study, &aggregate));
    json!({
        "id": STUDY,
        "digest": study.digest().to_string(),
        "title": study.title().first(),
        "organisation": study.organisation(),
        "minimum_cohort": study.minimum_cohort(),
        "phase": status.phase.as_str(),
        "enrolled": status.enrolled,
        "committee": status.committee,
        "threshold": status.threshold,
        "contributed": status.contributed,
        "partials": status.partials,
        "closes_in_ms": null,
        "round": 1,
        "result": result,
        "ended": status.ended.map(|reason| reason.to_string()),
        "previous": [],
    })
}
