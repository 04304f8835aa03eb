//! YOLO: a text file for each image, `labels/a.txt` for `images/a.jpg`, a line for each object.
//!
//! ```text
//! 0 0.5 0.25 0.1 0.2      class number, centre, width and height as shares of the image's
//! 3 0.1 0.1 0.4 0.1 …     or the corners of an outline, which is enclosed by a box
//! ```
//!
//! Where `data.yaml` says `kpt_shape`, key points follow the box, which are left out.
//! Every JPEG in the folder of the images is run, or those that `val` of `data.yaml` lists; one without a text file
//! holds no object.

mod line;
mod listed;
mod names;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{
    GroundTruth, GroundTruthError, LabelledImage, LabelledObject, has_extension, list, read_text,
};
use names::Classes;

/// The folder of the labels.
pub(super) const LABELS: &str = "labels";
/// The folder of the images beside it.
const IMAGES: &str = "images";

/// Whether a folder holds text files of labels.
pub(super) fn is_labels(folder: &Path) -> bool {
    list(folder).is_ok_and(|paths| paths.iter().any(|path| is_label_file(path)))
}

fn is_label_file(path: &Path) -> bool {
    let is_label = |name: &OsStr| name != "classes.txt" && !name.eq_ignore_ascii_case("readme.txt");
    has_extension(path, &["txt"]) && path.file_name().is_some_and(is_label)
}

pub(super) fn read(path: &Path, images: Option<&Path>) -> Result<GroundTruth, GroundTruthError> {
    let (labels, classes, images) = if path.is_dir() {
        let below = path.join(LABELS);
        let labels = if below.is_dir() { below } else { path.to_owned() };
        let images = images.map(Path::to_owned);
        (labels.clone(), names::find(&labels)?, images.or_else(|| of_labels(&labels)))
    } else {
        let data = names::data_file(path)?;
        let folder = match (images, &data.images[..]) {
            (Some(images), _) => images.to_owned(),
            (None, [folder]) if !listed::is_list(folder) => folder.clone(),
            (None, []) => {
                let problem =
                    "there is none; name the folder of the images there, or give --images DIR";
                return Err(GroundTruthError::wrong(path, "`val`", problem));
            }
            (None, parts) => return listed::read(path, parts, &data.classes),
        };
        let labels = swapped(&folder, IMAGES, LABELS).unwrap_or(folder.clone());
        (labels, data.classes, Some(folder))
    };
    let images = images.unwrap_or_else(|| labels.clone());
    let files = label_files(&labels)?;
    let mut labelled = Vec::new();
    let mut without_image: BTreeMap<&OsStr, &PathBuf> =
        files.iter().filter_map(|file| Some((file.file_stem()?, file))).collect();
    for image in list(&images)?.iter().filter(|path| has_extension(path, &["jpg", "jpeg"])) {
        let (Some(stem), Some(name)) = (image.file_stem(), image.file_name()) else { continue };
        let Some(name) = name.to_str() else {
            let problem = "its name is not UTF-8; rename it";
            return Err(GroundTruthError::wrong(&images, image.display().to_string(), problem));
        };
        let file = without_image.remove(stem);
        let objects = file.map(|file| objects(file, &classes)).transpose()?.unwrap_or_default();
        labelled.push(LabelledImage { name: name.to_owned(), size: None, objects });
    }
    if let Some(file) = without_image.into_values().next() {
        let problem = format!(
            "there is no .jpg or .jpeg of this name in {}; Framegate reads JPEGs: convert the image, or remove the \
             file (--images DIR names another folder)",
            images.display()
        );
        return Err(GroundTruthError::wrong(file, "its image", problem));
    }
    Ok(GroundTruth { shares: true, ..GroundTruth::new(path, images, labelled)? })
}

/// The text files of labels; that there are none is an error, which says where they may be.
fn label_files(labels: &Path) -> Result<Vec<PathBuf>, GroundTruthError> {
    let found = list(labels)?;
    let folders: Vec<String> =
        found.iter().filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect();
    let files: Vec<PathBuf> = found.into_iter().filter(|path| is_label_file(path)).collect();
    if files.is_empty() {
        let problem = match folders.is_empty() {
            true => "there is no such file; name the folder that holds them".to_owned(),
            false => format!("they are in folders: name one of {}", folders.join(", ")),
        };
        return Err(GroundTruthError::wrong(labels, "*.txt", problem));
    }
    Ok(files)
}

/// The folder of the images that belongs to a folder of labels, if it is there.
fn of_labels(labels: &Path) -> Option<PathBuf> {
    swapped(labels, LABELS, IMAGES).filter(|images| images.is_dir())
}

/// A path whose last component `from` is `to` instead; `None` if it has none.
fn swapped(path: &Path, from: &str, to: &str) -> Option<PathBuf> {
    let parts: Vec<&OsStr> = path.iter().collect();
    let at = parts.iter().rposition(|part| *part == from)?;
    Some(
        parts
            .iter()
            .enumerate()
            .map(|(i, part)| if i == at { OsStr::new(to) } else { part })
            .collect(),
    )
}

fn objects(file: &Path, classes: &Classes) -> Result<Vec<LabelledObject>, GroundTruthError> {
    let text = read_text(file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let object = |(index, line)| {
        line::object(line, classes).map_err(|problem| {
            GroundTruthError::wrong(file, format!("line {}", index + 1), problem)
        })
    };
    lines.map(object).collect()
}
