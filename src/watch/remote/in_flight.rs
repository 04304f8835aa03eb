//! Frames that wait for a server's answer. Servers number the frames of a connection from 1.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::engine::{FrameError, FrameErrorCode, FramePayload};
use crate::protocol::{ErrorCode, ServerMessage};
use crate::watch::answer::{Answer, AnswerOutcome};

/// A frame of the camera.
#[derive(Debug)]
pub(super) struct RemoteFrame {
    pub(super) frame_index: u64,
    pub(super) received: Instant,
    pub(super) payload: FramePayload,
}

/// The frames of a connection that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    sent: u64,
    /// By the server's number.
    frames: BTreeMap<u64, RemoteFrame>,
}

impl InFlight {
    /// Whether all frames have their answers.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Adds a frame that is sent after all those before it.
    pub(super) fn push(&mut self, frame: RemoteFrame) {
        self.sent += 1;
        self.frames.insert(self.sent, frame);
    }

    /// The fate of a frame, or the advice, that a message holds. `None` for others, and for frames that are not in flight.
    pub(super) fn answer(&mut self, message: ServerMessage) -> Option<Answer> {
        let (number, outcome) = match message {
            ServerMessage::Result(found) => {
                (found.frame_index, AnswerOutcome::Result(found.result, found.timings_ms))
            }
            ServerMessage::Dropped(dropped) => (dropped.frame_index, AnswerOutcome::Dropped),
            ServerMessage::Error(error) => {
                let code = match error.error {
                    ErrorCode::PipelineFailure => FrameErrorCode::PipelineFailure,
                    ErrorCode::FrameTooLarge => FrameErrorCode::FrameTooLarge,
                    _ => FrameErrorCode::DecodeFailed,
                };
                // Only frames that the server counts are sent.
                let number = error.frame_index?;
                (number, AnswerOutcome::Failed(FrameError::new(code, error.detail)))
            }
            ServerMessage::SlowDown(advice) => {
                return Some(Answer::Advice { fps: advice.recommended_fps });
            }
            ServerMessage::Recovered(advice) => {
                return Some(Answer::Advice { fps: advice.recommended_fps });
            }
            ServerMessage::BackendChanged(changed) => {
                return Some(Answer::Advice { fps: changed.recommended_fps });
            }
            _ => return None,
        };
        let RemoteFrame { frame_index, received, .. } = self.frames.remove(&number)?;
        Some(Answer::Frame { frame_index, received, outcome })
    }

    /// All frames without an answer.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = RemoteFrame> + use<> {
        std::mem::take(&mut self.frames).into_values()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::DropReason;

    #[test]
    fn answers_find_their_frames_by_the_servers_numbers() {
        let received = Instant::now();
        let mut in_flight = InFlight::default();
        for frame_index in [10, 12, 15] {
            let payload = FramePayload::Jpeg(Bytes::new());
            in_flight.push(RemoteFrame { frame_index, received, payload });
        }
        let dropped = |number| ServerMessage::dropped(number, DropReason::Busy);
        let answer = |frame_index| {
            Some(Answer::Frame { frame_index, received, outcome: AnswerOutcome::Dropped })
        };
        assert_eq!(in_flight.answer(dropped(2)), answer(12));
        assert_eq!(in_flight.answer(dropped(2)), None, "only once");
        assert_eq!(in_flight.answer(dropped(1)), answer(10));
        let advice = in_flight.answer(ServerMessage::slow_down(7.5, 0.4));
        assert_eq!(advice, Some(Answer::Advice { fps: 7.5 }));
        let left: Vec<u64> = in_flight.take_all().map(|frame| frame.frame_index).collect();
        assert_eq!(left, [15]);
    }
}
