//! `ssd300-coco` and `ssd300-voc`: SSD300's raw heads, relative to its prior boxes.

use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs};
use super::prior_boxes::{Heads, Prior, PriorDecoder, on_grid};
use super::scored_boxes::ScoreForm;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// SSD with VGG as its authors train it: BGR without the mean of VGG, stretched.
const SSD_VGG: Family = Family {
    name: "ssd-vgg",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED }
        .bgr()
        .with_mean([104.0, 117.0, 123.0]),
};

/// SSD in PyTorch with a ResNet, by NVIDIA.
const SSD_RESNET: Family = Family {
    name: "ssd-resnet",
    preprocessing: Preprocessing::STRETCHED
        .standardised(super::family::IMAGENET_MEAN, super::family::IMAGENET_DEVIATION),
};

const SIDE: f32 = 300.0;
/// Cells along each side of the grids, the distance between them in pixels, and the proportions of their
/// prior boxes besides 1.
const GRIDS: [(usize, f32, &[f32]); 6] = [
    (38, 8.0, &[2.0]),
    (19, 16.0, &[2.0, 3.0]),
    (10, 32.0, &[2.0, 3.0]),
    (5, 64.0, &[2.0, 3.0]),
    (3, 100.0, &[2.0]),
    (1, 300.0, &[2.0]),
];
/// The number of prior boxes.
const COUNT: usize = 8732;

/// `[1, 8732, 4]` and `[1, 8732, 1 + C]`, the first class the background, or both with the last two axes swapped:
/// centre = prior + 0.1 · offset · side, size = side · exp(0.2 · log size).
/// Prior boxes: <https://arxiv.org/abs/1512.02325>, section 2.2, with sides for 300 pixels.
#[derive(Debug)]
pub(super) struct Ssd {
    names: &'static [&'static str],
    /// The sides of each grid's smallest square, and of one more grid.
    sides: [f32; 7],
    families: &'static [&'static Family],
    lines: &'static [SidecarLine],
}

pub(super) static COCO: Ssd = Ssd {
    names: &["ssd300-coco"],
    sides: [21.0, 45.0, 99.0, 153.0, 207.0, 261.0, 315.0],
    families: &[&SSD_RESNET, &SSD_VGG],
    lines: &[SidecarLine {
        line: "boxes = \"ssd300-coco\"",
        when: "SSD300 with the prior boxes that it has on COCO",
    }],
};

pub(super) static VOC: Ssd = Ssd {
    names: &["ssd300-voc"],
    sides: [30.0, 60.0, 111.0, 162.0, 213.0, 264.0, 315.0],
    families: &[&SSD_VGG, &SSD_RESNET],
    lines: &[SidecarLine {
        line: "boxes = \"ssd300-voc\"",
        when: "SSD300 with the prior boxes that it has on Pascal VOC",
    }],
};

impl Ssd {
    fn priors(&self) -> Vec<Prior> {
        let grids = GRIDS.iter().zip(self.sides.windows(2));
        let grid = |(&(cells, step, proportions), sides): (&(usize, f32, &[f32]), &[f32])| {
            let (side, next) = (sides[0], sides[1]);
            let between = (side * next).sqrt();
            let mut sizes = vec![[side; 2], [between; 2]];
            for proportion in proportions {
                let root = proportion.sqrt();
                sizes.extend([[side * root, side / root], [side / root, side * root]]);
            }
            on_grid((cells, cells), [step; 2], &sizes).collect::<Vec<_>>()
        };
        grids.flat_map(grid).collect()
    }
}

impl Layout for Ssd {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, 8732, 4] and [1, 8732, 1 + classes] relative to SSD300's prior boxes"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        format!("{}, of an input of 300x300", self.shape())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let heads = Heads::of(outputs, COUNT)?;
        let side = [outputs.input.width, outputs.input.height];
        (side == [SIDE as usize; 2]).then_some(())?;
        Some(Reading::of(ClassCount::beyond(heads.columns, 1)?))
    }

    /// Which prior boxes a model has, its outputs do not say.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        match Heads::of(outputs, COUNT) {
            Some(heads) if outputs.is_raw(heads.boxes) => Recognition::Maybe(self.lines),
            _ => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        self.families
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let heads = Heads::of(outputs, COUNT).expect("`read` found them");
        let form = match outputs.is_softmax(heads.scores) {
            true => ScoreForm::Ready,
            false => ScoreForm::Softmax,
        };
        Box::new(PriorDecoder {
            heads,
            priors: self.priors(),
            variances: [0.1, 0.2],
            y_first: false,
            form,
            classes: 1..heads.columns,
            row: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 300, height: 300 };

    #[test]
    fn boxes_are_relative_to_their_prior() {
        assert_eq!(COCO.priors().len(), COUNT);
        // The second square of the first cell of the 19 × 19 grid: √(45 · 99) around (8, 8).
        let index = 38 * 38 * 4 + 1;
        let side = (45.0_f32 * 99.0).sqrt();
        let mut boxes = vec![0.0; COUNT * 4];
        boxes[index * 4..][..4].copy_from_slice(&[10.0, 0.0, 0.0, 5.0 * 2.0_f32.ln()]);
        let mut scores = vec![0.0; COUNT * 3];
        scores[index * 3..][..3].copy_from_slice(&[0.0, 0.0, 3.0]);
        let expected = [8.0 + side / 2.0, 8.0 - side, 8.0 + side * 1.5, 8.0 + side];
        let score = 3.0_f32.exp() / (2.0 + 3.0_f32.exp());
        let rows =
            [("b", &[1, COUNT, 4][..], boxes.clone()), ("s", &[1, COUNT, 3], scores.clone())];
        let found = decode("ssd300-coco", INPUT, &rows);
        let best = found.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
        assert_box(best, 1, score, expected);
        let turned = |rows: &[f32], width: usize| -> Vec<f32> {
            (0..width).flat_map(|column| rows.iter().skip(column).step_by(width).copied()).collect()
        };
        let columns = [
            ("b", &[1, 4, COUNT][..], turned(&boxes, 4)),
            ("s", &[1, 3, COUNT], turned(&scores, 3)),
        ];
        assert!(decode("ssd300-coco", INPUT, &columns).contains(best));
    }

    #[test]
    fn both_kinds_of_prior_boxes_are_offered() {
        let outputs = [("b", &[1, COUNT, 4][..]), ("s", &[1, COUNT, 21])];
        let message = recognised(&outputs, INPUT, |outputs| outputs).unwrap_err().to_string();
        for line in ["ssd300-coco", "ssd300-voc"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
