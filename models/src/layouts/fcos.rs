//! `fcos`: the raw heads of FCOS, distances from points and a score for how central they are.

use super::anchors::cells;
use super::family::Family;
use super::level_maps::{Channels, Level, by_stride};
use super::mmdet::MMDET;
use super::origin::Origin;
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::points::{BoxRule, MOST_STRIDES, PointDecoder, PointForm, PointLevel, Unit};
use super::prior_boxes::PYRAMID;
use super::{Decoder, Layout, Reading, Recognition};

/// The share of distances that may be negative: none, apart from rounding.
const MOST_NEGATIVE: f32 = 0.01;

/// Scores, distances and centre-ness: `[1, N, C]`, `[1, N, 4]`, `[1, N, 1]` for all cells of the strides 8 to 128, as
/// torchvision has them, or `[1, C, H, W]`, `[1, 4, H, W]`, `[1, 1, H, W]` for each of them, as MMDetection and
/// AdelaiDet have them. Points are the corners of cells in the first form and their middles in the second;
/// distances are in strides in the first, and in strides or pixels in the second.
/// <https://arxiv.org/abs/1904.01355>
#[derive(Debug)]
pub(super) struct Fcos;

/// The numbers of each stride: scores, distances and centre-ness.
struct Heads {
    levels: Vec<PointLevel>,
    /// Whether all strides share three outputs.
    are_flat: bool,
}

fn find(outputs: &ModelOutputs<'_>) -> Option<Heads> {
    flat(outputs).or_else(|| levels(outputs))
}

fn flat(outputs: &ModelOutputs<'_>) -> Option<Heads> {
    let count: usize = PYRAMID.iter().map(|stride| cells(outputs.input, *stride)).sum();
    let found: Vec<Channels> = (0..outputs.shapes.len())
        .filter_map(|position| {
            let Rows { width, .. } = outputs.rows(position).filter(|rows| rows.count == count)?;
            Some(Channels::rows(position, width, 0))
        })
        .collect();
    let [a, b, c] = found[..] else { return None };
    // torchvision's order, else any that fits.
    let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
    let fits = |[_, distances, centre]: &[Channels; 3]| (distances.count, centre.count) == (4, 1);
    let order = orders.into_iter().find(fits)?;
    let mut first_row = 0;
    let level = |stride: &usize| {
        let (columns, rows) = grid(outputs.input, *stride);
        let of_level = |whole: Channels| Channels::rows(whole.output, whole.count, first_row);
        let [scores, distances, centre] = order.map(of_level);
        first_row += columns * rows;
        PointLevel {
            stride: *stride as f32,
            // As torchvision counts where a grid does not divide the input.
            step: [outputs.input.width / columns, outputs.input.height / rows]
                .map(|step| step as f32),
            columns,
            cells: columns * rows,
            scores,
            box_: distances,
            factor: Some(centre),
        }
    };
    Some(Heads { levels: PYRAMID.iter().map(level).collect(), are_flat: true })
}

fn levels(outputs: &ModelOutputs<'_>) -> Option<Heads> {
    let found = by_stride(outputs, &PYRAMID, 3)?;
    let classes = found[0].maps[0].count;
    let level = |level: &Level| {
        let [scores, distances, centre] = level.maps[..] else { return None };
        let fits = [scores.count, distances.count, centre.count] == [classes, 4, 1];
        fits.then(|| PointLevel::new(level, scores, distances, Some(centre)))
    };
    let levels = found.iter().map(level).collect::<Option<_>>()?;
    Some(Heads { levels, are_flat: false })
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
        let classes = find(outputs)?.levels[0].scores.count;
        let reading = Reading::of(ClassCount::beyond(classes, 0)?);
        Some(Reading { strides: PYRAMID.to_vec(), ..reading })
    }

    /// Distances are never negative; what comes straight from weights is a difference from an anchor.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let is_difference = find(outputs).is_some_and(|heads| {
            let distances = heads.levels[0].box_.output;
            !heads.are_flat && matches!(outputs.origin(distances), Origin::Weights(_))
        });
        if is_difference {
            return Recognition::No;
        }
        Recognition::Yes(
            "the outputs are scores, four distances and a centre-ness for each cell of the strides 8 to 128"
                .to_owned(),
        )
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&MMDET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let Heads { levels, are_flat } = find(outputs).expect("`read` found them");
        let PointLevel { scores, factor, .. } = &levels[0];
        let centre = factor.expect("`find` found it").output;
        let is_named = |position: usize, name| outputs.shapes[position].name.contains(name);
        let form = PointForm {
            offset: if are_flat { 0.0 } else { 0.5 },
            rule: BoxRule::Distances {
                unit: are_flat.then_some(Unit::Strides),
                most_negative: MOST_NEGATIVE,
                most_strides: MOST_STRIDES,
            },
            are_scores: [outputs.holds_scores(scores.output), outputs.holds_scores(centre)],
            // MMDetection multiplies the two scores; the others take the root of that.
            takes_root: are_flat || is_named(centre, "ctrness"),
        };
        Box::new(PointDecoder::new(levels, form))
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
