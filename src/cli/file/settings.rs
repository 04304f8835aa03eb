//! Which options differ from the program's defaults, and by what: for the log and for `/info`.

use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use framegate_fetch::without_secrets;

use super::{ConfigFile, Entry};
use crate::protocol::{SetBy, SettingInfo};

/// In place of a value that is a secret.
const SECRET: &str = "(secret)";

/// The settings of `serve` that are not defaults.
pub(super) fn settings(
    command: &Command,
    matches: &ArgMatches,
    file: Option<&ConfigFile>,
) -> Vec<SettingInfo> {
    let mut settings: Vec<SettingInfo> = command
        .get_arguments()
        .filter_map(|argument| {
            let name = argument.get_id().as_str();
            let (set_by, line) = match matches.value_source(name)? {
                ValueSource::CommandLine => (SetBy::Option, None),
                ValueSource::EnvVariable => (SetBy::Variable, None),
                _ => (SetBy::File, Some(file?.entry(name, command.get_name())?.line)),
            };
            let values = matches.get_raw(name)?.map(OsStr::to_string_lossy);
            let value = shown(argument, &values.collect::<Vec<_>>().join(", "));
            Some(SettingInfo { name: name.to_owned(), value, set_by, line })
        })
        .collect();
    if matches.value_source("pipeline").is_none() {
        settings.extend(file.into_iter().flat_map(of_pipelines));
    }
    settings
}

/// The options of pipelines that have a table.
fn of_pipelines(file: &ConfigFile) -> impl Iterator<Item = SettingInfo> {
    let entries = file
        .pipelines
        .iter()
        .enumerate()
        .flat_map(|(number, table)| table.entries.iter().map(move |entry| (number, entry)));
    entries.map(|(number, Entry { name, values, line, .. })| SettingInfo {
        name: format!("pipeline[{number}].{name}"),
        value: without_secrets(&values.join(", ")),
        set_by: SetBy::File,
        line: Some(*line),
    })
}

fn shown(argument: &Arg, value: &str) -> String {
    match argument.is_hide_env_values_set() {
        true => SECRET.to_owned(),
        false => without_secrets(value),
    }
}
