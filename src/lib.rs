//! Framegate takes JPEG frames, runs a neural detector on them and answers each one in time.
//!
//! Detect on one JPEG, here with the built-in model, which finds barcodes:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut pipeline = framegate::Pipeline::load("codes", &Default::default())?;
//! let result = pipeline.detect(&std::fs::read("docs/codes.jpg")?)?;
//! println!("{} codes: {:?}", result.detections.len(), result.detections);
//! # assert!(!result.detections.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! - [`Pipeline`] detects on JPEGs, one at a time or in batches; [`PipelineOptions`] says how it is
//!   loaded: which backend, thresholds, limits.
//! - [`Server`] serves pipelines to browsers and other clients over WebSockets and HTTP.
//! - [`Backend`] and [`Session`] are what to implement for a compute backend of your own.
//!
//! A frame's path through the server:
//!
//! ```text
//! socket ─ validate ─ admit ─ one-slot mailbox ─┐            asynchronous, no pixels
//!                                               ▼
//!           fair queueing ─ decode → resize → normalise      one rayon task per frame
//!                                               ▼
//!           batch across sessions ─ infer                    one owner thread per device
//!                                               ▼
//!           postprocess: boxes, NMS ─ [read boxes] ─ reply
//! ```

#![warn(missing_docs)]

// The library's interface.
mod pipeline;
mod server;

pub use backends::{BackendId, BackendIdError, BackendOptions};
pub use engine::reading::{BarcodeFormat, Content, TextReader};
pub use engine::{
    EngineError, FinishedFrame, Frame, FrameError, FrameErrorCode, FrameOrigin, FramePayload,
    FrameResult, LoadedPipeline, SourceFrame,
};
/// A compute backend may be one of your own; `examples/custom_backend.rs` is a whole one.
///
/// ```
/// use framegate::{Backend, BackendId, BackendOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simd = "simd".parse::<BackendId>()?.create(&BackendOptions::default())?;
/// println!("{} runs on {}", simd.name(), simd.probe()?.name);
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use framegate_backend_api::Backend;
pub use framegate_backend_api::graph::Graph;
pub use framegate_backend_api::{
    BackendError, DeviceInfo, DeviceKind, InputBatch, Limits, Model, OutputBatch, OutputTensor,
    Session,
};
pub use framegate_cpu::{Level, Precision, UnknownPrecision};
pub use framegate_models::detector::{
    ChannelOrder, DecodeScale, Fit, ImageInput, LabelsSource, LetterboxAlign, ModelError, NmsScope,
    ResizeFilter, SecondModel, SecondStage,
};
pub use framegate_models::layouts::BoxLayout;
pub use framegate_models::{Detector, Size};
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut pipeline = framegate::Pipeline::load("codes", &Default::default())?;
/// # let result = pipeline.detect(&std::fs::read("docs/codes.jpg")?)?;
/// for found in &result.detections {
///     let right = found.x + found.width;
///     println!("{} from x = {:.0} to {right:.0}, score {:.2}", found.label, found.x, found.score);
/// }
/// # Ok(())
/// # }
/// ```
pub use framegate_stages::Detection;
/// ```
/// use framegate::Thresholds;
///
/// let strict = Thresholds { confidence: 0.6, ..Thresholds::DEFAULT };
/// assert!(strict.confidence > Thresholds::DEFAULT.confidence);
/// ```
pub use framegate_stages::Thresholds;
pub use framegate_stages::{
    BoxError, BoxStage, DecodeError, DecodeLimits, DecodeOptions, JpegDecoder, MAX_DETECTIONS,
    Mask, Orientation, PixelRows, RgbImage, Selection, Stage, StageTimes, Tensor, Tiling,
    UnknownDecoder, YuvColours, YuvImage,
};
pub use front::VideoSettings;
pub use front::origin::{Origin, OriginError};
pub use pipeline::{
    InputTensorError, MAX_BATCH, MAX_THREADS, Pipeline, PipelineError, PipelineOptions, RawModel,
    RawModelError, ReadOptions, read_detector,
};
pub use protocol::{SetBy, SettingInfo};
pub use server::{ServedPipeline, Server, ServerError, ServerOptions};

// Everything below is internal: public only because the program, the integration tests and the
// benchmarks are crates of their own, hidden because nothing of it is promised.

// Command line.
mod classes;
#[doc(hidden)]
pub mod cli;
mod commands;
mod config;
mod descriptors;
mod display;
#[doc(hidden)]
pub mod error_chain;
mod heap;
#[doc(hidden)]
pub mod invocation;
mod locks;
mod logging;
mod nearest;
mod printable;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod stop;

// The wire.
#[doc(hidden)]
pub mod client;
#[doc(hidden)]
pub mod protocol;

// Frame sources.
#[doc(hidden)]
pub mod front;
#[doc(hidden)]
pub mod mjpeg;
#[doc(hidden)]
pub mod sources;
#[doc(hidden)]
pub mod watch;

// Frame processing.
#[doc(hidden)]
pub mod backends;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub use framegate_stages as stages;

mod observation;
mod whole_file;

// Measurements.
#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod eval;
#[doc(hidden)]
pub mod load;

// File formats and reports.
#[doc(hidden)]
pub mod annotate;
mod encode;
#[doc(hidden)]
pub mod npy;
mod report;
