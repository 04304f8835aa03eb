//! Where fetched models are kept, checked, and which options name models.

use std::env::var_os;
use std::path::PathBuf;

use framegate_fetch::{Cache, FetchOptions};

use super::{
    BenchConfig, CheckConfig, ConfigError, EvalConfig, InferConfig, InspectConfig, MEGABYTE,
    RunConfig, WatchConfig, within,
};
use crate::cli;
use crate::server::ServerOptions;

/// Largest file that can be allowed: a terabyte.
const MAX_MEGABYTES: usize = 1 << 20;
/// Where `hf:` leads to, unless the variable that the hub's own tools read says otherwise.
const HUB: &str = "https://huggingface.co";

/// Where `hf:` leads to.
pub(crate) fn hub() -> String {
    let asked = std::env::var("HF_ENDPOINT").ok().filter(|text| text.contains("://"));
    asked.unwrap_or_else(|| HUB.to_owned())
}

impl TryFrom<cli::FetchArgs> for FetchOptions {
    type Error = ConfigError;

    fn try_from(raw: cli::FetchArgs) -> Result<Self, ConfigError> {
        let most = within("--max-model-size-mb", raw.max_model_size_mb, MAX_MEGABYTES)?;
        let folder = raw.cache.or_else(users_cache).ok_or_else(|| {
            ConfigError::new("--cache", "", "there is no folder for caches here; name one")
        })?;
        Ok(Self {
            cache: Cache { folder },
            offline: raw.offline,
            max_bytes: (most * MEGABYTE) as u64,
        })
    }
}

/// The user's folder for caches, as the XDG base directory specification has it.
fn users_cache() -> Option<PathBuf> {
    let named = |variable| var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(folder.join("framegate"))
}

/// Options that name models, each a path, or an address to be replaced by one.
pub(crate) trait NamesModels {
    /// The models.
    fn models(&mut self) -> Vec<&mut PathBuf>;
}

impl NamesModels for InferConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        vec![&mut self.model]
    }
}

impl NamesModels for EvalConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        vec![&mut self.model]
    }
}

impl NamesModels for WatchConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        match self.to {
            // Another server has the model.
            Some(_) => Vec::new(),
            None => vec![&mut self.model],
        }
    }
}

impl NamesModels for BenchConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        self.models.iter_mut().collect()
    }
}

impl NamesModels for CheckConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        self.models.iter_mut().collect()
    }
}

impl NamesModels for InspectConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        vec![&mut self.detector.path]
    }
}

impl NamesModels for RunConfig {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        vec![&mut self.model]
    }
}

impl NamesModels for ServerOptions {
    fn models(&mut self) -> Vec<&mut PathBuf> {
        self.pipelines.iter_mut().map(|pipeline| &mut pipeline.model).collect()
    }
}
