//! Options for models that are fetched.

use std::path::PathBuf;

use clap::Args;

/// Where fetched models are kept, and what may be fetched.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Fetched models")]
pub struct FetchArgs {
    /// Use only models that have been fetched before, without any connection
    #[arg(
        long,
        env = "FRAMEGATE_OFFLINE",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub offline: bool,
    /// Folder in which fetched models are kept [default: framegate in the user's folder for caches]
    #[arg(long, env = "FRAMEGATE_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Largest file to fetch in MiB
    #[arg(long, env = "FRAMEGATE_MAX_MODEL_SIZE_MB", value_name = "N", default_value_t = 4096)]
    pub max_model_size_mb: usize,
}
