//! Draws masks, oriented boxes and key points.

use super::Mark;
use super::canvas::{Canvas, Rectangle};
use super::colour::Rgb;

/// How much of the colour of a class a mask has.
const TINT: f32 = 0.4;
/// Key points with a lower score are not where they seem to be.
const LEAST_SCORE: f32 = 0.3;

/// Tints the pixels of a mark's mask.
pub(super) fn tint(canvas: &mut Canvas, mark: &Mark) {
    let Some(mask) = &mark.mask else { return };
    let [height, width] = mask.size;
    if [height, width] != [canvas.size().height, canvas.size().width] || height == 0 {
        return;
    }
    let colour = Rgb::of_class(mark.class_id);
    let mut start = 0;
    for (run, length) in mask.counts.iter().enumerate() {
        let end = (start + length).min(height * width);
        // Runs go down the columns and alternate between outside and inside.
        for position in if run % 2 == 1 { start..end } else { end..end } {
            canvas.blend((position / height) as i32, (position % height) as i32, colour, TINT);
        }
        start = end;
    }
}

/// Draws the edges of an oriented box.
pub(super) fn outline(canvas: &mut Canvas, corners: &[[f32; 2]; 4], thickness: i32, colour: Rgb) {
    for (index, from) in corners.iter().enumerate() {
        line(canvas, *from, corners[(index + 1) % 4], thickness, colour);
    }
}

/// Draws the key points that are certain enough.
pub(super) fn dots(canvas: &mut Canvas, mark: &Mark, thickness: i32) {
    let colour = Rgb::of_class(mark.class_id);
    for [x, y, score] in &mark.keypoints {
        if *score >= LEAST_SCORE {
            dot(canvas, [*x, *y], 2 * thickness, colour.text_colour());
            dot(canvas, [*x, *y], thickness, colour);
        }
    }
}

/// A line of square dots, along the axis on which it is longer.
fn line(canvas: &mut Canvas, from: [f32; 2], to: [f32; 2], thickness: i32, colour: Rgb) {
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    // Corners of a box may be far outside; a line of more steps than the image has pixels is not seen.
    let longest = canvas.size().width.max(canvas.size().height) as f32 * 4.0;
    let steps = dx.abs().max(dy.abs()).clamp(1.0, longest).ceil();
    for step in 0..=steps as usize {
        let part = step as f32 / steps;
        let point = [from[0] + dx * part, from[1] + dy * part];
        dot(canvas, point, thickness / 2, colour);
    }
}

/// A square around a point.
fn dot(canvas: &mut Canvas, [x, y]: [f32; 2], radius: i32, colour: Rgb) {
    let (x, y) = (x.round() as i32, y.round() as i32);
    let [left, top] = [x.saturating_sub(radius), y.saturating_sub(radius)];
    let [right, bottom] = [x.saturating_add(radius + 1), y.saturating_add(radius + 1)];
    canvas.fill(Rectangle { left, top, right, bottom }, colour);
}

#[cfg(test)]
mod tests {
    use framegate_models::Size;

    use super::*;
    use crate::stages::Mask;

    fn blank() -> Canvas {
        Canvas::new(vec![0; 3 * 20 * 10], Size { width: 20, height: 10 })
    }

    fn is_drawn(canvas: &Canvas, x: usize, y: usize) -> bool {
        canvas.pixels()[(y * 20 + x) * 3..][..3] != [0; 3]
    }

    #[test]
    fn a_mask_is_tinted_column_by_column() {
        let mut canvas = blank();
        let mask = Some(Mask { size: [10, 20], counts: vec![12, 3, 185] });
        tint(&mut canvas, &Mark { mask, ..Mark::of_box(String::new(), 0, [0.0; 4]) });
        assert!(is_drawn(&canvas, 1, 2) && is_drawn(&canvas, 1, 4));
        assert!(!is_drawn(&canvas, 1, 1) && !is_drawn(&canvas, 1, 5) && !is_drawn(&canvas, 2, 2));
        let mut canvas = blank();
        let mask = Some(Mask { size: [20, 10], counts: vec![0, 200] });
        tint(&mut canvas, &Mark { mask, ..Mark::of_box(String::new(), 0, [0.0; 4]) });
        assert!(!is_drawn(&canvas, 1, 2), "a mask of another frame");
    }

    #[test]
    fn oriented_boxes_and_points_are_drawn_where_they_are() {
        let mut canvas = blank();
        let corners = [[10.0, 1.0], [18.0, 5.0], [10.0, 9.0], [2.0, 5.0]];
        outline(&mut canvas, &corners, 1, Rgb([9; 3]));
        assert!(is_drawn(&canvas, 10, 1) && is_drawn(&canvas, 14, 3) && is_drawn(&canvas, 2, 5));
        assert!(!is_drawn(&canvas, 10, 5), "nothing inside");
        let mut canvas = blank();
        let keypoints = vec![[5.0, 5.0, 0.9], [15.0, 5.0, 0.1]];
        let mark = Mark { keypoints, ..Mark::of_box(String::new(), 3, [0.0; 4]) };
        dots(&mut canvas, &mark, 1);
        assert!(is_drawn(&canvas, 5, 5) && !is_drawn(&canvas, 15, 5));
    }
}
