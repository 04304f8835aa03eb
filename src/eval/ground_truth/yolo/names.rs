//! The names of classes, from `data.yaml` or `classes.txt`.

use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Yaml};

use super::super::{GroundTruthError, read_text};

/// Names of files that a YOLO folder may have its classes in, best first.
const DATA: [&str; 3] = ["data.yaml", "data.yml", "dataset.yaml"];
const CLASSES: [&str; 3] = ["classes.txt", "labels/classes.txt", "obj.names"];

/// The classes of labels.
pub(super) struct Classes {
    /// Their names, by number.
    pub(super) names: Vec<String>,
    /// Whether key points follow the box in a line.
    pub(super) keypoints: bool,
}

/// The contents of a `data.yaml`.
pub(super) struct DataFile {
    pub(super) classes: Classes,
    /// The images to evaluate on, if it says: folders, and text files with a path in each line.
    pub(super) images: Vec<PathBuf>,
}

/// The classes of the labels in `folder`, from a file there or up to two folders above it.
pub(super) fn find(folder: &Path) -> Result<Classes, GroundTruthError> {
    for folder in folder.ancestors().take(3) {
        let with = |name: &&str| Some(folder.join(name)).filter(|path| path.is_file());
        if let Some(path) = DATA.iter().find_map(with) {
            return Ok(data_file(&path)?.classes);
        }
        if let Some(path) = CLASSES.iter().find_map(with) {
            return Ok(Classes { names: lines(&path)?, keypoints: false });
        }
    }
    let problem = "no data.yaml and no classes.txt is there or above: write the names of the classes into a \
                   classes.txt, one per line, in the order of their numbers";
    Err(GroundTruthError::wrong(folder, "names of the classes", problem))
}

/// One name a line.
fn lines(path: &Path) -> Result<Vec<String>, GroundTruthError> {
    Ok(read_text(path)?.trim_end().lines().map(|line| line.trim().to_owned()).collect())
}

/// Reads a `data.yaml`.
pub(super) fn data_file(path: &Path) -> Result<DataFile, GroundTruthError> {
    let wrong = |place: &str, problem: String| GroundTruthError::wrong(path, place, problem);
    let text = read_text(path)?;
    let documents = Yaml::load_from_str(&text).map_err(|error| {
        let place = format!("line {}", error.marker().line());
        wrong(&place, format!("it is not YAML: {}; write the file again", error.info()))
    })?;
    let empty = Yaml::BadValue;
    let data = documents.first().unwrap_or(&empty);
    let names = names(data).map_err(|problem| wrong("`names`", problem))?;
    let images = match data.as_mapping_get("val").filter(|val| !val.is_null()) {
        None => Some(Vec::new()),
        Some(val) => {
            let parts = val.as_vec().map_or(std::slice::from_ref(val), Vec::as_slice).iter();
            parts.map(|part| Some(place_of(path, data, part.as_str()?))).collect()
        }
    };
    let images = images.ok_or_else(|| {
        wrong("`val`", "write a folder, a text file of paths, or a list of these".to_owned())
    })?;
    let keypoints = data.as_mapping_get("kpt_shape").is_some();
    Ok(DataFile { classes: Classes { names, keypoints }, images })
}

/// `names` is a list, or a map from 0 on.
fn names(data: &Yaml) -> Result<Vec<String>, String> {
    let expected = "write a list, or a map from class numbers to names";
    let Some(names) = data.as_mapping_get("names") else {
        return Err(format!("there is none; {expected}"));
    };
    if let Some(list) = names.as_vec() {
        let name = |(number, name): (usize, &Yaml)| {
            text(name).ok_or_else(|| format!("name {number} is not text; {expected}"))
        };
        return list.iter().enumerate().map(name).collect();
    }
    let Some(map) = names.as_mapping() else { return Err(format!("it is neither; {expected}")) };
    let mut found = vec![None; map.len()];
    for (number, name) in map {
        let number = number.as_integer().and_then(|number| usize::try_from(number).ok());
        let (Some(place), Some(name)) = (number.and_then(|n| found.get_mut(n)), text(name)) else {
            return Err("its numbers must go from 0 to one less than there are names".to_owned());
        };
        *place = Some(name);
    }
    found.into_iter().collect::<Option<_>>().ok_or_else(|| "a number is missing".to_owned())
}

/// A name may look like a number.
fn text(name: &Yaml) -> Option<String> {
    name.as_str().map(str::to_owned).or_else(|| name.as_integer().map(|number| number.to_string()))
}

/// A folder or file in a `data.yaml` lies below its `path`, which lies below the file's own folder. Exports of some services
/// say `../valid/images` and mean `valid/images`.
fn place_of(file: &Path, data: &Yaml, images: &str) -> PathBuf {
    let own = file.parent().unwrap_or(Path::new(""));
    let base = data.as_mapping_get("path").and_then(|path| path.as_str()).unwrap_or_default();
    let folder = own.join(base).join(images);
    match images.strip_prefix("../") {
        Some(inside) if !folder.exists() => own.join(base).join(inside),
        _ => folder,
    }
}
