//! How the file's input holds an image, and the way there from the graph's own input, which is always
//! `[1, 3, height, width]` of floats.

use std::collections::HashSet;

use framegate_backend_api::graph::{Convolution, Operator, Padding, Unary, ValueId};
use framegate_backend_api::{ElementType, HostTensor};

use super::context::{Import, Problem};
use super::error::OnnxError;
use super::prepare::FileNode;
use super::{InputDeclaration, OutputDeclaration};

/// Weights of red, green and blue in a grey image, by ITU-R BT.601: those of OpenCV and Pillow.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Where an input has its axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLayout {
    /// Extent of the batch axis in the file, 1 if it is open; `None` if there is no such axis.
    pub batch: Option<usize>,
    /// Whether the channels are the last axis, as TensorFlow has them.
    pub channels_last: bool,
    /// Whether there is one channel instead of three.
    pub is_grey: bool,
    /// Height and width, as far as the file fixes them.
    pub size: [Option<usize>; 2],
}

impl ImageLayout {
    /// The layout of an input of these extents.
    ///
    /// # Errors
    /// [`OnnxError::Input`] when it cannot be an image.
    pub(super) fn of(input: &InputDeclaration) -> Result<Self, OnnxError> {
        let InputDeclaration { name, dims, .. } = input;
        let (batch, image) = match dims[..] {
            // Nothing at all is known: what most exporters write.
            [] => (Some(1), [None; 3]),
            [batch, a, b, c] => (Some(batch.unwrap_or(1)), [a, b, c]),
            [a, b, c] => (None, [a, b, c]),
            _ => {
                return Err(OnnxError::Input(format!(
                    "input `{name}` has {} axes; a detector takes images as [batch, channels, height, width]",
                    dims.len()
                )));
            }
        };
        let layout = |channels_last, is_grey, size| Self { batch, channels_last, is_grey, size };
        match image {
            [Some(3), height, width] => Ok(layout(false, false, [height, width])),
            [height, width, Some(3)] => Ok(layout(true, false, [height, width])),
            [Some(1), height, width] => Ok(layout(false, true, [height, width])),
            [height, width, Some(1)] => Ok(layout(true, true, [height, width])),
            [None, height, width] => Ok(layout(false, false, [height, width])),
            [Some(channels), _, last] => Err(OnnxError::Input(format!(
                "input `{name}` has {} channels; a detector takes colour images (3 channels) or grey ones (1)",
                match last {
                    Some(last) => last.min(channels),
                    None => channels,
                }
            ))),
        }
    }

    /// The axes of height and width, in an input of this number of axes.
    pub(super) fn size_axes(&self, axes: usize) -> [usize; 2] {
        let channels_behind = usize::from(self.channels_last);
        [2, 1].map(|from_end| axes.saturating_sub(from_end + channels_behind))
    }

    /// The axes, for people.
    pub fn axes(&self) -> &'static str {
        match (self.batch.is_some(), self.channels_last) {
            (true, false) => "[batch, channels, height, width]",
            (true, true) => "[batch, height, width, channels]",
            (false, false) => "[channels, height, width]",
            (false, true) => "[height, width, channels]",
        }
    }

    /// Converts the graph's input to what the file expects.
    pub(super) fn convert(
        &self,
        import: &mut Import,
        wants_integers: bool,
    ) -> Result<ValueId, Problem> {
        let mut image = import.input();
        if self.is_grey {
            image = grey(import, image)?;
            if wants_integers {
                image = import.emit(Operator::Unary(Unary::Round), &[image])?;
            }
        }
        if self.channels_last {
            let permutation = vec![0, 2, 3, 1];
            image = import.emit(Operator::Transpose { permutation }, &[image])?;
        }
        if self.batch.is_none() {
            let shape = import.shape(image)[1..].to_vec();
            image = import.emit(Operator::Reshape { shape }, &[image])?;
        }
        match wants_integers {
            true => import.cast(image, ElementType::I64),
            false => Ok(image),
        }
    }
}

/// The brightness of a colour image.
fn grey(import: &mut Import, image: ValueId) -> Result<ValueId, Problem> {
    let weights = import.constant(HostTensor::from_f32([1, 3, 1, 1], LUMA.to_vec()));
    let convolution = Convolution {
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::default(),
        groups: 1,
        activation: None,
    };
    import.emit(Operator::Convolution(convolution), &[image, weights])
}

/// Whether a value of the file is cast before anything computes with it. Then its elements can stay
/// floats, since pixels are whole numbers anyway.
pub(super) fn is_cast_before_use(
    nodes: &[FileNode],
    outputs: &[OutputDeclaration],
    input: &str,
) -> bool {
    const MOVES: &[&str] = &["Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice"];
    let mut uncast = HashSet::from([input]);
    for FileNode { proto, .. } in nodes {
        if !proto.input.iter().any(|name| uncast.contains(name.as_str())) {
            continue;
        }
        match proto.op_type.as_str() {
            "Cast" | "Shape" => {}
            operator if MOVES.contains(&operator) => {
                uncast.extend(proto.output.iter().map(String::as_str));
            }
            _ => return false,
        }
    }
    !outputs.iter().any(|output| uncast.contains(output.name.as_str()))
}
