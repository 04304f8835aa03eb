//! What `framegate bench` is to do.

use std::path::PathBuf;
use std::time::Duration;

use super::load::seconds;
use super::{ConfigError, MAX_BATCH, backend_id, threads, within};
use crate::backends::{BackendId, BackendOptions};
use crate::cli;
use crate::stages::Thresholds;

/// Least time in which each combination gets its turns.
const MIN_SECONDS: f64 = 0.01;

/// Everything `framegate bench` needs to know.
#[derive(Debug)]
pub struct BenchConfig {
    /// ONNX files, at least one.
    pub models: Vec<PathBuf>,
    /// What to compare; `None` for everything that runs here.
    pub backends: Option<Vec<NamedBackend>>,
    /// What backends may use.
    pub options: BackendOptions,
    /// CPU threads, at least 1.
    pub threads: usize,
    /// Batch sizes, at least one, each 1 to 16.
    pub batches: Vec<usize>,
    /// How long each combination is measured.
    pub duration: Duration,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// JPEG files or a directory of them.
    pub images: PathBuf,
    /// Where to write everything as JSON.
    pub json: Option<PathBuf>,
    /// Where to write a page.
    pub html: Option<PathBuf>,
}

/// A backend and what it is called in reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBackend {
    /// Its name with its options, as typed.
    pub name: String,
    /// The backend.
    pub id: BackendId,
}

impl NamedBackend {
    /// The backend of a name that `framegate bench` gave to a process of its own.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(name: &str) -> Result<Self, String> {
        let id = backend_id(name.parse()?).ok_or("expected a backend, not auto")?;
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
            json: raw.json,
            html: raw.html,
        })
    }
}
