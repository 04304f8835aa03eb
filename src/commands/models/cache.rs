//! `framegate models pull`, `list` and `rm`: the models in the cache.

use std::io::Write;
use std::path::PathBuf;

use framegate_fetch::{Cache, CachedFile, FetchOptions};
use serde::Serialize;

use super::fetch::{address, model_at};
use crate::cli::{ListArgs, PullArgs, RmArgs};
use crate::commands::{CommandError, CommandStatus};
use crate::report::{table, write_json_to};

/// A model in the list.
#[derive(Debug, Serialize)]
struct Entry {
    address: String,
    path: PathBuf,
    /// With what belongs to it.
    bytes: u64,
    sha256: String,
}

pub(in crate::commands) fn pull(
    raw: PullArgs,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let options = FetchOptions::try_from(raw.fetch)?;
    for text in raw.models {
        let path = model_at(&address(&text)?, &options)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(CommandStatus::Done)
}

pub(in crate::commands) fn list(
    raw: ListArgs,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let cache = FetchOptions::try_from(raw.fetch)?.cache;
    let entries: Vec<Entry> =
        cache.list()?.into_iter().filter_map(|file| entry(&cache, file)).collect();
    if raw.report.json {
        write_json_to(out, &entries)?;
        return Ok(CommandStatus::Done);
    }
    if entries.is_empty() {
        writeln!(out, "{} holds no models", cache.folder.display())?;
        return Ok(CommandStatus::Done);
    }
    let mut rows = table(&["model", "SHA-256", "MB"], 2);
    for Entry { address, bytes, sha256, .. } in entries {
        rows.add_row([address, sha256, format!("{:.1}", bytes as f64 / 1e6)]);
    }
    writeln!(out, "{rows}")?;
    Ok(CommandStatus::Done)
}

/// A model with what belongs to it; files that belong to one are not listed themselves.
fn entry(cache: &Cache, file: CachedFile) -> Option<Entry> {
    let CachedFile { address, path, bytes, sha256, companions } = file;
    let of = |place: &PathBuf| std::fs::metadata(cache.folder.join(place)).map_or(0, |m| m.len());
    let bytes = bytes + companions?.iter().map(of).sum::<u64>();
    Some(Entry { address, path, bytes, sha256 })
}

pub(in crate::commands) fn remove(raw: RmArgs) -> Result<CommandStatus, CommandError> {
    let cache = FetchOptions::try_from(raw.fetch)?.cache;
    for text in raw.models {
        let address = address(&text)?;
        let not_there = || CommandError::NotFetched(address.to_string());
        cache.remove(&cache.find(&address).ok_or_else(not_there)?)?;
    }
    Ok(CommandStatus::Done)
}
