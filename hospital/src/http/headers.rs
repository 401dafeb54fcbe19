//! Headers that every answer carries: what the page may load, run and tell others.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// The content security policy (CSP, level 3): the page's own scripts, styles, workers and connections, and
/// nothing else, no inline script in particular. WebAssembly must be compiled, which is what
/// `wasm-unsafe-eval` allows; it does not allow JavaScript's `eval`. The page says most of it itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; script-src 'self' 'wasm-unsafe-eval'";

const FIXED: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
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

/// Adds the headers to an answer.
pub(super) async fn add(request: Request, next: Next) -> Response {
    let local = is_local(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        // The API is stricter or laxer by itself where that has a reason.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
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
