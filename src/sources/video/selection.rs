//! Which frames of a video are wanted.

use std::num::NonZero;
use std::time::Duration;

use super::{VideoFrame, VideoProblem};

/// Which frames of a video are wanted. What holds for all its parts is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameSelection {
    /// Every Nth frame, beginning with the first.
    pub stride: NonZero<u64>,
    /// Most frames that are taken.
    pub max_frames: Option<u64>,
    /// Most frames that are taken for each second of the video, greater than 0.
    pub fps: Option<f64>,
}

impl FrameSelection {
    /// Every frame.
    pub const ALL: Self = Self { stride: NonZero::<u64>::MIN, max_frames: None, fps: None };

    /// The wanted frames of a video. Nothing is decoded after the last of them.
    pub fn of(
        self,
        frames: impl Iterator<Item = Result<VideoFrame, VideoProblem>> + Send,
    ) -> impl Iterator<Item = Result<VideoFrame, VideoProblem>> + Send {
        let mut filter = Filter { selection: self, last_slot: None };
        let most = self.max_frames.and_then(|most| usize::try_from(most).ok());
        let wanted = frames.filter(move |frame| match frame {
            Ok(frame) => filter.wants(frame.index, frame.time),
            Err(_) => true,
        });
        wanted.take(most.unwrap_or(usize::MAX))
    }

    /// How many of a video's frames are wanted, about.
    pub fn count(&self, frames: u64, fps: Option<f64>) -> u64 {
        let strided = frames.div_ceil(self.stride.get());
        let paced = match (self.fps, fps) {
            (Some(wanted), Some(fps)) if fps > 0.0 => (frames as f64 / fps * wanted).ceil() as u64,
            _ => strided,
        };
        strided.min(paced).min(self.max_frames.unwrap_or(u64::MAX))
    }

    /// Frames that are wanted for each second of a video with this frame rate, about.
    pub fn rate(&self, fps: f64) -> f64 {
        let strided = fps / self.stride.get() as f64;
        self.fps.map_or(strided, |wanted| strided.min(wanted))
    }
}

/// Decides frame by frame.
struct Filter {
    selection: FrameSelection,
    /// The last slot of `1 / fps` seconds that a frame was taken for.
    last_slot: Option<u64>,
}

impl Filter {
    fn wants(&mut self, index: u64, time: Duration) -> bool {
        if !index.is_multiple_of(self.selection.stride.get()) {
            return false;
        }
        let Some(fps) = self.selection.fps else { return true };
        // Times are rounded down to units of the file, so a frame may seem to be a little too early.
        let slot = (time.as_secs_f64() * fps + 0.01) as u64;
        let is_new = self.last_slot.is_none_or(|last| slot > last);
        if is_new {
            self.last_slot = Some(slot);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(selection: FrameSelection, fps: f64) -> Vec<u64> {
        let mut filter = Filter { selection, last_slot: None };
        let time = |index: u64| Duration::from_nanos((index as f64 * 1e9 / fps) as u64);
        (0..10).filter(|&index| filter.wants(index, time(index))).collect()
    }

    #[test]
    fn a_stride_takes_every_so_many_frames() {
        let stride = NonZero::new(4).unwrap();
        assert_eq!(wanted(FrameSelection { stride, ..FrameSelection::ALL }, 30.0), [0, 4, 8]);
        assert_eq!(wanted(FrameSelection::ALL, 30.0), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_rate_takes_frames_by_their_time() {
        let at = |fps| FrameSelection { fps: Some(fps), ..FrameSelection::ALL };
        assert_eq!(wanted(at(10.0), 30.0), [0, 3, 6, 9]);
        assert_eq!(wanted(at(10.0), 29.97), [0, 3, 6, 9]);
        assert_eq!(wanted(at(60.0), 30.0), (0..10).collect::<Vec<_>>());
        assert_eq!(wanted(at(12.0), 30.0), [0, 3, 5, 8]);
    }

    #[test]
    fn nothing_is_decoded_after_the_last_wanted_frame() {
        let frame = |index| {
            assert!(index < 3, "frame {index} is decoded");
            let image = Err(crate::engine::FrameError::new(
                crate::engine::FrameErrorCode::DecodeFailed,
                "scripted",
            ));
            Ok(VideoFrame { index, time: Duration::ZERO, image })
        };
        let selection = FrameSelection { max_frames: Some(3), ..FrameSelection::ALL };
        assert_eq!(selection.of((0..10).map(frame)).count(), 3);
    }

    #[test]
    fn counts_and_rates_follow_the_selection() {
        let stride = NonZero::new(2).unwrap();
        let selection = FrameSelection { stride, fps: Some(5.0), max_frames: Some(40) };
        assert_eq!(selection.count(100, Some(25.0)), 20);
        assert_eq!(selection.count(1000, Some(25.0)), 40);
        assert_eq!(selection.count(11, None), 6);
        assert!((selection.rate(25.0) - 5.0).abs() < 1e-9);
        assert!((selection.rate(8.0) - 4.0).abs() < 1e-9);
    }
}
