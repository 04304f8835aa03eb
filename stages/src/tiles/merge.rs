//! Boxes of tiles that overlap become those of the frame: each object once, and whole.

use framegate_models::Size;
use framegate_models::detector::NmsScope;

use super::super::{Detection, FramePart};

/// A box that ends this close to an edge of its tile is cut off by it: a part of the tile's extent.
const AT_EDGE: f32 = 0.01;
/// Part of a box that was cut off that lies in a better one of its class if it is a piece of the same object.
const COVERED: f32 = 0.5;
/// Part of a box of a tile that lies in one of the whole frame that the tile cannot hold, if it is a detail of it.
const INSIDE: f32 = 0.8;
/// Overlap of two pieces of an object along the edge that cuts it, as a part of what both cover.
const ALIGNED: f32 = 0.5;

/// A box in the frame.
#[derive(Debug, Clone)]
struct Piece {
    found: Detection,
    /// The part of the frame that it was found in.
    part: FramePart,
    /// Whether its left, top, right and bottom edge is that of a tile.
    cut: [bool; 4],
    /// Whether it was cut off anywhere, before pieces were joined.
    is_part: bool,
}

/// The detections of a frame from those of its parts, whose boxes are in pixels of the part: highest score first, at
/// most `limit`.
///
/// Of boxes of a class (of any, where `scope` says so) whose intersection over union is above `iou`, one stays, as
/// within a part. A box that a tile cuts off is joined with the piece of the same object in the next tile, and gives way
/// to a box that shows the object whole. So does a box inside a better one of the whole frame that its tile cannot hold.
pub fn merge_tiles(
    frame: Size,
    parts: Vec<(FramePart, Vec<Detection>)>,
    iou: f32,
    scope: NmsScope,
    limit: usize,
) -> Vec<Detection> {
    let in_frame = parts.into_iter().flat_map(|(part, detections)| {
        detections.into_iter().map(move |found| Piece::of(found, part, frame))
    });
    let mut pieces: Vec<Piece> = Vec::new();
    for piece in in_frame {
        add(&mut pieces, piece);
    }
    pieces.sort_by(|a, b| a.is_part.cmp(&b.is_part).then(b.found.score.total_cmp(&a.found.score)));
    let mut kept: Vec<Piece> = Vec::new();
    for piece in pieces {
        let is_rival = |better: &Piece| match scope {
            NmsScope::PerClass => better.found.class_id == piece.found.class_id,
            NmsScope::ClassAgnostic => true,
        };
        let is_same = |better: &Piece| {
            let shared = intersection(&better.found, &piece.found);
            let own = piece.found.width * piece.found.height;
            let all = better.found.width * better.found.height + own - shared;
            let is_piece = piece.is_part && shared > COVERED * own;
            let is_detail = shared > INSIDE * own && better.is_too_large_for(&piece.part, frame);
            shared > iou * all || is_piece || is_detail && better.found.score >= piece.found.score
        };
        if !kept.iter().any(|better| is_rival(better) && is_same(better)) {
            kept.push(piece);
        }
    }
    let mut detections: Vec<Detection> = kept.into_iter().map(|piece| piece.found).collect();
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    detections.truncate(limit);
    detections
}

/// Adds a piece, joined with all that it continues.
fn add(pieces: &mut Vec<Piece>, mut piece: Piece) {
    while let Some((index, joined)) =
        pieces.iter().enumerate().find_map(|(index, other)| Some((index, other.joined(&piece)?)))
    {
        pieces.swap_remove(index);
        piece = joined;
    }
    pieces.push(piece);
}

impl Piece {
    fn of(mut found: Detection, part: FramePart, frame: Size) -> Self {
        let FramePart { left, top, size } = part;
        let (width, height) = (size.width as f32, size.height as f32);
        let cut = [
            left > 0 && found.x <= AT_EDGE * width,
            top > 0 && found.y <= AT_EDGE * height,
            left + size.width < frame.width && found.x + found.width >= (1.0 - AT_EDGE) * width,
            top + size.height < frame.height && found.y + found.height >= (1.0 - AT_EDGE) * height,
        ];
        let [across, down] = [left as f32, top as f32];
        found.x += across;
        found.y += down;
        for [x, y, _] in &mut found.keypoints {
            *x += across;
            *y += down;
        }
        for [x, y] in found.corners.iter_mut().flatten() {
            *x += across;
            *y += down;
        }
        Self { found, part, cut, is_part: cut.contains(&true) }
    }

