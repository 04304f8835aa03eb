//! Comparing a backend's results with the scalar definition.

use framegate_backend_api::graph::Graph;
use framegate_backend_api::{Backend, ElementType, InputBatch, OutputBatch, OutputTensor, Session};

use super::Options;
use super::case::Case;
use crate::reference_backend::{as_f32, run_image};

/// Loads a case once and runs it at every batch size, into one output buffer.
pub(super) fn case(
    backend: &dyn Backend,
    case: &Case,
    options: &Options<'_>,
) -> Result<(), String> {
    let mut session = backend
        .load(&case.model(), &options.limits())
        .map_err(|error| format!("cannot be loaded: {error}"))?;
    let mut out = OutputBatch::default();
    for len in options.batches {
        let batch = case.batch(*len, options.seed);
        infer(session.as_mut(), case, &batch, &mut out)
            .map_err(|problem| format!("batch of {len}: {problem}"))?;
    }
    Ok(())
}

/// Runs a batch and compares all outputs.
pub(super) fn infer(
    session: &mut dyn Session,
    case: &Case,
    batch: &InputBatch,
    out: &mut OutputBatch,
) -> Result<(), String> {
    session.infer(batch, out).map_err(|error| error.to_string())?;
    compare(&case.graph, case.tolerance, batch, out)
}

fn compare(
    graph: &Graph,
    tolerance: f64,
    batch: &InputBatch,
    out: &OutputBatch,
) -> Result<(), String> {
    if out.tensors.len() != graph.outputs.len() {
        return Err(format!("{} outputs, got {}", graph.outputs.len(), out.tensors.len()));
    }
    for (id, tensor) in graph.outputs.iter().zip(&out.tensors) {
        let declared = graph.value(*id);
        let len = batch.len() * declared.shape.iter().product::<usize>();
        if tensor.name != declared.name || tensor.image_shape != declared.shape {
            return Err(format!(
                "output `{}` {:?} is reported as `{}` {:?}",
                declared.name, declared.shape, tensor.name, tensor.image_shape
            ));
        }
        if tensor.data.len() != len {
            return Err(format!(
                "output `{}` must have {len} elements, got {}",
                tensor.name,
                tensor.data.len()
            ));
        }
    }
    for image in 0..batch.len() {
        let expected = run_image(graph, batch.image(image));
        for (tensor, expected) in out.tensors.iter().zip(&expected) {
            let is_float = expected.element_type() == ElementType::F32;
            let tolerance = if is_float { tolerance } else { 0.0 };
            compare_image(tensor, image, &as_f32(expected), tolerance)?;
        }
    }
    Ok(())
}

fn compare_image(
    tensor: &OutputTensor,
    image: usize,
    expected: &[f32],
    relative: f64,
) -> Result<(), String> {
    let finite = expected.iter().filter(|element| element.is_finite());
    let largest = finite.fold(0.0_f32, |largest, element| largest.max(element.abs()));
    let tolerance = relative * f64::from(largest);
    let errors = expected.iter().zip(tensor.image(image)).map(|(want, got)| error(*want, *got));
    let worst = errors.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    match worst {
        Some((index, error)) if error > tolerance => Err(format!(
            "output `{}`, image {image}: worst at {:?}: expected {}, got {}, tolerance {tolerance:.1e}",
            tensor.name,
            position(index, &tensor.image_shape),
            expected[index],
            tensor.image(image)[index],
        )),
        _ => Ok(()),
    }
}

/// Distance between two numbers; infinities and NaN must match exactly.
fn error(want: f32, got: f32) -> f64 {
    if want == got || (want.is_nan() && got.is_nan()) {
        return 0.0;
    }
    let distance = (f64::from(want) - f64::from(got)).abs();
    if distance.is_nan() { f64::INFINITY } else { distance }
}

/// The position of a row-major element.
fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position: Vec<usize> = shape
        .iter()
        .rev()
        .map(|extent| {
            let along = index % extent;
            index /= extent;
            along
        })
        .collect();
    position.reverse();
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(expected: &[f32], got: &[f32]) -> Result<(), String> {
        let tensor = OutputTensor {
            name: "y".to_owned(),
            image_shape: vec![1, expected.len()],
            data: got.to_vec(),
        };
        compare_image(&tensor, 0, expected, 1e-4)
    }

    #[test]
    fn errors_are_relative_to_the_largest_element() {
        assert_eq!(compared(&[100.0, 0.0], &[100.0, 0.009]), Ok(()));
        let problem = compared(&[100.0, 0.0], &[100.0, 0.011]).unwrap_err();
        assert!(problem.contains("[0, 1]: expected 0, got 0.011"), "{problem}");
    }

    #[test]
    fn infinities_and_nan_must_match() {
        assert_eq!(compared(&[f32::NEG_INFINITY, 1.0], &[f32::NEG_INFINITY, 1.0]), Ok(()));
        assert!(compared(&[f32::NEG_INFINITY, 1.0], &[-1e30, 1.0]).is_err());
        assert!(compared(&[1.0, 1.0], &[f32::NAN, 1.0]).is_err());
        assert!(compared(&[f32::NAN, 1.0], &[f32::NAN, 1.0]).is_ok());
        assert!(compared(&[f32::NAN, 1.0], &[1.0, 1.0]).is_err());
    }
}
