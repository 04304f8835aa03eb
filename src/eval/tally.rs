//! Counts of objects and boxes, image by image.

use std::time::Duration;

use super::matching::excused;
use super::share::share;
use super::texts::TextTally;
use super::{
    ClassPrecision, ClassReport, EvalReport, LabelledObject, Miss, ObjectKind, PrecisionTally,
    Unlabelled, WithoutLabels, finds,
};
use crate::engine::{FrameResult, milliseconds};
use crate::stages::Stage;

/// The counts so far.
#[derive(Debug)]
pub struct Tally {
    /// In the order of the model, recall and precision not yet computed.
    classes: Vec<ClassReport>,
    precision: PrecisionTally,
    texts: TextTally,
    /// Lowest score of a box that counts for more than average precision.
    conf: f32,
    without_labels: WithoutLabels,
    /// From JPEG to boxes.
    times: Vec<Duration>,
    /// For texts, of images with boxes that were read.
    read_times: Vec<Duration>,
    missed: Vec<Miss>,
    unlabelled: Vec<Unlabelled>,
}

impl Tally {
    /// For a model with these classes. Boxes with a score below `conf` count for average precision alone.
    pub fn new(labels: &[String], conf: f32) -> Self {
        let class = |label: &String| ClassReport { label: label.clone(), ..ClassReport::default() };
        Self {
            classes: labels.iter().map(class).collect(),
            precision: PrecisionTally::new(labels),
            texts: TextTally::new(labels),
            conf,
            without_labels: WithoutLabels::default(),
            times: Vec::new(),
            read_times: Vec::new(),
            missed: Vec::new(),
            unlabelled: Vec::new(),
        }
    }

    /// Counts the detections in an image that holds `objects`. Those of classes that the model does not have need not be
    /// found.
    pub fn add(&mut self, file: &str, objects: &[LabelledObject], result: &FrameResult) {
        self.precision.add(objects, &result.detections);
        let counts = result.detections.iter().take_while(|found| found.score >= self.conf).count();
        let seen = &result.detections[..counts];
        self.texts.add(file, objects, seen);
        let reading = result.timings[Stage::Read];
        self.times.push(result.timings.total() - reading);
        if !reading.is_zero() {
            self.read_times.push(reading);
        }
        if objects.is_empty() {
            self.without_labels.images += 1;
            self.without_labels.boxes += seen.len();
        }
        let wanted = || objects.iter().filter(|object| object.kind == ObjectKind::Single);
        for object in wanted() {
            let class = self.classes.iter_mut().find(|one| one.label == object.label);
            let Some(class) = class else { continue };
            let found = seen.iter().any(|detection| finds(detection, object));
            class.labelled += 1;
            class.found += usize::from(found);
            if !found {
                let (object, seen) = (object.clone(), seen.to_vec());
                self.missed.push(Miss { file: file.to_owned(), object, seen });
            }
        }
        for detection in seen {
            let right = wanted().any(|object| finds(detection, object));
            if !right && objects.iter().any(|object| excused(detection, object)) {
                continue;
            }
            let class = &mut self.classes[detection.class_id];
            class.boxes += 1;
            class.right += usize::from(right);
            if !right {
                let detection = detection.clone();
                self.unlabelled.push(Unlabelled { file: file.to_owned(), detection });
            }
        }
    }

    /// The totals, with recall and precision.
    pub fn report(mut self) -> EvalReport {
        let (precisions, average_precision) = self.precision.report();
        let mut all = ClassReport {
            label: "all".to_owned(),
            ap50: average_precision.map50,
            ap50_95: average_precision.map50_95,
            ..ClassReport::default()
        };
        for (class, ClassPrecision { ap50, ap50_95 }) in self.classes.iter_mut().zip(precisions) {
            all.add(class);
            (class.ap50, class.ap50_95) = (ap50, ap50_95);
        }
        let occurring = self.classes.into_iter().filter(|class| class.labelled + class.boxes > 0);
        let mut without_labels = self.without_labels;
        without_labels.boxes_per_image = share(without_labels.boxes, without_labels.images);
        EvalReport {
            classes: occurring.map(ClassReport::with_shares).collect(),
            all: all.with_shares(),
            average_precision,
            texts: self.texts.report(median(self.read_times)),
            without_labels,
            images: self.times.len(),
            ms_per_image: median(self.times),
            missed: self.missed,
            unlabelled: self.unlabelled,
        }
    }
}

