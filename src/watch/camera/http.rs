//! Cameras that send JPEGs over HTTP: as a stream (`multipart/x-mixed-replace`), or one per request. Those that do not
//! say which are known by the first bytes.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, Request, Response, StatusCode, Uri};
use fluent_uri::UriRef;
use futures_util::{StreamExt, stream};
use http_auth::{PasswordClient, PasswordParams};
use hyper_util::rt::TokioIo;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::{CameraError, CameraLimits, FrameSender, Frames, splitter, tcp};
use crate::engine::FramePayload;
use crate::watch::address::Credentials;

/// How often a camera that sends one JPEG per request is asked, unless a rate is wanted.
const SNAPSHOTS_PER_SECOND: f64 = 2.0;
/// Stands for the media type that a camera does not state.
const UNTYPED: &str = "data of no type";
/// Most bytes of white space that are skipped to see what an answer is.
const MAX_BEGIN_BYTES: usize = 64;
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 4;

/// Connects and finds out which kind it is.
pub(super) async fn connect(
    uri: &Uri,
    credentials: Option<&Credentials>,
    limits: CameraLimits,
) -> Result<Frames, CameraError> {
    let mut answer = get(uri.clone(), credentials).await?;
    let declared = content_type(answer.response.headers());
    let content = match declared.as_str() {
        UNTYPED | "application/octet-stream" => Content::of_bytes(&answer.begin().await),
        declared => Content::of_type(declared),
    };
    let (sender, frames) = Frames::channel();
    let reading = match content {
        Some(Content::Image) => {
            let uri = uri.clone();
            let credentials = credentials.cloned();
            tokio::spawn(async move {
                let error = ask_again(&uri, credentials.as_ref(), answer, limits, &sender).await;
                let _ = sender.send(Err(error)).await;
            })
        }
        Some(Content::Stream) => tokio::spawn(pass_on(answer, limits.max_frame_bytes, sender)),
        None => return Err(CameraError::NotVideo(declared)),
    };
    Ok(frames.read_by(AbortOnDropHandle::new(reading)))
}

/// The forms in which a camera sends JPEGs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// One per request.
    Image,
    /// Parts that follow each other.
    Stream,
}

impl Content {
    fn of_type(declared: &str) -> Option<Self> {
        if declared.starts_with("image/") {
            return Some(Self::Image);
        }
        (declared.starts_with("multipart/") || declared.starts_with("video/"))
            .then_some(Self::Stream)
    }

    /// By the first bytes. Before a boundary there may be an empty line.
    fn of_bytes(begin: &[u8]) -> Option<Self> {
        match begin.trim_ascii_start() {
            [0xFF, 0xD8, ..] => Some(Self::Image),
            [b'-', b'-', ..] => Some(Self::Stream),
            _ => None,
        }
    }
}

/// The media type in lower case, for messages cut to a sensible length.
fn content_type(headers: &HeaderMap) -> String {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = named.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    // Some cameras send the header without a value.
    let kind = if kind.is_empty() { UNTYPED } else { kind };
    kind.to_ascii_lowercase().chars().take(60).collect()
}

/// Passes on the frames of a stream until it ends.
async fn pass_on(answer: Answer, max_frame_bytes: usize, frames: FrameSender) {
    let chunks = splitter::split(max_frame_bytes, frames);
    let mut body = answer.response.into_body().into_data_stream();
    while let Some(Ok(chunk)) = body.next().await {
        if chunks.send(chunk).await.is_err() {
            return;
        }
    }
}

/// Asks for one JPEG after another; returns why that ended.
async fn ask_again(
    uri: &Uri,
    credentials: Option<&Credentials>,
    first: Answer,
    limits: CameraLimits,
    frames: &FrameSender,
) -> CameraError {
    let period = Duration::from_secs_f64(1.0 / limits.fps.unwrap_or(SNAPSHOTS_PER_SECOND));
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = Some(first);
    loop {
        ticks.tick().await;
        let answer = match next.take() {
            Some(answer) => answer,
            None => match get(uri.clone(), credentials).await {
                Ok(answer) => answer,
                Err(error) => return error,
            },
        };
        let Ok(jpeg) = to_bytes(answer.response.into_body(), limits.max_frame_bytes).await else {
            return CameraError::Ended;
        };
        if frames.send(Ok(FramePayload::Jpeg(jpeg).into())).await.is_err() {
            return CameraError::Ended;
        }
    }
}

/// An answer, and the connection that it comes over.
struct Answer {
    response: Response<Body>,
    _connection: AbortOnDropHandle<()>,
}

impl Answer {
    /// The first bytes, enough to know what it is; they are still read.
    async fn begin(&mut self) -> Vec<u8> {
        let mut body = std::mem::take(self.response.body_mut()).into_data_stream();
        let (mut begin, mut chunks) = (Vec::new(), Vec::new());
        while begin.trim_ascii_start().len() < 2 && begin.len() < MAX_BEGIN_BYTES {
            let Some(Ok(chunk)) = body.next().await else { break };
            begin.extend_from_slice(&chunk);
            chunks.push(Ok(chunk));
        }
        *self.response.body_mut() = Body::from_stream(stream::iter(chunks).chain(body));
        begin
    }
}

