//! The compute backends of this program: names, options and selection.

mod batch_time;
mod failover;
mod id;
mod id_error;
mod int8;
mod known;
mod measured;
mod quantise;
mod select;
mod self_check;

use std::path::PathBuf;

use framegate_cpu::{Level, Precision};
use serde::{Deserialize, Serialize};

pub use failover::{DeviceEvent, FailoverSession, LoadOn};
pub use id::BackendId;
pub use id_error::BackendIdError;
pub use measured::Placed;
pub(crate) use quantise::{MOST_CALIBRATION_IMAGES, quantise};
pub use select::{Selected, Spares, select, spares};
pub use self_check::SelfChecked;

/// Permissions beyond the safe defaults, and where backends find their files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendOptions {
    /// Accept a GPU that is emulated on the CPU.
    pub allow_software_gpu: bool,
    /// The GPU to run on, by its number or a part of its name; `None` takes the fastest.
    pub gpu: Option<String>,
    /// Vector instructions of the backend `simd`; `None` takes the fastest that the processor has.
    pub simd_level: Option<Level>,
    /// The numbers that convolutions multiply, for backends that offer a choice.
    pub precision: Precision,
    /// Frames to calibrate [`Precision::Int8`] on: an image, a directory of images, a video. Without any, the first
    /// frames that arrive are taken.
    pub calibrate: Option<PathBuf>,
    /// Believe a GPU without holding its first outputs against the processor's.
    pub skip_self_check: bool,
    /// ONNX Runtime's shared library or its folder; `None` searches where the operating system does.
    pub ort_library: Option<PathBuf>,
}
