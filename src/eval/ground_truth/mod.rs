//! The objects that are known to be in images: Framegate's own JSON, COCO, YOLO and Pascal VOC.
//!
//! ```text
//! path ─ format: recognised, or named ─▶ own │ coco │ yolo │ voc ─▶ GroundTruth
//! ```

mod coco;
mod error;
mod format;
mod own;
mod voc;
mod yolo;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use framegate_models::Size;
use serde::{Deserialize, Serialize};

use crate::whole_file;

pub use error::GroundTruthError;
pub use format::GroundTruthFormat;

/// An object that is known to be in an image, in pixels of the upright image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelledObject {
    /// Name of its class.
    pub label: String,
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, above 0.
    #[serde(rename = "w")]
    pub width: f64,
    /// Height, above 0.
    #[serde(rename = "h")]
    pub height: f64,
    /// Its area in pixels, where that is not width × height: COCO has the area of the outline.
    #[serde(skip)]
    pub area: Option<f64>,
    /// Whether it must be found.
    #[serde(skip)]
    pub kind: ObjectKind,
    /// Its text, if that is known: that of a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Whether an object must be found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ObjectKind {
    /// One that must be found, once.
    #[default]
    Single,
    /// One that need not be found: `difficult` of Pascal VOC.
    Difficult,
    /// A region with several of its class, none of which need be found: `iscrowd` of COCO.
    Crowd,
}

impl LabelledObject {
    /// An object that must be found: its class and `[x, y, width, height]`.
    pub fn of_box(label: impl Into<String>, [x, y, width, height]: [f64; 4]) -> Self {
        let (label, kind) = (label.into(), ObjectKind::Single);
        Self { label, x, y, width, height, area: None, kind, text: None }
    }
}

/// An image and its objects.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledImage {
    /// Its path below the directory of the images, with `/` between folders.
    pub name: String,
    /// The size that its labels were made for, if the file says.
    pub size: Option<Size>,
    /// The objects in it.
    pub objects: Vec<LabelledObject>,
}

/// The labelled images of a directory.
#[derive(Debug)]
pub struct GroundTruth {
    /// The directory of the images.
    directory: PathBuf,
    images: Vec<LabelledImage>,
    by_name: HashMap<String, usize>,
    /// Places and sizes are shares of the image's width and height, as YOLO has them.
    shares: bool,
    without_area: Option<WithoutArea>,
}

/// Labels that are left out because their boxes have no area: no box can be compared with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutArea {
    /// Number of such labels, at least 1.
    pub labels: usize,
    /// The first of them: its class and its image.
    pub first: String,
}

/// A class of labels that the model does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownClass {
    /// Name of the class.
    pub label: String,
    /// Number of its labels, at least 1.
    pub labels: usize,
}

/// The labels of an image were made for one of another size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the image has {}x{} pixels, and its labels are for {}x{}; give the images that the labels were made for",
    found.width, found.height, labelled.width, labelled.height
)]
pub struct OtherSize {
    labelled: Size,
    found: Size,
}

impl GroundTruth {
    /// Reads labels from a file or a directory.
    ///
    /// `images` is the directory of the images; YOLO and Pascal VOC have a place for it of their own, and need none.
    /// Without `format` it is recognised by the names that are there, and a JSON file by its keys.
    ///
    /// # Errors
    /// [`GroundTruthError`].
    pub fn read(
        path: &Path,
        images: Option<&Path>,
        format: Option<GroundTruthFormat>,
    ) -> Result<Self, GroundTruthError> {
        match format.map_or_else(|| GroundTruthFormat::of(path), Ok)? {
            GroundTruthFormat::Framegate => own::read(path, required(path, images)?),
            GroundTruthFormat::Coco => coco::read(path, required(path, images)?),
            GroundTruthFormat::Yolo => yolo::read(path, images),
            GroundTruthFormat::Voc => voc::read(path, images),
        }
    }

