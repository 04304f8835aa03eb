//! One request, within bounds of time.

use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body};

use crate::{Address, FetchError};

/// Until there is a connection, with encryption.
const CONNECT: Duration = Duration::from_secs(20);
/// Until the answer begins.
const ANSWER: Duration = Duration::from_secs(60);
/// Between two parts of a file.
const SILENCE: Duration = Duration::from_secs(30);

/// The server's answer.
pub(crate) struct Answer {
    /// Where the bytes begin in the file.
    pub(crate) begin: u64,
    /// Bytes of the whole file.
    pub(crate) total: Option<u64>,
    /// By what the server knows the file again.
    pub(crate) validator: Option<String>,
    pub(crate) body: Body,
}

/// Asks for a file from its byte `begin` on, as long as it is still the one that the server knows by `validator`.
pub(crate) fn request(
    address: &Address,
    resume: Option<(u64, &str)>,
) -> Result<Answer, FetchError> {
    let config = Agent::config_builder()
        // A connection that was secret is not continued in the open.
        .https_only(address.url().starts_with("https://"))
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("framegate/", env!("CARGO_PKG_VERSION")));
    let agent = Agent::new_with_config(config.build());
    let mut request = agent.get(address.url());
    if let Some((begin, validator)) = resume {
        request = request.header("range", format!("bytes={begin}-")).header("if-range", validator);
    }
    let response = request.call().map_err(|error| FetchError::Request {
        address: address.to_string(),
        problem: error.to_string(),
    })?;
    answer(address, response)
}

fn answer(address: &Address, response: Response<Body>) -> Result<Answer, FetchError> {
    let status = response.status();
    let headers = response.headers();
    let content_type = text(headers, "content-type").unwrap_or_default();
    if status.is_success() && content_type.to_ascii_lowercase().starts_with("text/html") {
        return Err(FetchError::WebPage { address: address.to_string() });
    }
    let length: Option<u64> = text(headers, "content-length").and_then(|text| text.parse().ok());
    let (begin, total) = match status {
        StatusCode::OK => (0, length),
        StatusCode::PARTIAL_CONTENT => {
            let range = text(headers, "content-range").and_then(range);
            range.ok_or_else(|| FetchError::Request {
                address: address.to_string(),
                problem: "the server sends a part of the file and does not say which".to_owned(),
            })?
        }
        status => {
            return Err(FetchError::Status {
                address: address.to_string(),
                status: status.as_u16(),
            });
        }
    };
    let validator = validator(headers);
    Ok(Answer { begin, total, validator, body: response.into_body() })
}

/// A strong entity tag, or the time of the last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    let tag = text(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| text(headers, "last-modified")).map(str::to_owned)
}

/// Reads `bytes FIRST-LAST/TOTAL`.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
