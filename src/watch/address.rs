//! Where a camera is: `[NAME=]ADDRESS` as typed, and what may be shown of it.

use std::fmt;
use std::path::PathBuf;

use axum::http::Uri;
use axum::http::uri::Scheme;

/// A camera's address and the name that results call it by.
///
/// Its `Debug` and `Display` forms hold neither the password nor the query, in which many cameras expect
/// one: an address may be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct CameraAddress {
    name: String,
    location: Location,
}

/// How a camera is reached.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Location {
    /// MJPEG or single JPEGs over HTTP.
    Http {
        /// The address without credentials.
        uri: Uri,
        /// User and password.
        credentials: Option<Credentials>,
    },
    /// A camera that speaks RTSP.
    Rtsp {
        /// The address without credentials.
        uri: Uri,
        /// User and password.
        credentials: Option<Credentials>,
        /// The address as typed, for FFmpeg.
        url: String,
    },
    /// Anything else with an address, which FFmpeg opens.
    Stream {
        /// The address as typed.
        url: String,
        /// The address without password and query.
        shown: String,
        /// Host and port, where a connection can be tried.
        authority: Option<String>,
    },
    /// A webcam: `/dev/video0`.
    Webcam(PathBuf),
    /// A video file, played as fast as it was recorded.
    File(PathBuf),
}

/// User and password, which are never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is none.
    #[error(
        "expected an address such as rtsp://camera/stream, http://camera/video.mjpg or /dev/video0"
    )]
    Empty,
    /// The URL is not one.
    #[error(
        "the URL is not valid; write special characters of a password as %40 (@), %3A (:), %2F (/)"
    )]
    Url,
    /// The port is none.
    #[error(
        "the port is not a number from 1 to 65535; if this is a part of the password, write its special characters as \
         %40 (@), %3A (:), %2F (/), %23 (#), %3F (?)"
    )]
    Port,
    /// There is an @ behind the host.
    #[error(
        "there is an @ behind the host; write a / or # of the password as %2F or %23, and an @ of the path as %40"
    )]
    PathOrPassword,
    /// Encrypted HTTP.
    #[error("https is not supported; use http:// or rtsp://")]
    Https,
    /// The name has other characters.
    #[error("a name consists of letters, digits, '.', '_' and '-'")]
    Name,
}

impl CameraAddress {
    /// Reads `ADDRESS` or `NAME=ADDRESS`. Without a name, that of the host or file is taken.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (name, address) = match text.split_once('=') {
            // A query or a path may hold an equals sign, too.
            Some((name, address)) if !name.contains(['/', ':']) => (Some(name), address),
            _ => (None, text),
        };
        if name.is_some_and(|name| !is_name(name)) {
            return Err(AddressError::Name);
        }
        if address.is_empty() {
            return Err(AddressError::Empty);
        }
        let location = Location::parse(address)?;
        let name = name.map_or_else(|| location.default_name(), str::to_owned);
        Ok(Self { name, location })
    }

    /// The name that results call it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    /// Whether its frames come to an end.
    pub(super) fn is_finite(&self) -> bool {
        matches!(self.location, Location::File(_))
    }

    /// Host and port, where a connection can be tried to see whether the camera is there.
    pub(super) fn authority(&self) -> Option<String> {
        match &self.location {
            Location::Http { uri, .. } => authority(uri, 80),
            Location::Rtsp { uri, .. } => authority(uri, 554),
            Location::Stream { authority, .. } => authority.clone(),
            Location::Webcam(_) | Location::File(_) => None,
        }
    }
}

