//! Which web pages may use this server. Without a check, any page that somebody visits could: WebSockets
//! are not bound by the same-origin policy.
//!
//! Programs other than browsers send no `Origin` header and are let in; a browser always sends one
//! with a WebSocket handshake and with a cross-origin request.

use std::fmt;
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};

/// A web origin: a scheme, a host and perhaps a port, such as `https://example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A text that is not an origin. Displays as what is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected SCHEME://HOST or SCHEME://HOST:PORT, such as https://example.org or http://localhost:5173"
)]
pub struct OriginError;

impl Origin {
    /// Reads an origin with the scheme `http` or `https`.
    ///
    /// # Errors
    /// [`OriginError`] if the text is anything else, or says more, such as a path.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = text.split_once("://").unwrap_or(("", text));
        let is_valid = ["http", "https"].contains(&scheme)
            && !host_name(authority).is_empty()
            && !authority.contains(['/', '?', '#', '@', ' ', '*']);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(OriginError) }
    }

    /// The origin as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Decides by the `Origin` and `Host` headers (RFC 6454; RFC 9110, 7.2).
#[derive(Debug, Clone)]
pub struct OriginPolicy {
    allowed: Vec<Origin>,
    /// Whether the server is reachable from this machine only.
    loopback: bool,
}

impl OriginPolicy {
    /// Lets in the server's own page and the pages of these origins.
    ///
    /// `loopback` says that the server listens on a loopback address. The address of its own page then
    /// has a loopback host: any other name was made to resolve to this machine by somebody else (DNS
    /// rebinding).
    pub fn new(allowed: Vec<Origin>, loopback: bool) -> Self {
        Self { allowed, loopback }
    }

    /// Origins that are let in besides the server's own page.
    pub fn allowed(&self) -> &[Origin] {
        &self.allowed
    }

    /// Whether a request with these headers may be answered.
    pub(super) fn allows_request(&self, headers: &HeaderMap) -> bool {
        // A header that is not valid text cannot match an allowed origin.
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        self.allows(text(header::ORIGIN), text(header::HOST))
    }

    /// Whether a request with this `Origin` and `Host` may be answered.
    pub fn allows(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed.iter().any(|allowed| allowed.0.eq_ignore_ascii_case(origin))
            || self.is_own(origin, host)
    }

    fn is_own(&self, origin: &str, host: Option<&str>) -> bool {
        let Some((_, authority)) = origin.split_once("://") else { return false };
        let same = host.is_some_and(|host| host.eq_ignore_ascii_case(authority));
        same && (!self.loopback || is_loopback(host_name(authority)))
    }
}

/// An authority without its port and the brackets of an IPv6 address.
fn host_name(authority: &str) -> &str {
    if let Some((address, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_page_and_allowed_origins_are_let_in() {
        let allowed = Origin::parse("https://app.example").unwrap();
        let policy = OriginPolicy::new(vec![allowed], false);
        for (origin, host, expected) in [
            (None, Some("10.0.0.1:8000"), true),
            (Some("http://camera.local:8000"), Some("camera.local:8000"), true),
            (Some("https://Camera.local"), Some("camera.local"), true),
            (Some("https://app.example"), Some("camera.local:8000"), true),
            (Some("https://app.example:444"), Some("camera.local:8000"), false),
            (Some("http://app.example"), Some("camera.local:8000"), false),
            (Some("http://camera.local:8001"), Some("camera.local:8000"), false),
            (Some("http://camera.local:8000.evil.example"), Some("camera.local:8000"), false),
            (Some("http://camera.local:8000"), None, false),
            (Some("null"), Some("null"), false),
            (Some(""), Some(""), false),
        ] {
            assert_eq!(policy.allows(origin, host), expected, "{origin:?} at {host:?}");
        }
    }

    #[test]
    fn on_a_loopback_address_only_loopback_names_are_the_own_page() {
        let policy = OriginPolicy::new(Vec::new(), true);
        for (authority, expected) in [
            ("localhost:8000", true),
            ("demo.localhost:8000", true),
            ("127.0.0.1:8000", true),
            ("127.8.8.8", true),
            ("[::1]:8000", true),
            ("rebound.example:8000", false),
            ("localhost.example:8000", false),
            ("192.168.0.7:8000", false),
        ] {
            let origin = format!("http://{authority}");
            assert_eq!(policy.allows(Some(&origin), Some(authority)), expected, "{authority}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for good in ["https://example.org", "http://localhost:5173", "http://[::1]:80"] {
            assert_eq!(Origin::parse(good).map(|origin| origin.to_string()), Ok(good.to_owned()));
        }
        for bad in ["example.org", "https://", "https://a/b", "*", "ftp://a", "https://*.a", ""] {
            assert_eq!(Origin::parse(bad), Err(OriginError), "{bad}");
        }
    }

    #[test]
    fn an_origin_header_that_is_not_text_is_refused() {
        let policy = OriginPolicy::new(Vec::new(), false);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "camera.local".parse().unwrap());
        assert!(policy.allows_request(&headers));
        headers.insert(header::ORIGIN, "http://camera.local".parse().unwrap());
        assert!(policy.allows_request(&headers));
        let not_text = axum::http::HeaderValue::from_bytes(b"http://camera.local\xFF").unwrap();
        headers.insert(header::ORIGIN, not_text);
        assert!(!policy.allows_request(&headers));
    }
}
