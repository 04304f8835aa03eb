//! Which box decoder a model needs: what the sidecar says, else what its outputs look like.

use super::BoxDecoder;
use super::output_layout::{OutputShape, describe, grid_cells};
use super::sidecar::BoxDecoderName;
use crate::Size;

/// Strides of the usual detectors, and of their larger variants with a fourth, coarser grid.
const DEFAULT_STRIDES: [&[usize]; 2] = [&[8, 16, 32], &[8, 16, 32, 64]];

/// Anchor boxes that YOLOv5 has for each grid cell.
const YOLOV5_ANCHORS: usize = 3;

/// More boxes than suppression built into a model leaves over; a longer list is some other layout.
const MAX_END2END_BOXES: usize = 1000;

/// What is known when a decoder is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoxEvidence<'a> {
    pub(super) outputs: &'a [OutputShape<'a>],
    pub(super) input: Size,
    /// `task` of the file's metadata.
    pub(super) task: Option<&'a str>,
    /// `boxes` of the sidecar.
    pub(super) named: Option<BoxDecoderName>,
    /// `strides` of the sidecar.
    pub(super) strides: Option<&'a [usize]>,
}

/// The decoder and, for people, why it was chosen.
///
/// # Errors
/// What the outputs are and which line to write into the sidecar, when no decoder is recognised;
/// what does not fit, when the sidecar's does not.
pub(super) fn choose(evidence: &BoxEvidence<'_>) -> Result<(BoxDecoder, String), String> {
    if let Some(name) = evidence.named {
        let decoder = evidence.decoder(name);
        decoder.check(evidence.outputs, evidence.input)?;
        return Ok((decoder, "the sidecar says so".to_owned()));
    }
    if let Some(task) = evidence.task.filter(|task| !matches!(*task, "detect" | "classify")) {
        return Err(format!(
            "the model's metadata says that it was trained to `{task}`, which is not supported; \
             export a model for `detect` or `classify`, or name a decoder with `boxes = \"…\"` in the sidecar"
        ));
    }
    evidence.recognise().ok_or_else(|| {
        format!(
            "how to read boxes from the outputs {} for an input of {} is not known; write \
             `boxes = \"…\"` into the sidecar with one of `yolox` or `yolov5` ([1, candidates, 5 + classes]), \
             `yolov8` ([1, 4 + classes, candidates]), `end2end` ([1, candidates, 6]), `yunet` (faces) \
             or `classify` ([1, classes])",
            describe(evidence.outputs),
            evidence.input
        )
    })
}

