//! Opens a video on a thread that decodes it.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::engine::{Feed, FeedLost};
use crate::front::state::{App, Loaded};
use crate::front::video_turns::VideoTurn;
use crate::protocol::{VideoDescription, VideoHeader, VideoLine};
use crate::sources::{
    FrameSelection, VideoFrame, VideoInfo, VideoInput, VideoLimits, VideoProblem, open_video,
};
use crate::stages::milliseconds;

/// The frames of a video.
pub(super) type Frames = Feed<Result<VideoFrame, VideoProblem>>;

/// The bounds that a server sets to videos.
pub(super) fn limits(app: &App, loaded: &Loaded) -> VideoLimits {
    let pixels = loaded.settings.decode.limits.max_pixels as u64;
    VideoLimits::for_uploads(pixels, app.settings.video.max_duration)
}

/// Finds out what is in a video, once it is the turn of its address. None of its frames is decoded here.
pub(super) async fn describe(
    app: &App,
    address: IpAddr,
    input: VideoInput,
    limits: VideoLimits,
) -> Result<VideoInfo, VideoProblem> {
    let turn = app.video_openings.take(address).await;
    let open = move || {
        let opened = open_video(input, &limits).map(|video| video.info);
        // Not before all that it took has been given back.
        drop(turn);
        opened
    };
    spawn_blocking(open).await.unwrap_or_else(|_| Err(VideoProblem::lost()))
}

/// Opens a video for its frames; `skipped` of those that are wanted are left out. The turn lasts as long as anything
/// runs for it.
pub(super) async fn open(
    input: VideoInput,
    limits: VideoLimits,
    selection: FrameSelection,
    skipped: usize,
    turn: Arc<VideoTurn>,
) -> Result<(VideoInfo, Frames), VideoProblem> {
    let open = move || {
        let video = open_video(input, &limits)?;
        let frames = selection.of(video.frames).skip(skipped);
        Ok((video.info, WithTurn { frames, _turn: turn }))
    };
    Feed::open("video", open).await.unwrap_or_else(|FeedLost| Err(VideoProblem::lost()))
}

/// Frames that take up a turn.
struct WithTurn<I> {
    frames: I,
    _turn: Arc<VideoTurn>,
}

impl<I: Iterator> Iterator for WithTurn<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.frames.next()
    }
}

/// The first line about a video.
pub(super) fn first_line(info: &VideoInfo) -> VideoLine {
    let VideoInfo { width, height, frames, fps, codec, duration } = info.clone();
    let duration_ms = duration.map(milliseconds);
    let video = VideoDescription { width, height, frames, fps, codec, duration_ms };
    VideoLine::Video(VideoHeader { video })
}
