//! Reads a video file out of a request, into memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};

use crate::front::infer::FORM_BYTES;
use crate::front::link::Link;
use crate::front::multipart::{self, FormError};
use crate::front::video_memory::{HeldVideo, VideoMemory, WholeVideo};

/// Longest time for which nothing of a body may arrive, or less than [`LEAST_ARRIVED`].
const STALL_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of which less is hardly anything.
const LEAST_ARRIVED: usize = 10 << 10;
/// Longest time that a whole body may take.
const UPLOAD_LIMIT: Duration = Duration::from_secs(900);

/// How a body is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Declared {
    /// The file itself.
    File,
    /// A form with the file in it.
    Form { boundary: String },
}

/// Why there is no file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UploadError {
    /// It has more bytes than allowed.
    TooLarge,
    /// It stopped arriving, or took too long.
    Incomplete,
    /// It broke off, or is not in the form that HTTP has for it.
    Unreadable,
    /// The form holds no file.
    NoFile,
    /// The form cannot be taken apart.
    Form(FormError),
    /// The connection must give way.
    GaveWay,
    /// There is no room for it among the videos in memory.
    NoRoom,
}

impl Declared {
    /// How the headers declare a body; `None` if that cannot be a video.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(declared) = headers.get(header::CONTENT_TYPE) else { return Some(Self::File) };
        let declared = declared.to_str().ok()?;
        if let Some(boundary) = multipart::boundary(declared) {
            return Some(Self::Form { boundary });
        }
        let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_video = essence.starts_with("video/") || essence == "application/octet-stream";
        is_video.then_some(Self::File)
    }

    /// Bytes that a body may have for a file of at most `limit`.
    pub(super) fn body_limit(&self, limit: usize) -> usize {
        match self {
            Self::File => limit,
            Self::Form { .. } => limit + FORM_BYTES,
        }
    }
}

/// Reads a body to its end. What has been read counts as the video's, not as an unfinished message's.
pub(super) async fn read(
    body: Body,
    declared: &Declared,
    limit: usize,
    memory: &Arc<VideoMemory>,
    link: &Link,
) -> Result<WholeVideo, UploadError> {
    let mut held = memory.begin(link.address());
    let given_up = held.given_up();
    let reading =
        timeout(UPLOAD_LIMIT, read_all(body, declared.body_limit(limit), &mut held, link));
    let bytes = tokio::select! {
        bytes = reading => bytes.unwrap_or(Err(UploadError::Incomplete))?,
        _ = link.must_give_way() => return Err(UploadError::GaveWay),
        () = given_up.cancelled() => return Err(UploadError::NoRoom),
    };
    let file = match declared {
        Declared::File => bytes,
        Declared::Form { boundary } => {
            let file = multipart::first_file(bytes, boundary).await;
            file.map_err(UploadError::Form)?.ok_or(UploadError::NoFile)?
        }
    };
    if file.len() > limit { Err(UploadError::TooLarge) } else { Ok(held.whole(file)) }
}

async fn read_all(
    body: Body,
    limit: usize,
    held: &mut HeldVideo,
    link: &Link,
) -> Result<Bytes, UploadError> {
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    let (mut since, mut before) = (Instant::now(), 0);
    loop {
        let chunk = timeout(STALL_LIMIT, chunks.next()).await;
        let chunk = match chunk.map_err(|_| UploadError::Incomplete)? {
            None => return Ok(read.into()),
            Some(chunk) => chunk.map_err(|_| UploadError::Unreadable)?,
        };
        if read.len() + chunk.len() > limit {
            return Err(UploadError::TooLarge);
        }
        if !held.grow(chunk.len()).await {
            return Err(UploadError::NoRoom);
        }
        read.extend_from_slice(&chunk);
        link.message_complete();
        if since.elapsed() >= STALL_LIMIT {
            if read.len() - before < LEAST_ARRIVED {
                return Err(UploadError::Incomplete);
            }
            (since, before) = (Instant::now(), read.len());
        }
    }
}
