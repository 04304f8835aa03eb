//! Average precision, as COCO's evaluation computes it (<https://cocodataset.org/#detection-eval>).
//!
//! ```text
//! image ─ matching: which box finds which object, at ten overlaps and for four sizes ─▶ curve ─▶ averages
//! ```
//!
//! Ten least overlaps from 0.5 to 0.95, at most 100 boxes per class and image, precision interpolated at 101 recalls.
//! An object that need not be found takes the boxes that match it out of the count.

mod curve;
mod matching;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::LabelledObject;
use crate::stages::Detection;
use curve::{Curve, curve};
use matching::{Class, Found, match_class};

/// Number of least overlaps.
const OVERLAPS: usize = 10;
/// Number of size ranges: all, small, medium, large.
const SIZES: usize = 4;
/// Most boxes of a class in an image that count.
const MOST_BOXES: usize = 100;

/// Mean average precision and recall over the classes with labelled objects; null where there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AveragePrecision {
    /// At overlaps of 0.5 to 0.95: the mean of ten, COCO's first number.
    pub map50_95: Option<f64>,
    /// At an overlap of 0.5.
    pub map50: Option<f64>,
    /// At an overlap of 0.75.
    pub map75: Option<f64>,
    /// [`AveragePrecision::map50_95`] of objects of less than 32×32 pixels.
    pub map_small: Option<f64>,
    /// Of objects of 32×32 to 96×96 pixels.
    pub map_medium: Option<f64>,
    /// Of objects of more than 96×96 pixels.
    pub map_large: Option<f64>,
    /// Recall with the best box of a class in each image, the mean of ten overlaps.
    pub ar1: Option<f64>,
    /// With the best 10.
    pub ar10: Option<f64>,
    /// With the best 100.
    pub ar100: Option<f64>,
    /// [`AveragePrecision::ar100`] of small objects.
    pub ar_small: Option<f64>,
    /// Of medium objects.
    pub ar_medium: Option<f64>,
    /// Of large objects.
    pub ar_large: Option<f64>,
}

/// Average precision of one class; null without labelled objects.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClassPrecision {
    /// At an overlap of 0.5.
    pub ap50: Option<f64>,
    /// The mean at overlaps of 0.5 to 0.95.
    pub ap50_95: Option<f64>,
}

/// Boxes and objects so far, by class.
#[derive(Debug)]
pub struct PrecisionTally {
    numbers: HashMap<String, usize>,
    classes: Vec<Class>,
}

impl PrecisionTally {
    /// For a model with these classes.
    pub fn new(labels: &[String]) -> Self {
        // Of classes of the same name the first counts.
        let numbers =
            labels.iter().enumerate().rev().map(|(number, label)| (label.clone(), number));
        Self { numbers: numbers.collect(), classes: vec![Class::default(); labels.len()] }
    }

    /// Counts an image with the boxes found in it, highest score first. A class that the model does not have is left
    /// out.
    pub fn add(&mut self, objects: &[LabelledObject], found: &[Detection]) {
        let mut by_class: BTreeMap<usize, (Vec<&LabelledObject>, Vec<&Detection>)> =
            BTreeMap::new();
        for object in objects {
            if let Some(number) = self.numbers.get(&object.label) {
                by_class.entry(*number).or_default().0.push(object);
            }
        }
        for detection in found {
            if let Some(number) = self.numbers.get(&*detection.label) {
                by_class.entry(*number).or_default().1.push(detection);
            }
        }
        for (number, (objects, found)) in by_class {
            match_class(&mut self.classes[number], &objects, &found);
        }
    }

    /// The average precision of every class, in the model's order, and of all.
    pub fn report(&self) -> (Vec<ClassPrecision>, AveragePrecision) {
        let mut means = AveragePrecision::default();
        let curves: Vec<[Option<Curve>; SIZES]> = self.classes.iter().map(of_class).collect();
        let mean = |size: usize, figure: &dyn Fn(&Curve) -> f64| {
            mean(curves.iter().filter_map(|sizes| sizes[size].as_ref()).map(figure))
        };
        let (all, small, medium, large) = (0, 1, 2, 3);
        means.map50_95 = mean(all, &Curve::precision);
        means.map50 = mean(all, &|curve| curve.precisions[0]);
        means.map75 = mean(all, &|curve| curve.precisions[5]);
        means.map_small = mean(small, &Curve::precision);
        means.map_medium = mean(medium, &Curve::precision);
        means.map_large = mean(large, &Curve::precision);
        means.ar1 = mean(all, &|curve| curve.recalls[0]);
        means.ar10 = mean(all, &|curve| curve.recalls[1]);
        means.ar100 = mean(all, &|curve| curve.recalls[2]);
        means.ar_small = mean(small, &|curve| curve.recalls[2]);
        means.ar_medium = mean(medium, &|curve| curve.recalls[2]);
        means.ar_large = mean(large, &|curve| curve.recalls[2]);
        let class = |sizes: &[Option<Curve>; SIZES]| ClassPrecision {
            ap50: sizes[all].as_ref().map(|curve| curve.precisions[0]),
            ap50_95: sizes[all].as_ref().map(Curve::precision),
        };
        (curves.iter().map(class).collect(), means)
    }
}

/// The curves of a class, by size; `None` where no object of it must be found.
fn of_class(class: &Class) -> [Option<Curve>; SIZES] {
    let mut found: Vec<&Found> = class.found.iter().collect();
    // Stable, so that of equal scores the earlier image comes first.
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    std::array::from_fn(|size| {
        (class.wanted[size] > 0).then(|| curve(&found, size, class.wanted[size]))
    })
}

fn mean(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = figures.fold((0.0, 0), |(sum, count), figure| (sum + figure, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
