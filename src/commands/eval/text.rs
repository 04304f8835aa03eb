//! The report as text for people.

use std::io::{self, Write};
use std::path::Path;

use super::Evaluation;
use crate::report::numbers_table;
use crate::stages::Detection;

/// Writes the table first and every mistake after it.
pub(super) fn write(out: &mut impl Write, evaluation: &Evaluation) -> io::Result<()> {
    let Evaluation { model, backend, device, conf, report, .. } = evaluation;
    writeln!(
        out,
        "{model} on {backend} ({device}), {} images, boxes of score {conf} and more",
        report.images
    )?;
    let mut table =
        numbers_table(&["class", "labelled", "found", "recall", "boxes", "right", "precision"]);
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
            "images without labels: {images}; boxes in them: {boxes}, {rate:.3} an image"
        )?;
    }
    if let Some(milliseconds) = report.ms_per_image {
        writeln!(out, "{milliseconds:.2} ms an image from JPEG to boxes (median)")?;
    }
    if !report.missed.is_empty() {
        writeln!(out, "\nmissed:")?;
    }
    for miss in &report.missed {
        let (file, label) = (name(&miss.file), &miss.label);
        let place = place(label.x, label.y, label.width, label.height);
        let seen: Vec<String> = miss.seen.iter().map(told).collect();
        let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
        writeln!(out, "  {file}: {} at {place}; saw {seen}", label.label)?;
    }
    if !report.unlabelled.is_empty() {
        writeln!(out, "\nboxes where nothing is labelled:")?;
    }
    for unlabelled in &report.unlabelled {
        writeln!(out, "  {}: {}", name(&unlabelled.file), told(&unlabelled.detection))?;
    }
    Ok(())
}

fn name(file: &str) -> &str {
    Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file)
}

fn told(found: &Detection) -> String {
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
