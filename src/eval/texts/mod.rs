//! Texts that were read in images, beside those that are labelled there.

mod comparison;

use serde::Serialize;

use super::LabelledObject;
use super::share::share;
use crate::stages::Detection;
use comparison::is_same;

/// The texts that were read, and those that were not.
#[derive(Debug, Clone, Serialize)]
pub struct TextReport {
    /// The classes of the model with labelled texts or misreads, in the model's order.
    pub classes: Vec<ClassTexts>,
    /// All classes together.
    pub all: ClassTexts,
    /// Median time per image for reading, in milliseconds, of the images in which something was read or tried; null
    /// without any.
    pub ms_per_image: Option<f64>,
    /// Texts that no box in their image has.
    pub unread: Vec<Unread>,
    /// Texts that differ from all that is labelled where they were read.
    pub misread: Vec<Misread>,
    /// Texts that were read where none is labelled.
    pub unlabelled: Vec<Misread>,
}

/// How much of a class is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClassTexts {
    /// Name of the class.
    pub label: String,
    /// Number of labelled texts.
    pub labelled: usize,
    /// How many of them were read.
    pub read: usize,
    /// `read / labelled`, 0 to 1; null without labelled texts.
    pub read_rate: Option<f64>,
    /// Texts of boxes of this class that differ from what is labelled there.
    pub misread: usize,
}

/// A text that was not read.
#[derive(Debug, Clone, Serialize)]
pub struct Unread {
    /// The image.
    pub file: String,
    /// The object whose text it is.
    #[serde(flatten)]
    pub object: LabelledObject,
}

/// A text that is not labelled.
#[derive(Debug, Clone, Serialize)]
pub struct Misread {
    /// The image.
    pub file: String,
    /// The box with the text.
    #[serde(flatten)]
    pub detection: Detection,
    /// The texts that are labelled there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labelled: Vec<String>,
}

/// The counts so far.
#[derive(Debug)]
pub(super) struct TextTally {
    classes: Vec<ClassTexts>,
    unread: Vec<Unread>,
    misread: Vec<Misread>,
    unlabelled: Vec<Misread>,
}

impl TextTally {
    pub(super) fn new(labels: &[String]) -> Self {
        let class = |label: &String| ClassTexts { label: label.clone(), ..ClassTexts::default() };
        Self {
            classes: labels.iter().map(class).collect(),
            unread: Vec::new(),
            misread: Vec::new(),
            unlabelled: Vec::new(),
        }
    }

    /// Counts the texts of an image. A labelled text is read if a box has it, wherever the box is; each box counts for
    /// one. A text that is left over is a repetition if it is labelled anywhere in the image, and misread if its box
    /// overlaps one whose text is labelled.
    pub(super) fn add(&mut self, file: &str, objects: &[LabelledObject], seen: &[Detection]) {
        let with_text = |detection: &&Detection| detection.text.is_some();
        let mut left: Vec<&Detection> = seen.iter().filter(with_text).collect();
        let labelled: Vec<(&LabelledObject, &str)> =
            objects.iter().filter_map(|object| Some((object, object.text.as_deref()?))).collect();
        for (object, text) in &labelled {
            let reading = left.iter().position(|detection| is_same(detection, text));
            let class = self.classes.iter_mut().find(|one| one.label == object.label);
            let is_known = class.is_some();
            if let Some(class) = class {
                class.labelled += 1;
                class.read += usize::from(reading.is_some());
            }
            match reading {
                Some(index) => {
                    left.remove(index);
                }
                None if !is_known => {}
                None => {
                    self.unread.push(Unread { file: file.to_owned(), object: (*object).clone() });
                }
            }
        }
        for detection in left {
            if labelled.iter().any(|(_, text)| is_same(detection, text)) {
                continue;
            }
            let at = labelled.iter().filter(|(object, _)| overlap(detection, object));
            let labelled: Vec<String> = at.map(|(_, text)| (*text).to_owned()).collect();
            let is_misread = !labelled.is_empty();
            let text = Misread { file: file.to_owned(), detection: detection.clone(), labelled };
            if is_misread {
                self.classes[detection.class_id].misread += 1;
                self.misread.push(text);
            } else {
                self.unlabelled.push(text);
            }
        }
    }

