//! `fcos`: the raw heads of FCOS, distances from points and a score for how central they are.

use framegate_backend_api::OutputBatch;

use super::anchors::{around, best_channels, position};
use super::family::Family;
use super::mmdet::MMDET;
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::prior_boxes::PYRAMID;
use super::scores::{best_class, check_logits, check_scores, reaches, sigmoid};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};

/// Half of the distances on the coarsest grid are at least as long in pixels, and shorter in strides.
const SHORTEST_PIXELS: f32 = 32.0;
const LONGEST_STRIDES: f32 = 16.0;
/// How many distances must not be negative.
const MOST: f32 = 0.99;

/// Scores, distances and centre-ness: `[1, N, C]`, `[1, N, 4]`, `[1, N, 1]` for all cells of the strides 8 to 128, as
/// torchvision has them, or `[1, C, H, W]`, `[1, 4, H, W]`, `[1, 1, H, W]` for each of them, as MMDetection and
/// AdelaiDet have them. Points are the corners of cells in the first form and their middles in the second;
/// distances are in strides in the first, and in strides or pixels in the second.
/// <https://arxiv.org/abs/1904.01355>
#[derive(Debug)]
pub(super) struct Fcos;

/// Where the numbers of each stride are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heads {
    /// Positions of scores, distances and centre-ness.
    Flat([usize; 3]),
    /// The same for each stride.
    Levels(Vec<[usize; 3]>),
}

fn find(outputs: &ModelOutputs<'_>) -> Option<(Heads, usize)> {
    flat(outputs).or_else(|| levels(outputs))
}

fn flat(outputs: &ModelOutputs<'_>) -> Option<(Heads, usize)> {
    let cells = |stride: &usize| super::anchors::cells(outputs.input, *stride);
    let count: usize = PYRAMID.iter().map(cells).sum();
    let widths: Vec<(usize, usize)> = (0..outputs.shapes.len())
        .filter_map(|position| {
            let Rows { width, .. } = outputs.rows(position).filter(|rows| rows.count == count)?;
            Some((position, width))
        })
        .collect();
    let [(a, _), (b, _), (c, _)] = widths[..] else { return None };
    let width = |position: usize| outputs.rows(position).map_or(0, |rows| rows.width);
    let order = |[scores, distances, centre]: [usize; 3]| {
        (width(distances) == 4 && width(centre) == 1).then_some([scores, distances, centre])
    };
    // torchvision's order, else any that fits.
    let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
    let found = orders.into_iter().find_map(order)?;
    Some((Heads::Flat(found), width(found[0])))
}

fn levels(outputs: &ModelOutputs<'_>) -> Option<(Heads, usize)> {
    if outputs.shapes.len() != 3 * PYRAMID.len() {
        return None;
    }
    let mut classes = None;
    let of_stride = |stride: &usize| {
        let (columns, rows) = grid(outputs.input, *stride);
        let fitting: Vec<(usize, usize)> = outputs
            .shapes
            .iter()
            .enumerate()
            .filter_map(|(position, output)| match *output.shape {
                [1, channels, height, width] if [height, width] == [rows, columns] => {
                    Some((position, channels))
                }
                _ => None,
            })
            .collect();
        let [(scores, count), (distances, 4), (centre, 1)] = fitting[..] else { return None };
        (*classes.get_or_insert(count) == count).then_some([scores, distances, centre])
    };
    let levels = PYRAMID.iter().map(of_stride).collect::<Option<Vec<_>>>()?;
    Some((Heads::Levels(levels), classes?))
}

impl Layout for Fcos {
    fn names(&self) -> &'static [&'static str] {
        &["fcos"]
    }

    fn shape(&self) -> &'static str {
        "scores, distances and centre-ness of each cell of the strides 8 to 128, undecoded"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, classes) = find(outputs)?;
        let reading = Reading::of(ClassCount::beyond(classes, 0)?);
        Some(Reading { strides: PYRAMID.to_vec(), ..reading })
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes(
            "the outputs are scores, four distances and a centre-ness for each cell of the strides 8 to 128"
                .to_owned(),
        )
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&MMDET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let (heads, classes) = find(outputs).expect("`read` found them");
        let first = match &heads {
            Heads::Flat(positions) => *positions,
            Heads::Levels(levels) => levels[0],
        };
        let is_named = |position: usize, name| outputs.shapes[position].name.contains(name);
        let level = |stride: &usize| {
            let (columns, rows) = grid(outputs.input, *stride);
            let step = match heads {
                // As torchvision counts where a grid does not divide the input.
                Heads::Flat(_) => [outputs.input.width / columns, outputs.input.height / rows],
                Heads::Levels(_) => [*stride; 2],
            };
            let step = step.map(|step| step as f32);
            Level { stride: *stride as f32, step, columns, cells: columns * rows }
        };
        Box::new(FcosDecoder {
            levels: PYRAMID.iter().map(level).collect(),
            classes,
            are_scores: [outputs.holds_scores(first[0]), outputs.holds_scores(first[2])],
            // MMDetection multiplies the two scores; the others take the root of that.
            takes_root: matches!(heads, Heads::Flat(_)) || is_named(first[2], "ctrness"),
            in_strides: matches!(heads, Heads::Flat(_)).then_some(true),
            heads,
            best: Vec::new(),
        })
    }
}

