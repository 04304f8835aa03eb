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
pub(in crate::cli) fn settings(
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
        let own = file.into_iter().flat_map(of_pipelines);
        // What a variable or an option says holds for every pipeline.
        settings.extend(own.filter(|(option, _)| !is_given(matches, option)).map(|(_, own)| own));
    }
    settings
}

/// The options of pipelines that have a table, each with the name of its option.
fn of_pipelines(file: &ConfigFile) -> impl Iterator<Item = (&str, SettingInfo)> {
    let entries = file
        .pipelines
        .iter()
        .enumerate()
        .flat_map(|(number, table)| table.entries.iter().map(move |entry| (number, entry)));
    entries.map(|(number, Entry { name, values, line, .. })| {
        let setting = SettingInfo {
            name: format!("pipeline[{number}].{name}"),
            value: without_secrets(&values.join(", ")),
            set_by: SetBy::File,
            line: Some(*line),
        };
        (name.as_str(), setting)
    })
}

/// Whether an option was typed, or set by a variable.
fn is_given(matches: &ArgMatches, option: &str) -> bool {
    let source = matches.try_contains_id(option).ok().and_then(|_| matches.value_source(option));
    matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

fn shown(argument: &Arg, value: &str) -> String {
    match argument.is_hide_env_values_set() {
        true => SECRET.to_owned(),
        false => without_secrets(value),
    }
}