    /// Whether it was found in the whole frame, and a tile does not show all of it: what is found there in its place may
    /// be a detail of it.
    fn is_too_large_for(&self, tile: &FramePart, frame: Size) -> bool {
        let Detection { x, y, width, height, .. } = self.found;
        let FramePart { left, top, size } = *tile;
        let holds = |start: f32, extent: f32, from: usize, length: usize| {
            start >= from as f32 && start + extent <= (from + length) as f32
        };
        let is_held = holds(x, width, left, size.width) && holds(y, height, top, size.height);
        self.part == FramePart::whole(frame) && !is_held
    }

    /// The two as one box, if they are pieces of an object: cut off by edges that face each other, beside each other
    /// in the part that both tiles show.
    fn joined(&self, other: &Self) -> Option<Self> {
        let (a, b) = (&self.found, &other.found);
        let is_whole = !self.is_part || !other.is_part;
        if is_whole || a.class_id != b.class_id || a.angle.is_some() || intersection(a, b) <= 0.0 {
            return None;
        }
        let aligned = |start: [f32; 2], extent: [f32; 2]| {
            let end = [start[0] + extent[0], start[1] + extent[1]];
            let shared = end[0].min(end[1]) - start[0].max(start[1]);
            shared >= ALIGNED * (end[0].max(end[1]) - start[0].min(start[1]))
        };
        // Numbers of edges of the first that face the second's.
        let facing = |first: usize| {
            let second = (first + 2) % 4;
            self.cut[first] && other.cut[second]
        };
        let beside = (facing(0) && b.x < a.x || facing(2) && a.x < b.x)
            && aligned([a.y, b.y], [a.height, b.height]);
        let above = (facing(1) && b.y < a.y || facing(3) && a.y < b.y)
            && aligned([a.x, b.x], [a.width, b.width]);
        if !beside && !above {
            return None;
        }
        let (left, top) = (a.x.min(b.x), a.y.min(b.y));
        let right = (a.x + a.width).max(b.x + b.width);
        let bottom = (a.y + a.height).max(b.y + b.height);
        // An edge of both is where that of the outer one is.
        let cut = [
            if a.x <= b.x { self.cut[0] } else { other.cut[0] },
            if a.y <= b.y { self.cut[1] } else { other.cut[1] },
            if a.x + a.width >= b.x + b.width { self.cut[2] } else { other.cut[2] },
            if a.y + a.height >= b.y + b.height { self.cut[3] } else { other.cut[3] },
        ];
        let better = if a.score >= b.score { a } else { b };
        let found = Detection {
            x: left,
            y: top,
            width: right - left,
            height: bottom - top,
            ..better.clone()
        };
        Some(Self { found, part: self.part, cut, is_part: true })
    }
}

