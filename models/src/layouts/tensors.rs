//! `tensors`: every output as numbers, for models that detect nothing.

use framegate_backend_api::OutputBatch;

use super::family::{Family, ULTRALYTICS_STRETCHED};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Candidate, Decoder, Layout, Reading, Recognition};

/// Any outputs. There are no boxes; results carry the numbers themselves.
#[derive(Debug)]
pub(super) struct Tensors;

impl Layout for Tensors {
    fn names(&self) -> &'static [&'static str] {
        &["tensors"]
    }

    fn shape(&self) -> &'static str {
        "outputs of any shape, as numbers"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "at least one output".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let any = Reading::of(ClassCount::Open);
        (!outputs.shapes.is_empty()).then_some(any)
    }

    /// Only a sidecar can say that the outputs are not to be understood.
    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::No
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS_STRETCHED]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["tensor"]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn reports_tensors(&self) -> bool {
        true
    }

    fn decoder(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(NoBoxes)
    }
}

#[derive(Debug)]
struct NoBoxes;

impl Decoder for NoBoxes {
    fn decode(
        &mut self,
        _outputs: &OutputBatch,
        _image: usize,
        _confidence: f32,
        _candidates: &mut Vec<Candidate>,
    ) {
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode, recognised};
    use crate::Size;

    #[test]
    fn only_a_sidecar_can_ask_for_it() {
        let input = Size { width: 64, height: 64 };
        assert_eq!(decode("tensors", input, &[("y", &[1, 2, 3], vec![9.0; 6])]), []);
        let message = recognised(&[("y", &[1, 136])], input, |outputs| outputs).unwrap_err();
        assert!(message.to_string().contains("`boxes = \"tensors\"`"), "{message}");
    }
}
