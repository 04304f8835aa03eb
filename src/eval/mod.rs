//! A detector held against images whose objects are known.
//!
//! ```text
//! labels ─┐
//! boxes ──┴▶ matching: which box finds which label ─▶ tally ─▶ report
//! ```

mod labels;
mod matching;
mod report;
mod tally;

pub use labels::{Label, Labels, LabelsError};
pub use matching::finds;
pub use report::{ClassReport, EvalReport, Miss, Unlabelled, WithoutLabels};
pub use tally::Tally;
