//! `framegate models run`: a raw tensor in, raw tensors out.

mod input;
mod profile;

use std::collections::HashSet;
use std::fs;
use std::io::Write;

use framegate_backend_api::{InputBatch, Limits, Model, OutputBatch, OutputTensor};
use framegate_models::detector::{ModelError, read_onnx_file};
use framegate_models::passes;

use crate::backends;
use crate::commands::{CommandError, CommandStatus};
use crate::config::RunConfig;
use crate::npy;
use input::{as_planes, split_batch_axis};

pub use input::InputTensorError;

pub(in crate::commands) fn run(
    config: &RunConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let file = read_onnx_file(&config.model)?;
    let onnx_error = |problem| ModelError::Onnx { path: config.model.clone(), problem };
    let layout = file.image_layout().map_err(onnx_error)?;
    let (shape, elements) = npy::read_f32(&config.input)?;
    let misfit = |source| CommandError::InputTensor { path: config.input.clone(), source };
    let (batch, image_shape) = split_batch_axis(&shape).map_err(misfit)?;
    let (image_shape, elements) = as_planes(image_shape, elements, layout);
    let [_, height, width] = image_shape;
    let graph = file.graph(height, width).map_err(onnx_error)?;
    if graph.image_shape() != image_shape {
        return Err(misfit(InputTensorError::OtherShape {
            expected: graph.image_shape().to_vec(),
            found: image_shape,
        }));
    }
    let model = Model {
        name: config.model.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        graph: passes::optimise(graph),
        metadata: file.metadata().clone(),
    };

    let chosen = backends::select(config.backend.id.as_ref(), &config.backend.options)?;
    let limits = Limits { max_batch: batch, threads: config.backend.threads };
    let mut session = chosen.backend.load(&model, &limits)?;
    let mut input = InputBatch::new(image_shape, batch);
    for (slot, image) in input.slots_mut().zip(elements.chunks_exact(image_shape.iter().product()))
    {
        slot.copy_from_slice(image);
    }
    input.set_len(batch);
    let mut outputs = OutputBatch::default();
    session.infer(&input, &mut outputs)?;

    let directory = &config.output_directory;
    fs::create_dir_all(directory)
        .map_err(|source| CommandError::OutputDirectory { path: directory.clone(), source })?;
    let mut taken = HashSet::new();
    for output in &outputs.tensors {
        let path = directory.join(file_name(&output.name, &mut taken));
        npy::write_f32(&path, &batch_shape(output, batch), &output.data)?;
    }
    if config.profile {
        profile::print(chosen.backend.name(), session.as_mut(), &input, &mut outputs, out)?;
    }
    Ok(CommandStatus::Done)
}

/// Shape of an output for the whole batch. Where the shape for one image has no batch axis, a batch of
/// several images gets one in front.
fn batch_shape(output: &OutputTensor, batch: usize) -> Vec<usize> {
    match output.image_shape.as_slice() {
        [1, rest @ ..] => [&[batch][..], rest].concat(),
        whole if batch > 1 => [&[batch][..], whole].concat(),
        whole => whole.to_vec(),
    }
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
    fn outputs_of_several_images_have_a_batch_axis() {
        for (image_shape, batch, expected) in [
            (&[1, 4, 5][..], 3, &[3, 4, 5][..]),
            (&[1, 4, 5], 1, &[1, 4, 5]),
            (&[4, 5], 3, &[3, 4, 5]),
            (&[4, 5], 1, &[4, 5]),
            (&[], 3, &[3]),
            (&[], 1, &[]),
        ] {
            let image_shape = image_shape.to_vec();
            let elements = batch * image_shape.iter().product::<usize>();
            let output =
                OutputTensor { name: "y".to_owned(), image_shape, data: vec![0.0; elements] };
            assert_eq!(batch_shape(&output, batch), expected);
            assert_eq!(expected.iter().product::<usize>(), elements);
        }
    }

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
