//! The report as text.

use std::io::{self, Write};
use std::path::Path;

use crate::eval::Evaluation;
use crate::report::table;
use crate::stages::Detection;

/// Writes the table, then every mistake.
pub(super) fn write(out: &mut dyn Write, evaluation: &Evaluation) -> io::Result<()> {
    let Evaluation { model, backend, device, conf, report, .. } = evaluation;
    if evaluation.partial {
        writeln!(out, "PARTIAL: ended early; these are the first {} images", report.images)?;
    }
    writeln!(
        out,
        "{model} on {backend} ({device}), {} images, boxes with a score of {conf} or more",
        report.images
    )?;
    let mut table =
        table(&["class", "labelled", "found", "recall", "boxes", "correct", "precision"], 1);
    for class in report.classes.iter().chain([&report.all]) {
        table.add_row([
            class.label.clone(),
            class.labelled.to_string(),
            class.found.to_string(),
            share(class.recall),
            class.boxes.to_string(),
            class.right.to_string(),
            share(class.precision),
        ]);
    }
    writeln!(out, "{table}")?;
    let without = &report.without_labels;
    if let Some(rate) = without.boxes_per_image {
        let (boxes, images) = (without.boxes, without.images);
        writeln!(
            out,
            "images without labels: {images}; boxes in them: {boxes}, {rate:.3} per image"
        )?;
    }
    if let Some(milliseconds) = report.ms_per_image {
        writeln!(out, "{milliseconds:.2} ms per image from JPEG to boxes (median)")?;
    }
    if !report.missed.is_empty() {
        writeln!(out, "\nmissed:")?;
    }
    for miss in &report.missed {
        let (file, object) = (name(&miss.file), &miss.object);
        let place = place(object.x, object.y, object.width, object.height);
        let seen: Vec<String> = miss.seen.iter().map(described).collect();
        let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
        writeln!(out, "  {file}: {} at {place}; saw {seen}", object.label)?;
    }
    if !report.unlabelled.is_empty() {
        writeln!(out, "\nboxes where no object is labelled:")?;
    }
    for unlabelled in &report.unlabelled {
        writeln!(out, "  {}: {}", name(&unlabelled.file), described(&unlabelled.detection))?;
    }
    Ok(())
}

fn name(file: &str) -> &str {
    Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file)
}

fn described(found: &Detection) -> String {
    let place = place(found.x, found.y, found.width, found.height);
    format!("{} {:.2} at {place}", found.label, found.score)
}

/// Left and top edge, width × height.
fn place(x: f32, y: f32, width: f32, height: f32) -> String {
    format!("{x:.0},{y:.0} {width:.0}x{height:.0}")
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}
