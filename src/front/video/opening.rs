//! Opens a video on a thread that decodes it.

use crate::engine::{Feed, FeedLost};
use crate::front::state::{App, Loaded};
use crate::protocol::{VideoDescription, VideoHeader, VideoLine};
use crate::sources::{
    FrameSelection, VideoFrame, VideoInfo, VideoInput, VideoLimits, VideoProblem, open_video,
};
use crate::stages::milliseconds;

/// The frames of a video.
pub(super) type Frames = Feed<Result<VideoFrame, VideoProblem>>;

/// The bounds that a server sets to videos.
pub(super) fn limits(app: &App, loaded: &Loaded) -> VideoLimits {
    VideoLimits {
        pixels: loaded.settings.decode.limits.max_pixels as u64,
        duration: app.settings.video.max_duration,
    }
}

/// Opens a video; `skipped` of the frames that are wanted are left out.
pub(super) async fn open(
    input: VideoInput,
    limits: VideoLimits,
    selection: FrameSelection,
    skipped: usize,
) -> Result<(VideoInfo, Frames), VideoProblem> {
    let open = move || {
        let video = open_video(input, &limits)?;
        Ok((video.info, selection.of(video.frames).skip(skipped)))
    };
    Feed::open("video", open).await.unwrap_or_else(|FeedLost| Err(VideoProblem::lost()))
}

/// The first line about a video.
pub(super) fn first_line(info: &VideoInfo) -> VideoLine {
    let VideoInfo { width, height, frames, fps, codec, duration } = info.clone();
    let duration_ms = duration.map(milliseconds);
    let video = VideoDescription { width, height, frames, fps, codec, duration_ms };
    VideoLine::Video(VideoHeader { video })
}
