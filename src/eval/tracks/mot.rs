//! Labels of the MOTChallenge: a `gt.txt` with a line for each object and frame.
//!
//! ```text
//! FRAME,ID,LEFT,TOP,WIDTH,HEIGHT[,COUNTS[,CLASS[,VISIBILITY]]]      frames from 1; COUNTS is 0 or 1
//! ```
//!
//! As in the challenge's own evaluation, lines that do not count and those of another class than 1, pedestrians, are
//! left out.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::TrackedBox;
use crate::whole_file;

/// The class of pedestrians. Files without classes have -1.
const PEDESTRIAN: i64 = 1;

/// The objects of a sequence, by the number of the frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MotLabels(pub BTreeMap<u64, Vec<TrackedBox>>);

/// Labels that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MotError {
    /// The file cannot be read.
    #[error("the labels {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{path}, line {line}: {problem}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The mistake, and what to do about it.
        problem: String,
    },
    /// The file holds nothing that counts.
    #[error(
        "{path} holds no object that counts: lines need a 1 as their seventh number, and as their eighth, or none"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl MotLabels {
    /// Reads a file.
    ///
    /// # Errors
    /// [`MotError`].
    pub fn read(path: &Path) -> Result<Self, MotError> {
        let text = whole_file::read_text(path)
            .map_err(|source| MotError::Unreadable { path: path.to_owned(), source })?;
        let mut frames: BTreeMap<u64, Vec<TrackedBox>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let wrong =
                |problem| MotError::Wrong { path: path.to_owned(), line: line + 1, problem };
            let Some((frame, object)) = object(text).map_err(wrong)? else { continue };
            if !seen.insert((frame, object.id)) {
                let problem = format!("object {} is in frame {frame} twice; remove one", object.id);
                return Err(wrong(problem));
            }
            frames.entry(frame).or_default().push(object);
        }
        if frames.is_empty() {
            return Err(MotError::Empty { path: path.to_owned() });
        }
        Ok(Self(frames))
    }
}

/// The frame and the object of a line; `None` if it does not count.
fn object(line: &str) -> Result<Option<(u64, TrackedBox)>, String> {
    let numbers: Vec<f64> = line.split(',').map(number).collect::<Result<_, _>>()?;
    let [frame, id, x, y, width, height, ref rest @ ..] = numbers[..] else {
        let count = numbers.len();
        return Err(format!("there are {count} numbers; write FRAME,ID,LEFT,TOP,WIDTH,HEIGHT"));
    };
    let counts = rest.first().is_none_or(|counts| *counts != 0.0);
    let class = rest.get(1).map_or(-1, |class| *class as i64);
    if !counts || !matches!(class, -1 | PEDESTRIAN) {
        return Ok(None);
    }
    if width <= 0.0 || height <= 0.0 {
        return Err(format!("the box has {width}x{height} pixels; remove the line"));
    }
    let frame = whole(frame, 1, "frame")?;
    let id = whole(id, 0, "object")?;
    Ok(Some((frame, TrackedBox { id, x, y, width, height })))
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{}` is not a number", text.trim()))
}

fn whole(number: f64, least: u64, name: &str) -> Result<u64, String> {
    if number.fract() == 0.0 && number >= least as f64 && number < 1e15 {
        Ok(number as u64)
    } else {
        Err(format!("{name} {number} is not a whole number from {least}"))
    }
}
