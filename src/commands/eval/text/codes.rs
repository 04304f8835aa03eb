//! The report about the texts of codes.

use std::io::{self, Write};

use super::cells::{described, name, place, share};
use crate::eval::{Misread, TextReport};
use crate::report::table;

/// Writes the table of texts, then every one that was misread or not read.
pub(super) fn write(out: &mut dyn Write, texts: &TextReport) -> io::Result<()> {
    let mut table = table(&["texts of", "labelled", "read", "read rate", "misread"], 1);
    for class in texts.classes.iter().chain([&texts.all]) {
        table.add_row([
            class.label.clone(),
            class.labelled.to_string(),
            class.read.to_string(),
            share(class.read_rate),
            class.misread.to_string(),
        ]);
    }
    writeln!(out, "\n{table}")?;
    if let Some(milliseconds) = texts.ms_per_image {
        writeln!(out, "{milliseconds:.2} ms per image with boxes to read them (median)")?;
    }
    if !texts.unread.is_empty() {
        writeln!(out, "\nnot read:")?;
    }
    for unread in &texts.unread {
        let (file, object) = (name(&unread.file), &unread.object);
        let place = place([object.x, object.y, object.width, object.height]);
        let text = object.text.as_deref().unwrap_or_default();
        writeln!(out, "  {file}: {} at {place}: {text:?}", object.label)?;
    }
    let lists =
        [("misread:", &texts.misread), ("read where no text is labelled:", &texts.unlabelled)];
    for (title, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        writeln!(out, "\n{title}")?;
        for Misread { file, detection, labelled } in list {
            let text = detection.text.as_deref().unwrap_or_default();
            let format = detection.format.map(|format| format!(" ({format})")).unwrap_or_default();
            write!(out, "  {}: {}: {text:?}{format}", name(file), described(detection))?;
            let labelled: Vec<String> = labelled.iter().map(|text| format!("{text:?}")).collect();
            match labelled.is_empty() {
                true => writeln!(out)?,
                false => writeln!(out, ", where {} is labelled", labelled.join(" and "))?,
            }
        }
    }
    Ok(())
}
