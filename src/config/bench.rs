//! The options of `framegate bench`, checked.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::load::seconds;
use super::{ConfigError, MAX_BATCH, backend_id, threads, within};
use crate::backends::{BackendId, BackendOptions};
use crate::cli;
use crate::stages::Thresholds;

/// Shortest measurement of a case.
const MIN_SECONDS: f64 = 0.01;

/// `framegate bench`.
#[derive(Debug)]
pub struct BenchConfig {
    /// ONNX files or names of built-in models, at least one.
    pub models: Vec<PathBuf>,
    /// The backends to compare; `None` for every one that runs here.
    pub backends: Option<Vec<NamedBackend>>,
    /// What backends may use.
    pub options: BackendOptions,
    /// CPU threads, at least 1.
    pub threads: usize,
    /// Batch sizes, at least one, each 1 to 16.
    pub batches: Vec<usize>,
    /// How long each case is measured.
    pub duration: Duration,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// JPEG files or a directory of them.
    pub images: PathBuf,
    /// Where to write the report as JSON, if anywhere.
    pub json: Option<PathBuf>,
    /// Where to write the report as a page, if anywhere.
    pub html: Option<PathBuf>,
}

/// A backend and its name in reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBackend {
    /// Its name with its options, as typed.
    pub name: String,
    /// The backend.
    pub id: BackendId,
}

/// A text that does not name one backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendNameError {
    /// There is no such backend, or not with these options.
    #[error("{0}")]
    Unknown(<cli::BackendName as FromStr>::Err),
    /// It leaves the choice open.
    #[error("expected one backend, not auto")]
    Auto,
}

impl NamedBackend {
    /// Reads the name that `framegate bench` passes to one of its worker processes.
    ///
    /// # Errors
    /// [`BackendNameError`] when it is not the name of a backend.
    pub fn parse(name: &str) -> Result<Self, BackendNameError> {
        let parsed = name.parse().map_err(BackendNameError::Unknown)?;
        let id = backend_id(parsed).ok_or(BackendNameError::Auto)?;
        Ok(Self { name: name.to_owned(), id })
    }
}

impl TryFrom<cli::BenchArgs> for BenchConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::BenchArgs) -> Result<Self, ConfigError> {
        let batches = raw.batch.into_iter().map(|batch| within("--batch", batch, MAX_BATCH));
        let named = |cli::BackendNames(names)| {
            let backend = |(name, id)| Some(NamedBackend { name, id: backend_id(id)? });
            names.into_iter().filter_map(backend).collect()
        };
        Ok(Self {
            models: raw.model,
            backends: raw.backend.map(named),
            options: raw.resources.into(),
            threads: threads(raw.threads)?,
            batches: batches.collect::<Result<_, _>>()?,
            duration: seconds("--seconds", raw.seconds, MIN_SECONDS)?,
            thresholds: raw.detections.try_into()?,
            images: raw.images,
            json: raw.json_file,
            html: raw.html,
        })
    }
}
