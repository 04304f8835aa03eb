//! Pascal VOC: a folder with `Annotations/*.xml`, a file for each image, and `JPEGImages/`.
//!
//! Pixels are counted from 1, and `xmax` and `ymax` are still inside, as the challenge's development kit defines it:
//! a box that covers an image of 640×480 goes from 1, 1 to 640, 480.

use std::path::{Path, PathBuf};

use framegate_models::Size;
use roxmltree::{Document, Node};

use super::{
    GroundTruth, GroundTruthError, LabelledImage, LabelledObject, ObjectKind, has_extension,
    is_box, list, read_text,
};

/// The folder of the labels.
pub(super) const ANNOTATIONS: &str = "Annotations";
/// The folder of the images beside it.
const IMAGES: &str = "JPEGImages";

/// Where in a file something is wrong, and what.
struct Problem {
    line: u32,
    text: String,
}

pub(super) fn read(path: &Path, images: Option<&Path>) -> Result<GroundTruth, GroundTruthError> {
    let below = path.join(ANNOTATIONS);
    let labels = if below.is_dir() { &below } else { path };
    let images = images.map_or_else(|| beside(labels), Path::to_owned);
    let files = if path.is_dir() { list(labels)? } else { vec![path.to_owned()] };
    let mut labelled = Vec::new();
    for file in files.iter().filter(|file| has_extension(file, &["xml"])) {
        labelled.push(image(file)?);
    }
    if labelled.is_empty() {
        return Err(GroundTruthError::wrong(
            labels,
            "*.xml",
            "there is no such file; name the folder that holds them",
        ));
    }
    GroundTruth::new(labels, images, labelled)
}

/// `JPEGImages` beside `Annotations` where there is one, else the folder of the labels.
fn beside(labels: &Path) -> PathBuf {
    let folder = if labels.is_dir() { labels } else { labels.parent().unwrap_or(labels) };
    let images = folder.parent().map(|parent| parent.join(IMAGES));
    images.filter(|images| images.is_dir()).unwrap_or_else(|| folder.to_owned())
}

fn image(file: &Path) -> Result<LabelledImage, GroundTruthError> {
    let text = read_text(file)?;
    let wrong =
        |line: u32, text: String| GroundTruthError::wrong(file, format!("line {line}"), text);
    let document = Document::parse(&text).map_err(|error| {
        wrong(error.pos().row, format!("it is not XML: {error}; write the file again"))
    })?;
    parsed(&document).map_err(|problem| wrong(problem.line, problem.text))
}

fn parsed(document: &Document) -> Result<LabelledImage, Problem> {
    let root = document.root_element();
    let name = child(root, "filename")?.text().unwrap_or_default().trim();
    // Some tools write the whole path.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if name.is_empty() {
        return Err(at(
            child(root, "filename")?,
            "<filename> is empty; write the name of the image",
        ));
    }
    let size = root.children().find(|node| node.has_tag_name("size")).map(size).transpose()?;
    let objects = root.children().filter(|node| node.has_tag_name("object")).map(object);
    let objects = objects.collect::<Result<_, _>>()?;
    Ok(LabelledImage { name: name.to_owned(), size: size.flatten(), objects })
}

/// `None` where the tool did not know it and wrote 0.
fn size(node: Node) -> Result<Option<Size>, Problem> {
    let (width, height) = (number(node, "width")?, number(node, "height")?);
    let known = width >= 1.0 && height >= 1.0;
    Ok(known.then_some(Size { width: width as usize, height: height as usize }))
}

fn object(node: Node) -> Result<LabelledObject, Problem> {
    let name = child(node, "name")?.text().unwrap_or_default().trim();
    if name.is_empty() {
        return Err(at(node, "the object has no <name>; write its class"));
    }
    let edges = child(node, "bndbox")?;
    let (left, top) = (number(edges, "xmin")?, number(edges, "ymin")?);
    let (right, bottom) = (number(edges, "xmax")?, number(edges, "ymax")?);
    let box_ = [left - 1.0, top - 1.0, right - left + 1.0, bottom - top + 1.0];
    if !is_box(box_) || right < left || bottom < top {
        let text = format!(
            "the box goes from {left},{top} to {right},{bottom}; put the smaller numbers first"
        );
        return Err(at(edges, &text));
    }
    let difficult = match node.children().find(|node| node.has_tag_name("difficult")) {
        None => false,
        Some(found) => match found.text().unwrap_or_default().trim() {
            "" | "0" | "Unspecified" => false,
            "1" => true,
            other => return Err(at(found, &format!("<difficult> is `{other}`; write 0 or 1"))),
        },
    };
    let kind = if difficult { ObjectKind::Difficult } else { ObjectKind::Single };
    Ok(LabelledObject { kind, ..LabelledObject::of_box(name, box_) })
}

fn child<'a, 'b>(node: Node<'a, 'b>, name: &str) -> Result<Node<'a, 'b>, Problem> {
    let found = node.children().find(|node| node.has_tag_name(name));
    found.ok_or_else(|| at(node, &format!("<{}> has no <{name}>; add it", node.tag_name().name())))
}

fn number(node: Node, name: &str) -> Result<f64, Problem> {
    let found = child(node, name)?;
    let text = found.text().unwrap_or_default().trim();
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| at(found, &format!("<{name}> is `{text}`; write a number")))
}

fn at(node: Node, text: &str) -> Problem {
    let line = node.document().text_pos_at(node.range().start).row;
    Problem { line, text: text.to_owned() }
}
