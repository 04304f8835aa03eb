//! Addresses as people write them, the URLs that they stand for, and their places in a cache.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

/// The start of names in a hub of models.
const HUB: &str = "hf:";
/// The revision of a repository that is meant if none is named.
const REVISION: &str = "main";

/// A file that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As it was written, without the checksum.
    text: String,
    url: String,
    /// Folders and the file, below the folder of the cache.
    place: Vec<String>,
    /// SHA-256 in lower-case hexadecimal.
    sha256: Option<String>,
}

/// Why a text is not the address of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It begins like an address and goes on like none.
    #[error("expected https://HOST/PATH/FILE.onnx or hf:OWNER/REPOSITORY/PATH.onnx[@REVISION]")]
    Form,
    /// The text after `#` is not a checksum.
    #[error("expected nothing after # but sha256= and 64 hexadecimal digits")]
    Checksum,
}

/// Whether a text is an address, not a path.
pub fn is_remote(text: &str) -> bool {
    [HUB, "https://", "http://"].iter().any(|start| text.starts_with(start))
}

/// A text without the passwords and queries of the URLs in it.
pub fn without_secrets(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find([',', ' ']).unwrap_or(after.len());
        let (url, next) = after.split_at(end);
        let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
        let host = url[..authority].rfind('@').map_or(0, |at| at + 1);
        let query = url.find('?').unwrap_or(url.len());
        let fragment = url.find('#').unwrap_or(url.len());
        shown.push_str(&url[host..query.min(fragment).max(host)]);
        if query < fragment {
            shown.push_str("?…");
        }
        shown.push_str(&url[fragment..]);
        rest = next;
    }
    shown + rest
}

impl Address {
    /// Reads an address. `hub` is where `hf:` leads to, such as `https://hub.example`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str, hub: &str) -> Result<Self, AddressError> {
        let (text, sha256) = match text.split_once('#') {
            Some((text, fragment)) => (text, Some(checksum(fragment)?)),
            None => (text, None),
        };
        let (url, place) = match text.strip_prefix(HUB) {
            Some(name) => in_hub(name, hub)?,
            None => by_url(text)?,
        };
        Ok(Self { text: text.to_owned(), url, place, sha256 })
    }

    /// Where it is fetched from.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its place below the folder of a cache.
    pub fn place(&self) -> PathBuf {
        self.place.iter().collect()
    }

    /// The SHA-256 that it must have, in lower-case hexadecimal.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// Another file in the same folder, or in one below it.
    #[must_use]
    pub fn beside(&self, name: &str) -> Option<Self> {
        let names: Vec<&str> = name.split('/').filter(|part| *part != ".").collect();
        if !names.iter().all(|name| is_component(name)) || names.is_empty() {
            return None;
        }
        let (path, query) = split_query(&self.url);
        let (folder, _) = path.rsplit_once('/')?;
        let encoded: Vec<String> = names.iter().map(|name| encoded(name)).collect();
        let url = format!("{folder}/{}{query}", encoded.join("/"));
        let mut place = self.place.clone();
        place.pop();
        place.extend(names.iter().map(|name| (*name).to_owned()));
        Some(Self { text: without_secrets(&url), url, place, sha256: None })
    }
}

impl Address {
    /// A file at the root of the same repository; `None` if the address is a URL.
    pub fn at_root(&self, name: &str) -> Option<Self> {
        let folders = self.text.starts_with(HUB).then(|| self.place.len().saturating_sub(5))?;
        let (mut url, mut place) = (self.url.as_str(), self.place.clone());
        for _ in 0..=folders {
            (url, _) = url.rsplit_once('/')?;
        }
        place.truncate(4);
        let placed = Self {
            url: format!("{url}/-"),
            place: [place, vec![name.to_owned()]].concat(),
            ..self.clone()
        };
        placed.beside(name)
    }
}

impl Display for Address {
    /// As it was written, without passwords.
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        formatter.write_str(&without_secrets(&self.text))
    }
}

fn checksum(fragment: &str) -> Result<String, AddressError> {
    let digits = fragment.strip_prefix("sha256=").ok_or(AddressError::Checksum)?;
    match digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        true => Ok(digits.to_ascii_lowercase()),
        false => Err(AddressError::Checksum),
    }
}

/// Reads `OWNER/REPOSITORY/PATH[@REVISION]`.
fn in_hub(name: &str, hub: &str) -> Result<(String, Vec<String>), AddressError> {
    let (path, revision) = name.rsplit_once('@').unwrap_or((name, REVISION));
    let parts: Vec<&str> = path.split('/').collect();
    let [owner, repository, file @ ..] = parts.as_slice() else { return Err(AddressError::Form) };
    if file.is_empty() || revision.is_empty() || !parts.iter().all(|part| is_component(part)) {
        return Err(AddressError::Form);
    }
    let file: Vec<String> = file.iter().map(|part| encoded(part)).collect();
    let (owner, repository) = (encoded(owner), encoded(repository));
    let revision = encoded(revision);
    let hub = hub.trim_end_matches('/');
    let url = format!("{hub}/{owner}/{repository}/resolve/{revision}/{}", file.join("/"));
    let place = [vec!["hf".to_owned(), owner, repository, revision], file].concat();
    Ok((url, place))
}

