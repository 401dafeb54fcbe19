//! The built page, served from a directory.
//!
//! `index.html` is read once, so that the page and the hashes of its inline scripts in the content
//! security policy always belong together; after a rebuild the hospital is started again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tower::Layer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// A built page.
#[derive(Clone, Debug)]
pub struct Page {
    dir: PathBuf,
    index: Bytes,
    inline_script_hashes: Vec<String>,
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
        let index =
            fs::read_to_string(&path).map_err(|source| PageError { path: path.clone(), source })?;
        let inline_script_hashes = inline_scripts(&index)
            .map(|script| BASE64_STANDARD.encode(Sha256::digest(script)))
            .collect();
        Ok(Self { dir: dir.to_owned(), index: index.into(), inline_script_hashes })
    }

    /// SHA-256 of each inline script, in base64.
    pub(super) fn inline_script_hashes(&self) -> impl Iterator<Item = &str> {
        self.inline_script_hashes.iter().map(String::as_str)
    }

    /// Serves the files of the directory wherever `routes` has nothing, and `index.html` for every path
    /// that is no file's: such a path belongs to the page's own navigation.
    pub(super) fn mount(&self, routes: Router) -> Router {
        let index = self.index.clone();
        let start = get(async || index_response(index));
        let index = self.index.clone();
        let navigation = get(async |uri: Uri| match uri.path().rsplit('/').next() {
            Some(name) if name.contains('.') => {
                (StatusCode::NOT_FOUND, "There is no such file.\n").into_response()
            }
            _ => index_response(index),
        });
        let files = ServeDir::new(&self.dir)
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
            .fallback(navigation);
        // A rebuilt file may have the name of the one before, so browsers ask whether theirs is current.
        let revalidate = SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        );
        routes
            .route("/", start.clone())
            .route("/index.html", start)
            .fallback_service(revalidate.layer(files))
    }
}

fn index_response(index: Bytes) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Html(index)).into_response()
}

/// The answer to every path that is neither API nor WebSocket while there is no page.
pub(super) async fn not_built() -> Response {
    let text = "The page is not built. Build it with `cargo xtask build` and start the hospital again, \
                or name its directory with --page.\nThe API is at /api/v1/studies.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// The text of each script that stands in the page itself, exactly as a browser hashes it.
///
/// The page is our own build's output and well-formed, so that this finds tags by their text.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script")?;
        let external = attributes.split_ascii_whitespace().any(|name| name.starts_with("src="));
        (!external && !script.is_empty()).then_some(script)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_found_and_external_ones_are_not() {
        let html = "<head><script type=\"module\">\nimport a from '/a.js';\n</script>\
                    <script src=\"/b.js\"></script><script type=module src=/c.js></script></head>\
                    <body><script>1 > 0</script></body>";
        let scripts: Vec<_> = inline_scripts(html).collect();
        assert_eq!(scripts, ["\nimport a from '/a.js';\n", "1 > 0"]);
    }

    #[test]
    fn a_hash_is_what_browsers_compute() {
        // Content Security Policy Level 3, section 8.3, gives this pair as its example.
        let dir = tempfile::tempdir().unwrap();
        let html = "<script>alert('Hello, world.');</script>";
        fs::write(dir.path().join("index.html"), html).unwrap();
        let page = Page::load(dir.path()).unwrap();
        let hashes: Vec<_> = page.inline_script_hashes().collect();
        assert_eq!(hashes, ["qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="]);
    }

    #[test]
    fn without_a_page_the_message_says_how_to_build_it() {
        let error = Page::load(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/index.html"), "{error}");
        assert!(error.contains("cargo xtask build"), "{error}");
    }
}
