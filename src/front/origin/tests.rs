//! Requests that are let in, and requests that are not.

use axum::http::HeaderValue;

use super::*;

/// The headers of a browser.
fn browser(origin: Option<&str>, host: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64)"));
    for (name, value) in [(header::ORIGIN, origin), (header::HOST, host)] {
        if let Some(value) = value {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

fn policy(allowed: &[&str], loopback: bool) -> OriginPolicy {
    OriginPolicy::new(
        allowed.iter().map(|origin| Origin::parse(origin).unwrap()).collect(),
        loopback,
    )
}

#[test]
fn the_own_page_and_allowed_origins_are_let_in() {
    let policy = policy(&["https://app.example"], false);
    for (origin, host, expected) in [
        (None, Some("10.0.0.1:8000"), true),
        (Some("http://camera.local:8000"), Some("camera.local:8000"), true),
        (Some("http://Camera.local"), Some("camera.local:80"), true),
        (Some("https://app.example"), Some("camera.local:8000"), true),
        (Some("https://app.example:444"), Some("camera.local:8000"), false),
        (Some("http://app.example"), Some("camera.local:8000"), false),
        (Some("https://camera.local:8000"), Some("camera.local:8000"), false),
        (Some("http://camera.local:8001"), Some("camera.local:8000"), false),
        (Some("http://camera.local:8000.evil.example"), Some("camera.local:8000"), false),
        (Some("http://camera.local:8000"), None, false),
        (Some("null"), Some("null"), false),
        (Some("*"), Some("camera.local"), false),
        (Some(""), Some(""), false),
    ] {
        let found = policy.check(&browser(origin, host));
        assert_eq!(found.is_ok(), expected, "{origin:?} at {host:?}");
        if let (Err(refused), Some(origin)) = (found, origin) {
            assert_eq!(refused, Refused::Origin(origin.to_owned()));
        }
    }
}

#[test]
fn a_proxy_says_which_scheme_the_client_used() {
    let policy = policy(&[], false);
    for (forwarded, origin, expected) in [
        ("https", "https://camera.local", true),
        ("https, http", "https://camera.local", true),
        ("HTTPS", "https://camera.local", true),
        ("https", "http://camera.local", false),
        ("http", "https://camera.local", false),
        ("gopher", "http://camera.local", true),
    ] {
        let mut headers = browser(Some(origin), Some("camera.local"));
        headers.insert(FORWARDED_SCHEME, forwarded.parse().unwrap());
        assert_eq!(policy.check(&headers).is_ok(), expected, "{forwarded} {origin}");
    }
}

#[test]
fn on_a_loopback_address_only_loopback_names_are_the_own_page() {
    let policy = policy(&["https://cam.example.org"], true);
    for (authority, expected) in [
        ("localhost:8000", true),
        ("demo.localhost:8000", true),
        ("localhost.:8000", true),
        ("localhost..:8000", false),
        ("127.0.0.1:8000", true),
        ("127.8.8.8", true),
        ("[::1]:8000", true),
        ("rebound.example:8000", false),
        ("localhost.example:8000", false),
        ("192.168.0.7:8000", false),
    ] {
        let origin = format!("http://{authority}");
        let sent = policy.check(&browser(Some(&origin), Some(authority)));
        assert_eq!(sent.is_ok(), expected, "{authority}");
        // A page that asks its own server for /metrics sends no origin.
        let read = policy.check(&browser(None, Some(authority)));
        let refused = Refused::Host(authority.to_owned());
        assert_eq!(read, if expected { Ok(()) } else { Err(refused) }, "{authority}");
    }
    // The name under which a proxy in front is known.
    assert_eq!(policy.check(&browser(None, Some("cam.example.org"))), Ok(()));
}

#[test]
fn programs_are_let_in_whatever_they_make_up() {
    let policy = policy(&[], true);
    for agent in [None, Some("arduino-WebSocket-Client"), Some("python-requests/2.32")] {
        for origin in ["file://", "https://github.com/gilmaimon/ArduinoWebsockets", "null", "", "x"]
        {
            let mut headers = browser(Some(origin), Some("cam.example"));
            headers.remove(header::USER_AGENT);
            if let Some(agent) = agent {
                headers.insert(header::USER_AGENT, agent.parse().unwrap());
            }
            assert_eq!(policy.check(&headers), Ok(()), "{agent:?} {origin}");
        }
    }
}

#[test]
fn a_browser_cannot_pass_for_a_program() {
    let policy = policy(&[], true);
    for (name, value) in [
        ("sec-fetch-mode", "websocket"),
        ("sec-fetch-site", "cross-site"),
        ("user-agent", "Mozilla/5.0 (Android 15; Mobile; rv:140.0)"),
        ("accept-language", "en"),
    ] {
        let mut headers = browser(Some("https://evil.example"), Some("localhost:8000"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8.0"));
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        assert!(policy.check(&headers).is_err(), "{name}");
    }
}

#[test]
fn what_browsers_and_web_views_send_can_be_allowed() {
    for (written, sent) in [
        ("null", "null"),
        ("file://", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("https://example.org/app?a=b#c", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("HTTPS://Example.org:443", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("*", "https://some.example"),
        ("*", "null"),
    ] {
        let headers = browser(Some(sent), Some("localhost:8000"));
        assert!(policy(&[written], true).check(&headers).is_ok(), "{written}: {sent}");
        assert!(policy(&[], true).check(&headers).is_err(), "{sent}");
    }
    let is_open = |text| Origin::parse(text).unwrap().admits_anybody();
    assert_eq!(["*", "null", "https://a.example"].map(is_open), [true, true, false]);
}

#[test]
fn what_is_not_an_origin_is_refused() {
    for bad in [
        "example.org",
        "https://",
        "https://*.a",
        "://a",
        "1a://b",
        "https://user@a",
        "https://a b",
        "https://a:port",
        "https://a:99999",
        "https://::1",
        "https://[::1",
        "nulls",
        "",
    ] {
        assert_eq!(Origin::parse(bad), Err(OriginError), "{bad}");
    }
}

#[test]
fn an_origin_header_that_is_not_text_is_refused() {
    let policy = policy(&[], false);
    let mut headers = browser(Some("http://camera.local"), Some("camera.local"));
    assert_eq!(policy.check(&headers), Ok(()));
    let not_text = HeaderValue::from_bytes(b"http://camera.local\xFF").unwrap();
    headers.insert(header::ORIGIN, not_text);
    assert!(policy.check(&headers).is_err());
}
