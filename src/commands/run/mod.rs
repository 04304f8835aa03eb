//! `framegate models run`: a raw tensor in, raw tensors out.

mod profile;

use std::collections::HashSet;
use std::fs;

use framegate_backend_api::{InputBatch, Limits, Model, OutputBatch, OutputTensor};
use framegate_models::detector::{ModelError, read_onnx_file};
use framegate_models::passes;

use super::{CommandError, Outcome};
use crate::backends;
use crate::config::{MAX_BATCH, RunConfig};
use crate::npy;

pub(super) fn run(config: &RunConfig) -> Result<Outcome, CommandError> {
    let file = read_onnx_file(&config.model)?;
    let (shape, elements) = npy::read_f32(&config.input)?;
    let misfit = |problem| CommandError::InputTensor { path: config.input.clone(), problem };
    let (batch, image_shape) = split_batch_axis(&shape).map_err(misfit)?;
    let [_, height, width] = image_shape;
    let graph = file
        .graph(height, width)
        .map_err(|problem| ModelError::Onnx { path: config.model.clone(), problem })?;
    if graph.image_shape() != image_shape {
        let problem =
            format!("the model takes images of {:?}, not {image_shape:?}", graph.image_shape());
        return Err(misfit(problem));
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
        .map_err(|problem| CommandError::OutputDirectory { path: directory.clone(), problem })?;
    let mut taken = HashSet::new();
    for output in &outputs.tensors {
        let path = directory.join(file_name(&output.name, &mut taken));
        npy::write_f32(&path, &batch_shape(output, batch), &output.data)?;
    }
    if config.profile {
        profile::print(chosen.backend.name(), session.as_mut(), &input, &mut outputs)?;
    }
    Ok(Outcome::Done)
}

/// Number of images, and the shape `[channels, height, width]` of each.
fn split_batch_axis(shape: &[usize]) -> Result<(usize, [usize; 3]), String> {
    let (batch, image_shape) = match *shape {
        [channels, height, width] => (1, [channels, height, width]),
        [batch, channels, height, width] => (batch, [channels, height, width]),
        _ => {
            return Err(format!(
                "its shape is {shape:?}; expected [channels, height, width], with or without a \
                 batch axis in front"
            ));
        }
    };
    if !(1..=MAX_BATCH).contains(&batch) || image_shape.contains(&0) {
        return Err(format!("its shape is {shape:?}; expected 1 to {MAX_BATCH} images"));
    }
    Ok((batch, image_shape))
}

/// Shape of an output for the whole batch. Where the shape for one image has no batch axis, several
/// images get one in front.
fn batch_shape(output: &OutputTensor, batch: usize) -> Vec<usize> {
    match output.image_shape.as_slice() {
        [1, rest @ ..] => [&[batch][..], rest].concat(),
        whole if batch > 1 => [&[batch][..], whole].concat(),
        whole => whole.to_vec(),
    }
}

/// The output's name, with `_` for everything that some file system or shell gives a meaning, and a
/// number where that makes two names the same.
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
    fn a_batch_axis_may_be_left_out() {
        assert_eq!(split_batch_axis(&[3, 4, 5]), Ok((1, [3, 4, 5])));
        assert_eq!(split_batch_axis(&[2, 3, 4, 5]), Ok((2, [3, 4, 5])));
        for wrong in [&[4, 5][..], &[0, 3, 4, 5], &[17, 3, 4, 5], &[1, 3, 0, 5]] {
            assert!(split_batch_axis(wrong).is_err(), "{wrong:?}");
        }
    }

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
    fn output_names_become_file_names_of_their_own() {
        let names = ["cls_8", "/model/Concat:0", "../../x", "a.b", "a/b", "a:b"];
        let mut taken = HashSet::new();
        assert_eq!(
            names.map(|name| file_name(name, &mut taken)),
            ["cls_8.npy", "_model_Concat_0.npy", "_._.._x.npy", "a.b.npy", "a_b.npy", "a_b-2.npy",]
        );
    }
}
