//! Turns a panic into a failure of the frames at hand.

use super::frame::FrameError;
use crate::stages::panics::catch;

/// Runs `work`; a panic in it becomes a failure of the frames that it worked on.
///
/// After a panic the caller must discard or overwrite whatever `work` was changing.
pub(crate) fn contain<T>(stage: &str, work: impl FnOnce() -> T) -> Result<T, FrameError> {
    catch(work).map_err(|cause| {
        FrameError::pipeline_failure(format_args!("a bug: panic in stage {stage}: {cause}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FrameErrorCode;

    #[test]
    fn a_panic_becomes_a_failure_that_hides_its_message() {
        assert_eq!(contain("test", || 7), Ok(7));
        let failed = contain("test", || panic!("secret {}", 1)).map(|(): ()| 0).unwrap_err();
        assert_eq!(failed.code, FrameErrorCode::PipelineFailure);
        assert!(!failed.detail.contains("secret"));
        assert!(failed.cause.is_some_and(|cause| cause.contains("secret 1")));
    }
}
