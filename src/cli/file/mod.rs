//! `framegate.toml`: the options of `serve` and `watch` in a file, under the names that they have on the command
//! line.
//!
//! Each option is declared once, for clap: a value in the file becomes its default before the command line is parsed.
//! So a variable overrides the file, an option overrides both, and a value is read as it would be there.

mod error;
mod known;
mod pipelines;
mod read;
mod settings;
mod values;

use std::path::PathBuf;

use clap::Args;

pub use error::{FileError, Problem};
pub use pipelines::{NamedPipelineArgs, PipelineArgs};
pub use values::sentence;

pub(super) use pipelines::pipelines;
pub(super) use settings::settings;

/// Which file to read.
#[derive(Debug, Default, Args)]
pub struct ConfigFileArgs {
    /// The file, if one was named.
    #[arg(
        long,
        env = "FRAMEGATE_CONFIG",
        value_name = "FILE.toml",
        // Rustdoc would take the brackets for a link.
        help = "Take options from this file, as TOML: the names are those of the options, with _ for -, and a table \
                [[pipeline]] is a model with its own thresholds and labels. A variable overrides the file, and an \
                option overrides both. No file is read that is not named"
    )]
    pub config: Option<PathBuf>,
    /// The file's contents.
    #[arg(skip)]
    pub file: Option<ConfigFile>,
}

/// A file whose keys are known, and each of whose values its option accepts.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Options, in the order of their lines.
    pub(super) entries: Vec<Entry>,
    /// Models to serve, each with its own options.
    pub(super) pipelines: Vec<PipelineTable>,
}

/// An option in the file.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Entry {
    /// The option's name, as clap knows it.
    pub(super) name: String,
    /// One value, or several in a list.
    pub(in crate::cli) values: Vec<String>,
    /// Its line in the file, from 1.
    pub(super) line: usize,
    /// For `watch` alone.
    pub(super) is_of_watch: bool,
}

/// A table `[[pipeline]]`.
#[derive(Debug, Clone)]
pub(super) struct PipelineTable {
    /// Its line in the file, from 1.
    pub(super) line: usize,
    pub(super) entries: Vec<Entry>,
}

impl ConfigFile {
    /// The entry that holds for a command: what is below `[watch]` holds for that alone, and comes first there.
    pub(in crate::cli) fn entry(&self, name: &str, command: &str) -> Option<&Entry> {
        let named = || self.entries.iter().filter(|entry| entry.name == name);
        let own = named().find(|entry| entry.is_of_watch && command == "watch");
        own.or_else(|| named().find(|entry| !entry.is_of_watch))
    }

    /// Whether it is about `watch`.
    pub fn has_sources(&self) -> bool {
        self.entries.iter().any(|entry| entry.name == "sources")
    }

    /// The line on which the table of a pipeline begins.
    pub fn line_of_pipeline(&self, number: usize) -> Option<usize> {
        self.pipelines.get(number).map(|table| table.line)
    }

    /// The line that sets an option, and the file without it, if anything sets it. `config` calls an option
    /// as people do, by its name or its variable; `table` is the pipeline that it is about, from 0.
    pub fn without_option(&self, option: &str, table: Option<usize>) -> (usize, Option<Self>) {
        let name = option.trim_start_matches('-').to_lowercase().replace('-', "_");
        let name = if name == "source" { "sources".to_owned() } else { name };
        let mut rest = self.clone();
        if let Some(table) = table {
            let Some(PipelineTable { line, entries }) = rest.pipelines.get_mut(table) else {
                return (1, None);
            };
            let line = match take(entries, &name) {
                Some(line) => line,
                // Its model's name is that of another, for example.
                None => {
                    let line = *line;
                    rest.pipelines.remove(table);
                    line
                }
            };
            return (line, Some(rest));
        }
        match take(&mut rest.entries, &name) {
            Some(line) => (line, Some(rest)),
            None => (1, None),
        }
    }
}

/// Takes an option out; returns its line.
fn take(entries: &mut Vec<Entry>, name: &str) -> Option<usize> {
    // What is below `[watch]` comes after what it overrides.
    let at = entries.iter().rposition(|entry| entry.name == name)?;
    Some(entries.remove(at).line)
}
