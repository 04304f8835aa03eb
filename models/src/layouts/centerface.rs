//! `centerface`: CenterFace's faces, peaks of a heat map.

use framegate_backend_api::OutputBatch;

use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};

/// RGB from 0 to 255, stretched.
const CENTERFACE: Family = Family {
    name: "centerface",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED },
};

/// Input pixels per cell.
const STRIDE: usize = 4;

/// Heat `[1, 1, H, W]`, logarithms of height and width in cells `[1, 2, H, W]`, offsets of the centre in y
/// and x `[1, 2, H, W]` and key points `[1, 10, H, W]`, y before x, in sizes of the box from its top
/// left corner; a cell is 4 pixels wide: size = 4 · exp(log), centre = 4 · (cell + offset + 0.5).
#[derive(Debug)]
pub(super) struct CenterFace;

fn find(outputs: &ModelOutputs<'_>) -> Option<[usize; 2]> {
    let [height, width] = [outputs.input.height / STRIDE, outputs.input.width / STRIDE];
    let channels = outputs.shapes.iter().map(|output| match *output.shape {
        [1, channels, h, w] if [h, w] == [height, width] => channels,
        _ => 0,
    });
    channels.eq([1, 2, 2, 10]).then_some([height, width])
}

impl Layout for CenterFace {
    fn names(&self) -> &'static [&'static str] {
        &["centerface"]
    }

    fn shape(&self) -> &'static str {
        "faces, with maps of 1, 2, 2 and 10 channels at a quarter of the input's size"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|_| Reading::of(ClassCount::Known(1)))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes("the outputs are CenterFace's four maps".to_owned())
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&CENTERFACE]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["face"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let [height, width] = find(outputs).expect("`read` found the outputs");
        Box::new(CenterFaceDecoder { width, plane: height * width })
    }
}

#[derive(Debug)]
struct CenterFaceDecoder {
    width: usize,
    plane: usize,
}

impl CenterFaceDecoder {
    /// Left, top, width and height of the box at a cell.
    fn box_at(&self, outputs: &OutputBatch, image: usize, cell: usize) -> [f32; 4] {
        let pair = |output: usize| {
            let map = outputs.tensors[output].image(image);
            [map[cell], map[self.plane + cell]]
        };
        let ([log_height, log_width], [offset_y, offset_x]) = (pair(1), pair(2));
        let stride = STRIDE as f32;
        let size = [log_width.exp() * stride, log_height.exp() * stride];
        let x = ((cell % self.width) as f32 + offset_x + 0.5) * stride;
        let y = ((cell / self.width) as f32 + offset_y + 0.5) * stride;
        [x - size[0] / 2.0, y - size[1] / 2.0, size[0], size[1]]
    }
}

impl Decoder for CenterFaceDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let heat = outputs.tensors[0].image(image);
        let peaks = heat.iter().enumerate().filter(|(_, score)| reaches(**score, confidence));
        candidates.extend(peaks.filter_map(|(cell, score)| {
            let [left, top, width, height] = self.box_at(outputs, image, cell);
            let corners = [left, top, left + width, top + height];
            Some(Candidate::from_corners(corners, *score, 0)?.at(cell))
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[0].image(image))
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let [left, top, width, height] = self.box_at(outputs, image, candidate.index);
        let map = outputs.tensors[3].image(image);
        let number = |channel: usize| map[channel * self.plane + candidate.index];
        keypoints.extend((0..5).map(|point| {
            Keypoint::sure(left + number(2 * point + 1) * width, top + number(2 * point) * height)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use crate::Size;

    #[test]
    fn peaks_become_faces() {
        let input = Size { width: 32, height: 16 };
        let mut maps = [1, 2, 2, 10].map(|channels| vec![0.0; channels * 32]);
        // Second row, third column.
        let cell = 8 + 2;
        maps[0][cell] = 0.75;
        (maps[1][cell], maps[1][32 + cell]) = (2f32.ln(), 3f32.ln());
        (maps[2][cell], maps[2][32 + cell]) = (0.5, 0.25);
        (maps[3][cell], maps[3][32 + cell]) = (0.5, 0.25);
        let [heat, scale, offset, points] = maps;
        let outputs = [
            ("537", &[1, 1, 4, 8][..], heat),
            ("538", &[1, 2, 4, 8], scale),
            ("539", &[1, 2, 4, 8], offset),
            ("540", &[1, 10, 4, 8], points),
        ];
        let layout = BoxLayout::named("centerface").unwrap();
        let mut decoder = decoder(&layout, input, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        // Centre (11, 8), 12 × 8.
        assert_box(&candidates[0], 0, 0.75, [5.0, 4.0, 17.0, 12.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[0].y), (5, 8.0));
        assert!((points[0].x - 8.0).abs() < 1e-4);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("centerface"));
    }
}