/// In milliseconds; `None` without times.
fn median(mut times: Vec<Duration>) -> Option<f64> {
    times.sort_unstable();
    times.get(times.len() / 2).copied().map(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::{Detection, StageTimes};
    use framegate_models::Size;

    const CAT: usize = 0;
    const DOG: usize = 1;
    const NAMES: [&str; 3] = ["cat", "dog", "owl"];

    fn object(class: usize, x: f64) -> LabelledObject {
        LabelledObject::of_box(NAMES[class], [x, 0.0, 10.0, 10.0])
    }

    fn result(boxes: &[(usize, f32)], milliseconds: u64) -> FrameResult {
        let detection = |&(class_id, x): &(usize, f32)| {
            Detection::of_box(NAMES[class_id], class_id, 0.5, [x, 0.0, 10.0, 10.0])
        };
        let decode = Duration::from_millis(milliseconds);
        FrameResult {
            size: Size { width: 100, height: 100 },
            detections: boxes.iter().map(detection).collect(),
            tensors: Vec::new(),
            timings: StageTimes::from_iter([(Stage::Decode, decode)]),
        }
    }

    #[test]
    fn every_object_and_every_box_is_counted_once() {
        let mut tally = Tally::new(&NAMES.map(str::to_owned), 0.5);
        // One cat is found twice, one is missed, and a dog is detected where none is labelled.
        let boxes = result(&[(CAT, 0.0), (CAT, 2.0), (DOG, 50.0)], 3);
        tally.add("a.jpg", &[object(CAT, 0.0), object(CAT, 70.0)], &boxes);
        tally.add("b.jpg", &[object(DOG, 20.0)], &result(&[(DOG, 21.0)], 1));
        tally.add("c.jpg", &[], &result(&[(DOG, 0.0)], 2));
        tally.add("d.jpg", &[], &result(&[], 9));
        let report = tally.report();

        let counts = |class: &ClassReport| {
            (class.label.clone(), [class.labelled, class.found, class.boxes, class.right])
        };
        let found: Vec<_> = report.classes.iter().map(counts).collect();
        assert_eq!(found, [("cat".to_owned(), [2, 1, 2, 2]), ("dog".to_owned(), [1, 1, 3, 1])]);
        assert_eq!(counts(&report.all).1, [3, 2, 5, 3]);
        assert_eq!(report.all.recall, Some(2.0 / 3.0));
        assert_eq!(report.all.precision, Some(3.0 / 5.0));
        let without = &report.without_labels;
        assert_eq!((without.images, without.boxes), (2, 1));
        assert_eq!(without.boxes_per_image, Some(0.5));
        assert_eq!((report.images, report.ms_per_image), (4, Some(3.0)));
        assert_eq!(report.missed.len(), 1);
        assert_eq!((&*report.missed[0].file, report.missed[0].object.x), ("a.jpg", 70.0));
        assert_eq!(report.missed[0].seen.len(), 3);
        let unlabelled: Vec<_> = report.unlabelled.iter().map(|one| &*one.file).collect();
        assert_eq!(unlabelled, ["a.jpg", "c.jpg"]);
    }

    #[test]
    fn what_need_not_be_found_is_neither_missed_nor_a_mistake() {
        let mut tally = Tally::new(&NAMES.map(str::to_owned), 0.5);
        let crowd = LabelledObject { kind: ObjectKind::Crowd, ..object(CAT, 20.0) };
        let boxes = result(&[(CAT, 0.0), (CAT, 20.0), (CAT, 21.0), (DOG, 20.0)], 1);
        tally.add("a.jpg", &[object(CAT, 0.0), crowd], &boxes);
        let report = tally.report();
        let ClassReport { labelled, found, boxes, right, .. } = report.all;
        assert_eq!([labelled, found, boxes, right], [1, 1, 2, 1]);
        assert_eq!(report.without_labels.images, 0);
        assert_eq!(&*report.unlabelled[0].detection.label, "dog");
    }

    #[test]
    fn what_the_model_has_no_class_for_need_not_be_found() {
        let mut tally = Tally::new(&NAMES.map(str::to_owned), 0.5);
        let unknown = LabelledObject { label: "unicorn".to_owned(), ..object(CAT, 50.0) };
        tally.add("a.jpg", &[object(CAT, 0.0), unknown.clone()], &result(&[(CAT, 0.0)], 1));
        tally.add("b.jpg", &[unknown], &result(&[(CAT, 50.0)], 1));
        let report = tally.report();
        let ClassReport { labelled, found, boxes, right, .. } = report.all;
        assert_eq!([labelled, found, boxes, right], [1, 1, 2, 1]);
        assert!(report.missed.is_empty());
        // Something is labelled there.
        assert_eq!(report.without_labels.images, 0);
    }

    #[test]
    fn low_scores_count_for_average_precision_alone() {
        let mut tally = Tally::new(&NAMES.map(str::to_owned), 0.6);
        tally.add("a.jpg", &[object(CAT, 0.0)], &result(&[(CAT, 0.0)], 1));
        let report = tally.report();
        assert_eq!((report.all.found, report.all.boxes), (0, 0));
        assert_eq!(report.average_precision.map50_95, Some(1.0));
        assert_eq!(report.classes[0].ap50, Some(1.0));
    }

    #[test]
    fn without_images_there_is_no_recall() {
        let report = Tally::new(&NAMES.map(str::to_owned), 0.5).report();
        assert_eq!((report.all.recall, report.all.precision), (None, None));
        assert_eq!((report.without_labels.boxes_per_image, report.ms_per_image), (None, None));
        assert!(report.classes.is_empty());
    }
}