fn by_url(text: &str) -> Result<(String, Vec<String>), AddressError> {
    let (scheme, rest) = text.split_once("://").ok_or(AddressError::Form)?;
    if !["http", "https"].contains(&scheme) {
        return Err(AddressError::Form);
    }
    let (path, query) = split_query(rest);
    let (authority, path) = path.split_once('/').ok_or(AddressError::Form)?;
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().filter(|file| is_component(file)).ok_or(AddressError::Form)?;
    if host.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(AddressError::Form);
    }
    // A folder with an odd name in a URL is left out here.
    let mut place = vec![scheme.to_owned(), host.replace([':', '[', ']'], "_")];
    place.extend(parts.into_iter().filter(|part| is_component(part)).map(str::to_owned));
    if !query.is_empty() {
        place.push(format!("query-{:016x}", fnv(query.as_bytes())));
    }
    place.push(file.to_owned());
    Ok((text.to_owned(), place))
}

fn split_query(url: &str) -> (&str, &str) {
    url.split_at(url.find('?').unwrap_or(url.len()))
}

/// Whether a name is that of a file or folder, wherever it is.
fn is_component(name: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !"\\/:*?\"<>|".contains(c);
    !["", ".", ".."].contains(&name) && name.len() <= 200 && name.chars().all(is_plain)
}

/// A name as a part of a URL's path.
fn encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// The hash of Fowler, Noll and Vo, 64 bits, 1a: tells queries apart, nothing more.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB_URL: &str = "https://hub.example";

    fn parse(text: &str) -> Result<(String, String), AddressError> {
        let address = Address::parse(text, HUB_URL)?;
        Ok((address.url().to_owned(), address.place().to_string_lossy().into_owned()))
    }

    #[test]
    fn addresses_have_a_url_and_a_place() {
        for (text, url, place) in [
            (
                "https://a.example/x/m.onnx",
                "https://a.example/x/m.onnx",
                "https/a.example/x/m.onnx",
            ),
            (
                "http://u:p@127.0.0.1:80/../m.onnx",
                "http://u:p@127.0.0.1:80/../m.onnx",
                "http/127.0.0.1_80/m.onnx",
            ),
            ("hf:o/r/m.onnx", "https://hub.example/o/r/resolve/main/m.onnx", "hf/o/r/main/m.onnx"),
            (
                "hf:o/r/onnx/a b.onnx@refs/pr/1",
                "https://hub.example/o/r/resolve/refs%2Fpr%2F1/onnx/a%20b.onnx",
                "hf/o/r/refs%2Fpr%2F1/onnx/a%20b.onnx",
            ),
        ] {
            assert_eq!(parse(text), Ok((url.to_owned(), place.to_owned())), "{text}");
        }
        let [one, two] = ["?v=1", "?v=2"]
            .map(|query| parse(&format!("https://a.example/m.onnx{query}")).unwrap().1);
        assert_ne!(one, two);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "hf:o/r",
            "hf:o//m.onnx",
            "hf:o/../m.onnx",
            "hf:o/r/m.onnx@",
            "https://a.example",
            "https://a.example/",
            "https:///m.onnx",
            "https://a.example/x/..",
            "ftp://a.example/m.onnx",
            "https://a.example/a b.onnx",
        ] {
            assert_eq!(parse(text), Err(AddressError::Form), "{text}");
        }
        for fragment in
            ["#", "#sha256=", "#sha256=ab", "#md5=00", &format!("#sha256={}", "g".repeat(64))]
        {
            let text = format!("https://a.example/m.onnx{fragment}");
            assert_eq!(parse(&text), Err(AddressError::Checksum), "{text}");
        }
    }

    #[test]
    fn what_is_shown_has_no_password() {
        for (text, shown) in [
            ("a=https://u:p@h/x.onnx?token=1#sha256=0", "a=https://h/x.onnx?…#sha256=0"),
            ("rtsp://u:p@h, rtsp://h/b", "rtsp://h, rtsp://h/b"),
            ("https://h?token=1", "https://h?…"),
            ("no address: 1, 2", "no address: 1, 2"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn a_repository_has_a_root() {
        for text in ["hf:o/r/m.onnx@v1", "hf:o/r/onnx/q/m.onnx@v1"] {
            let config = Address::parse(text, HUB_URL).unwrap().at_root("config.json").unwrap();
            assert_eq!(config.url(), "https://hub.example/o/r/resolve/v1/config.json");
            assert_eq!(config.place(), PathBuf::from("hf/o/r/v1/config.json"));
        }
        assert_eq!(Address::parse("https://h/a/m.onnx", HUB_URL).unwrap().at_root("x"), None);
    }

    #[test]
    fn a_file_beside_another_stays_below_its_folder() {
        let model = Address::parse("https://h/a/m.onnx?t=1#sha256=", HUB_URL);
        assert_eq!(model, Err(AddressError::Checksum));
        let model = Address::parse("https://h/a/m.onnx?t=1", HUB_URL).unwrap();
        let weights = model.beside("w/m.data").unwrap();
        assert_eq!(weights.url(), "https://h/a/w/m.data?t=1");
        assert!(weights.place().ends_with("w/m.data"));
        for name in ["", "../m.data", "/etc/passwd", "a//b"] {
            assert_eq!(model.beside(name), None, "{name}");
        }
    }
}