    /// Images in pixels, in the order in which they are run.
    fn new(
        path: &Path,
        directory: PathBuf,
        mut images: Vec<LabelledImage>,
    ) -> Result<Self, GroundTruthError> {
        let mut by_name = HashMap::new();
        let mut without_area: Option<WithoutArea> = None;
        for (index, image) in images.iter_mut().enumerate() {
            image.objects.retain(|object| {
                let has_area = object.width > 0.0 && object.height > 0.0;
                if !has_area {
                    let first = || format!("`{}` of {}", object.label, image.name);
                    without_area
                        .get_or_insert_with(|| WithoutArea { labels: 0, first: first() })
                        .labels += 1;
                }
                has_area
            });
            if by_name.insert(image.name.clone(), index).is_some() {
                let place = format!("image `{}`", image.name);
                let problem = "it is there twice; put its objects into one entry";
                return Err(GroundTruthError::wrong(path, place, problem));
            }
        }
        Ok(Self { directory, images, by_name, shares: false, without_area })
    }

    /// The labels that were left out because their boxes have no area.
    pub fn without_area(&self) -> Option<&WithoutArea> {
        self.without_area.as_ref()
    }

    /// Whether any object is labelled with what it says.
    pub fn has_texts(&self) -> bool {
        self.images.iter().any(|image| image.objects.iter().any(|object| object.text.is_some()))
    }

    /// The images, in the order in which they are run.
    pub fn images(&self) -> &[LabelledImage] {
        &self.images
    }

    /// The path of every image, in the order of [`GroundTruth::images`].
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.images.iter().map(|image| self.directory.join(&image.name))
    }

    /// The objects in the image at `path`, which has this size, in pixels; none if no label is about it.
    ///
    /// # Errors
    /// [`OtherSize`] when its labels were made for another size.
    pub fn objects(&self, path: &Path, size: Size) -> Result<Cow<'_, [LabelledObject]>, OtherSize> {
        let name = path.strip_prefix(&self.directory).ok().and_then(Path::to_str);
        let image = name.and_then(|name| self.by_name.get(name)).map(|index| &self.images[*index]);
        let Some(image) = image else { return Ok(Cow::Borrowed(&[])) };
        if let Some(labelled) = image.size.filter(|labelled| *labelled != size) {
            return Err(OtherSize { labelled, found: size });
        }
        if !self.shares {
            return Ok(Cow::Borrowed(&image.objects));
        }
        let (width, height) = (size.width as f64, size.height as f64);
        let in_pixels = |object: &LabelledObject| LabelledObject {
            x: object.x * width,
            y: object.y * height,
            width: object.width * width,
            height: object.height * height,
            ..object.clone()
        };
        Ok(Cow::Owned(image.objects.iter().map(in_pixels).collect()))
    }

    /// The classes that a model with the classes `known` can never find, by name.
    ///
    /// # Errors
    /// [`GroundTruthError::UnknownClasses`] when there are objects, and it can find none of them.
    pub fn unknown_classes(&self, known: &[String]) -> Result<Vec<UnknownClass>, GroundTruthError> {
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for object in self.images.iter().flat_map(|image| &image.objects) {
            *labels.entry(&object.label).or_default() += 1;
        }
        let classes = labels.len();
        labels.retain(|label, _| !known.iter().any(|known| known == label));
        if classes > 0 && labels.len() == classes {
            return Err(GroundTruthError::UnknownClasses {
                labels: labels.into_keys().collect::<Vec<_>>().join(", "),
                known: known.join(", "),
            });
        }
        let unknown =
            |(label, labels): (&str, usize)| UnknownClass { label: label.to_owned(), labels };
        Ok(labels.into_iter().map(unknown).collect())
    }
}

/// The directory of the images, for formats that have no place for them.
fn required<'a>(path: &Path, images: Option<&'a Path>) -> Result<&'a Path, GroundTruthError> {
    images.ok_or_else(|| GroundTruthError::NoImages { path: path.to_owned() })
}

fn read_text(path: &Path) -> Result<String, GroundTruthError> {
    let text =
        whole_file::read_text(path).map_err(|source| GroundTruthError::unreadable(path, source))?;
    // Editors of Windows begin a file with a byte order mark.
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// The paths in a directory, by name.
fn list(directory: &Path) -> Result<Vec<PathBuf>, GroundTruthError> {
    let paths = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = paths().map_err(|source| GroundTruthError::unreadable(directory, source))?;
    paths.sort();
    Ok(paths)
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    let is = |found: &OsStr| wanted.iter().any(|wanted| found.eq_ignore_ascii_case(wanted));
    path.extension().is_some_and(is)
}

/// Whether a box has numbers for edges, and extents of 0 or more.
fn is_box([x, y, width, height]: [f64; 4]) -> bool {
    [x, y, width, height].iter().all(|number| number.is_finite()) && width >= 0.0 && height >= 0.0
}
