//! Decodes the coded frames of a live stream on a thread of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::coded::Coded;
use super::gop::{Choice, HeldBack};
use crate::sources::{LiveFrameError, LiveH264};
use crate::watch::attention::Attention;
use crate::watch::camera::{CameraError, CameraFrame, Delivery, FrameSender, Images, Taking};

/// Most coded frames that wait to be decoded: what a network that was stuck delivers at once. All of them must be
/// decoded, since each is a difference to those before.
const MOST_WAITING: usize = 256;
/// Longest time that a frame waits. A decoder that is further behind goes on with the next key frame.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// A decoder, and what becomes of its images.
pub(super) struct Decoding {
    decoder: LiveH264,
    images: Images,
    attention: Arc<Attention>,
    held: HeldBack,
    choice: Choice,
    left_out: u64,
    max_frame_bytes: usize,
    undecodable: Arc<OnceLock<String>>,
}

/// An item for the decoder.
enum Queued {
    Frame(Coded),
    /// The stream has ended, and why: said after the frames before it.
    End(CameraError),
}

/// Hands over coded frames. Those that wait are bounded in number and bytes.
pub(super) struct CodedSender {
    sender: mpsc::Sender<Queued>,
    bytes: Arc<AtomicUsize>,
    most_bytes: usize,
}

/// Why a coded frame is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    Full,
    /// The decoder has ended.
    Closed,
}

impl CodedSender {
    pub(super) fn offer(&self, coded: Coded) -> Result<(), NotTaken> {
        let bytes = coded.data.len();
        if self.bytes.load(Ordering::Relaxed) + bytes > self.most_bytes {
            return Err(NotTaken::Full);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sender.try_send(Queued::Frame(coded)).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                NotTaken::Full
            }
            TrySendError::Closed(_) => NotTaken::Closed,
        })
    }

    /// No more frames come.
    pub(super) async fn end(self, error: CameraError) {
        // A decoder that has ended has said why.
        let _ = self.sender.send(Queued::End(error)).await;
    }
}

impl Decoding {
    /// `undecodable` is set to what the stream uses if that is not decoded here.
    pub(super) fn new(
        decoder: LiveH264,
        taking: &Taking,
        undecodable: Arc<OnceLock<String>>,
    ) -> Self {
        Self {
            decoder,
            images: taking.images,
            attention: Arc::clone(&taking.attention),
            held: HeldBack::new(taking.limits.max_frame_bytes),
            max_frame_bytes: taking.limits.max_frame_bytes,
            choice: Choice::default(),
            left_out: 0,
            undecodable,
        }
    }

    /// Decodes, on a thread of its own, what the returned sender is given, until that or the receiver of the images
    /// has gone.
    pub(super) fn start(self, frames: FrameSender) -> Result<CodedSender, CameraError> {
        let (sender, coded) = mpsc::channel(MOST_WAITING);
        let bytes = Arc::new(AtomicUsize::new(0));
        let coded_sender =
            CodedSender { sender, bytes: Arc::clone(&bytes), most_bytes: 2 * self.max_frame_bytes };
        let run = move || self.run(coded, &bytes, &frames);
        let thread = thread::Builder::new().name("camera".to_owned());
        thread.spawn(run).map_err(CameraError::Thread)?;
        Ok(coded_sender)
    }

    fn run(
        mut self,
        mut waiting: mpsc::Receiver<Queued>,
        bytes: &AtomicUsize,
        frames: &FrameSender,
    ) {
        while let Some(queued) = waiting.blocking_recv() {
            let coded = match queued {
                Queued::Frame(coded) => coded,
                Queued::End(error) => return drop(frames.blocking_send(Err(error))),
            };
            bytes.fetch_sub(coded.data.len(), Ordering::Relaxed);
            self.left_out += coded.left_out;
            let now = Instant::now();
            if !coded.is_key && now.saturating_duration_since(coded.received) > LONGEST_WAIT {
                self.held.break_off();
                self.left_out += 1;
                continue;
            }
            let wants_all = self.attention.wants_all(now);
            let mut wanted = self.held.next(coded, wants_all);
            let Some(last) = wanted.pop() else {
                // The camera is alive. If this does not fit, something else says so.
                let _ = frames.try_send(Ok(Delivery::Nothing));
                continue;
            };
            for earlier in wanted {
                // What fails here fails the frames that refer to it.
                let _ = self.decoder.decode(&earlier.data);
            }
            // Those that will be held back are not worth passing an image over for.
            let newer_wait = wants_all && !waiting.is_empty();
            let delivery = match self.decoder.decode(&last.data) {
                Ok(image) if self.choice.takes(&last, newer_wait) => {
                    let Some(payload) = self.images.payload(image) else { continue };
                    let left_out = std::mem::take(&mut self.left_out);
                    Ok(Delivery::Frame(CameraFrame { payload, received: last.received, left_out }))
                }
                Ok(_) => {
                    self.left_out += 1;
                    continue;
                }
                Err(LiveFrameError::Lost(damage)) => {
                    tracing::debug!(%damage, "frame_skipped");
                    continue;
                }
                Err(LiveFrameError::Unsupported(what)) => {
                    let what = self.undecodable.get_or_init(|| format!("H.264 with {what}"));
                    Err(CameraError::NotDecodable(what.clone()))
                }
            };
            let is_last = delivery.is_err();
            if frames.blocking_send(delivery).is_err() || is_last {
                return;
            }
        }
    }
}
