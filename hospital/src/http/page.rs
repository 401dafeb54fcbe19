//! The built page, served from a directory.
//!
//! `index.html` is read once, so that the fingerprint which the hospital tells is that of the page which it
//! serves; after a rebuild the hospital is started again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use thiserror::Error;
use tower::Layer;
use tower::util::MapRequest;
use tower_http::services::ServeDir;
use tower_http::set_header::{SetResponseHeader, SetResponseHeaderLayer};

use crate::built_page::Fingerprint;

/// A built page.
#[derive(Clone, Debug)]
pub struct Page {
    dir: PathBuf,
    index: Bytes,
}

/// Why there is no page. The hospital then serves its API only.
#[derive(Debug, Error)]
#[error(
    "the page is not served, because {path} cannot be read ({source}); build the page with `cargo xtask build`, or name its directory with --page"
)]
pub struct PageError {
    path: PathBuf,
    source: io::Error,
}

impl Page {
    /// Reads `index.html` in `dir`.
    pub fn load(dir: &Path) -> Result<Self, PageError> {
        let path = dir.join("index.html");
        let index = fs::read(&path).map_err(|source| PageError { path: path.clone(), source })?;
        Ok(Self { dir: dir.to_owned(), index: index.into() })
    }

    /// Its fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.index)
    }

    /// Serves the files of the directory wherever `routes` has nothing, and `index.html` for every path
    /// that is no file's: such a path belongs to the page's own navigation.
    pub(super) fn mount(&self, routes: Router) -> Router {
        let index = self.index.clone();
        let navigation = get(async |uri: Uri| match uri.path().rsplit('/').next() {
            Some(name) if name.contains('.') => no_such_file(),
            _ => index_response(index),
        });
        let files = revalidated(self.files().fallback(navigation));
        routes.route("/", self.start()).route("/index.html", self.start()).fallback_service(files)
    }

    /// Serves the researcher's page below `/researcher/`, where it was built for.
    pub(super) fn mount_for_researchers(&self, routes: Router) -> Router {
        let files = revalidated(self.files().fallback(get(async || no_such_file())));
        // Without the slash the page would not find its own files.
        let with_slash = get(async || Redirect::permanent("/researcher/"));
        routes
            .route("/researcher", with_slash)
            .route("/researcher/", self.start())
            .route("/researcher/index.html", self.start())
            .route_service("/researcher/{*file}", MapRequest::new(files, below_researcher))
    }

    fn start(&self) -> MethodRouter {
        let index = self.index.clone();
        get(async || index_response(index))
    }

    fn files(&self) -> ServeDir {
        ServeDir::new(&self.dir)
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
    }
}

/// A rebuilt file may have the name of the one before, so browsers ask whether theirs is current.
fn revalidated<S>(files: S) -> SetResponseHeader<S, HeaderValue> {
    let no_cache = HeaderValue::from_static("no-cache");
    SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, no_cache).layer(files)
}

/// The same request for a file of the researcher's directory.
fn below_researcher(mut request: Request) -> Request {
    let path = request.uri().path().strip_prefix("/researcher").unwrap_or("/");
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    request
}

fn no_such_file() -> Response {
    (StatusCode::NOT_FOUND, "There is no such file.\n").into_response()
}

fn index_response(index: Bytes) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Html(index)).into_response()
}

/// The answer below `/researcher` while there is no page for researchers.
pub(super) async fn no_researchers_page() -> Response {
    let text = "The researcher's page is not built. Build it with `cargo xtask build` and start the hospital again, \
                or name its directory with --researcher-page.\nThe API is described at /api/v1/openapi.json.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// The answer to every path that is neither API nor WebSocket while there is no page.
pub(super) async fn not_built() -> Response {
    let text = "The page is not built. Build it with `cargo xtask build` and start the hospital again, \
                or name its directory with --page.\nThe API is at /api/v1/studies.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_page_the_message_says_how_to_build_it() {
        let error = Page::load(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/index.html"), "{error}");
        assert!(error.contains("cargo xtask build"), "{error}");
    }
}
