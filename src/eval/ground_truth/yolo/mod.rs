//! YOLO: a text file for each image, `labels/a.txt` for `images/a.jpg`, a line for each object.
//!
//! ```text
//! 0 0.5 0.25 0.1 0.2      class number, centre, width and height as shares of the image's
//! 3 0.1 0.1 0.4 0.1 …     or the corners of an outline, which is enclosed by a box
//! ```
//!
//! Where `data.yaml` says `kpt_shape`, key points follow the box, which are left out.
//! Every JPEG in the folder of the images is run; one without a text file holds no object.

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
        let Some(images) = images.map(Path::to_owned).or(data.images) else {
            let problem =
                "there is none; name the folder of the images there, or give --images DIR";
            return Err(GroundTruthError::wrong(path, "`val`", problem));
        };
        (swapped(&images, IMAGES, LABELS).unwrap_or(images.clone()), data.classes, Some(images))
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
        object(line, classes).map_err(|problem| {
            GroundTruthError::wrong(file, format!("line {}", index + 1), problem)
        })
    };
    lines.map(object).collect()
}

fn object(line: &str, Classes { names, keypoints }: &Classes) -> Result<LabelledObject, String> {
    let mut words = line.split_whitespace();
    let class = words.next().unwrap_or_default();
    let number = class
        .parse::<usize>()
        .map_err(|_| format!("`{class}` is not a class number; write `CLASS X Y WIDTH HEIGHT`"))?;
    let label = names.get(number).ok_or_else(|| {
        format!("there is no class {number}: {} are named; correct it, or name more", names.len())
    })?;
    let share = |word: &str| {
        let share = word.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| {
            format!("`{word}` is not from 0 to 1; divide pixels by the image's width or height")
        })
    };
    // Key points have marks besides shares: 1 for a hidden one, 2 for a visible one.
    let shares = words.take(if *keypoints { 4 } else { usize::MAX });
    let shares: Vec<f64> = shares.map(share).collect::<Result<_, _>>()?;
    let box_ = match shares[..] {
        [x, y, width, height] => [x - width / 2.0, y - height / 2.0, width, height],
        ref corners if corners.len() >= 6 && corners.len() % 2 == 0 => enclosing(corners),
        _ => {
            let numbers = shares.len();
            return Err(format!(
                "{numbers} numbers follow the class; write `CLASS X Y WIDTH HEIGHT`, or an outline"
            ));
        }
    };
    Ok(LabelledObject::of_box(label, box_))
}

/// The box around the corners x, y, x, y, ….
fn enclosing(corners: &[f64]) -> [f64; 4] {
    let range = |first: usize| {
        let along = || corners.iter().skip(first).step_by(2).copied();
        (along().fold(1.0, f64::min), along().fold(0.0, f64::max))
    };
    let ((left, right), (top, bottom)) = (range(0), range(1));
    [left, top, right - left, bottom - top]
}
