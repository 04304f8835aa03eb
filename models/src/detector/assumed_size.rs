//! The input size of a file that leaves it open and that nothing else names.

use framegate_backend_api::graph::Graph;

use crate::Size;
use crate::onnx::{OnnxError, OnnxFile};

/// Sides of inputs, the most common first. All but 300, that of some SSDs, are multiples of 32.
const SIDES: [usize; 13] = [640, 416, 320, 512, 224, 256, 300, 384, 448, 480, 608, 800, 1024];
/// The input of most networks that read a line of text.
const TEXT: Size = Size { width: 320, height: 48 };
/// The side of most classifiers.
const CLASSIFIER_SIDE: usize = 224;

/// The first of the common sizes for which the file makes a graph with the outputs that it declares.
///
/// # Errors
/// The file's own at the most common size, if none does.
pub(super) fn assumed_size(file: &OnnxFile) -> Result<(Size, Graph), OnnxError> {
    let sizes = sizes(file);
    let mut first = None;
    for size in &sizes {
        match file.graph(size.height, size.width) {
            Ok(graph) if file.declares(&graph) => {
                let smaller = Size { width: CLASSIFIER_SIDE, height: CLASSIFIER_SIDE };
                if is_classifier(&graph)
                    && file.image_size() == [None; 2]
                    && let Ok(graph) = file.graph(smaller.height, smaller.width)
                {
                    return Ok((smaller, graph));
                }
                return Ok((*size, graph));
            }
            // Other files' declarations are wrong: the graph decides then.
            Ok(graph) => first = first.or(Some(Ok((*size, graph)))),
            Err(problem @ OnnxError::Node { .. }) => first = first.or(Some(Err(problem))),
            Err(problem) => return Err(problem),
        }
    }
    first.unwrap_or(Err(OnnxError::ConstantOutputs))
}

fn sizes(file: &OnnxFile) -> Vec<Size> {
    let [height, width] = file.image_size();
    let sides = height.or(width).into_iter().chain(SIDES);
    let squares =
        sides.map(|side| Size { width: width.unwrap_or(side), height: height.unwrap_or(side) });
    match (height, width) {
        (None, None) => squares.chain([TEXT]).collect(),
        // Too low to be a square of anything.
        (Some(height), None) if height <= TEXT.height => {
            [Size { height, ..TEXT }].into_iter().chain(squares).collect()
        }
        _ => squares.collect(),
    }
}

/// Whether the only output is one number for each class.
fn is_classifier(graph: &Graph) -> bool {
    match graph.outputs[..] {
        [output] => matches!(graph.value(output).shape[..], [1, _]),
        _ => false,
    }
}
