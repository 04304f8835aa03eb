//! The report as text.

mod cells;
mod codes;

use std::io::{self, Write};

use crate::eval::{Evaluation, UnknownClass};
use crate::report::table;
use cells::{described, name, place, share};

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
    let mut table = table(
        &[
            "class",
            "labelled",
            "found",
            "recall",
            "boxes",
            "correct",
            "precision",
            "AP50",
            "AP50-95",
        ],
        1,
    );
    for class in report.classes.iter().chain([&report.all]) {
        table.add_row([
            class.label.clone(),
            class.labelled.to_string(),
            class.found.to_string(),
            share(class.recall),
            class.boxes.to_string(),
            class.right.to_string(),
            share(class.precision),
            share(class.ap50),
            share(class.ap50_95),
        ]);
    }
    writeln!(out, "{table}")?;
    let mean = &report.average_precision;
    if mean.map50_95.is_some() {
        let [map50, map75, map] = [mean.map50, mean.map75, mean.map50_95].map(share);
        let sizes = [mean.map_small, mean.map_medium, mean.map_large].map(share).join(", ");
        let recalls = [mean.ar1, mean.ar10, mean.ar100].map(share).join(", ");
        writeln!(
            out,
            "mAP50 {map50}, mAP75 {map75}, mAP50-95 {map} (small, medium, large objects: {sizes})"
        )?;
        writeln!(
            out,
            "AR50-95 with 1, 10, 100 boxes per class and image: {recalls}; all of boxes with a score of {} or more",
            evaluation.map_conf
        )?;
    }
    let without = &report.without_labels;
    if let Some(rate) = without.boxes_per_image {
        let (boxes, images) = (without.boxes, without.images);
        writeln!(
            out,
            "images without labels: {images}; boxes in them: {boxes}, {rate:.3} per image"
        )?;
    }
    if evaluation.labels_without_area > 0 {
        let labels = evaluation.labels_without_area;
        writeln!(out, "labels left out because their boxes have no area: {labels}")?;
    }
    if !evaluation.unknown_classes.is_empty() {
        let classes = evaluation.unknown_classes.iter();
        let classes = classes.map(|UnknownClass { label, labels }| format!("{label} ({labels})"));
        let classes = classes.collect::<Vec<_>>().join(", ");
        writeln!(out, "labels left out because the model has no such class: {classes}")?;
    }
    if let Some(milliseconds) = report.ms_per_image {
        writeln!(out, "{milliseconds:.2} ms per image from JPEG to boxes (median)")?;
    }
    if !report.missed.is_empty() {
        writeln!(out, "\nmissed:")?;
    }
    for miss in &report.missed {
        let (file, object) = (name(&miss.file), &miss.object);
        let place = place([object.x, object.y, object.width, object.height]);
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
    report.texts.as_ref().map_or(Ok(()), |report| codes::write(out, report))
}
