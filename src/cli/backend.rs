//! Options that select a compute backend, and `framegate backends`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use framegate_cpu::{Level, Precision};

use super::ReportArgs;
use crate::backends::{BackendId, BackendIdError};

/// The name that stands for the best backend that runs here.
const AUTO: &str = "auto";

/// A backend, or `None` for `auto`. This alias hides the `Option` from clap, which would make the option's value
/// optional.
pub type BackendChoice = Option<BackendId>;

/// Which backend computes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendArgs {
    #[arg(
        long,
        env = "FRAMEGATE_BACKEND",
        value_name = "NAME",
        default_value = AUTO,
        value_parser = backend_choice,
        help = backend_help(),
        long_help = backend_long_help()
    )]
    pub backend: BackendChoice,
    /// Backend resources.
    #[command(flatten)]
    pub resources: BackendResourceArgs,
    /// Do not compare a GPU's first outputs with the processor's
    #[arg(
        long,
        env = "FRAMEGATE_NO_SELF_CHECK",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub no_self_check: bool,
    /// CPU threads for preprocessing and for CPU backends [default: one per core]
    #[arg(long, env = "FRAMEGATE_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

/// How often a device that serves is checked.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Backend")]
pub struct SelfCheckArgs {
    /// Seconds between checks of an idle GPU against the processor; 0 for none. A GPU that computes wrong numbers is
    /// replaced by the next backend
    #[arg(long, env = "FRAMEGATE_SELF_CHECK_SECONDS", value_name = "S", default_value_t = 600)]
    pub self_check_seconds: u32,
}

/// Permissions of backends beyond the safe defaults, and where they find their files.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendResourceArgs {
    /// Accept a GPU that is emulated on the CPU, such as Mesa's llvmpipe
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_SOFTWARE_GPU",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub allow_software_gpu: bool,
    /// The GPU to run on: its number in `framegate backends`, or a part of its name [default: the fastest]
    #[arg(long, env = "FRAMEGATE_DEVICE", value_name = "GPU")]
    pub device: Option<String>,
    /// Vector instructions for the backend simd [default: the fastest that the processor has]
    #[arg(
        long,
        env = "FRAMEGATE_SIMD_LEVEL",
        value_name = "LEVEL",
        value_parser = PossibleValuesParser::new(Level::NAMES).try_map(|name| name.parse::<Level>())
    )]
    pub simd_level: Option<Level>,
    /// Precision of convolutions in the backend simd. bf16 is faster and less exact; it needs a processor with
    /// AVX-512 BF16. int8 is less exact still; the log says how fast it is on this processor, and convolutions
    /// that lose too much stay f32
    #[arg(
        long,
        env = "FRAMEGATE_PRECISION",
        value_name = "PRECISION",
        default_value_t = Precision::F32,
        value_parser =
            PossibleValuesParser::new(Precision::NAMES).try_map(|name| name.parse::<Precision>())
    )]
    pub precision: Precision,
    /// Frames to calibrate --precision int8 on, of the kind that will be detected in: an image, a directory of
    /// images, a video [default: the first 16 that arrive, computed in f32]
    #[arg(long, env = "FRAMEGATE_CALIBRATE", value_name = "PATH")]
    pub calibrate: Option<PathBuf>,
    /// ONNX Runtime's shared library, or the folder that contains it, for the backend ort [default: search
    /// where the system looks for libraries]
    #[arg(long, env = "ORT_DYLIB_PATH", value_name = "PATH")]
    pub ort_lib: Option<PathBuf>,
}

/// Reads the name of a backend, or `auto`.
pub(super) fn backend_choice(text: &str) -> Result<BackendChoice, String> {
    match (text, text.parse()) {
        (AUTO, _) => Ok(None),
        (_, Ok(id)) => Ok(Some(id)),
        (_, Err(BackendIdError::Unknown { .. })) => {
            Err(format!("expected {AUTO}, {}", BackendId::names()))
        }
        (_, Err(error)) => Err(error.to_string()),
    }
}

fn backend_help() -> String {
    format!("Compute backend: {AUTO}, {}", BackendId::names())
}

fn backend_long_help() -> String {
    let auto: Vec<&str> = BackendId::auto().map(|id| id.name()).collect();
    let mut help = format!(
        "Compute backend\n\n{AUTO}: the first of {} that runs here; an emulated GPU does not count, and a GPU \
         is measured beside the next with each model",
        auto.join(", ")
    );
    for id in BackendId::all() {
        help.push_str(&format!("\n{id}: {}", id.about()));
    }
    help
}

/// Options of `framegate backends`.
#[derive(Debug, Clone, Args)]
pub struct BackendsArgs {
    /// Check that each backend computes what it should, as `framegate check` does
    #[arg(long, env = "FRAMEGATE_CHECK")]
    pub check: bool,
    /// How the list is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Backend resources.
    #[command(flatten)]
    pub resources: BackendResourceArgs,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        backend: BackendArgs,
    }

    #[test]
    fn auto_is_the_default_and_stands_for_no_backend() {
        assert_eq!(backend_choice(AUTO), Ok(None));
        assert_eq!(Line::parse_from(["line"]).backend.backend, None);
        let named = Line::parse_from(["line", "--backend", "null:latency_ms=1"]).backend.backend;
        assert_eq!(named.map(|id| id.to_string()).as_deref(), Some("null:latency_ms=1"));
        let refused = backend_choice("abacus").unwrap_err();
        assert_eq!(refused, "expected auto, wgpu, simd, flex, ndarray, ort or null");
    }

    #[test]
    fn help_has_a_line_for_every_backend() {
        let help = Line::command().render_long_help().to_string();
        for id in BackendId::all() {
            assert!(help.contains(&format!("{id}: ")), "{id}\n{help}");
        }
        assert!(help.contains("auto: the first of wgpu, simd, flex, ndarray"), "{help}");
    }

    #[test]
    fn levels_and_precisions_are_listed_and_checked() {
        let line = Line::parse_from(["line", "--simd-level", "portable", "--precision", "bf16"]);
        let BackendResourceArgs { simd_level, precision, .. } = line.backend.resources;
        assert_eq!((simd_level, precision), (Some(Level::Portable), Precision::Bf16));
        let refused = Line::try_parse_from(["line", "--simd-level", "mmx"]).unwrap_err();
        assert!(refused.to_string().contains("avx512"), "{refused}");
        for missing in Level::NAMES.into_iter().filter(|name| name.parse::<Level>().is_err()) {
            let refused = Line::try_parse_from(["line", "--simd-level", missing]).unwrap_err();
            let text = refused.to_string();
            assert!(text.contains("this processor") || text.contains("this build"), "{text}");
        }
    }
}
