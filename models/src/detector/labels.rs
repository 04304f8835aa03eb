//! The names of a model's classes, and where they come from.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::bounded_text::read_text;
use super::literal::NamesError;
use super::metadata::{self, Metadata};
use super::model_card::labels_beside;
use super::sidecar_labels::SidecarLabels;
use crate::coco;
use crate::layouts::{BoxLayout, ClassCount};

/// Classes that have a number for a name where neither labels nor outputs say how many there are. It is
/// an error of the frame if the model reports a higher one.
const NUMBERED_CLASSES: usize = 100;

/// Where a detector's labels come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelsSource {
    /// The file given with `--labels`.
    Option(PathBuf),
    /// A list in the sidecar.
    Sidecar,
    /// The file that the sidecar names.
    SidecarFile(PathBuf),
    /// `names` in the model file's metadata.
    Metadata,
    /// `NAME.labels.txt` beside the model.
    FileBeside(PathBuf),
    /// `id2label` in `config.json` beside the model.
    ModelConfig(PathBuf),
    /// The layout, whose models all have the same classes.
    Layout,
    /// Nowhere: classes are called by their numbers. Worth a warning.
    Numbers,
}

impl fmt::Display for LabelsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(path) => write!(f, "--labels {}", path.display()),
            Self::Sidecar => f.write_str("`labels` in the sidecar"),
            Self::SidecarFile(path) | Self::FileBeside(path) => write!(f, "{}", path.display()),
            Self::Metadata => f.write_str("`names` in the model's metadata"),
            Self::ModelConfig(path) => write!(f, "`id2label` in {}", path.display()),
            Self::Layout => f.write_str("the box layout"),
            Self::Numbers => f.write_str("class numbers"),
        }
    }
}

/// Why a detector has no labels.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// The system would not read a file of labels.
    #[error("the labels {path} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The report of the system.
        #[source]
        problem: io::Error,
    },
    /// A file of labels holds none.
    #[error("the labels {path} are empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line between labels is blank, which would silently shift all labels that follow.
    #[error("the labels {path} have no label on line {line}")]
    Blank {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// The sidecar's list has no entry.
    #[error("{} names no class", LabelsSource::Sidecar)]
    NoneInSidecar,
    /// `names` in the metadata is damaged.
    #[error("{} cannot be read: {problem}", LabelsSource::Metadata)]
    Metadata {
        /// The mistake in it.
        #[source]
        problem: NamesError,
    },
    /// There are more or fewer labels than classes.
    #[error(
        "the model has {} but {source} names {labels}; give the labels that belong to this model, \
         one for each class in order",
        class_count(*classes),
        source = origin
    )]
    Count {
        /// Classes that the model's outputs distinguish.
        classes: usize,
        /// Where the labels come from.
        origin: LabelsSource,
        /// Number of labels.
        labels: usize,
    },
}

/// The places that may name the classes, strongest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelPlaces<'a> {
    pub(super) option: Option<&'a Path>,
    pub(super) sidecar: Option<&'a SidecarLabels>,
    pub(super) metadata: &'a Metadata,
    pub(super) model: &'a Path,
}

