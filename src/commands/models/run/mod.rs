//! `framegate models run`: a raw tensor in, raw tensors out.

mod profile;

use std::collections::HashSet;
use std::fs;
use std::io::Write;

use crate::commands::{CommandError, CommandStatus};
use crate::config::RunConfig;
use crate::npy;
use crate::pipeline::{PipelineOptions, RawModel, RawModelError};

pub(in crate::commands) fn run(
    config: &RunConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let options = PipelineOptions {
        backend: config.backend.id.clone(),
        backend_options: config.backend.options.clone(),
        threads: config.backend.threads,
        ..PipelineOptions::default()
    };
    let failure = |error| match error {
        RawModelError::Model(error) => CommandError::Model(error),
        RawModelError::Backend(error) => CommandError::Backend(error),
        RawModelError::Input(source) => {
            CommandError::InputTensor { path: config.input.clone(), source }
        }
    };
    let mut model = RawModel::open(&config.model, &options).map_err(failure)?;
    let (shape, elements) = npy::read_f32(&config.input)?;
    let outputs = model.run(&shape, elements).map_err(failure)?;

    let directory = &config.output_directory;
    fs::create_dir_all(directory)
        .map_err(|source| CommandError::OutputDirectory { path: directory.clone(), source })?;
    let mut taken = HashSet::new();
    for output in &outputs {
        let path = directory.join(file_name(&output.name, &mut taken));
        npy::write_f32(&path, &output.image_shape, &output.data)?;
    }
    let backend = model.backend();
    if config.profile
        && let Some((session, input, outputs)) = model.last_run()
    {
        profile::print(backend, session, input, outputs, out)?;
    }
    Ok(CommandStatus::Done)
}

/// The output's name with `_` in place of characters that are special to some file system or shell, and
/// a number where two names would become the same.
fn file_name(output: &str, taken: &mut HashSet<String>) -> String {
    let safe = |(index, character): (usize, char)| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => character,
        // A leading dot would hide the file.
        '.' if index > 0 => character,
        _ => '_',
    };
    let stem: String = output.chars().enumerate().map(safe).collect();
    let mut name = format!("{stem}.npy");
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{stem}-{number}.npy");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_names_become_distinct_file_names() {
        let names = ["cls_8", "/model/Concat:0", "../../x", "a.b", "a/b", "a:b"];
        let mut taken = HashSet::new();
        assert_eq!(
            names.map(|name| file_name(name, &mut taken)),
            ["cls_8.npy", "_model_Concat_0.npy", "_._.._x.npy", "a.b.npy", "a_b.npy", "a_b-2.npy",]
        );
    }
}
