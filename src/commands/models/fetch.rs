//! Models by address: each with what belongs to it, in the cache before a command uses it.

use std::path::{Path, PathBuf};

use framegate_fetch::{Address, CachedFile, FetchError, FetchOptions, Progress, fetch, is_remote};
use framegate_models::detector::{ModelError, read_onnx_file};
use framegate_models::onnx::OnnxError;
use indicatif::ProgressBar;

use crate::cli::FetchArgs;
use crate::commands::CommandError;
use crate::commands::progress::bytes_bar;
use crate::config::{ConfigError, NamesModels, hub};

/// Files that one model's weights may be in.
const MOST_WEIGHTS: usize = 64;
/// Files that the hub's tools write for all models of a repository.
const OF_REPOSITORY: [&str; 2] = ["config.json", "preprocessor_config.json"];

/// Checks what was typed, and fetches the models that it names by address.
pub(in crate::commands) fn with_models_fetched<T, C>(
    fetch: FetchArgs,
    raw: T,
) -> Result<C, CommandError>
where
    C: NamesModels + TryFrom<T, Error = ConfigError>,
{
    let mut config = C::try_from(raw)?;
    let is_address = |model: &&mut PathBuf| is_remote(&model.to_string_lossy());
    let models: Vec<&mut PathBuf> = config.models().into_iter().filter(is_address).collect();
    if !models.is_empty() {
        let options = FetchOptions::try_from(fetch)?;
        for model in models {
            *model = model_at(&address(&model.to_string_lossy())?, &options)?;
        }
    }
    Ok(config)
}

pub(super) fn address(text: &str) -> Result<Address, CommandError> {
    let wrong = |error: framegate_fetch::AddressError| CommandError::Address {
        text: framegate_fetch::without_secrets(text),
        source: error,
    };
    Address::parse(text, &hub()).map_err(wrong)
}

/// The path of a model, fetched with what belongs to it unless all of that is in the cache.
pub(super) fn model_at(address: &Address, options: &FetchOptions) -> Result<PathBuf, CommandError> {
    let path = one(address, options)?;
    let is_whole = |file: CachedFile| file.companions.is_some();
    if options.cache.find(address).is_some_and(is_whole) {
        return Ok(path);
    }
    let (mut companions, sidecar) = own_files(&path, address, options)?;
    // The model of a second stage has none itself.
    let second = sidecar.get("second").and_then(|name| name.as_str());
    let second = second.filter(|name| name.ends_with(".onnx"));
    if let Some(second) = second.and_then(|name| address.beside(name)) {
        let path = one(&second, options)?;
        companions.extend(own_files(&path, &second, options)?.0);
        companions.push(second);
    }
    for name in OF_REPOSITORY {
        if let Some(config) = address.at_root(name)
            && optional(&config, options)?.is_some()
        {
            companions.push(config);
        }
    }
    options.cache.complete(address, &companions)?;
    Ok(path)
}

/// The files of one model: its sidecar if there is one, the labels that that names, and the weights. With the contents of
/// the sidecar.
fn own_files(
    path: &Path,
    model: &Address,
    options: &FetchOptions,
) -> Result<(Vec<Address>, toml::Table), CommandError> {
    let mut files = Vec::new();
    let mut table = toml::Table::new();
    let sidecar = Path::new(path.file_name().unwrap_or_default()).with_extension("toml");
    if let Some(sidecar) = model.beside(&sidecar.to_string_lossy())
        && let Some(path) = optional(&sidecar, options)?
    {
        // A sidecar that cannot be read is reported when the model is.
        table = std::fs::read_to_string(path).unwrap_or_default().parse().unwrap_or_default();
        if let Some(labels) = table.get("labels").and_then(|name| model.beside(name.as_str()?)) {
            one(&labels, options)?;
            files.push(labels);
        }
        files.push(sidecar);
    }
    files.extend(weights(path, model, options)?);
    Ok((files, table))
}

/// The files that the weights of a model are in, which only its reader knows: it names one that is missing. What is not a
/// model is not kept.
fn weights(
    path: &Path,
    model: &Address,
    options: &FetchOptions,
) -> Result<Vec<Address>, CommandError> {
    let mut found: Vec<Address> = Vec::new();
    while found.len() < MOST_WEIGHTS {
        let file = match read_onnx_file(path) {
            Err(ModelError::Onnx { problem: OnnxError::Weights { file, .. }, .. }) => file,
            Err(source @ ModelError::Onnx { .. }) => {
                if let Some(file) = options.cache.find(model) {
                    options.cache.remove(&file)?;
                }
                let (address, source) = (model.to_string(), Box::new(source));
                return Err(CommandError::NotKept { address, source });
            }
            // A sidecar that cannot be read is reported when the model is.
            _ => break,
        };
        match model.beside(&file) {
            Some(address) if !found.contains(&address) => {
                one(&address, options)?;
                found.push(address);
            }
            // It is there, and wrong: loading the model says so.
            _ => break,
        }
    }
    Ok(found)
}

/// A file that a model may do without.
fn optional(address: &Address, options: &FetchOptions) -> Result<Option<PathBuf>, CommandError> {
    match one(address, options) {
        Err(CommandError::Fetch(
            FetchError::Status { status: 401 | 403 | 404 | 410, .. }
            | FetchError::WebPage { .. }
            | FetchError::Offline { .. },
        )) => Ok(None),
        other => other.map(Some),
    }
}

/// Fetches a file unless it is in the cache. The log says from where and how large it is, a terminal how far.
fn one(address: &Address, options: &FetchOptions) -> Result<PathBuf, CommandError> {
    let mut bar = ProgressBar::hidden();
    let mut report = |progress: Progress<'_>| match progress {
        Progress::Begins { address, resumed, total } => {
            let from = framegate_fetch::without_secrets(address.url());
            tracing::info!(from, bytes = total, resumed, "fetching {address}");
            if address.url().starts_with("http://") && address.sha256().is_none() {
                tracing::warn!(
                    "{address} comes unencrypted and without #sha256=: it may be another file"
                );
            }
            bar = bytes_bar(total);
        }
        Progress::Received { bytes } => bar.set_position(bytes),
        Progress::Ends { bytes } => {
            bar.finish_and_clear();
            tracing::info!(bytes, "fetched {address}");
        }
    };
    Ok(fetch(address, options, &mut report)?)
}
