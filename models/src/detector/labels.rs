//! The names of a model's classes, and where they come from.

use std::fmt;
use std::path::{Path, PathBuf};

use super::BoxDecoder;
use super::metadata::{self, Metadata};
use super::output_layout::ClassCount;
use super::sidecar::SidecarLabels;

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
    /// The decoder's only class.
    Decoder,
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
            Self::Decoder => f.write_str("the box decoder"),
            Self::Numbers => f.write_str("class numbers"),
        }
    }
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
    /// One label for each of the `classes` that `decoder` tells apart.
    ///
    /// # Errors
    /// What is wrong with the labels and where they are, or how to give some where they are needed.
    pub(super) fn resolve(
        &self,
        decoder: &BoxDecoder,
        classes: ClassCount,
    ) -> Result<(Vec<String>, LabelsSource), String> {
        match (self.find()?, classes) {
            (Some((labels, source)), ClassCount::Known(count)) if labels.len() != count => {
                Err(format!(
                    "the model has {} but {source} names {}; give the labels that belong to this \
                     model, one for each class in order",
                    class_count(count),
                    labels.len()
                ))
            }
            (Some(found), _) => Ok(found),
            (None, _) if matches!(decoder, BoxDecoder::Yunet { .. }) => {
                Ok((vec!["face".to_owned()], LabelsSource::Decoder))
            }
            (None, ClassCount::Known(count)) => {
                let labels = (0..count).map(|class| format!("class {class}")).collect();
                Ok((labels, LabelsSource::Numbers))
            }
            (None, ClassCount::Open) => Err(format!(
                "how many classes the model has is not known; name them with --labels FILE, one a \
                 line, or in {}",
                self.beside().display()
            )),
        }
    }

    fn find(&self) -> Result<Option<(Vec<String>, LabelsSource)>, String> {
        if let Some(path) = self.option {
            return Ok(Some((read_file(path)?, LabelsSource::Option(path.to_owned()))));
        }
        match self.sidecar {
            Some(SidecarLabels::List(labels)) if labels.is_empty() => {
                return Err(format!("{} names no class", LabelsSource::Sidecar));
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
        let names = metadata::names(self.metadata)
            .map_err(|problem| format!("{} cannot be read: {problem}", LabelsSource::Metadata))?;
        if let Some(labels) = names {
            return Ok(Some((labels, LabelsSource::Metadata)));
        }
        let beside = self.beside();
        if beside.exists() {
            return Ok(Some((read_file(&beside)?, LabelsSource::FileBeside(beside))));
        }
        Ok(None)
    }

    fn beside(&self) -> PathBuf {
        self.model.with_extension("labels.txt")
    }
}

fn class_count(count: usize) -> String {
    if count == 1 { "1 class".to_owned() } else { format!("{count} classes") }
}

fn read_file(path: &Path) -> Result<Vec<String>, String> {
    let problem = |problem: String| format!("the labels {} {problem}", path.display());
    let text = std::fs::read_to_string(path)
        .map_err(|error| problem(format!("cannot be read: {error}")))?;
    parse_lines(&text).map_err(problem)
}

/// One label a line. A byte order mark and blank lines at the end mean nothing; a blank line
/// between labels would silently shift all that follow.
fn parse_lines(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim_start_matches('\u{feff}').trim_end();
    if text.is_empty() {
        return Err("are empty".to_owned());
    }
    text.lines()
        .enumerate()
        .map(|(index, line)| match line.trim() {
            "" => Err(format!("have no label on line {}", index + 1)),
            label => Ok(label.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_files_of_every_system_are_read() {
        assert_eq!(
            parse_lines("\u{feff}person\r\ntraffic light\r\n\r\n \n").unwrap(),
            ["person", "traffic light"]
        );
        assert_eq!(parse_lines("one").unwrap(), ["one"]);
        assert_eq!(parse_lines("a\n\nb").unwrap_err(), "have no label on line 2");
        assert_eq!(parse_lines(" \r\n").unwrap_err(), "are empty");
    }

    fn places<'a>(metadata: &'a Metadata, sidecar: Option<&'a SidecarLabels>) -> LabelPlaces<'a> {
        LabelPlaces { option: None, sidecar, metadata, model: Path::new("no such folder/m.onnx") }
    }

    #[test]
    fn the_sidecar_beats_the_metadata_and_numbers_are_the_last_resort() {
        let metadata = Metadata::from([("names".into(), "{0: 'a', 1: 'b'}".into())]);
        let list = SidecarLabels::List(vec!["x".into(), "y".into()]);
        let resolve = |metadata: &Metadata, sidecar| {
            places(metadata, sidecar).resolve(&BoxDecoder::Yolov8, ClassCount::Known(2)).unwrap()
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
        let message = places.resolve(&BoxDecoder::Yolov8, ClassCount::Known(80)).unwrap_err();
        for fragment in ["80 classes", "names 3", "`names` in the model's metadata"] {
            assert!(message.contains(fragment), "{message}");
        }
        let faces = BoxDecoder::Yunet { strides: vec![8] };
        assert!(places.resolve(&faces, ClassCount::Known(1)).unwrap_err().contains("1 class but"));
    }

    #[test]
    fn decoders_know_what_they_can() {
        let nothing = Metadata::new();
        let places = places(&nothing, None);
        let faces = BoxDecoder::Yunet { strides: vec![8] };
        let (labels, source) = places.resolve(&faces, ClassCount::Known(1)).unwrap();
        assert_eq!((labels, source), (vec!["face".to_owned()], LabelsSource::Decoder));
        let message = places.resolve(&BoxDecoder::End2end, ClassCount::Open).unwrap_err();
        assert!(message.contains("--labels") && message.contains("m.labels.txt"), "{message}");
    }

    #[test]
    fn damaged_names_only_matter_where_they_are_used() {
        let damaged = Metadata::from([("names".into(), "{0: 'a'".into())]);
        let list = SidecarLabels::List(vec!["x".into()]);
        let resolve =
            |sidecar| places(&damaged, sidecar).resolve(&BoxDecoder::Yolov8, ClassCount::Known(1));
        assert!(resolve(Some(&list)).is_ok());
        assert!(resolve(None).unwrap_err().contains("`names` in the model's metadata"));
        let empty = SidecarLabels::List(Vec::new());
        assert!(resolve(Some(&empty)).unwrap_err().contains("sidecar"));
        let missing = SidecarLabels::File("missing.txt".into());
        assert!(resolve(Some(&missing)).unwrap_err().contains("missing.txt"));
    }
}
