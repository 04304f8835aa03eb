//! The server to load, read from an address on the command line.

use std::fmt::{self, Write as _};

use tokio_tungstenite::tungstenite::http::Uri;

use crate::protocol::asyncapi::STREAM_PATH;

/// An address that cannot be used. Displays as what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is not an address.
    #[error("expected an address such as ws://127.0.0.1:8000")]
    Malformed,
    /// It asks for encryption.
    #[error("encryption is not supported; name the server's own ws:// address, behind its proxy")]
    Encrypted,
}

/// A server, and perhaps one of its pipelines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host and port.
    pub(crate) authority: String,
    /// The whole address, query included.
    pub(crate) url: String,
}

impl Target {
    /// Reads `ws://HOST:PORT[/PATH]`, or the same with `http://` or without a scheme. `pipeline` is the
    /// pipeline to ask for; `None` for the server's first.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse(text: &str, pipeline: Option<&str>) -> Result<Self, TargetError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("ws", text));
        match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => {}
            "wss" | "https" => return Err(TargetError::Encrypted),
            _ => return Err(TargetError::Malformed),
        }
        let uri: Uri = format!("ws://{rest}").parse().map_err(|_| TargetError::Malformed)?;
        let (Some(host), port) = (uri.host(), uri.port_u16().unwrap_or(80)) else {
            return Err(TargetError::Malformed);
        };
        // A port that cannot be parsed must not silently become port 80.
        let is_port_lost = uri.port_u16().is_none() && rest.split('/').next() != Some(host);
        if host.is_empty() || is_port_lost {
            return Err(TargetError::Malformed);
        }
        let authority = format!("{host}:{port}");
        let path = if uri.path() == "/" { STREAM_PATH } else { uri.path() };
        // The greeting says what the server runs and how large frames may be.
        let mut url = format!("ws://{authority}{path}?hello=1");
        if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
            let _ = write!(url, "&{query}");
        }
        if let Some(pipeline) = pipeline {
            let _ = write!(url, "&pipeline_id={}", percent_encoded(pipeline));
        }
        Ok(Self { authority, url })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The user did not ask for the greeting.
        let (path, query) = self.url.split_once("?hello=1").unwrap_or((&self.url, ""));
        let mark = if query.is_empty() { "" } else { "?" };
        write!(f, "{path}{mark}{}", query.trim_start_matches('&'))
    }
}

/// Escapes everything that is not unreserved (RFC 3986, 2.3).
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_be_short() {
        let url = |text| Target::parse(text, None).map(|target| target.url);
        let default = Ok("ws://127.0.0.1:8000/ws/video/stream?hello=1".to_owned());
        for text in [
            "127.0.0.1:8000",
            "ws://127.0.0.1:8000",
            "ws://127.0.0.1:8000/",
            "http://127.0.0.1:8000/",
            "WS://127.0.0.1:8000/ws/video/stream",
        ] {
            assert_eq!(url(text), default, "{text}");
        }
        assert_eq!(url("[::1]:1"), Ok("ws://[::1]:1/ws/video/stream?hello=1".to_owned()));
        assert_eq!(url("server"), Ok("ws://server:80/ws/video/stream?hello=1".to_owned()));
        assert_eq!(url("h:1/other?a=b"), Ok("ws://h:1/other?hello=1&a=b".to_owned()));
    }

    #[test]
    fn a_pipeline_is_asked_for_by_name() {
        let target = Target::parse("h:1", Some("Köln & co")).unwrap();
        assert!(target.url.ends_with("&pipeline_id=K%C3%B6ln%20%26%20co"), "{}", target.url);
        assert_eq!(target.authority, "h:1");
        let shown = "ws://h:1/ws/video/stream?pipeline_id=K%C3%B6ln%20%26%20co";
        assert_eq!(target.to_string(), shown);
        let shown = Target::parse("h:1", None).unwrap().to_string();
        assert_eq!(shown, "ws://h:1/ws/video/stream");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "ws://", ":8000", "ftp://h:1", "h:port", "h:99999", "a b", "user@h:x"] {
            assert_eq!(Target::parse(text, None), Err(TargetError::Malformed), "{text}");
        }
        for text in ["wss://h", "https://h:1/"] {
            assert_eq!(Target::parse(text, None), Err(TargetError::Encrypted));
        }
    }
}
