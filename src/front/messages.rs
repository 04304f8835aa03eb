//! Turns results of the engine and advice of admission into messages to a client.

use std::time::{Duration, Instant};

use super::admission::Advice;
use crate::engine::{FrameError, FrameErrorCode, FrameResult, milliseconds};
use crate::protocol::{DetectionResult, ErrorCode, ErrorMessage, ResultMessage, ServerMessage};

/// A frame's result whose age is not known yet: it is measured when the message is written.
pub(super) fn result(frame_index: u64, result: FrameResult) -> ResultMessage {
    let timings_ms = result.timings.into();
    ResultMessage { frame_index, result: result.into(), timings_ms, age_ms: 0.0 }
}

/// Sets the age of a result that is handed to the socket now; returns it.
pub(super) fn set_age(message: &mut ResultMessage, received: Instant) -> Duration {
    let age = received.elapsed();
    message.age_ms = milliseconds(age);
    age
}

/// A counted frame failed. Its cause stays here, for the log.
pub(super) fn failed(frame_index: u64, error: FrameError) -> ServerMessage {
    let FrameError { code, detail, .. } = error;
    let error = code.into();
    ServerMessage::Error(ErrorMessage { error, detail, frame_index: Some(frame_index) })
}

impl From<FrameResult> for DetectionResult {
    fn from(FrameResult { size, detections, tensors, .. }: FrameResult) -> Self {
        Self { width: size.width, height: size.height, detections, tensors }
    }
}

impl From<Advice> for ServerMessage {
    fn from(advice: Advice) -> Self {
        match advice {
            Advice::SlowDown { recommended_fps, drop_rate } => {
                Self::slow_down(recommended_fps, drop_rate)
            }
            Advice::Recovered { recommended_fps } => Self::recovered(recommended_fps),
        }
    }
}

impl From<FrameErrorCode> for ErrorCode {
    fn from(code: FrameErrorCode) -> Self {
        match code {
            FrameErrorCode::FrameTooLarge => Self::FrameTooLarge,
            FrameErrorCode::DecodeFailed => Self::DecodeFailed,
            // Frames of a connection are in memory; reading them cannot fail.
            FrameErrorCode::ReadFailed | FrameErrorCode::PipelineFailure => Self::PipelineFailure,
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_models::Size;

    use super::*;
    use crate::stages::{Stage, StageTimes};

    #[test]
    fn times_and_the_age_are_written_in_milliseconds() {
        let ms = Duration::from_millis;
        let frame = FrameResult {
            size: Size { width: 640, height: 480 },
            detections: vec![],
            tensors: vec![],
            timings: StageTimes::from_iter([
                (Stage::Decode, ms(1)),
                (Stage::Resize, ms(2)),
                (Stage::Normalise, ms(3)),
                (Stage::Inference, ms(4)),
                (Stage::Postprocess, Duration::from_micros(5)),
            ]),
        };
        let mut message = result(1, frame);
        let received = Instant::now() - ms(12);
        let age = set_age(&mut message, received);
        assert!((12.0..1000.0).contains(&message.age_ms), "{}", message.age_ms);
        assert_eq!(message.age_ms, milliseconds(age));
        message.age_ms = 12.5;
        assert_eq!(
            ServerMessage::Result(message).to_json(),
            r#"{"frame_index":1,"result":{"width":640,"height":480,"detections":[]},"timings_ms":{"decode":1.0,"resize":2.0,"normalise":3.0,"inference":4.0,"postprocess":0.005,"total":10.005},"age_ms":12.5}"#
        );
    }

    #[test]
    fn advice_becomes_a_message() {
        let advice = Advice::SlowDown { recommended_fps: 7.5, drop_rate: 0.42 };
        assert_eq!(ServerMessage::from(advice), ServerMessage::slow_down(7.5, 0.42));
        let advice = Advice::Recovered { recommended_fps: 9.0 };
        assert_eq!(ServerMessage::from(advice), ServerMessage::recovered(9.0));
    }

    #[test]
    fn a_cause_never_reaches_the_wire() {
        let mut error =
            FrameError::new(FrameErrorCode::PipelineFailure, "Pipeline execution failed");
        error.cause = Some("/home/someone/model.onnx: line 3".into());
        assert_eq!(
            failed(1, error).to_json(),
            r#"{"error":"pipeline_failure","detail":"Pipeline execution failed","frame_index":1}"#
        );
    }
}