#[derive(Debug)]
struct Level {
    stride: f32,
    /// Pixels from cell to cell.
    step: [f32; 2],
    columns: usize,
    cells: usize,
}

#[derive(Debug)]
struct FcosDecoder {
    heads: Heads,
    levels: Vec<Level>,
    classes: usize,
    /// Whether scores and centre-ness come out of a sigmoid.
    are_scores: [bool; 2],
    takes_root: bool,
    /// The unit of distances; `None` until it has been seen in the values.
    in_strides: Option<bool>,
    /// The best class of each cell and its raw score.
    best: Vec<(usize, f32)>,
}

impl FcosDecoder {
    /// Distances of a level, and whether the four of a cell are side by side.
    fn distances<'a>(
        &self,
        outputs: &'a OutputBatch,
        image: usize,
        level: usize,
    ) -> (&'a [f32], bool) {
        match &self.heads {
            Heads::Flat([_, distances, _]) => {
                let first: usize = self.levels[..level].iter().map(|level| level.cells).sum();
                let all = outputs.tensors[*distances].image(image);
                (&all[4 * first..][..4 * self.levels[level].cells], true)
            }
            Heads::Levels(levels) => (outputs.tensors[levels[level][1]].image(image), false),
        }
    }

    /// The unit of distances, from the coarsest level.
    fn unit(&self, outputs: &OutputBatch, image: usize) -> Result<bool, Implausible> {
        let mut negative = [0, 0];
        for level in 0..self.levels.len() {
            let (distances, _) = self.distances(outputs, image, level);
            negative[0] += distances.iter().filter(|distance| **distance < 0.0).count();
            negative[1] += distances.len();
        }
        if negative[0] as f32 > (1.0 - MOST) * negative[1] as f32 {
            return Err(Implausible("there are negative distances".to_owned()));
        }
        let (distances, _) = self.distances(outputs, image, self.levels.len() - 1);
        let mut sorted = distances.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        if middle <= LONGEST_STRIDES {
            return Ok(true);
        }
        match middle >= SHORTEST_PIXELS && self.in_strides.is_none() {
            true => Ok(false),
            false => Err(Implausible(format!(
                "distances of {middle} on the coarsest grid are neither strides nor pixels"
            ))),
        }
    }
}

