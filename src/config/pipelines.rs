//! The pipelines of `serve`, checked: those that were typed, or the tables of a configuration file.

use std::collections::HashSet;
use std::path::Path;

use framegate_fetch::is_remote;
use framegate_models::detector::LoadOptions;

use super::{BackendConfig, ConfigError, load_options, within};
use crate::cli::{NamedPipelineArgs, PipelineArgs};
use crate::pipeline::PipelineOptions;
use crate::server::ServedPipeline;
use crate::stages::{DecodeOptions, MAX_DETECTIONS};

/// Reads `NAME=FILE` and `FILE`.
pub(super) fn typed(texts: &[String]) -> Result<Vec<ServedPipeline>, ConfigError> {
    let mut ids = HashSet::new();
    let mut pipelines = Vec::new();
    for text in texts {
        let wrong = |expected| ConfigError::new("--pipeline", text, expected);
        let (id, model) = match text.split_once('=') {
            // An address may have this sign in it.
            Some((id, model)) if !is_remote(text) => (id.trim().to_owned(), model),
            _ => (stem(text), text.as_str()),
        };
        if id.is_empty() || model.is_empty() {
            return Err(wrong("expected NAME=MODEL.onnx"));
        }
        if !ids.insert(id.clone()) {
            return Err(wrong(
                "another pipeline has this name; give each its own, NAME=MODEL.onnx",
            ));
        }
        pipelines.push(ServedPipeline { id, model: model.into(), options: None });
    }
    Ok(pipelines)
}

/// The tables of a file. `shared` is what holds for all pipelines.
pub(super) fn own(
    tables: Vec<NamedPipelineArgs>,
    shared: &PipelineOptions,
) -> Result<Vec<ServedPipeline>, ConfigError> {
    let mut ids = HashSet::new();
    let mut pipelines = Vec::new();
    for (number, table) in tables.into_iter().enumerate() {
        let of_table = |error| ConfigError { table: Some(number), ..error };
        let pipeline = served(table.options, shared).map_err(of_table)?;
        if !ids.insert(pipeline.id.clone()) {
            let expected = "another pipeline has this name; give each its own";
            return Err(of_table(ConfigError::new("name", pipeline.id, expected)));
        }
        pipelines.push(pipeline);
    }
    Ok(pipelines)
}

fn served(table: PipelineArgs, shared: &PipelineOptions) -> Result<ServedPipeline, ConfigError> {
    let PipelineArgs { name, model, model_file, backend, detections, reported, details, scale } =
        table;
    let LoadOptions { labels, input_size } = load_options(model_file)?;
    let BackendConfig { id: backend, options: backend_options, threads } = backend.try_into()?;
    let id = name.unwrap_or_else(|| stem(&model.model.to_string_lossy()));
    if id.is_empty() {
        return Err(ConfigError::new("name", "", "expected a name for the pipeline"));
    }
    let options = PipelineOptions {
        backend,
        backend_options,
        labels,
        input_size,
        thresholds: detections.try_into()?,
        classes: reported.classes,
        max_detections: within("--max-det", reported.max_det, MAX_DETECTIONS)?,
        masks: details.masks,
        text: !details.no_text,
        threads,
        decode: DecodeOptions { scale: scale.decode_scale, ..shared.decode },
        ..shared.clone()
    };
    Ok(ServedPipeline { id, model: model.model, options: Some(options) })
}

/// The name of a model's file, without its ending; of an address, without what follows the file.
fn stem(model: &str) -> String {
    let file = match is_remote(model) {
        true => model.split(['#', '?']).next().unwrap_or_default(),
        false => model,
    };
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match is_remote(model) {
        // `hf:…/m.onnx@v1.2` has dots in its revision.
        true => stem.split(".onnx").next().unwrap_or_default().to_owned(),
        false => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_are_called_by_name_or_after_their_file() {
        for (text, id, model) in [
            ("a=m.onnx", "a", "m.onnx"),
            ("x/m.onnx", "m", "x/m.onnx"),
            ("a=https://h/m.onnx?t=1", "a", "https://h/m.onnx?t=1"),
            ("https://h/m.onnx?t=1", "m", "https://h/m.onnx?t=1"),
            ("hf:o/r/m.onnx@v1.2#sha256=00", "m", "hf:o/r/m.onnx@v1.2#sha256=00"),
        ] {
            let [pipeline] = &typed(&[text.to_owned()]).unwrap()[..] else { panic!("{text}") };
            assert_eq!((pipeline.id.as_str(), pipeline.model.to_str()), (id, Some(model)));
        }
        for wrong in ["", "=m.onnx", "a="] {
            assert!(typed(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
