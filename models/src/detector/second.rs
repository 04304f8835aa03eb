//! The second stage: a closer look at each box, in the frame as it was sent.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::second_name::SecondName;
use super::sidecar::Sidecar;
use super::sidecar_error::SidecarError;
use super::{Detector, LabelsSource, LoadOptions, ModelError, ModelFact};

/// A text that is less probable than this is not reported, unless the sidecar says otherwise.
const CONFIDENCE: f32 = 0.8;

/// A second stage, the key `second` of a sidecar.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SecondStage {
    /// The boxes are codes, and what they say is read.
    Codes,
    /// Another model says what the boxes show.
    Model(Arc<SecondModel>),
}

/// A classifier or a recogniser of text that runs on what is in the boxes of a detector.
#[derive(Debug, Clone)]
pub struct SecondModel {
    /// The model with everything around it. Its decoder reads texts.
    pub reader: Detector,
    /// Lowest score of a text, 0 to 1.
    pub confidence: f32,
    /// Numbers of the detector's classes whose boxes are read; `None` for all.
    pub classes: Option<BTreeSet<usize>>,
}

impl SecondStage {
    /// Its name for people: `codes`, or that of the second model.
    pub fn name(&self) -> &str {
        match self {
            Self::Codes => "codes",
            Self::Model(second) => &second.reader.model.name,
        }
    }

    /// Loads the second stage that the sidecar of the detector at `model` names; `labels` are the detector's.
    ///
    /// # Errors
    /// [`ModelError`], about the detector's sidecar or about the second model.
    pub(super) fn of(
        sidecar: &Sidecar,
        model: &Path,
        labels: &[String],
    ) -> Result<Option<Self>, ModelError> {
        let file = match &sidecar.second {
            None => return Ok(None),
            Some(SecondName::Codes) => return Ok(Some(Self::Codes)),
            Some(SecondName::Model(file)) => file,
        };
        let classes = sidecar.second_classes.as_ref().map(|names| numbers(names, labels));
        let classes = classes
            .transpose()
            .map_err(|problem| ModelError::Sidecar { path: Sidecar::path_for(model), problem })?;
        let confidence = sidecar.second_confidence.unwrap_or(CONFIDENCE);
        let reader = read(&model.with_file_name(file))?;
        Ok(Some(Self::Model(Arc::new(SecondModel { reader, confidence, classes }))))
    }
}

/// Reads the model at `path` as a second stage.
fn read(path: &Path) -> Result<Detector, ModelError> {
    let sidecar = Sidecar::read(path)?;
    if sidecar.second.is_some() {
        let problem = SidecarError::SecondOfSecond;
        return Err(ModelError::Sidecar { path: Sidecar::path_for(path), problem });
    }
    let options = LoadOptions { labels: None, input_size: None };
    let reader = Detector::read(path, &options, &sidecar, true)?;
    if reader.labels_source == LabelsSource::Numbers {
        return Err(ModelError::Facts {
            path: path.to_owned(),
            sidecar: Sidecar::path_for(path),
            problems: vec![ModelFact::NothingToSay],
        });
    }
    Ok(reader)
}

/// The numbers of classes by their names.
fn numbers(names: &[String], labels: &[String]) -> Result<BTreeSet<usize>, SidecarError> {
    let number = |name: &String| {
        let found = labels.iter().position(|label| label == name);
        found.ok_or_else(|| SidecarError::SecondClass {
            class: name.clone(),
            labels: labels.join(", "),
        })
    };
    names.iter().map(number).collect()
}