impl BoxEvidence<'_> {
    fn decoder(&self, name: BoxDecoderName) -> BoxDecoder {
        match name {
            BoxDecoderName::Yolox => BoxDecoder::Yolox { strides: self.yolox_strides() },
            BoxDecoderName::Yolov8 => BoxDecoder::Yolov8,
            BoxDecoderName::Yolov5 => BoxDecoder::Yolov5,
            BoxDecoderName::End2end => BoxDecoder::End2end,
            BoxDecoderName::Yunet => {
                BoxDecoder::Yunet { strides: self.strides.unwrap_or(DEFAULT_STRIDES[0]).to_vec() }
            }
            BoxDecoderName::Classify => BoxDecoder::Classify,
        }
    }

    fn yolox_strides(&self) -> Vec<usize> {
        let candidates = self.outputs.first().and_then(|output| output.shape.get(1)).copied();
        self.possible_strides()
            .into_iter()
            .find(|strides| candidates == Some(grid_cells(self.input, strides)))
            .unwrap_or(self.strides.unwrap_or(DEFAULT_STRIDES[0]))
            .to_vec()
    }

    fn possible_strides(&self) -> Vec<&[usize]> {
        self.strides.map_or_else(|| DEFAULT_STRIDES.to_vec(), |strides| vec![strides])
    }

    /// Tries the decoders from the most telling layout to the least.
    fn recognise(&self) -> Option<(BoxDecoder, String)> {
        let yunet = self.decoder(BoxDecoderName::Yunet);
        if yunet.check(self.outputs, self.input).is_ok() {
            return Some((yunet, "the outputs have YuNet's names and shapes".to_owned()));
        }
        let shape = self.outputs.first()?.shape;
        for strides in self.possible_strides() {
            let cells = grid_cells(self.input, strides);
            let anchors = cells * YOLOV5_ANCHORS;
            let because = |count: &str| format!("the first output is {shape:?}: {count}");
            match *shape {
                [1, n, row] if n == cells && row > 5 => {
                    let strides = strides.to_vec();
                    let reason = because(&format!(
                        "a row of 5 + classes for each of the {cells} grid cells of strides {strides:?}; \
                         if it was exported with decoded outputs, write `boxes = \"yolov5\"` into the sidecar"
                    ));
                    return Some((BoxDecoder::Yolox { strides }, reason));
                }
                [1, n, row] if n == anchors && row > 5 => {
                    let reason = because(&format!(
                        "a row of 5 + classes for each of {YOLOV5_ANCHORS} boxes in {cells} grid cells"
                    ));
                    return Some((BoxDecoder::Yolov5, reason));
                }
                [1, column, n] if n == cells && column > 4 => {
                    let reason = because(&format!(
                        "a column of 4 + classes for each of the {cells} grid cells"
                    ));
                    return Some((BoxDecoder::Yolov8, reason));
                }
                _ => {}
            }
        }
        match *shape {
            [1, n, 6] if n <= MAX_END2END_BOXES => Some((
                BoxDecoder::End2end,
                format!("the first output is {shape:?}: corners, score and class of each box"),
            )),
            [1, classes] if classes > 0 => Some((
                BoxDecoder::Classify,
                format!("the first output is {shape:?}: a score for each class"),
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_for(shape: &[usize], input: Size) -> Result<BoxDecoder, String> {
        let outputs = [OutputShape { name: "output", shape }];
        let evidence =
            BoxEvidence { outputs: &outputs, input, task: None, named: None, strides: None };
        choose(&evidence).map(|(decoder, _)| decoder)
    }

    #[test]
    fn layouts_are_told_apart_by_candidate_counts() {
        let wide = Size { width: 640, height: 384 };
        let square = Size { width: 640, height: 640 };
        let three = || BoxDecoder::Yolox { strides: vec![8, 16, 32] };
        let four = || BoxDecoder::Yolox { strides: vec![8, 16, 32, 64] };
        for (shape, input, expected) in [
            (&[1, 8400, 85][..], square, three()),
            (&[1, 5040, 85], wide, three()),
            (&[1, 5040, 6], wide, three()),
            (&[1, 8500, 85], square, four()),
            (&[1, 25200, 85], square, BoxDecoder::Yolov5),
            (&[1, 25500, 85], square, BoxDecoder::Yolov5),
            (&[1, 84, 8400], square, BoxDecoder::Yolov8),
            (&[1, 5, 8400], square, BoxDecoder::Yolov8),
            (&[1, 84, 5040], wide, BoxDecoder::Yolov8),
            (&[1, 300, 6], square, BoxDecoder::End2end),
            (&[1, 1000, 6], square, BoxDecoder::End2end),
            (&[1, 1000], square, BoxDecoder::Classify),
        ] {
            assert_eq!(choose_for(shape, input), Ok(expected), "{shape:?}");
        }
    }

    #[test]
    fn rows_that_may_be_decoded_already_are_pointed_out() {
        let outputs = [OutputShape { name: "output", shape: &[1, 8400, 85] }];
        let input = Size { width: 640, height: 640 };
        let evidence =
            BoxEvidence { outputs: &outputs, input, task: None, named: None, strides: None };
        let (_, reason) = choose(&evidence).unwrap();
        assert!(reason.contains("`boxes = \"yolov5\"`"), "{reason}");
    }

    #[test]
    fn what_is_not_recognised_is_shown_with_the_line_to_write() {
        let square = Size { width: 640, height: 640 };
        for shape in
            [&[1, 100, 91][..], &[1, 1001, 6], &[1, 8400, 4], &[2, 8400, 85], &[1, 84, 80, 80], &[]]
        {
            let message = choose_for(shape, square).unwrap_err();
            assert!(message.contains(&format!("`output` {shape:?}")), "{message}");
            assert!(message.contains("`boxes = \"…\"`"), "{message}");
        }
    }

    #[test]
    fn the_sidecar_decides_if_the_outputs_allow_it() {
        let outputs = [OutputShape { name: "output", shape: &[1, 8400, 85] }];
        let input = Size { width: 640, height: 640 };
        let evidence = BoxEvidence {
            outputs: &outputs,
            input,
            task: Some("segment"),
            named: Some(BoxDecoderName::Yolov5),
            strides: None,
        };
        assert_eq!(choose(&evidence).unwrap().0, BoxDecoder::Yolov5);
        let unfit = BoxEvidence { named: Some(BoxDecoderName::Classify), ..evidence };
        let message = choose(&unfit).unwrap_err();
        assert!(message.contains("`classify` needs [1, classes]"), "{message}");
        let other_strides = BoxEvidence {
            named: Some(BoxDecoderName::Yolox),
            strides: Some(&[16, 32]),
            ..evidence
        };
        assert!(choose(&other_strides).unwrap_err().contains("[1, 2000, 5 + classes]"));
        let unsupported = BoxEvidence { named: None, ..evidence };
        assert!(choose(&unsupported).unwrap_err().contains("`segment`"));
    }

    #[test]
    fn yunet_is_known_by_its_names() {
        let cells = [(8, 1600), (16, 400), (32, 100)];
        let named: Vec<(String, [usize; 3])> = cells
            .iter()
            .flat_map(|(stride, cells)| {
                [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
                    .map(|(kind, extent)| (format!("{kind}_{stride}"), [1, *cells, extent]))
            })
            .collect();
        let outputs: Vec<OutputShape<'_>> =
            named.iter().map(|(name, shape)| OutputShape { name, shape }).collect();
        let input = Size { width: 320, height: 320 };
        let evidence =
            BoxEvidence { outputs: &outputs, input, task: None, named: None, strides: None };
        let (decoder, reason) = choose(&evidence).unwrap();
        assert_eq!(decoder, BoxDecoder::Yunet { strides: vec![8, 16, 32] });
        assert!(reason.contains("YuNet"));
        let without_boxes = BoxEvidence { outputs: &outputs[3..], ..evidence };
        assert!(choose(&without_boxes).is_err());
    }
}
