//! A detector measured on images whose objects are known.
//!
//! ```text
//! ground truth ─┐
//! boxes ────────┴▶ matching: which box finds which object ─▶ tally ─▶ report
//! ```

mod ground_truth;
mod matching;
mod report;
mod tally;

pub use ground_truth::{GroundTruth, GroundTruthError, LabelledObject};
pub use matching::finds;
pub use report::{ClassReport, EvalReport, Evaluation, Miss, Unlabelled, WithoutLabels};
pub use tally::Tally;