impl LabelPlaces<'_> {
    /// One label for each of the `classes` of a model with this layout.
    ///
    /// # Errors
    /// [`LabelsError`].
    pub(super) fn resolve(
        &self,
        layout: &BoxLayout,
        classes: ClassCount,
    ) -> Result<(Vec<String>, LabelsSource), LabelsError> {
        // What lies beside the model may belong to another one.
        let found = self.find()?.filter(|(labels, origin)| match (origin, classes) {
            (LabelsSource::ModelConfig(_), ClassCount::Known(classes)) => labels.len() == classes,
            _ => true,
        });
        match (found, classes) {
            (Some((mut labels, origin)), ClassCount::Known(classes))
                if labels.len() == classes + 1 && names_background(&labels) =>
            {
                labels.remove(0);
                Ok((labels, origin))
            }
            (Some((labels, origin)), ClassCount::Known(coco::CATEGORY_IDS))
                if coco::are_labels(&labels) =>
            {
                Ok((coco::at_category_ids(labels), origin))
            }
            (Some((labels, origin)), ClassCount::Known(classes)) if labels.len() != classes => {
                Err(LabelsError::Count { classes, origin, labels: labels.len() })
            }
            (Some(found), _) => Ok(found),
            (None, _) if !layout.labels().is_empty() => {
                let labels = layout.labels().iter().copied().map(str::to_owned).collect();
                Ok((labels, LabelsSource::Layout))
            }
            (None, classes) => {
                let count = match classes {
                    ClassCount::Known(count) => count,
                    ClassCount::Open => NUMBERED_CLASSES,
                };
                let labels = (0..count).map(|class| format!("class {class}")).collect();
                Ok((labels, LabelsSource::Numbers))
            }
        }
    }

    /// Number of labels, if any place has some that can be read.
    pub(super) fn count(&self) -> Option<usize> {
        self.find().ok().flatten().map(|(labels, _)| labels.len())
    }

    /// Whether the first label names the background.
    pub(super) fn begin_with_background(&self) -> bool {
        self.find().ok().flatten().is_some_and(|(labels, _)| names_background(&labels))
    }

    /// Whether they are COCO's, without the gaps in its numbers.
    pub(super) fn are_of_coco(&self) -> bool {
        self.find().ok().flatten().is_some_and(|(labels, _)| coco::are_labels(&labels))
    }

    /// Whether each belongs to a number that the file gives.
    pub(super) fn are_numbered(&self) -> bool {
        self.find().ok().flatten().is_some_and(|(_, origin)| origin == LabelsSource::Metadata)
    }

    fn find(&self) -> Result<Option<(Vec<String>, LabelsSource)>, LabelsError> {
        if let Some(path) = self.option {
            return Ok(Some((read_file(path)?, LabelsSource::Option(path.to_owned()))));
        }
        match self.sidecar {
            Some(SidecarLabels::List(labels)) if labels.is_empty() => {
                return Err(LabelsError::NoneInSidecar);
            }
            Some(SidecarLabels::List(labels)) => {
                return Ok(Some((labels.clone(), LabelsSource::Sidecar)));
            }
            Some(SidecarLabels::File(name)) => {
                let path = self.model.with_file_name(name);
                return Ok(Some((read_file(&path)?, LabelsSource::SidecarFile(path))));
            }
            None => {}
        }
        let names =
            metadata::names(self.metadata).map_err(|problem| LabelsError::Metadata { problem })?;
        if let Some(labels) = names {
            return Ok(Some((labels, LabelsSource::Metadata)));
        }
        let beside = self.beside();
        if beside.exists() {
            return Ok(Some((read_file(&beside)?, LabelsSource::FileBeside(beside))));
        }
        let config = labels_beside(self.model);
        Ok(config.map(|(labels, path)| (labels, LabelsSource::ModelConfig(path))))
    }

    fn beside(&self) -> PathBuf {
        self.model.with_extension("labels.txt")
    }
}

/// Whether a list begins with what TensorFlow and torchvision call everything that is not an object.
fn names_background(labels: &[String]) -> bool {
    let first = labels.first().map(|label| label.to_ascii_lowercase());
    first.is_some_and(|label| matches!(label.trim_matches('_'), "background" | "???"))
}

fn class_count(count: usize) -> String {
    if count == 1 { "1 class".to_owned() } else { format!("{count} classes") }
}

fn read_file(path: &Path) -> Result<Vec<String>, LabelsError> {
    let text = read_text(path)
        .map_err(|problem| LabelsError::Unreadable { path: path.to_owned(), problem })?;
    parse_lines(&text, path)
}

