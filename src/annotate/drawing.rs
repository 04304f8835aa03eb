//! Draws boxes with what is in them, and their labels on a filled background.

use framegate_models::Size;

use super::Mark;
use super::canvas::{Canvas, Rectangle};
use super::colour::Rgb;
use super::shapes;
use super::text::Typeface;

/// Text as a fraction of the image's shorter side, and its least height in pixels.
const TEXT_FRACTION: f32 = 1.0 / 28.0;
const MIN_TEXT_HEIGHT: f32 = 13.0;
/// Thickness of a box as a fraction of the height of its text, and its least in pixels.
const THICKNESS_FRACTION: f32 = 1.0 / 8.0;
const MIN_THICKNESS: f32 = 2.0;

/// Draws every mark, the first on top, with all labels above all boxes.
pub(super) fn draw(canvas: &mut Canvas, marks: &[Mark]) {
    let shorter_side = canvas.size().width.min(canvas.size().height);
    let typeface = Typeface::of_height((shorter_side as f32 * TEXT_FRACTION).max(MIN_TEXT_HEIGHT));
    let thickness = (typeface.height() * THICKNESS_FRACTION).max(MIN_THICKNESS).round() as i32;

    let mut labels: Vec<Label<'_>> = Vec::new();
    for mark in marks {
        let label = Label::place(mark, canvas, &typeface, thickness, &labels);
        labels.push(label);
    }
    for mark in marks.iter().rev() {
        shapes::tint(canvas, mark);
    }
    for mark in marks.iter().rev() {
        let colour = Rgb::of_class(mark.class_id);
        match &mark.corners {
            Some(corners) => shapes::outline(canvas, corners, thickness, colour),
            None => canvas.outline(bounds(mark), thickness, colour),
        }
        shapes::dots(canvas, mark, thickness);
    }
    for label in labels.iter().rev() {
        label.draw(canvas, &typeface, thickness);
    }
}

/// The text of a mark on a background in the colour of its class.
struct Label<'a> {
    mark: &'a Mark,
    background: Rectangle,
}

impl<'a> Label<'a> {
    /// Puts a label above its box, inside its top edge or below it: at the first of these places that is
    /// within the image and covers none of `others`, or else at the first within the image.
    fn place(
        mark: &'a Mark,
        canvas: &Canvas,
        typeface: &Typeface,
        margin: i32,
        others: &[Label<'_>],
    ) -> Self {
        let width = typeface.width(&mark.text).ceil() as i32 + 2 * margin;
        let height = typeface.height().ceil() as i32;
        let Size { width: image_width, height: image_height } = canvas.size();

        let area = bounds(mark);
        let left = area.left.min(image_width as i32 - width).max(0);
        let places = [area.top - height, area.top, area.bottom].map(|top| Rectangle {
            left,
            top,
            right: left + width,
            bottom: top + height,
        });
        let within = |place: &&Rectangle| place.top >= 0 && place.bottom <= image_height as i32;
        let free =
            |place: &&Rectangle| !others.iter().any(|other| other.background.intersects(place));
        let place = places.iter().filter(within).find(free);
        let background = *place.or(places.iter().find(within)).unwrap_or(&places[1]);
        Self { mark, background }
    }

    fn draw(&self, canvas: &mut Canvas, typeface: &Typeface, margin: i32) {
        let colour = Rgb::of_class(self.mark.class_id);
        let Rectangle { left, top, .. } = self.background;
        canvas.fill(self.background, colour);
        typeface.draw(
            canvas,
            (left + margin) as f32,
            top as f32,
            &self.mark.text,
            colour.text_colour(),
        );
    }
}

fn bounds(mark: &Mark) -> Rectangle {
    Rectangle {
        left: mark.x.round() as i32,
        top: mark.y.round() as i32,
        right: (mark.x + mark.width).round() as i32,
        bottom: (mark.y + mark.height).round() as i32,
    }
}
