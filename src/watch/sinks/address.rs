//! Where sinks are, and what may be shown of that.

use std::fmt;

use axum::http::Uri;

use crate::watch::address::{AddressError, Credentials, authority, bare_uri, shown};

/// Where changes are posted. Its `Debug` and `Display` forms hold neither the password nor the query.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    pub(super) uri: Uri,
    pub(super) credentials: Option<Credentials>,
}

/// An MQTT broker. Its `Debug` and `Display` forms do not hold the password.
#[derive(Clone, PartialEq, Eq)]
pub struct MqttAddress {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
    /// The beginning of all topics.
    pub(super) prefix: String,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkAddressError {
    /// It is not a URL.
    #[error(transparent)]
    Url(#[from] AddressError),
    /// It has another scheme.
    #[error("expected http://HOST/…; https is not supported")]
    NotHttp,
    /// It has another scheme.
    #[error("expected mqtt://HOST, perhaps with :PORT and /PREFIX; mqtts is not supported")]
    NotMqtt,
    /// Its prefix cannot begin a topic.
    #[error("a prefix of MQTT topics holds neither '#' nor '+' nor '?'")]
    Prefix,
}

impl WebhookAddress {
    /// Reads `http://[USER:PASSWORD@]HOST[:PORT]/…`.
    ///
    /// # Errors
    /// [`SinkAddressError`].
    pub fn parse(text: &str) -> Result<Self, SinkAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(SinkAddressError::NotHttp)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(SinkAddressError::NotHttp);
        }
        let (uri, user_info) = bare_uri("http", rest)?;
        Ok(Self { uri, credentials: user_info.map(Credentials::parse).transpose()? })
    }

    pub(super) fn authority(&self) -> String {
        authority(&self.uri, 80).unwrap_or_default()
    }
}

impl MqttAddress {
    /// Reads `mqtt://[USER:PASSWORD@]HOST[:PORT][/PREFIX]`.
    ///
    /// # Errors
    /// [`SinkAddressError`].
    pub fn parse(text: &str) -> Result<Self, SinkAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(SinkAddressError::NotMqtt)?;
        if !scheme.eq_ignore_ascii_case("mqtt") {
            return Err(SinkAddressError::NotMqtt);
        }
        if rest.contains(['#', '+', '?']) && !rest.contains('@') {
            return Err(SinkAddressError::Prefix);
        }
        let (uri, user_info) = bare_uri("mqtt", rest)?;
        let prefix = uri.path().trim_matches('/');
        if prefix.contains('+') || uri.query().is_some() {
            return Err(SinkAddressError::Prefix);
        }
        let host = uri.host().unwrap_or_default();
        Ok(Self {
            // Names of sockets have no brackets around an IPv6 address.
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(1883),
            credentials: user_info.map(Credentials::parse).transpose()?,
            prefix: if prefix.is_empty() { "framegate" } else { prefix }.to_owned(),
        })
    }
}

impl fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.uri))
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MqttAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt://{}:{}/{}", self.host, self.port, self.prefix)
    }
}

impl fmt::Debug for MqttAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_has_defaults_and_a_password_that_is_not_shown() {
        let address = MqttAddress::parse("mqtt://broker").unwrap();
        assert_eq!(address.to_string(), "mqtt://broker:1883/framegate");
        let address = MqttAddress::parse("mqtt://me:se%40cret@10.0.0.2:1884/home/cams/").unwrap();
        assert_eq!(format!("{address} {address:?}").matches("secret").count(), 0);
        assert_eq!(address.to_string(), "mqtt://10.0.0.2:1884/home/cams");
        assert_eq!(address.credentials.unwrap().password, "se@cret");
        for (text, error) in [
            ("broker", SinkAddressError::NotMqtt),
            ("mqtts://broker", SinkAddressError::NotMqtt),
            ("mqtt://", SinkAddressError::Url(AddressError::Url)),
            ("mqtt://broker:0x1", SinkAddressError::Url(AddressError::Port)),
            ("mqtt://me:se#cret@broker", SinkAddressError::Url(AddressError::Port)),
            ("mqtt://broker/a/+", SinkAddressError::Prefix),
            ("mqtt://broker/a?b", SinkAddressError::Prefix),
        ] {
            assert_eq!(MqttAddress::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_webhook_is_plain_http_and_shows_no_secret() {
        let address = WebhookAddress::parse("http://me:secret@host:81/a?key=secret").unwrap();
        assert_eq!(format!("{address} {address:?}"), "http://host:81/a?… http://host:81/a?…");
        assert_eq!(address.authority(), "host:81");
        for text in ["https://host/a", "host/a", "ftp://host"] {
            assert_eq!(WebhookAddress::parse(text), Err(SinkAddressError::NotHttp), "{text}");
        }
    }
}