/// Pixels that both boxes cover.
fn intersection(a: &Detection, b: &Detection) -> f32 {
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    width.max(0.0) * height.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tiling;

    const FRAME: Size = Size { width: 180, height: 100 };

    /// The detections of a frame with these objects: class, score, box. The first are found in the whole frame. Of the
    /// others each tile of 100 pixels, from x = 0 and 80 on, shows the part inside, if it is wider than 5.
    fn merged(
        whole: &[(usize, f32, [f32; 4])],
        in_tiles: &[(usize, f32, [f32; 4])],
    ) -> Vec<Detection> {
        let tiles = Tiling::Grid { columns: 2, rows: 1 }.tiles(FRAME, FRAME);
        assert_eq!((tiles[0].size.width, tiles[1].left), (100, 80));
        let detection = |&(class, score, box_): &(usize, f32, [f32; 4])| {
            Detection::of_box(["a", "b"][class], class, score, box_)
        };
        let whole = whole.iter().map(detection).collect();
        let mut parts = vec![(FramePart::whole(FRAME), whole)];
        for tile in tiles {
            let left = tile.left as f32;
            let inside = in_tiles.iter().filter_map(|(class, score, [x, y, width, height])| {
                let from = (x - left).max(0.0);
                let to = (x + width - left).min(100.0);
                (to - from > 5.0)
                    .then(|| detection(&(*class, *score, [from, *y, to - from, *height])))
            });
            let inside = inside.collect();
            parts.push((tile, inside));
        }
        merge_tiles(FRAME, parts, 0.45, NmsScope::PerClass, 300)
    }

    fn boxes(detections: &[Detection]) -> Vec<[f32; 4]> {
        detections.iter().map(|found| [found.x, found.y, found.width, found.height]).collect()
    }

    #[test]
    fn what_both_tiles_show_is_found_once() {
        assert_eq!(
            boxes(&merged(&[], &[(0, 0.9, [84.0, 10.0, 12.0, 12.0])])),
            [[84.0, 10.0, 12.0, 12.0]]
        );
    }

    #[test]
    fn a_piece_gives_way_to_the_whole_however_low_its_score() {
        // From 70 to 95: whole in the first tile; of the second it has 15 pixels.
        let code = [70.0, 10.0, 25.0, 20.0];
        assert_eq!(boxes(&merged(&[], &[(0, 0.5, code)])), [code]);
        let large = [20.0, 5.0, 140.0, 80.0];
        let found = merged(&[(0, 0.3, large)], &[(0, 0.9, large)]);
        assert_eq!((boxes(&found), found[0].score), (vec![large], 0.3));
    }

    #[test]
    fn a_detail_of_what_no_tile_holds_gives_way_and_an_object_inside_another_does_not() {
        let (large, detail) = ([5.0, 5.0, 150.0, 80.0], [30.0, 20.0, 40.0, 40.0]);
        assert_eq!(boxes(&merged(&[(0, 0.9, large)], &[(0, 0.7, detail)])), [large]);
        assert_eq!(merged(&[(0, 0.6, large)], &[(0, 0.7, detail)]).len(), 2, "a better one");
        assert_eq!(merged(&[(1, 0.9, large)], &[(0, 0.7, detail)]).len(), 2, "another class");
        // The first tile, as wide as 100, holds this one.
        let held = [5.0, 5.0, 90.0, 80.0];
        assert_eq!(merged(&[(0, 0.9, held)], &[(0, 0.7, detail)]).len(), 2);
    }

    #[test]
    fn pieces_that_no_tile_shows_whole_are_joined() {
        let large = [20.0, 5.0, 140.0, 80.0];
        assert_eq!(boxes(&merged(&[], &[(0, 0.9, large)])), [large]);
        // Of different classes, and one above another, they are not.
        let (left, right) = ([60.0, 5.0, 40.0, 30.0], [80.0, 5.0, 40.0, 30.0]);
        let pieces = |class, [x, y, width, height]: [f32; 4]| {
            let tiles = Tiling::Grid { columns: 2, rows: 1 }.tiles(FRAME, FRAME);
            let found = |label, x, y| Detection::of_box("c", label, 0.5, [x, y, width, height]);
            let parts = vec![
                (tiles[0], vec![found(0, left[0], left[1])]),
                (tiles[1], vec![found(class, x - 80.0, y)]),
            ];
            merge_tiles(FRAME, parts, 0.45, NmsScope::PerClass, 300).len()
        };
        assert_eq!(pieces(0, right), 1);
        assert_eq!(pieces(1, right), 2);
        assert_eq!(pieces(0, [80.0, 33.0, 40.0, 30.0]), 2);
    }

    #[test]
    fn neighbours_stay_apart() {
        let row = [[62.0, 10.0, 17.0, 17.0], [81.0, 10.0, 17.0, 17.0], [101.0, 10.0, 17.0, 17.0]];
        let found: Vec<_> = row.iter().map(|&at| (0, 0.9, at)).collect();
        let mut merged = boxes(&merged(&[], &found));
        merged.sort_by(|a, b| a[0].total_cmp(&b[0]));
        assert_eq!(merged, row);
    }

    #[test]
    fn the_best_come_first_and_points_move_with_their_boxes() {
        let tile = FramePart { left: 80, top: 40, size: Size { width: 100, height: 60 } };
        let box_ = |score| Detection {
            keypoints: vec![[1.0, 2.0, 0.5]],
            corners: Some([[1.0, 2.0]; 4]),
            ..Detection::of_box("a", 0, score, [10.0 + 30.0 * score, 10.0, 9.0, 9.0])
        };
        let found = vec![box_(0.1), box_(0.9), box_(0.5)];
        let merged = merge_tiles(FRAME, vec![(tile, found)], 0.45, NmsScope::PerClass, 2);
        assert_eq!(merged.iter().map(|found| found.score).collect::<Vec<_>>(), [0.9, 0.5]);
        assert_eq!(merged[0].keypoints, [[81.0, 42.0, 0.5]]);
        assert_eq!(merged[0].corners, Some([[81.0, 42.0]; 4]));
        assert_eq!(merged[0].y, 50.0);
    }
}
