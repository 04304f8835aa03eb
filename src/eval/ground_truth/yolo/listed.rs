//! Images that a `data.yaml` lists: several folders, or text files with a path in each line.
//!
//! ```text
//! val: [images/val, more.txt]      more.txt: ./images/a.jpg, below its own folder, or a whole path
//! ```

use std::path::{Path, PathBuf};

use super::super::{GroundTruth, GroundTruthError, LabelledImage, has_extension, list, read_text};
use super::names::Classes;
use super::{IMAGES, LABELS, objects, swapped};

/// Whether a part of `val` is a text file of paths.
pub(super) fn is_list(part: &Path) -> bool {
    has_extension(part, &["txt"]) && !part.is_dir()
}

/// Reads the labels of all images in these parts of the `val` of the file at `data`.
pub(super) fn read(
    data: &Path,
    parts: &[PathBuf],
    classes: &Classes,
) -> Result<GroundTruth, GroundTruthError> {
    let mut labelled = Vec::new();
    let mut with_labels = 0;
    for image in parts.iter().map(|part| images_of(part, data)).collect::<Result<Vec<_>, _>>()? {
        for image in image {
            let Some(name) = image.to_str() else {
                let problem = "its name is not UTF-8; rename it";
                return Err(GroundTruthError::wrong(data, image.display().to_string(), problem));
            };
            let file = swapped(&image, IMAGES, LABELS).unwrap_or(image.clone());
            let file = Some(file.with_extension("txt")).filter(|file| file.is_file());
            with_labels += usize::from(file.is_some());
            let objects = file.map(|file| objects(&file, classes)).transpose()?;
            let objects = objects.unwrap_or_default();
            labelled.push(LabelledImage { name: name.to_owned(), size: None, objects });
        }
    }
    if with_labels == 0 {
        let problem = "no image there has labels: of images/a.jpg they are labels/a.txt, else beside the image";
        return Err(GroundTruthError::wrong(data, "`val`", problem));
    }
    // The names of the images are their whole paths.
    Ok(GroundTruth { shares: true, ..GroundTruth::new(data, PathBuf::new(), labelled)? })
}

fn images_of(part: &Path, data: &Path) -> Result<Vec<PathBuf>, GroundTruthError> {
    let is_jpeg = |path: &Path| has_extension(path, &["jpg", "jpeg"]);
    if !is_list(part) {
        return Ok(list(part)?.into_iter().filter(|path| is_jpeg(path)).collect());
    }
    let folders = [part, data].map(|file| file.parent().unwrap_or(Path::new("")));
    let text = read_text(part)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let image = |(index, line): (usize, &str)| {
        let line = Path::new(line.trim());
        let wrong = |problem: &str| {
            Err(GroundTruthError::wrong(part, format!("line {}", index + 1), problem))
        };
        if !is_jpeg(line) {
            return wrong(
                "it does not end in .jpg or .jpeg; Framegate reads JPEGs: convert the image, or leave it out",
            );
        }
        match folders.iter().map(|folder| folder.join(line)).find(|image| image.is_file()) {
            Some(image) => Ok(image),
            None => wrong("there is no such image; correct the path, or leave it out"),
        }
    };
    lines.map(image).collect()
}
