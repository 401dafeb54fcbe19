//! Which pages may open a WebSocket, and read the status API.
//!
//! A browser lets any page open a WebSocket to any host and says in `Origin` which page it was (RFC
//! 6455, section 10.2). Without a check, every site that a patient visits could take part in a study in
//! their name. A native peer sends no `Origin`; it could send any, so that nothing is lost by letting it in.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use thiserror::Error;

use super::Refused;

/// An origin (RFC 6454) of a secure page, as a browser writes it: `https://host` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

/// Not an origin that can be allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "\"{0}\" is not an origin; write https://host or https://host:port, in lower case and without a path"
)]
pub struct OriginError(String);

impl Origin {
    fn https(host: impl fmt::Display, port: u16) -> Self {
        // Browsers leave the default port out.
        if port == 443 {
            Self(format!("https://{host}"))
        } else {
            Self(format!("https://{host}:{port}"))
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refused = || OriginError(text.to_owned());
        let authority = text.strip_prefix("https://").ok_or_else(refused)?;
        // The parser accepts more than an authority: a path, a user, upper case.
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let host = uri.host().ok_or_else(refused)?;
        let plain = match uri.port_u16() {
            Some(443) => return Err(refused()),
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if plain == authority && lower_case { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origins that are allowed.
#[derive(Clone, Debug)]
pub struct Origins(BTreeSet<Origin>);

impl Origins {
    /// The hospital's own origins, which follow from where it listens, and `others`.
    ///
    /// Listening on loopback, or on every address, makes `localhost`, `127.0.0.1` and `[::1]` its own. A
    /// name under which it is reached from elsewhere must be among `others`.
    pub fn new(listening: SocketAddr, others: impl IntoIterator<Item = Origin>) -> Self {
        let port = listening.port();
        let mut origins: BTreeSet<_> = others.into_iter().collect();
        let ip = listening.ip();
        if ip.is_loopback() || ip.is_unspecified() {
            origins
                .extend(["localhost", "127.0.0.1", "[::1]"].map(|host| Origin::https(host, port)));
        }
        if !ip.is_unspecified() {
            let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
            origins.insert(Origin::https(host, port));
        }
        Self(origins)
    }

    /// Refuses a request that a page of another origin made.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let mut named = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = named.next() else { return Ok(()) };
        let allowed = named.next().is_none()
            && origin.to_str().is_ok_and(|origin| self.0.contains(&Origin(origin.to_owned())));
        if allowed {
            return Ok(());
        }
        Err(Refused::new(
            StatusCode::FORBIDDEN,
            "pages of this origin may not take part; open the hospital's own page, or have the \
             hospital allow the origin with --allowed-origin",
        ))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn allowed(origins: &Origins, origin: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        origins.check(&headers).is_ok()
    }

    #[test]
    fn only_the_exact_origin_is_allowed() {
        let other = "https://hospital.example".parse::<Origin>().unwrap();
        let origins = Origins::new("127.0.0.1:8443".parse().unwrap(), [other]);
        for origin in ["https://localhost:8443", "https://[::1]:8443", "https://hospital.example"] {
            assert!(allowed(&origins, origin), "{origin}");
        }
        for origin in [
            "http://localhost:8443",
            "https://localhost",
            "https://localhost:84430",
            "https://hospital.example.evil.example",
            "https://sub.hospital.example",
            "null",
            "",
        ] {
            assert!(!allowed(&origins, origin), "{origin}");
        }
    }

    #[test]
    fn a_native_peer_names_no_origin_and_nobody_names_two() {
        let origins = Origins::new("127.0.0.1:8443".parse().unwrap(), []);
        let mut headers = HeaderMap::new();
        assert!(origins.check(&headers).is_ok());
        let own = HeaderValue::from_static("https://localhost:8443");
        headers.append(header::ORIGIN, own.clone());
        assert!(origins.check(&headers).is_ok());
        headers.append(header::ORIGIN, own);
        assert!(origins.check(&headers).is_err());
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for bad in [
            "http://a.example",
            "https://a.example/",
            "https://a.example:443",
            "https://A.example",
            "https://user@a.example",
            "a.example",
            "https://",
            "*",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        assert!("https://a.example:8080".parse::<Origin>().is_ok());
        assert!("https://[::1]:8080".parse::<Origin>().is_ok());
    }

    #[test]
    fn the_default_port_is_left_out() {
        let origins = Origins::new("0.0.0.0:443".parse().unwrap(), []);
        assert!(allowed(&origins, "https://localhost"));
    }
}
