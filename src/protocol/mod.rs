//! The wire as types: every WebSocket message, HTTP body and code, shared by the server, `load` and the
//! tests.
//!
//! Each type serialises to what the protocol says and refuses to be read from anything else. The
//! published descriptions, OpenAPI and AsyncAPI, are generated from the same types.
//!
//! ```
//! use framegate::protocol::{ErrorCode, ServerMessage};
//!
//! let text = r#"{"error":"decode_failed","detail":"The JPEG is cut off","frame_index":3}"#;
//! let message: ServerMessage = serde_json::from_str(text)?;
//! let ServerMessage::Error(error) = message else { panic!("{message:?}") };
//! assert_eq!((error.error, error.frame_index), (ErrorCode::DecodeFailed, Some(3)));
//! # Ok::<(), serde_json::Error>(())
//! ```

pub mod asyncapi;
pub mod close;
mod codes;
mod constants;
pub mod deepstack;
mod frame;
mod http;
mod info;
mod jobs;
mod keys;
mod messages;
mod options;
mod query;
mod timestamp;
mod video;

pub use close::CloseReason;
pub use codes::{DropReason, ErrorCode, HttpErrorCode, JobStatus};
pub use constants::{BackendChangedNotice, DrainingNotice, RecoveredNotice, SlowDownWarning, True};
pub use frame::{InvalidFrame, validate};
pub use http::{ErrorBody, InferForm, Jpeg};
pub use info::{
    Info, LimitsInfo, PipelineEntry, PipelineInfo, PipelineList, Readiness, ReadinessStatus, SetBy,
    SettingInfo, ThresholdsInfo,
};
pub use jobs::{JobAccepted, JobList, JobReport, JobResults, JobSummary, ResultsQuery};
pub use keys::{KeyTable, Keys, Values};
pub use messages::{
    BackendChangedMessage, DetectionResult, DrainingMessage, DroppedMessage, ErrorMessage,
    Greeting, RecoveredMessage, ResultMessage, ServerMessage, SessionInfo, SlowDownMessage,
    TimingsMs,
};
pub use options::{
    ClassEntry, ClassList, ConfigureError, ConfigureMessage, DetectionChanges, MAX_TEXT,
    SessionSettings, Switch,
};
pub use query::{InferQuery, ReadinessQuery, ReadyFor, StreamQuery};
pub use timestamp::timestamp;
pub use video::{
    VideoDescription, VideoDone, VideoError, VideoFile, VideoForm, VideoFrameFailure,
    VideoFrameResult, VideoHeader, VideoLine, VideoQuery, VideoResultEntry, VideoResults,
    VideoTotals,
};