/// One label per line. A byte order mark and blank lines at the end mean nothing.
fn parse_lines(text: &str, path: &Path) -> Result<Vec<String>, LabelsError> {
    let text = text.trim_start_matches('\u{feff}').trim_end();
    if text.is_empty() {
        return Err(LabelsError::Empty { path: path.to_owned() });
    }
    text.lines()
        .enumerate()
        .map(|(index, line)| match line.trim() {
            "" => Err(LabelsError::Blank { path: path.to_owned(), line: index + 1 }),
            label => Ok(label.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_files_of_every_system_are_read() {
        let parse = |text: &str| parse_lines(text, Path::new("l.txt")).map_err(|e| e.to_string());
        assert_eq!(
            parse("\u{feff}person\r\ntraffic light\r\n\r\n \n").unwrap(),
            ["person", "traffic light"]
        );
        assert_eq!(parse("one").unwrap(), ["one"]);
        assert_eq!(parse("a\n\nb").unwrap_err(), "the labels l.txt have no label on line 2");
        assert_eq!(parse(" \r\n").unwrap_err(), "the labels l.txt are empty");
    }

    fn places<'a>(metadata: &'a Metadata, sidecar: Option<&'a SidecarLabels>) -> LabelPlaces<'a> {
        LabelPlaces { option: None, sidecar, metadata, model: Path::new("no such folder/m.onnx") }
    }

    fn columns() -> BoxLayout {
        BoxLayout::named("decoded-columns").unwrap()
    }

    fn faces() -> BoxLayout {
        BoxLayout::named("yunet").unwrap()
    }

    #[test]
    fn the_sidecar_beats_the_metadata_and_numbers_are_the_last_resort() {
        let metadata = Metadata::from([("names".into(), "{0: 'a', 1: 'b'}".into())]);
        let list = SidecarLabels::List(vec!["x".into(), "y".into()]);
        let resolve = |metadata: &Metadata, sidecar| {
            places(metadata, sidecar).resolve(&columns(), ClassCount::Known(2)).unwrap()
        };
        assert_eq!(resolve(&metadata, Some(&list)).0, ["x", "y"]);
        assert_eq!(resolve(&metadata, None).0, ["a", "b"]);
        let (labels, source) = resolve(&Metadata::new(), None);
        assert_eq!(
            (labels, source),
            (vec!["class 0".into(), "class 1".into()], LabelsSource::Numbers)
        );
    }

    #[test]
    fn a_wrong_number_of_labels_names_both_numbers_and_the_source() {
        let metadata = Metadata::from([("names".into(), "a,b,c".into())]);
        let places = places(&metadata, None);
        let message = places.resolve(&columns(), ClassCount::Known(80)).unwrap_err().to_string();
        for fragment in ["80 classes", "names 3", "`names` in the model's metadata"] {
            assert!(message.contains(fragment), "{message}");
        }
        let message = places.resolve(&faces(), ClassCount::Known(1)).unwrap_err().to_string();
        assert!(message.contains("1 class but"), "{message}");
    }

    #[test]
    fn the_background_is_not_a_label() {
        let labels = |first: &str| SidecarLabels::List(vec![first.into(), "x".into(), "y".into()]);
        let nothing = Metadata::new();
        for first in ["__background__", "BACKGROUND", "???"] {
            let list = labels(first);
            let places = places(&nothing, Some(&list));
            assert!(places.begin_with_background());
            let resolve = |classes| places.resolve(&columns(), ClassCount::Known(classes));
            assert_eq!(resolve(2).unwrap().0, ["x", "y"]);
            assert_eq!(resolve(3).unwrap().0.len(), 3);
            assert!(resolve(1).is_err());
        }
        let list = labels("person");
        let places = places(&nothing, Some(&list));
        assert!(!places.begin_with_background());
        assert!(places.resolve(&columns(), ClassCount::Known(2)).is_err());
    }

    #[test]
    fn labels_of_coco_fit_its_numbers() {
        let mut names: Vec<String> = (0..80).map(|class| format!("'{class}'")).collect();
        (names[0], names[79]) = ("'person'".into(), "'toothbrush'".into());
        let metadata = Metadata::from([("names".into(), format!("[{}]", names.join(", ")))]);
        let places = places(&metadata, None);
        assert!(places.are_of_coco() && places.are_numbered());
        let (labels, _) = places.resolve(&columns(), ClassCount::Known(91)).unwrap();
        assert_eq!((labels[1].as_str(), labels[90].as_str()), ("person", "toothbrush"));
        assert!(places.resolve(&columns(), ClassCount::Known(90)).is_err());
    }

    #[test]
    fn layouts_know_what_they_can() {
        let nothing = Metadata::new();
        let places = places(&nothing, None);
        let (labels, source) = places.resolve(&faces(), ClassCount::Known(1)).unwrap();
        assert_eq!((labels, source), (vec!["face".to_owned()], LabelsSource::Layout));
        let boxes = BoxLayout::named("end-to-end").unwrap();
        let (labels, source) = places.resolve(&boxes, ClassCount::Open).unwrap();
        assert_eq!((labels[7].as_str(), source), ("class 7", LabelsSource::Numbers));
    }

    #[test]
    fn damaged_names_only_matter_where_they_are_used() {
        let damaged = Metadata::from([("names".into(), "{0: 'a'".into())]);
        let list = SidecarLabels::List(vec!["x".into()]);
        let resolve = |sidecar| places(&damaged, sidecar).resolve(&columns(), ClassCount::Known(1));
        assert!(resolve(Some(&list)).is_ok());
        assert!(resolve(None).unwrap_err().to_string().contains("`names` in the model's metadata"));
        let empty = SidecarLabels::List(Vec::new());
        assert!(resolve(Some(&empty)).unwrap_err().to_string().contains("sidecar"));
        let missing = SidecarLabels::File("missing.txt".into());
        assert!(resolve(Some(&missing)).unwrap_err().to_string().contains("missing.txt"));
    }
}
