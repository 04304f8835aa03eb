//! Which web pages may use this server. Without a check, any page that somebody visits could: WebSockets
//! are not bound by the same-origin policy.
//!
//! Only browsers need the check, since only they act for pages that their users do not know. Programs are
//! let in whatever they write into `Origin`, as many WebSocket libraries make one up. A browser cannot pass
//! for a program: it says so in headers that a page cannot remove.

use std::fmt;
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};

/// Set by proxies: the scheme that the client used.
const FORWARDED_SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A web origin (RFC 6454), such as `https://example.org`: a scheme, a host and perhaps a port, in the form
/// in which browsers send it. Also `null`, and `*` for every origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A text that is not an origin. Displays as what is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected SCHEME://HOST or SCHEME://HOST:PORT, such as https://example.org or \
    http://localhost:5173; or null, file:// or *"
)]
pub struct OriginError;

impl Origin {
    /// Reads an origin of any scheme, `null` or `*`. Of a whole URL the origin is taken.
    ///
    /// # Errors
    /// [`OriginError`] if the text is anything else.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if ["*", "null"].contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let scheme = scheme.to_ascii_lowercase();
        let mut letters = scheme.chars();
        let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let (host, port) = split_port(&authority);
        let is_default = [("http", "80"), ("https", "443")].contains(&(scheme.as_str(), port));
        let port_is_good = port.is_empty() || port.parse::<u16>().is_ok();
        let host_is_good = host.chars().all(|c| c.is_ascii_graphic() && !"@*,\"\\".contains(c))
            && host.starts_with('[') == host.ends_with(']')
            && (host.starts_with('[') || !host.contains(':'));
        // Only files have an origin without a host.
        if !is_scheme || !port_is_good || !host_is_good || (host.is_empty() && scheme != "file") {
            return Err(OriginError);
        }
        let port = if port.is_empty() || is_default { String::new() } else { format!(":{port}") };
        Ok(Self(format!("{scheme}://{host}{port}")))
    }

    /// The origin as browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for pages of anybody: every origin, or the one of pages that have none.
    pub fn admits_anybody(&self) -> bool {
        ["*", "null"].contains(&self.0.as_str())
    }

    fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, authority)| authority);
        host_name(authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a browser's request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The page has this origin.
    Origin(String),
    /// The page reached this machine under this name.
    Host(String),
}

/// Decides by the headers of a request.
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

    /// Whether pages of this origin are let in besides the server's own.
    pub(super) fn allows(&self, origin: &str) -> bool {
        let Ok(origin) = Origin::parse(origin) else { return false };
        // Browsers never send `*`.
        self.allowed.iter().any(|allowed| *allowed == origin || allowed.0 == "*")
    }

    /// Checks whether a request with these headers may be answered.
    ///
    /// # Errors
    /// [`Refused`] says what must be allowed first.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if !is_browser(headers) {
            return Ok(());
        }
        // A header that is not valid text cannot match anything that is allowed.
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        let host = text(header::HOST).unwrap_or("");
        match text(header::ORIGIN) {
            Some(origin) if self.allows(origin) || self.is_own(origin, host, headers) => Ok(()),
            Some(origin) => Err(Refused::Origin(origin.to_owned())),
            // Browsers leave it out where a page asks its own server.
            None if self.may_be_own_host(host) => Ok(()),
            None => Err(Refused::Host(host.to_owned())),
        }
    }

    fn is_own(&self, origin: &str, host: &str, headers: &HeaderMap) -> bool {
        let forwarded = headers.get(FORWARDED_SCHEME).and_then(|value| value.to_str().ok());
        let forwarded = forwarded.and_then(|schemes| schemes.split(',').next()).map(str::trim);
        let is_https = forwarded.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let scheme = if is_https { "https" } else { "http" };
        let own = Origin::parse(&format!("{scheme}://{host}"));
        own.is_ok() && own == Origin::parse(origin) && self.may_be_own_host(host)
    }

    fn may_be_own_host(&self, authority: &str) -> bool {
        let authority = authority.to_ascii_lowercase();
        let host = host_name(&authority);
        !self.loopback
            || is_loopback(host)
            || self.allowed.iter().any(|allowed| allowed.0 == "*" || allowed.host() == host)
    }
}

/// Whether a browser made the request, perhaps for a page that its user does not know.
fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).map_or(&b""[..], |value| value.as_bytes());
    agent.starts_with(b"Mozilla/")
        || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"))
        // Firefox lets a page replace its name, but not leave this out.
        || headers.contains_key(header::ACCEPT_LANGUAGE)
}

/// The host of an authority, with the brackets of an IPv6 address, and the port.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

/// The host of an authority.
fn host_name(authority: &str) -> &str {
    let host = split_port(authority).0;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    // The name may be written with the root at its end.
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
