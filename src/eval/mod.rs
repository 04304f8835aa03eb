//! A detector measured on images whose objects are known.
//!
//! ```text
//! ground truth ─┐
//! boxes ────────┼▶ matching: which box finds which object ─▶ tally ─▶ report
//!               ├▶ average precision, as COCO has it ──────────────────┤
//!               └▶ texts, where some are labelled ─────────────────────┘
//! ```

mod average_precision;
mod ground_truth;
mod matching;
mod report;
mod share;
mod tally;
mod texts;
pub mod tracks;

pub use average_precision::{AveragePrecision, ClassPrecision, PrecisionTally};
pub use ground_truth::{
    GroundTruth, GroundTruthError, GroundTruthFormat, LabelledImage, LabelledObject, ObjectKind,
    OtherSize, UnknownClass, WithoutArea,
};
pub use matching::finds;
pub use report::{ClassReport, EvalReport, Evaluation, Miss, Unlabelled, WithoutLabels};
pub use tally::Tally;
pub use texts::{ClassTexts, Misread, TextReport, Unread};
