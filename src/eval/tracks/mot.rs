//! Labels of the MOTChallenge: a `gt.txt` with a line for each object and frame.
//!
//! ```text
//! FRAME,ID,LEFT,TOP,WIDTH,HEIGHT[,COUNTS[,CLASS[,VISIBILITY]]]      frames from 1; COUNTS is 0 or 1
//! ```
//!
//! As in the challenge's own evaluation, lines that do not count and those of another class than 1, pedestrians, need
//! not be found.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::TrackedBox;
use super::labelled_frame::LabelledFrame;
use crate::whole_file;

/// The class of pedestrians. Files without classes have -1.
const PEDESTRIAN: i64 = 1;
/// Classes that may be taken for pedestrians: people on vehicles, people who stand still, mannequins and the like,
/// reflections.
const DISTRACTORS: [i64; 4] = [2, 7, 8, 12];
/// Vehicles without a motor, which are distractors in MOT20 alone.
const NON_MOTORISED: i64 = 6;

/// The labels of a sequence, by the number of the frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MotLabels(pub BTreeMap<u64, LabelledFrame>);

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
        let is_mot20 = is_mot20(path);
        let mut frames: BTreeMap<u64, LabelledFrame> = BTreeMap::new();
        let mut seen = HashSet::new();
        for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let wrong =
                |problem| MotError::Wrong { path: path.to_owned(), line: line + 1, problem };
            let Line { frame, box_, must_be_found, class } = parse(text).map_err(wrong)?;
            let of_frame = frames.entry(frame).or_default();
            if !must_be_found {
                let is_distractor =
                    DISTRACTORS.contains(&class) || is_mot20 && class == NON_MOTORISED;
                let others =
                    if is_distractor { &mut of_frame.distractors } else { &mut of_frame.others };
                others.push(box_);
                continue;
            }
            if box_.width <= 0.0 || box_.height <= 0.0 {
                let TrackedBox { width, height, .. } = box_;
                return Err(wrong(format!("the box has {width}x{height} pixels; remove the line")));
            }
            if !seen.insert((frame, box_.id)) {
                let problem = format!("object {} is in frame {frame} twice; remove one", box_.id);
                return Err(wrong(problem));
            }
            of_frame.objects.push(box_);
        }
        if frames.values().all(|frame| frame.objects.is_empty()) {
            return Err(MotError::Empty { path: path.to_owned() });
        }
        Ok(Self(frames))
    }
}

/// Whether labels are of MOT20, by the name of the sequence: that of the folder, or in the `seqinfo.ini` there.
fn is_mot20(labels: &Path) -> bool {
    let full = fs::canonicalize(labels).unwrap_or_else(|_| labels.to_owned());
    let is = |name: &str| name.starts_with("MOT20-");
    full.iter().any(|folder| folder.to_str().is_some_and(is))
        || seqinfo(labels, "name").is_some_and(|name| is(&name))
}

/// An entry of the `seqinfo.ini` that the challenge has in the folder above `gt/gt.txt`.
pub fn seqinfo(labels: &Path, key: &str) -> Option<String> {
    let folders = labels.ancestors().skip(1).take(2);
    let text = folders
        .map(|folder| folder.join("seqinfo.ini"))
        .find_map(|path| fs::read_to_string(path).ok())?;
    let mut entries = text.lines().filter_map(|line| line.split_once('='));
    entries.find(|(found, _)| found.trim() == key).map(|(_, value)| value.trim().to_owned())
}

/// A line of the file.
struct Line {
    frame: u64,
    /// Of what need not be found, the number does not matter.
    box_: TrackedBox,
    must_be_found: bool,
    class: i64,
}

fn parse(line: &str) -> Result<Line, String> {
    let numbers: Vec<f64> = line.split(',').map(number).collect::<Result<_, _>>()?;
    let [frame, id, x, y, width, height, ref rest @ ..] = numbers[..] else {
        let count = numbers.len();
        return Err(format!("there are {count} numbers; write FRAME,ID,LEFT,TOP,WIDTH,HEIGHT"));
    };
    let counts = rest.first().is_none_or(|counts| *counts != 0.0);
    let class = rest.get(1).map_or(-1, |class| *class as i64);
    let must_be_found = counts && matches!(class, -1 | PEDESTRIAN);
    let frame = whole(frame, 1, "frame")?;
    let id = if must_be_found { whole(id, 0, "object")? } else { 0 };
    Ok(Line { frame, box_: TrackedBox { id, x, y, width, height }, must_be_found, class })
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
