//! Connects to a camera and yields its frames, a file per kind of camera.

mod ffmpeg;
mod http;
mod splitter;

use std::time::Duration;

use tokio::sync::mpsc;

use super::address::{CameraAddress, Location};
use crate::engine::FramePayload;

/// Bounds of a camera's frames.
#[derive(Debug, Clone, Copy)]
pub struct CameraLimits {
    /// Largest frame in bytes.
    pub max_frame_bytes: usize,
    /// Most frames per second that are wanted.
    pub fps: Option<f64>,
}

/// Why a camera yields no frame, or no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum CameraError {
    #[error("cannot connect to {authority}")]
    Unreachable { authority: String, source: std::io::Error },
    #[error("no answer within {} s", limit.as_secs())]
    NoAnswer { limit: Duration },
    #[error("no frame for {} s", limit.as_secs())]
    Silent { limit: Duration },
    #[error("the camera answers with status {status}{hint}")]
    Status { status: u16, hint: &'static str },
    #[error("the camera's answer is not valid HTTP")]
    Http(#[source] hyper::Error),
    #[error("the camera redirects to {0}, which cannot be followed")]
    Redirect(String),
    #[error("the address yields {0}, not JPEG frames (image/jpeg or multipart/x-mixed-replace)")]
    NotVideo(String),
    #[error("FFmpeg is needed for this kind of source: install it (apt install ffmpeg)")]
    NoFfmpeg,
    #[error("FFmpeg cannot be started")]
    Ffmpeg(#[source] std::io::Error),
    #[error("FFmpeg says: {0}")]
    FfmpegFailed(String),
    #[error("the stream has ended")]
    Ended,
}

impl CameraError {
    /// Whether the camera was not there at all, so that looking for it makes sense.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Silent { .. })
    }
}

/// Something that frames come from.
pub(super) trait Camera: Send + Sync {
    /// Connects; every call is a new connection.
    fn connect(&self) -> impl Future<Output = Result<Frames, CameraError>> + Send;

    /// Whether its frames come to an end.
    fn is_finite(&self) -> bool;

    /// Host and port, where a connection can be tried to see whether the camera is there.
    fn authority(&self) -> Option<String>;
}

/// The frames of one connection, which ends when this is dropped.
pub(super) struct Frames {
    receiver: mpsc::Receiver<Result<FramePayload, CameraError>>,
    /// The task or process that reads the connection, ended with it.
    _reader: Option<Box<dyn Send>>,
}

pub(super) type FrameSender = mpsc::Sender<Result<FramePayload, CameraError>>;

impl Frames {
    /// Frames that are sent from elsewhere. Room for one: a frame that waits grows old.
    pub(super) fn channel() -> (FrameSender, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self { receiver, _reader: None })
    }

    /// Ends `reader` together with the connection.
    fn read_by(self, reader: impl Send + 'static) -> Self {
        Self { _reader: Some(Box::new(reader)), ..self }
    }

    pub(super) async fn next(&mut self) -> Result<FramePayload, CameraError> {
        self.receiver.recv().await.unwrap_or(Err(CameraError::Ended))
    }
}

/// A camera at an address.
pub(super) struct AddressedCamera {
    pub(super) address: CameraAddress,
    pub(super) limits: CameraLimits,
}

impl Camera for AddressedCamera {
    async fn connect(&self) -> Result<Frames, CameraError> {
        let Self { address, limits } = self;
        match address.location() {
            Location::Http { uri, credentials } => {
                http::connect(uri, credentials.as_ref(), *limits).await
            }
            Location::Stream { url, shown, .. } => {
                ffmpeg::start(ffmpeg::stream(url, limits.fps), (url, shown), *limits)
            }
            Location::Webcam(path) => {
                let path = path.to_string_lossy();
                ffmpeg::start(ffmpeg::webcam(&path, limits.fps), (&path, &path), *limits)
            }
            Location::File(path) => {
                let path = path.to_string_lossy();
                ffmpeg::start(ffmpeg::file(&path, limits.fps), (&path, &path), *limits)
            }
        }
    }

    fn is_finite(&self) -> bool {
        self.address.is_finite()
    }

    fn authority(&self) -> Option<String> {
        self.address.authority()
    }
}