impl Location {
    fn parse(address: &str) -> Result<Self, AddressError> {
        let Some((scheme, rest)) = address.split_once("://") else {
            let path = PathBuf::from(address);
            return Ok(match address.starts_with("/dev/") {
                true => Self::Webcam(path),
                false => Self::File(path),
            });
        };
        let (uri, user_info) = bare_uri(scheme, rest)?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(AddressError::Https);
        }
        if uri.scheme() == Some(&Scheme::HTTP) {
            let credentials = user_info.map(Credentials::parse).transpose()?;
            return Ok(Self::Http { uri, credentials });
        }
        if uri.scheme_str() == Some("rtsp") {
            let credentials = user_info.map(Credentials::parse).transpose()?;
            return Ok(Self::Rtsp { uri, credentials, url: address.to_owned() });
        }
        let shown = shown(&uri);
        let authority = authority(&uri, 0);
        Ok(Self::Stream { url: address.to_owned(), shown, authority })
    }

    fn default_name(&self) -> String {
        let name = match self {
            Self::Http { uri, .. } | Self::Rtsp { uri, .. } => {
                uri.host().unwrap_or_default().to_owned()
            }
            Self::Stream { shown, .. } => {
                let host = shown.split("://").nth(1).unwrap_or_default();
                host.split(['/', ':']).next().unwrap_or_default().to_owned()
            }
            Self::Webcam(path) | Self::File(path) => {
                path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
        };
        let allowed = |letter: char| if is_name_letter(letter) { letter } else { '_' };
        name.chars().map(allowed).collect()
    }
}

impl Credentials {
    pub(super) fn parse(user_info: &str) -> Result<Self, AddressError> {
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        Ok(Self { user: percent_decoded(user)?, password: percent_decoded(password)? })
    }
}

/// An address without user and password, and these as they were typed.
pub(super) fn bare_uri<'a>(
    scheme: &str,
    rest: &'a str,
) -> Result<(Uri, Option<&'a str>), AddressError> {
    // The last @ of the part before the path: a password may hold another one.
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user_info, host) = match rest[..end].rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, &rest[..end]),
    };
    let bare = format!("{scheme}://{host}{}", &rest[end..]);
    let uri: Uri = bare.parse().map_err(|_| AddressError::Url)?;
    if host.is_empty() || uri.host().is_none_or(str::is_empty) {
        return Err(AddressError::Url);
    }
    if !has_usable_port(&uri) {
        return Err(AddressError::Port);
    }
    if user_info.is_none() && may_hold_a_password(host, &rest[end..]) {
        return Err(AddressError::PathOrPassword);
    }
    Ok((uri, user_info))
}

/// Whether the port is a number, or left out.
fn has_usable_port(uri: &Uri) -> bool {
    let port = uri.authority().and_then(|authority| authority.as_str().strip_prefix(uri.host()?));
    match port.and_then(|port| port.strip_prefix(':')) {
        Some(port) if !port.is_empty() => uri.port_u16().is_some_and(|port| port > 0),
        _ => true,
    }
}

/// Whether `USER:PASSWORD@HOST` with a / or # in it would be read as this host with what follows it.
fn may_hold_a_password(host: &str, after: &str) -> bool {
    let path = after.split('?').next().unwrap_or_default();
    path.rsplit_once('@').is_some_and(|(before, _)| host.contains(':') || before.contains(':'))
}

/// Replaces `%41` by `A` (RFC 3986, 2.1).
fn percent_decoded(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(AddressError::Url) };
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| AddressError::Url)
}

/// Host and port; a default port of 0 is none.
pub(super) fn authority(uri: &Uri, default_port: u16) -> Option<String> {
    let port = uri.port_u16().or((default_port > 0).then_some(default_port))?;
    Some(format!("{}:{port}", uri.host()?))
}

/// The address without its query.
pub(super) fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let query = if uri.query().is_some() { "?…" } else { "" };
    format!("{scheme}://{authority}{}{query}", uri.path())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_letter)
}

fn is_name_letter(letter: char) -> bool {
    // None of these separates or matches levels of an MQTT topic, or parts of a path.
    letter.is_alphanumeric() || ".-_".contains(letter)
}

