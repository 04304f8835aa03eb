//! Decodes a video on a thread of its own, a frame or two ahead of their use.

use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::sources::{
    Selection, VideoFrame, VideoInfo, VideoInput, VideoLimits, VideoProblem, VideoProblemKind,
    open_video,
};

/// The frames of a video. Its thread ends when this is dropped.
pub(super) struct Feed {
    frames: mpsc::Receiver<Next>,
}

enum Next {
    Frame(Result<VideoFrame, VideoProblem>),
    End,
}

impl Feed {
    /// Opens a video.
    pub(super) async fn open(
        input: VideoInput,
        limits: VideoLimits,
        selection: Selection,
    ) -> Result<(VideoInfo, Self), VideoProblem> {
        let (report, opened) = oneshot::channel();
        let (sender, frames) = mpsc::channel(1);
        let decode = move || {
            let video = match open_video(input, &limits) {
                Ok(video) => video,
                // If this fails, its reader has gone.
                Err(problem) => return drop(report.send(Err(problem))),
            };
            let _ = report.send(Ok(video.info));
            for frame in selection.of(video.frames) {
                if sender.blocking_send(Next::Frame(frame)).is_err() {
                    return;
                }
            }
            let _ = sender.blocking_send(Next::End);
        };
        let started = thread::Builder::new().name("video".to_owned()).spawn(decode);
        if started.is_err() {
            return Err(lost("no thread can be started for the video"));
        }
        let info = opened.await.map_err(|_| lost("the video cannot be opened"))??;
        Ok((info, Self { frames }))
    }

    /// The next frame; `None` after the last. The wait can be cancelled and started again at any time.
    pub(super) async fn next(&mut self) -> Option<Result<VideoFrame, VideoProblem>> {
        match self.frames.recv().await {
            Some(Next::Frame(frame)) => Some(frame),
            Some(Next::End) => None,
            None => Some(Err(lost("the rest of the video cannot be decoded"))),
        }
    }
}

fn lost(detail: &str) -> VideoProblem {
    VideoProblem { kind: VideoProblemKind::Unreadable, detail: detail.to_owned() }
}
