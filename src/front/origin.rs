//! Which web pages may use this server. Without a check any page that somebody visits could: sockets
//! are not bound by the same-origin policy.
//!
//! Programs that are no browsers send no `Origin` header and are let in; a browser always sends one
//! with a WebSocket and with a request across origins.

use std::net::IpAddr;

/// Decides by the `Origin` and `Host` headers (RFC 6454; RFC 9110, 7.2).
#[derive(Debug, Clone)]
pub struct OriginPolicy {
    /// Origins that are let in beside the server's own page.
    allowed: Vec<String>,
    /// The server is reachable from this machine only.
    loopback: bool,
}

impl OriginPolicy {
    /// Lets in the server's own page and these origins, such as `https://example.org`.
    ///
    /// `loopback` says that the server listens on a loopback address. Its own page then has a loopback
    /// host in its address: any other name was made to resolve to this machine by somebody else (DNS
    /// rebinding).
    pub fn new(allowed: Vec<String>, loopback: bool) -> Self {
        Self { allowed, loopback }
    }

    /// Origins that are let in beside the server's own page.
    pub fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// Whether a request with these headers may be answered.
    pub fn allows(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
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

/// Checks the form of an origin: a scheme, a host, perhaps a port, and nothing else.
///
/// # Errors
/// What is expected instead.
pub fn check_form(origin: &str) -> Result<(), String> {
    let (scheme, authority) = origin.split_once("://").unwrap_or(("", origin));
    let host = host_name(authority);
    if !["http", "https"].contains(&scheme)
        || host.is_empty()
        || authority.contains(['/', '?', '#', '@', ' ', '*'])
    {
        return Err("expected SCHEME://HOST or SCHEME://HOST:PORT, such as \
                    https://example.org or http://localhost:5173"
            .to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_page_and_what_was_allowed_are_let_in() {
        let policy = OriginPolicy::new(vec!["https://app.example".to_owned()], false);
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
    fn on_a_loopback_address_other_names_are_somebody_elses() {
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
    fn the_form_of_an_origin_is_checked() {
        for good in ["https://example.org", "http://localhost:5173", "http://[::1]:80"] {
            assert_eq!(check_form(good), Ok(()));
        }
        for bad in ["example.org", "https://", "https://a/b", "*", "ftp://a", "https://*.a", ""] {
            assert!(check_form(bad).is_err(), "{bad}");
        }
    }
}
