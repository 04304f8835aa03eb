//! Classes as options name them: by label or number, some with a lowest score of their own.

use std::collections::{BTreeMap, HashMap};

/// Most classes that a list may name.
const MAX_CLASSES: usize = 1000;

/// Why a list of classes cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClassesError {
    #[error("classes names no class")]
    NoClasses,
    #[error("classes names more than {MAX_CLASSES} classes")]
    TooMany,
    #[error("the threshold of a class must be from 0 to 1")]
    OutOfRange,
    #[error("there is no class {0:?}")]
    Unknown(String),
}

/// The numbers of the classes of a list, each with its lowest score if it has one of its own.
pub(crate) fn read_classes(
    labels: &[String],
    entries: &[String],
) -> Result<BTreeMap<usize, Option<f32>>, ClassesError> {
    if entries.len() > MAX_CLASSES {
        return Err(ClassesError::TooMany);
    }
    let labels = Labels::of(labels);
    let mut classes = BTreeMap::new();
    for entry in entries {
        let (numbers, own) = labels.read(entry)?;
        classes.extend(numbers.into_iter().map(|number| (number, own)));
    }
    if classes.is_empty() { Err(ClassesError::NoClasses) } else { Ok(classes) }
}

/// The labels of a model, to look classes up by them.
pub(crate) struct Labels<'a> {
    count: usize,
    numbers: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Labels<'a> {
    pub(crate) fn of(labels: &'a [String]) -> Self {
        let mut numbers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, label) in labels.iter().enumerate() {
            numbers.entry(label).or_default().push(number);
        }
        Self { count: labels.len(), numbers }
    }

    /// `person`, `person:0.6`, `0` or `0:0.6`. A label may contain a colon.
    fn read(&self, entry: &str) -> Result<(Vec<usize>, Option<f32>), ClassesError> {
        let numbers = self.numbers(entry);
        if !numbers.is_empty() {
            return Ok((numbers, None));
        }
        if let Some((name, own)) = entry.rsplit_once(':')
            && let Ok(own) = own.trim().parse()
        {
            let numbers = self.numbers(name.trim_end());
            if !numbers.is_empty() {
                let is_score = (0.0..=1.0).contains(&own);
                return if is_score {
                    Ok((numbers, Some(own)))
                } else {
                    Err(ClassesError::OutOfRange)
                };
            }
        }
        // A client cannot make the server repeat more.
        Err(ClassesError::Unknown(entry.chars().take(100).collect()))
    }

    /// The classes with this label, or else the one with this number.
    pub(crate) fn numbers(&self, name: &str) -> Vec<usize> {
        if let Some(named) = self.numbers.get(name) {
            return named.clone();
        }
        name.parse().ok().filter(|number| *number < self.count).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[&str]) -> Result<Vec<(usize, Option<f32>)>, ClassesError> {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let labels = owned(&["person", "traffic light", "a:b", "0", "twin", "twin"]);
        Ok(read_classes(&labels, &owned(entries))?.into_iter().collect())
    }

    #[test]
    fn a_list_has_a_bound() {
        assert!(read(&["person"; MAX_CLASSES]).is_ok());
        assert_eq!(read(&["person"; MAX_CLASSES + 1]), Err(ClassesError::TooMany));
    }

    #[test]
    fn classes_are_labels_or_numbers_with_a_threshold_or_without() {
        for (entries, expected) in [
            (&["person"][..], vec![(0, None)]),
            (&["person:0.6", "traffic light"], vec![(0, Some(0.6)), (1, None)]),
            (&["1", "2:1"], vec![(1, None), (2, Some(1.0))]),
            (&["a:b"], vec![(2, None)]),
            (&["a:b:0.5"], vec![(2, Some(0.5))]),
            (&["0:0.5"], vec![(3, Some(0.5))]),
            (&["twin:0.1"], vec![(4, Some(0.1)), (5, Some(0.1))]),
            (&["person", "person:0.9"], vec![(0, Some(0.9))]),
        ] {
            assert_eq!(read(entries), Ok(expected), "{entries:?}");
        }
    }

    #[test]
    fn an_unknown_class_is_an_error() {
        assert_eq!(read(&[]), Err(ClassesError::NoClasses));
        for name in ["cat", "6", "-1", "cat:0.5", "person:", "person:x", "Person", ""] {
            assert_eq!(read(&[name]), Err(ClassesError::Unknown(name.to_owned())));
        }
        for name in ["person:1.5", "person:-0.1", "person:NaN"] {
            assert_eq!(read(&[name]), Err(ClassesError::OutOfRange), "{name}");
        }
        let long = "x".repeat(5000);
        assert!(read(&[&long]).unwrap_err().to_string().len() < 200);
    }
}