    /// The totals; `None` where no text was labelled.
    pub(super) fn report(self, ms_per_image: Option<f64>) -> Option<TextReport> {
        let Self { classes, unread, misread, unlabelled } = self;
        let mut all = ClassTexts { label: "all".to_owned(), ..ClassTexts::default() };
        for class in &classes {
            all.labelled += class.labelled;
            all.read += class.read;
            all.misread += class.misread;
        }
        let rated = |class: ClassTexts| ClassTexts {
            read_rate: share(class.read, class.labelled),
            ..class
        };
        let occurring = classes.into_iter().filter(|class| class.labelled + class.misread > 0);
        (all.labelled > 0).then(|| TextReport {
            classes: occurring.map(rated).collect(),
            all: rated(all),
            ms_per_image,
            unread,
            misread,
            unlabelled,
        })
    }
}

/// Whether a box and an object have a point in common.
fn overlap(found: &Detection, object: &LabelledObject) -> bool {
    let meet = |start: f32, extent: f32, other: f64, other_extent: f64| {
        f64::from(start) < other + other_extent && other < f64::from(start + extent)
    };
    meet(found.x, found.width, object.x, object.width)
        && meet(found.y, found.height, object.y, object.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(label: &str, x: f64, text: Option<&str>) -> LabelledObject {
        let object = LabelledObject::of_box(label, [x, 0.0, 10.0, 10.0]);
        LabelledObject { text: text.map(str::to_owned), ..object }
    }

    fn read(class_id: usize, x: f32, text: &str) -> Detection {
        let label = ["qr", "linear"][class_id];
        let found = Detection::of_box(label, class_id, 0.5, [x, 0.0, 10.0, 10.0]);
        Detection { text: Some(text.to_owned()), ..found }
    }

    fn report(images: &[(&[LabelledObject], &[Detection])]) -> Option<TextReport> {
        let mut tally = TextTally::new(&["qr".to_owned(), "linear".to_owned()]);
        for (objects, seen) in images {
            tally.add("a.jpg", objects, seen);
        }
        tally.report(None)
    }

    #[test]
    fn each_labelled_text_is_read_once_misread_or_not_read() {
        let report = report(&[
            (
                &[
                    labelled("qr", 0.0, Some("A")),
                    labelled("qr", 20.0, Some("B")),
                    labelled("qr", 40.0, Some("B")),
                    labelled("linear", 60.0, Some("1")),
                    labelled("linear", 80.0, None),
                ],
                &[
                    // Twice the same code: the second reading is not a mistake.
                    read(0, 1.0, "A"),
                    read(0, 2.0, "A"),
                    read(0, 21.0, "B"),
                    read(1, 55.0, "7"),
                    read(1, 81.0, "8"),
                    read(1, 300.0, "9"),
                ],
            ),
            (&[], &[read(0, 0.0, "C")]),
        ]);
        let report = report.unwrap();
        let counts = |class: &ClassTexts| [class.labelled, class.read, class.misread];
        assert_eq!(report.classes.iter().map(counts).collect::<Vec<_>>(), [[3, 2, 0], [1, 0, 1]]);
        assert_eq!((counts(&report.all), report.all.read_rate), ([4, 2, 1], Some(0.5)));
        let unread: Vec<_> = report.unread.iter().map(|one| one.object.x).collect();
        assert_eq!(unread, [40.0, 60.0]);
        assert_eq!(report.misread[0].labelled, ["1"]);
        let texts = |texts: &[Misread]| -> Vec<String> {
            texts.iter().filter_map(|one| one.detection.text.clone()).collect()
        };
        assert_eq!(texts(&report.misread), ["7"]);
        assert_eq!(texts(&report.unlabelled), ["8", "9", "C"]);
    }

    #[test]
    fn without_labelled_texts_there_is_no_report() {
        assert!(report(&[(&[labelled("qr", 0.0, None)], &[read(0, 0.0, "A")])]).is_none());
    }
}
