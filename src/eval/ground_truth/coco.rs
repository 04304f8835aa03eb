//! COCO's JSON file, as <https://cocodataset.org/#format-data> describes it for detection.
//!
//! ```json
//! {"images": [{"id": 7, "file_name": "a.jpg", "width": 640, "height": 480}],
//!  "annotations": [{"image_id": 7, "category_id": 18, "bbox": [12, 30, 200, 198], "area": 31000, "iscrowd": 0}],
//!  "categories": [{"id": 18, "name": "dog"}]}
//! ```
//!
//! Category numbers need not be contiguous: classes are known by their names. Images are run in the order of their
//! numbers, as COCO's own evaluation does. An annotation may also have a `text`, what the object says.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use framegate_models::Size;
use serde::{Deserialize, Deserializer};

use super::{
    GroundTruth, GroundTruthError, LabelledImage, LabelledObject, ObjectKind, is_box, read_text,
};

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: Whole,
    file_name: String,
    width: Option<Whole>,
    height: Option<Whole>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: Whole,
    category_id: Whole,
    bbox: [f64; 4],
    area: Option<f64>,
    iscrowd: Option<Crowd>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Category {
    id: Whole,
    name: String,
}

/// A whole number, which tools that keep tables write as `139.0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        // Exact: a float holds all whole numbers below.
        let of_float =
            |float: f64| (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64);
        let whole = number.as_i64().or_else(|| number.as_f64().and_then(of_float));
        whole
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("{number} is not a whole number")))
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Whether an annotation is of a crowd: 0 or 1, or as some tools write it.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Crowd {
    Said(bool),
    Number(Whole),
}

pub(super) fn read(path: &Path, images: &Path) -> Result<GroundTruth, GroundTruthError> {
    let wrong = |place: String, problem: String| GroundTruthError::wrong(path, place, problem);
    let text = read_text(path)?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let file: File = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let problem = format!("{}; COCO's format wants it otherwise", error.inner());
        wrong(format!("`{}`", error.path()), problem)
    })?;
    let names = names(&file.categories).map_err(|(place, problem)| wrong(place, problem))?;
    let mut numbered = HashMap::new();
    let mut labelled = Vec::new();
    let mut entries = file.images;
    entries.sort_by_key(|image| image.id);
    for image in entries {
        if numbered.insert(image.id, labelled.len()).is_some() {
            let problem = "another image has the same number; give each its own".to_owned();
            return Err(wrong(format!("image {}", image.id), problem));
        }
        let extent =
            |extent: Option<Whole>| extent.map(|Whole(it)| usize::try_from(it)).transpose();
        let (Ok(width), Ok(height)) = (extent(image.width), extent(image.height)) else {
            let problem = "its `width` or `height` is below 0; write pixels".to_owned();
            return Err(wrong(format!("image {}", image.id), problem));
        };
        let size = width.zip(height).map(|(width, height)| Size { width, height });
        labelled.push(LabelledImage { name: image.file_name, size, objects: Vec::new() });
    }
    for (index, annotation) in file.annotations.into_iter().enumerate() {
        let place = || format!("`annotations[{index}]`");
        let Some(image) = numbered.get(&annotation.image_id) else {
            let problem = format!(
                "there is no image {}; add it to `images`, or remove the annotation",
                annotation.image_id
            );
            return Err(wrong(place(), problem));
        };
        let Some(name) = names.get(&annotation.category_id) else {
            let problem = format!(
                "there is no category {}; add it to `categories`, or remove the annotation",
                annotation.category_id
            );
            return Err(wrong(place(), problem));
        };
        labelled[*image]
            .objects
            .push(object(&annotation, name).map_err(|text| wrong(place(), text))?);
    }
    GroundTruth::new(path, images.to_owned(), labelled)
}

/// The names of the categories; else the place of a mistake and what it is.
fn names(categories: &[Category]) -> Result<HashMap<Whole, &str>, (String, String)> {
    let mut names = HashMap::new();
    let mut numbers: HashMap<&str, Whole> = HashMap::new();
    for Category { id, name } in categories {
        if names.insert(*id, name.as_str()).is_some() {
            let problem = "another category has the same number; give each its own";
            return Err((format!("category {id}"), problem.to_owned()));
        }
        if let Some(other) = numbers.insert(name, *id) {
            let problem =
                format!("category {other} is also named `{name}`; give each its own name");
            return Err((format!("category {id}"), problem));
        }
    }
    Ok(names)
}

fn object(annotation: &Annotation, name: &str) -> Result<LabelledObject, String> {
    if !is_box(annotation.bbox) {
        let [_, _, width, height] = annotation.bbox;
        return Err(format!(
            "its `bbox` has {width}x{height} pixels; correct it, or remove the annotation"
        ));
    }
    let kind = match annotation.iscrowd {
        None | Some(Crowd::Said(false) | Crowd::Number(Whole(0))) => ObjectKind::Single,
        Some(Crowd::Said(true) | Crowd::Number(Whole(1))) => ObjectKind::Crowd,
        Some(Crowd::Number(other)) => return Err(format!("`iscrowd` is {other}; write 0 or 1")),
    };
    let object = LabelledObject::of_box(name, annotation.bbox);
    Ok(LabelledObject { area: annotation.area, kind, text: annotation.text.clone(), ..object })
}
