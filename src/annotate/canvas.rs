//! An image to draw on. What lies outside it is clipped.

use framegate_models::Size;

use super::colour::Rgb;

/// An image in memory, `[height, width, 3]` in the order red, green, blue.
#[derive(Debug)]
pub(super) struct Canvas {
    pixels: Vec<u8>,
    size: Size,
}

/// A rectangle in whole pixels: columns `left..right`, rows `top..bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Rectangle {
    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

impl Canvas {
    pub(super) fn new(pixels: Vec<u8>, size: Size) -> Self {
        Self { pixels, size }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The image so far, for tests.
    #[cfg(test)]
    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The image as it was drawn, `[height, width, 3]`.
    pub(super) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Fills a rectangle.
    pub(super) fn fill(&mut self, area: Rectangle, colour: Rgb) {
        let columns = clip(area.left, area.right, self.size.width);
        for row in clip(area.top, area.bottom, self.size.height) {
            let start = row * self.size.width;
            let pixels = &mut self.pixels[(start + columns.start) * 3..(start + columns.end) * 3];
            for pixel in pixels.as_chunks_mut::<3>().0 {
                *pixel = colour.0;
            }
        }
    }

    /// Draws the outline of a rectangle, `thickness` pixels wide, inside the rectangle.
    pub(super) fn outline(&mut self, area: Rectangle, thickness: i32, colour: Rgb) {
        let Rectangle { left, top, right, bottom } = area;
        self.fill(Rectangle { bottom: bottom.min(top + thickness), ..area }, colour);
        self.fill(Rectangle { top: top.max(bottom - thickness), ..area }, colour);
        self.fill(Rectangle { right: right.min(left + thickness), ..area }, colour);
        self.fill(Rectangle { left: left.max(right - thickness), ..area }, colour);
    }

    /// Blends a colour into a pixel: not at all at `coverage` 0, fully at 1.
    pub(super) fn blend(&mut self, x: i32, y: i32, colour: Rgb, coverage: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.size.width || y >= self.size.height {
            return;
        }
        let pixel = &mut self.pixels[(y * self.size.width + x) * 3..][..3];
        for (old, new) in pixel.iter_mut().zip(colour.0) {
            let mixed = f32::from(*old) + (f32::from(new) - f32::from(*old)) * coverage;
            *old = mixed.round() as u8;
        }
    }
}

/// The part of `start..end` that lies within `0..extent`.
fn clip(start: i32, end: i32, extent: usize) -> std::ops::Range<usize> {
    let within = |position: i32| usize::try_from(position).unwrap_or(0).min(extent);
    within(start)..within(end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Rgb = Rgb([9, 9, 9]);

    fn blank(width: usize, height: usize) -> Canvas {
        Canvas::new(vec![0; width * height * 3], Size { width, height })
    }

    fn inked(canvas: &Canvas) -> Vec<(usize, usize)> {
        let width = canvas.size.width;
        let (pixels, _) = canvas.pixels.as_chunks::<3>();
        let inked = pixels.iter().enumerate().filter(|(_, pixel)| **pixel == INK.0);
        inked.map(|(index, _)| (index % width, index / width)).collect()
    }

    #[test]
    fn a_rectangle_is_clipped_to_the_image() {
        let mut canvas = blank(3, 3);
        canvas.fill(Rectangle { left: 1, top: -5, right: 99, bottom: 2 }, INK);
        assert_eq!(inked(&canvas), [(1, 0), (2, 0), (1, 1), (2, 1)]);
    }

    #[test]
    fn a_rectangle_outside_the_image_is_not_drawn() {
        let mut canvas = blank(3, 3);
        canvas.fill(Rectangle { left: -9, top: 0, right: -2, bottom: 3 }, INK);
        canvas.fill(Rectangle { left: 5, top: 0, right: 9, bottom: 3 }, INK);
        canvas.fill(Rectangle { left: 2, top: 0, right: 1, bottom: 3 }, INK);
        canvas.blend(3, 0, INK, 1.0);
        canvas.blend(0, -1, INK, 1.0);
        assert!(inked(&canvas).is_empty());
    }

    #[test]
    fn an_outline_leaves_the_inside_alone() {
        let mut canvas = blank(5, 5);
        canvas.outline(Rectangle { left: 0, top: 0, right: 5, bottom: 5 }, 2, INK);
        assert_eq!(inked(&canvas).len(), 24);
        assert!(!inked(&canvas).contains(&(2, 2)));
    }

    #[test]
    fn blending_moves_a_pixel_towards_the_colour() {
        let mut canvas = blank(1, 1);
        canvas.blend(0, 0, Rgb([200, 100, 0]), 0.5);
        assert_eq!(canvas.into_pixels(), [100, 50, 0]);
    }
}