impl Decoder for FcosDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let unit = self.in_strides.or_else(|| self.unit(outputs, image).ok());
        let Some(in_strides) = unit else { return };
        let mut best = std::mem::take(&mut self.best);
        let ([is_score, is_centre_ready], offset) =
            (self.are_scores, if matches!(self.heads, Heads::Flat(_)) { 0.0 } else { 0.5 });
        let mut first = 0;
        for (number, level) in self.levels.iter().enumerate() {
            let cells = level.cells;
            let centre = match &self.heads {
                Heads::Flat([scores, _, centre]) => {
                    let rows = outputs.tensors[*scores].image(image).chunks_exact(self.classes);
                    best.clear();
                    let of_row = |row| best_class(row).unwrap_or((0, f32::NAN));
                    best.extend(rows.skip(first).take(cells).map(of_row));
                    &outputs.tensors[*centre].image(image)[first..]
                }
                Heads::Levels(levels) => {
                    let [scores, _, centre] = levels[number];
                    best_channels(outputs.tensors[scores].image(image), cells, &mut best);
                    outputs.tensors[centre].image(image)
                }
            };
            let (distances, side_by_side) = self.distances(outputs, image, number);
            let unit = if in_strides { level.stride } else { 1.0 };
            for (cell, (class_id, raw)) in best.iter().enumerate() {
                let class = if is_score { *raw } else { sigmoid(*raw) };
                let centre = if is_centre_ready { centre[cell] } else { sigmoid(centre[cell]) };
                let score = match self.takes_root {
                    true => (class * centre).sqrt(),
                    false => class * centre,
                };
                if !reaches(score, confidence) {
                    continue;
                }
                let at = |side: usize| match side_by_side {
                    true => 4 * cell + side,
                    false => side * cells + cell,
                };
                let sides = [0, 1, 2, 3].map(|side| distances[at(side)] * unit);
                let [column, row] = position(cell, level.columns);
                let point = [(column + offset) * level.step[0], (row + offset) * level.step[1]];
                let candidate = Candidate::from_corners(around(point, sides), score, *class_id);
                candidates.extend(candidate);
            }
            first += cells;
        }
        self.best = best;
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let in_strides = self.unit(outputs, image)?;
        self.in_strides.get_or_insert(in_strides);
        let positions: Vec<usize> = match &self.heads {
            Heads::Flat([scores, ..]) => vec![*scores],
            Heads::Levels(levels) => levels.iter().map(|level| level[0]).collect(),
        };
        let mut scores = positions.iter().map(|scores| outputs.tensors[*scores].image(image));
        match self.are_scores[0] {
            true => scores.try_for_each(check_scores),
            false => check_logits(scores.flatten()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, batch, decode, decoder, recognised};
    use super::super::{BoxLayout, scores::logit};
    use crate::Size;

    const INPUT: Size = Size { width: 128, height: 128 };
    const CELLS: [usize; 5] = [256, 64, 16, 4, 1];
    const NAMES: [[&str; 3]; 5] = [
        ["s1", "d1", "c1"],
        ["s2", "d2", "c2"],
        ["s3", "d3", "c3"],
        ["s4", "d4", "c4"],
        ["s5", "d5", "c5"],
    ];
    type Outputs = Vec<(&'static str, Vec<usize>, Vec<f32>)>;

    /// Two classes and one object at the second cell of stride 16, whose distances are in units of `unit` pixels.
    fn levels(unit: f32) -> Outputs {
        let mut outputs = Vec::new();
        for (level, names) in NAMES.into_iter().enumerate() {
            let (cells, side) = (CELLS[level], 16 >> level);
            let stride = 8.0 * (1 << level) as f32;
            let (mut scores, mut centre) = (vec![-9.0; 2 * cells], vec![-9.0; cells]);
            let mut distances = vec![stride / unit; 4 * cells];
            if level == 1 {
                scores[cells + 1] = logit(0.9);
                centre[1] = logit(0.4);
                for (side, pixels) in [8.0, 16.0, 24.0, 32.0].into_iter().enumerate() {
                    distances[side * cells + 1] = pixels * stride / unit / 16.0;
                }
            }
            for (name, channels, data) in
                [(names[0], 2, scores), (names[1], 4, distances), (names[2], 1, centre)]
            {
                outputs.push((name, vec![1, channels, side, side], data));
            }
        }
        outputs
    }

    fn borrowed(outputs: &Outputs) -> Vec<(&str, &[usize], Vec<f32>)> {
        outputs.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect()
    }

    #[test]
    fn distances_of_mmdetection_are_pixels() {
        let outputs = levels(1.0);
        let found = decode("fcos", INPUT, &borrowed(&outputs));
        assert_eq!(found.len(), 1);
        // Around the middle of the cell, (24, 8).
        assert_box(&found[0], 1, 0.36, [16.0, -8.0, 48.0, 40.0]);
        let shapes: Vec<_> = outputs.iter().map(|(name, shape, _)| (*name, &shape[..])).collect();
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("fcos"));
    }

    #[test]
    fn the_unit_is_seen_on_the_coarsest_grid() {
        let mut outputs = levels(1.0);
        for (level, distances) in outputs.iter_mut().skip(1).step_by(3).enumerate() {
            distances.2.iter_mut().for_each(|pixels| *pixels /= 8.0 * (1 << level) as f32);
        }
        let found = decode("fcos", INPUT, &borrowed(&outputs));
        assert_box(&found[0], 1, 0.36, [16.0, -8.0, 48.0, 40.0]);
        for wrong in [-1.0, 24.0] {
            outputs.iter_mut().skip(1).step_by(3).for_each(|distances| distances.2.fill(wrong));
            let outputs = borrowed(&outputs);
            let mut decoder = decoder(&BoxLayout::named("fcos").unwrap(), INPUT, &outputs);
            let error = decoder.check(&batch(&outputs), 0).unwrap_err().to_string();
            assert!(error.contains("distances"), "{error}");
        }
    }

    #[test]
    fn torchvision_has_one_output_for_all_strides() {
        let count: usize = CELLS.iter().sum();
        let index = 256 + 1;
        let mut scores = vec![-9.0; 2 * count];
        let (mut distances, mut centre) = (vec![1.0; 4 * count], vec![-9.0; count]);
        scores[2 * index + 1] = logit(0.9);
        centre[index] = logit(0.4);
        distances[4 * index..][..4].copy_from_slice(&[0.5, 1.0, 1.5, 2.0]);
        let outputs = [
            ("cls_logits", &[1, count, 2][..], scores),
            ("bbox_regression", &[1, count, 4], distances),
            ("bbox_ctrness", &[1, count, 1], centre),
        ];
        let found = decode("fcos", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        // Around the corner of the cell, (16, 0).
        assert_box(&found[0], 1, 0.6, [8.0, -16.0, 40.0, 32.0]);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("fcos"));
    }
}
