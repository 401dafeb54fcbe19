//! Headers that every answer carries: what the page may load, run and tell others.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::page::Page;

/// The page's own scripts, styles and connections, and nothing else. WebAssembly must be compiled,
/// which is what `wasm-unsafe-eval` allows; it does not allow JavaScript's `eval`.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; script-src 'self' 'wasm-unsafe-eval'";

const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Two years, as browsers' preload lists ask for.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The content security policy (CSP, level 3) of this hospital's page.
#[derive(Clone)]
pub(super) struct Policy(HeaderValue);

impl Policy {
    pub(super) fn new(page: Option<&Page>) -> Self {
        let mut policy = POLICY.to_owned();
        for hash in page.into_iter().flat_map(Page::inline_script_hashes) {
            policy.push_str(" 'sha256-");
            policy.push_str(hash);
            policy.push('\'');
        }
        Self(policy.try_into().expect("the policy and base64 are visible ASCII"))
    }
}

/// Adds the headers to an answer.
pub(super) async fn add(State(policy): State<Policy>, request: Request, next: Next) -> Response {
    let local = is_local(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.0);
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A browser told so on localhost would refuse every other program's plain HTTP on this computer.
    if !local {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
    response
}

/// Whether the hospital was addressed by a loopback name.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_are_local_with_and_without_a_port() {
        let local = |host| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            is_local(&headers)
        };
        for host in
            ["localhost", "localhost:8443", "127.0.0.1:1", "[::1]", "[::1]:8443", "a.localhost"]
        {
            assert!(local(host), "{host}");
        }
        for host in ["hospital.example", "localhost.example:8443", "10.0.0.1:8443", "[::2]:1", ""] {
            assert!(!local(host), "{host}");
        }
    }
}
