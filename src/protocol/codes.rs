//! The closed sets of words on the wire: why a frame was dropped, what went wrong.

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Defines an enum whose variants are words on the wire, with all of them in `ALL` and the word of
/// each as `name()`.
macro_rules! words {
    (
        $(#[doc = $about:literal])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word of this set.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The word on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($about),*).trim()))
                    .enum_values(Some(Self::ALL.map(Self::name)))
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

words! {
    /// Why a frame was dropped.
    pub enum DropReason {
        /// A newer frame took its place.
        Busy = "busy",
        /// Shed before any work, because its session exceeds the rate it can sustain.
        Pacing = "pacing",
        /// Older than the age limit when its turn came.
        Stale = "stale",
        /// The server is shutting down, or the session has lasted long enough.
        Draining = "draining",
    }
}

words! {
    /// What went wrong in a session.
    pub enum ErrorCode {
        /// There is no such pipeline; the session is closed.
        InvalidPipeline = "invalid_pipeline",
        /// The message is not binary; the session is closed.
        InvalidMessage = "invalid_message",
        /// The message is not a JPEG.
        InvalidFrame = "invalid_frame",
        /// The frame has more bytes than the server accepts.
        FrameTooLarge = "frame_too_large",
        /// The JPEG cannot be decoded.
        DecodeFailed = "decode_failed",
        /// The server failed, not the frame.
        PipelineFailure = "pipeline_failure",
    }
}

words! {
    /// Why an HTTP request was refused or failed.
    pub enum HttpErrorCode {
        /// There is nothing at this path.
        NotFound = "not_found",
        /// The web page that sent the request is not on the list of allowed origins.
        OriginNotAllowed = "origin_not_allowed",
        /// The request names no host, or more than one.
        InvalidHost = "invalid_host",
        /// A key of the query, or its value, cannot be used.
        InvalidQuery = "invalid_query",
        /// This path speaks WebSocket only.
        WebsocketOnly = "websocket_only",
        /// The enforced limit on sessions is reached.
        TooManySessions = "too_many_sessions",
        /// There is no place for another connection, or none for one from this address.
        TooManyConnections = "too_many_connections",
        /// The server is loading its models.
        Starting = "starting",
        /// The server is shutting down.
        Draining = "draining",
        /// The body is not of a type, or a codec, that can be decoded here.
        UnsupportedMediaType = "unsupported_media_type",
        /// The body did not arrive whole, or not in time.
        IncompleteBody = "incomplete_body",
        /// The form has too many parts, or a part with too long a head.
        InvalidForm = "invalid_form",
        /// There is no such pipeline.
        InvalidPipeline = "invalid_pipeline",
        /// The body is not a JPEG.
        InvalidFrame = "invalid_frame",
        /// The body has more bytes than the server accepts.
        FrameTooLarge = "frame_too_large",
        /// The JPEG, or a frame of the video, cannot be decoded.
        DecodeFailed = "decode_failed",
        /// The body is not a video that can be read.
        InvalidVideo = "invalid_video",
        /// The video has more bytes than the server accepts, or plays longer.
        VideoTooLarge = "video_too_large",
        /// There is no such job, or it was forgotten.
        JobNotFound = "job_not_found",
        /// The job is not completed, so there are no results in one piece.
        JobNotCompleted = "job_not_completed",
        /// The results of the video take more memory than there is for them.
        TooManyResults = "too_many_results",
        /// The server failed, not the frame.
        PipelineFailure = "pipeline_failure",
        /// Too many requests are being answered already.
        Busy = "busy",
        /// The request was shed because the server is overloaded.
        Pacing = "pacing",
        /// The frame was older than the age limit when its turn came.
        Stale = "stale",
    }
}

words! {
    /// The state of a video job.
    pub enum JobStatus {
        /// It waits for its turn.
        Pending = "pending",
        /// Its frames are being processed.
        Running = "running",
        /// All its frames were processed.
        Completed = "completed",
        /// It ended before that.
        Failed = "failed",
    }
}

impl From<DropReason> for HttpErrorCode {
    fn from(reason: DropReason) -> Self {
        match reason {
            DropReason::Busy => Self::Busy,
            DropReason::Pacing => Self::Pacing,
            DropReason::Stale => Self::Stale,
            DropReason::Draining => Self::Draining,
        }
    }
}

impl From<ErrorCode> for HttpErrorCode {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidPipeline => Self::InvalidPipeline,
            // Over HTTP the type of a body is declared.
            ErrorCode::InvalidMessage => Self::UnsupportedMediaType,
            ErrorCode::InvalidFrame => Self::InvalidFrame,
            ErrorCode::FrameTooLarge => Self::FrameTooLarge,
            ErrorCode::DecodeFailed => Self::DecodeFailed,
            ErrorCode::PipelineFailure => Self::PipelineFailure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_those_of_the_protocol() {
        let reasons = DropReason::ALL.map(DropReason::name);
        assert_eq!(reasons, ["busy", "pacing", "stale", "draining"]);
        assert_eq!(
            ErrorCode::ALL.map(ErrorCode::name),
            [
                "invalid_pipeline",
                "invalid_message",
                "invalid_frame",
                "frame_too_large",
                "decode_failed",
                "pipeline_failure",
            ]
        );
    }

    #[test]
    fn words_are_written_and_read_by_their_names() {
        for reason in DropReason::ALL {
            let json = format!("\"{}\"", reason.name());
            assert_eq!(serde_json::to_string(&reason).unwrap(), json);
            assert_eq!(serde_json::from_str::<DropReason>(&json).unwrap(), reason);
        }
        assert!(serde_json::from_str::<DropReason>("\"tired\"").is_err());
        for code in HttpErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn a_drop_has_the_same_word_over_http() {
        for reason in DropReason::ALL {
            assert_eq!(HttpErrorCode::from(reason).name(), reason.name());
        }
    }
}
