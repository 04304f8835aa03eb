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
use std::path::Path;

use framegate_models::Size;
use serde::Deserialize;

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
    id: i64,
    file_name: String,
    width: Option<usize>,
    height: Option<usize>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: i64,
    category_id: i64,
    bbox: [f64; 4],
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Category {
    id: i64,
    name: String,
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
        let size = image.width.zip(image.height).map(|(width, height)| Size { width, height });
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
fn names(categories: &[Category]) -> Result<HashMap<i64, &str>, (String, String)> {
    let mut names = HashMap::new();
    let mut numbers: HashMap<&str, i64> = HashMap::new();
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
        0 => ObjectKind::Single,
        1 => ObjectKind::Crowd,
        other => return Err(format!("`iscrowd` is {other}; write 0 or 1")),
    };
    let object = LabelledObject::of_box(name, annotation.bbox);
    Ok(LabelledObject { area: annotation.area, kind, text: annotation.text.clone(), ..object })
}