impl fmt::Display for CameraAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Http { uri, .. } | Location::Rtsp { uri, .. } => f.write_str(&shown(uri)),
            Location::Stream { shown, .. } => f.write_str(shown),
            Location::Webcam(path) | Location::File(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Debug for CameraAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={self}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_has_the_name_given_or_that_of_its_host() {
        for (text, name, shown) in [
            ("rtsp://10.0.0.5/stream1", "10.0.0.5", "rtsp://10.0.0.5/stream1"),
            ("yard=http://cam:8080/v?a=b", "yard", "http://cam:8080/v?…"),
            ("http://cam/video.cgi?user=me&pwd=secret", "cam", "http://cam/video.cgi?…"),
            ("/dev/video0", "video0", "/dev/video0"),
            ("clips/a b.mp4", "a_b", "clips/a b.mp4"),
            ("Küche=rtsp://cam/v", "Küche", "rtsp://cam/v"),
            ("玄関=rtsp://cam/v", "玄関", "rtsp://cam/v"),
            ("clips/Straße +#.mp4", "Straße___", "clips/Straße +#.mp4"),
            ("http://cam/@v?a@b", "cam", "http://cam/@v?…"),
            ("rtsp://[::1]:8554/v", "___1_", "rtsp://[::1]:8554/v"),
            ("rtsp://me:secret@cam:8554/a@b", "cam", "rtsp://cam:8554/a@b"),
        ] {
            let address = CameraAddress::parse(text).unwrap();
            assert_eq!((address.name(), address.to_string().as_str()), (name, shown), "{text}");
        }
    }

    #[test]
    fn a_password_is_used_but_never_shown() {
        for text in ["http://me:se%40cret@cam/v", "http://me:se@cret@cam/v"] {
            let address = CameraAddress::parse(text).unwrap();
            let Location::Http { credentials: Some(found), uri } = address.location() else {
                panic!("{address}")
            };
            assert_eq!((found.user.as_str(), found.password.as_str()), ("me", "se@cret"));
            assert_eq!(uri.to_string(), "http://cam/v");
            assert_eq!(format!("{address} {address:?}"), "http://cam/v cam=http://cam/v");
        }
        for (scheme, authority) in [("rtsp", Some("cam:554")), ("rtsps", None)] {
            let text = format!("{scheme}://me:secret@cam/v?token=secret");
            let address = CameraAddress::parse(&text).unwrap();
            let shown = format!("{scheme}://cam/v?…");
            assert_eq!(format!("{address} {address:?}"), format!("{shown} cam={shown}"));
            assert_eq!(address.authority().as_deref(), authority);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (text, error) in [
            ("", AddressError::Empty),
            ("yard=", AddressError::Empty),
            ("my yard=rtsp://cam/v", AddressError::Name),
            ("a+b=rtsp://cam/v", AddressError::Name),
            ("a#=rtsp://cam/v", AddressError::Name),
            ("a\"b=rtsp://cam/v", AddressError::Name),
            ("http://", AddressError::Url),
            ("http://me:100%@cam/v", AddressError::Url),
            ("http://me:se:cret@cam:99999/v", AddressError::Port),
            ("rtsp://cam:0x1/v", AddressError::Port),
            ("rtsp://cam:0/v", AddressError::Port),
            ("rtmp://[::1]:port/v", AddressError::Port),
            // Unescaped passwords.
            ("rtsp://me:se/cret@cam/v", AddressError::Port),
            ("rtsp://me:se#cret@cam/v", AddressError::Port),
            ("rtsp://me:se?cret@cam/v", AddressError::Port),
            ("rtsp://me:12/cret@cam/v", AddressError::PathOrPassword),
            ("rtsp://me:12#cret@cam/v", AddressError::PathOrPassword),
            ("rtsp://m/e:secret@cam/v", AddressError::PathOrPassword),
            ("https://cam/v", AddressError::Https),
        ] {
            assert_eq!(CameraAddress::parse(text), Err(error), "{text}");
        }
    }
}
