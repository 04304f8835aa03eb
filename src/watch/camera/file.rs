//! Video files, at the speed at which they were recorded.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::task::AbortOnDropHandle;

use super::{CameraError, Delivery, FrameSender, Frames, Taking};
use crate::engine::{Feed, FeedLost};
use crate::sources::{VideoFrame, VideoInput, VideoLimits, VideoProblem, open_video_live};

/// Longest silence between two frames.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

/// A file that is being played.
pub(super) struct Played {
    pub(super) frames: Frames,
    pub(super) codec: String,
}

/// Opens a file and begins to play it.
pub(super) async fn open(path: &Path, taking: &Taking) -> Result<Played, VideoProblem> {
    let (sender, frames) = Frames::channel();
    let input = VideoInput::File(path.to_owned());
    let (images, attention) = (taking.images, Arc::clone(&taking.attention));
    let clock = Clock { begin: Instant::now(), frames: sender.clone() };
    let open = move || {
        let of_frames = clock.clone();
        let wants_all = move |time| {
            // Frames that are decoded are waited for once they are in the order in which they are shown.
            attention.wants_all(Instant::now()) || {
                clock.wait_until(time);
                clock.show_life();
                attention.wants_all(Instant::now())
            }
        };
        let video = open_video_live(input, &VideoLimits::DEFAULT, wants_all)?;
        let frames = video.frames.map(move |frame| {
            let VideoFrame { time, image, .. } = frame?;
            of_frames.wait_until(time);
            match image {
                Ok(image) => Ok(images.payload(image).map_or(Delivery::Nothing, Delivery::from)),
                Err(damage) => {
                    tracing::debug!(%damage, "frame_skipped");
                    Ok(Delivery::Nothing)
                }
            }
        });
        Ok::<_, VideoProblem>((video.info.codec, frames))
    };
    let opened = Feed::open("camera", open).await;
    let (codec, feed) = opened.unwrap_or_else(|FeedLost| Err(VideoProblem::lost()))?;
    let reading = tokio::spawn(pass_on(feed, sender));
    Ok(Played { frames: frames.read_by(AbortOnDropHandle::new(reading)), codec })
}

/// The time of a file that is being played.
#[derive(Clone)]
struct Clock {
    begin: Instant,
    frames: FrameSender,
}

impl Clock {
    /// Waits, on a thread that may, until a frame is due or its receiver has gone.
    fn wait_until(&self, time: Duration) {
        while !self.frames.is_closed() {
            let left = time.saturating_sub(self.begin.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(LONGEST_SILENCE));
            if left > LONGEST_SILENCE {
                self.show_life();
            }
        }
    }

    /// Nothing is lost, though there is no frame.
    fn show_life(&self) {
        // If this does not fit, something else says so.
        let _ = self.frames.try_send(Ok(Delivery::Nothing));
    }
}

async fn pass_on(mut feed: Feed<Result<Delivery, VideoProblem>>, frames: FrameSender) {
    loop {
        let delivery = match feed.next().await {
            Ok(Some(Ok(delivery))) => Ok(delivery),
            Ok(Some(Err(problem))) => Err(CameraError::Video(problem)),
            Ok(None) => Err(CameraError::Ended),
            Err(FeedLost) => Err(CameraError::Video(VideoProblem::lost())),
        };
        let is_last = delivery.is_err();
        if frames.send(delivery).await.is_err() || is_last {
            return;
        }
    }
}
