//! Connects to a camera and yields its frames, a file per kind of camera.

mod ffmpeg;
mod file;
mod http;
mod images;
mod rtsp;
mod splitter;
pub(super) mod tcp;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::http::Uri;
use tokio::sync::mpsc;

use super::address::{CameraAddress, Credentials, Location};
use super::attention::Attention;
use crate::engine::FramePayload;
use crate::sources::{VideoProblem, VideoProblemKind};
use rtsp::Connected;

pub(super) use images::Images;

/// Bounds of a camera's frames.
#[derive(Debug, Clone, Copy)]
pub struct CameraLimits {
    /// Largest frame in bytes.
    pub max_frame_bytes: usize,
    /// Most frames per second that are wanted.
    pub fps: Option<f64>,
    /// Whether key frames are enough while nothing is seen.
    pub key_frames: bool,
}

/// How frames are taken of a camera.
#[derive(Clone)]
pub(super) struct Taking {
    pub(super) limits: CameraLimits,
    pub(super) images: Images,
    pub(super) attention: Arc<Attention>,
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
    #[error(
        "the camera sends {codec}, for which FFmpeg is needed: install it (apt install ffmpeg), or have the camera send H.264"
    )]
    NoFfmpegFor { codec: String },
    #[error("FFmpeg is needed for {0}")]
    NotDecodable(String),
    #[error("{0}")]
    Rtsp(&'static str),
    #[error("the connection is lost")]
    Lost(#[source] std::io::Error),
    #[error("no key frame for {} s: have the camera send one every second or two", limit.as_secs())]
    NoKeyFrame { limit: Duration },
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
    #[error("{0}")]
    Video(VideoProblem),
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

/// A frame of a camera.
#[derive(Debug)]
pub(super) struct CameraFrame {
    pub(super) payload: FramePayload,
    /// When its last byte was read.
    pub(super) received: Instant,
    /// Frames before it that there was no time to decode.
    pub(super) left_out: u64,
}

/// An item of a connection.
#[derive(Debug)]
pub(super) enum Delivery {
    Frame(CameraFrame),
    /// The camera sends, but nothing that is to be analysed.
    Nothing,
}

impl From<FramePayload> for Delivery {
    /// A frame that has just been read.
    fn from(payload: FramePayload) -> Self {
        Self::Frame(CameraFrame { payload, received: Instant::now(), left_out: 0 })
    }
}

/// The frames of one connection, which ends when this is dropped.
pub(super) struct Frames {
    receiver: mpsc::Receiver<Result<Delivery, CameraError>>,
    /// The task or process that reads the connection, ended with it.
    _reader: Option<Box<dyn Send>>,
}

pub(super) type FrameSender = mpsc::Sender<Result<Delivery, CameraError>>;

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

    pub(super) async fn next(&mut self) -> Result<Delivery, CameraError> {
        self.receiver.recv().await.unwrap_or(Err(CameraError::Ended))
    }
}

/// A camera at an address.
pub(super) struct AddressedCamera {
    address: CameraAddress,
    taking: Taking,
    /// The codec that it sends, once that turned out to be for FFmpeg.
    undecodable: Arc<OnceLock<String>>,
    /// Whether the log says that FFmpeg decodes it.
    is_handed_over: AtomicBool,
}

impl AddressedCamera {
    pub(super) fn new(address: CameraAddress, taking: Taking) -> Self {
        Self {
            address,
            taking,
            undecodable: Arc::default(),
            is_handed_over: AtomicBool::new(false),
        }
    }

    async fn rtsp(
        &self,
        uri: &Uri,
        credentials: Option<&Credentials>,
        url: &str,
    ) -> Result<Frames, CameraError> {
        let codec = match self.undecodable.get() {
            Some(codec) => codec.clone(),
            None => match rtsp::connect(uri, credentials, &self.taking, &self.undecodable).await? {
                Connected::Here(frames) => return Ok(frames),
                Connected::JpegHere(frames) => {
                    self.warn_of_key_frames();
                    return Ok(frames);
                }
                Connected::Elsewhere { codec } => codec,
            },
        };
        match self.stream(url, &self.address.to_string()) {
            Ok(frames) => {
                if !self.is_handed_over.swap(true, Ordering::Relaxed) {
                    let source = self.address.name();
                    tracing::info!(%source, %codec, "FFmpeg decodes what the camera sends");
                }
                Ok(frames)
            }
            Err(CameraError::NoFfmpeg) => Err(CameraError::NoFfmpegFor { codec }),
            Err(error) => Err(error),
        }
    }

    /// A stream by FFmpeg.
    fn stream(&self, url: &str, shown: &str) -> Result<Frames, CameraError> {
        self.warn_of_key_frames();
        let Taking { limits, .. } = self.taking;
        ffmpeg::start(ffmpeg::stream(url, limits.fps), None, (url, shown), limits)
    }

    async fn file(&self, path: &Path) -> Result<Frames, CameraError> {
        match file::open(path, &self.taking).await {
            Ok(file) => {
                if file.codec != "h264" {
                    self.warn_of_key_frames();
                }
                return Ok(file.frames);
            }
            Err(problem) => match problem.kind {
                // Perhaps FFmpeg knows more kinds of files.
                VideoProblemKind::Unreadable | VideoProblemKind::Unsupported => {}
                VideoProblemKind::Invalid | VideoProblemKind::OverLimit => {
                    return Err(CameraError::Video(problem));
                }
            },
        }
        self.warn_of_key_frames();
        let Taking { limits, .. } = self.taking;
        let path = path.to_string_lossy();
        ffmpeg::start(ffmpeg::file(&path, limits.fps), None, (&path, &path), limits)
    }

    /// Key frames are told apart in H.264 that is decoded here.
    fn warn_of_key_frames(&self) {
        if self.taking.attention.may_rest() {
            let source = self.address.name();
            tracing::warn!(%source, "every frame is decoded: --keyframes is for H.264 over RTSP or in MP4");
        }
    }
}

impl Camera for AddressedCamera {
    async fn connect(&self) -> Result<Frames, CameraError> {
        let Taking { limits, .. } = self.taking;
        match self.address.location() {
            Location::Http { uri, credentials } => {
                self.warn_of_key_frames();
                http::connect(uri, credentials.as_ref(), limits).await
            }
            Location::Rtsp { uri, credentials, url } => {
                self.rtsp(uri, credentials.as_ref(), url).await
            }
            Location::Stream { url, shown, .. } => self.stream(url, shown),
            Location::Webcam(path) => {
                self.warn_of_key_frames();
                let path = path.to_string_lossy();
                let [jpegs, raw] = ffmpeg::webcam(&path, limits.fps);
                ffmpeg::start(jpegs, Some(raw), (&path, &path), limits)
            }
            Location::File(path) => self.file(path).await,
        }
    }

    fn is_finite(&self) -> bool {
        self.address.is_finite()
    }

    fn authority(&self) -> Option<String> {
        self.address.authority()
    }
}
