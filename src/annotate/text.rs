//! Draws lines of text.

use ab_glyph::{Font, FontRef, Glyph, PxScaleFont, ScaleFont, point};

use super::canvas::Canvas;
use super::colour::Rgb;

/// A typeface at one size.
pub(super) struct Typeface {
    font: PxScaleFont<FontRef<'static>>,
}

impl Typeface {
    /// The embedded typeface, Hack, with lines `height` pixels high.
    pub(super) fn of_height(height: f32) -> Self {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR)
            .expect("the embedded font is a valid font");
        Self { font: font.into_scaled(height) }
    }

    /// Height of a line in pixels.
    pub(super) fn height(&self) -> f32 {
        self.font.height()
    }

    /// Width of a line of text in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|character| self.advance(character)).sum()
    }

    /// Draws a line of text whose top left corner is at `(left, top)`.
    pub(super) fn draw(&self, canvas: &mut Canvas, left: f32, top: f32, text: &str, colour: Rgb) {
        let baseline = top + self.font.ascent();
        let mut x = left;
        for character in text.chars() {
            let mut glyph: Glyph = self.font.scaled_glyph(character);
            glyph.position = point(x, baseline);
            x += self.advance(character);
            // Spaces have no outline.
            let Some(outline) = self.font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, coverage| {
                let (x, y) = (corner.x as i32 + column as i32, corner.y as i32 + row as i32);
                canvas.blend(x, y, colour, coverage.clamp(0.0, 1.0));
            });
        }
    }

    fn advance(&self, character: char) -> f32 {
        self.font.h_advance(self.font.glyph_id(character))
    }
}