/// Asks for an address, with the password if it is asked for, and follows redirects.
async fn get(mut uri: Uri, credentials: Option<&Credentials>) -> Result<Answer, CameraError> {
    let host = uri.host().map(str::to_owned);
    for _ in 0..=MAX_REDIRECTS {
        let mut answer = request(&uri, None).await?;
        // A password is for the camera that it was typed for.
        let credentials = credentials.filter(|_| uri.host() == host.as_deref());
        if answer.response.status() == StatusCode::UNAUTHORIZED
            && let Some(credentials) = credentials
            && let Some(authorization) = authorization(&uri, &answer, credentials)
        {
            answer = request(&uri, Some(authorization)).await?;
        }
        let status = answer.response.status();
        if status.is_success() {
            return Ok(answer);
        }
        if !status.is_redirection() {
            return Err(CameraError::Status { status: status.as_u16(), hint: hint(status) });
        }
        uri = redirected(&uri, &answer)?;
    }
    Err(CameraError::Redirect(uri.path().to_owned()))
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => {
            ": give the right user and password, http://USER:PASSWORD@HOST/…"
        }
        StatusCode::NOT_FOUND => ": the path is wrong; see the camera's manual",
        _ => "",
    }
}

/// The address that an answer redirects to.
fn redirected(uri: &Uri, answer: &Answer) -> Result<Uri, CameraError> {
    let headers = answer.response.headers();
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let absolute = resolved(uri, location).unwrap_or_else(|| location.to_owned());
    let shown = || absolute.split('?').next().unwrap_or_default().chars().take(200).collect();
    let target: Uri = absolute.parse().map_err(|_| CameraError::Redirect(shown()))?;
    match target.scheme_str() {
        Some("http") => Ok(target),
        _ => Err(CameraError::Redirect(shown())),
    }
}

/// A reference that was found at an address, in full (RFC 9110, 10.2.2): most are relative.
fn resolved(uri: &Uri, location: &str) -> Option<String> {
    let base = uri.to_string();
    let base = fluent_uri::Uri::parse(base.as_str()).ok()?;
    let resolved = UriRef::parse(location).ok()?.resolve_against(&base).ok()?;
    Some(resolved.into_string())
}

/// Answers a camera that asks for a password: Basic or Digest.
fn authorization(uri: &Uri, answer: &Answer, credentials: &Credentials) -> Option<String> {
    let challenges = answer.response.headers().get_all(WWW_AUTHENTICATE);
    let mut builder = PasswordClient::builder();
    for challenge in challenges {
        builder = builder.challenges(challenge.to_str().ok()?);
    }
    let asked = PasswordParams {
        username: &credentials.user,
        password: &credentials.password,
        uri: path(uri),
        method: "GET",
        body: Some(&[]),
    };
    builder.build().ok()?.respond(&asked).ok()
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

/// Sends one request over a connection of its own.
async fn request(uri: &Uri, authorization: Option<String>) -> Result<Answer, CameraError> {
    let host = uri.host().unwrap_or_default();
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let socket = tcp::connect(&authority).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .map_err(CameraError::Http)?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        // What went wrong, the answer says too.
        let _ = connection.await;
    }));
    let mut request = Request::get(path(uri))
        .header(HOST, uri.authority().map_or(host, |authority| authority.as_str()))
        .header(USER_AGENT, concat!("framegate/", env!("CARGO_PKG_VERSION")));
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request =
        request.body(Body::empty()).map_err(|_| CameraError::NotVideo(host.to_owned()))?;
    let response = sender.send_request(request).await.map_err(CameraError::Http)?.map(Body::new);
    Ok(Answer { response, _connection: connection })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_against_where_they_were_found() {
        let uri: Uri = "http://camera:81/live/stream?size=1".parse().unwrap();
        for (location, expected) in [
            ("http://other/x", "http://other/x"),
            ("https://other/x", "https://other/x"),
            ("//other:82/x", "http://other:82/x"),
            ("/x?y=1", "http://camera:81/x?y=1"),
            ("x", "http://camera:81/live/x"),
            ("../x", "http://camera:81/x"),
            ("?size=2", "http://camera:81/live/stream?size=2"),
        ] {
            assert_eq!(resolved(&uri, location).as_deref(), Some(expected), "{location}");
        }
        assert_eq!(resolved(&uri, "not a reference"), None);
    }

    #[test]
    fn content_is_known_by_its_type_or_by_its_first_bytes() {
        for (declared, expected) in [
            ("image/jpeg", Some(Content::Image)),
            ("multipart/x-mixed-replace", Some(Content::Stream)),
            ("video/x-motion-jpeg", Some(Content::Stream)),
            ("text/html", None),
        ] {
            assert_eq!(Content::of_type(declared), expected, "{declared}");
        }
        for (begin, expected) in [
            (&b"\xFF\xD8\xFF"[..], Some(Content::Image)),
            (b"\r\n--frame\r\n", Some(Content::Stream)),
            (b"--frame", Some(Content::Stream)),
            (b"<html>", None),
            (b"\xFF", None),
            (b"", None),
        ] {
            assert_eq!(Content::of_bytes(begin), expected, "{begin:?}");
        }
    }
}
