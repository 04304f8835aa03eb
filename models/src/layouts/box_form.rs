//! The four numbers of a box in the forms that models have them.

use super::{Candidate, Implausible};
use crate::Size;

/// How many of the boxes must look alike for their form to be seen from their values.
const MOST: f32 = 0.99;
/// Edges of normalised boxes lie around 0 … 1; hardly any edge in pixels does.
const NORMALISED: f32 = 2.0;
/// Edges of boxes that are fractions of the input do not lie farther out.
pub(super) const LARGEST_FRACTION: f32 = 1.5;

/// Fewer boxes may look alike by chance.
const ENOUGH: usize = 64;

/// The four numbers that a row begins with.
pub(super) fn box_of(row: &[f32]) -> [f32; 4] {
    [row[0], row[1], row[2], row[3]]
}

/// Whether the boxes of a grid can be centres and sizes in pixels.
///
/// # Errors
/// [`Implausible`]: they are corners, or fractions of the input.
pub(super) fn check_centres(boxes: impl Iterator<Item = [f32; 4]>) -> Result<(), Implausible> {
    let problem = match Looks::of(boxes) {
        Looks { fractions: true, .. } => "its boxes are fractions of the input and not pixels",
        Looks { corners: true, .. } => "its boxes are corners and not centres and sizes",
        _ => return Ok(()),
    };
    Err(Implausible(problem.to_owned()))
}

/// Fewer final boxes may look alike by chance.
const ENOUGH_FINAL: usize = 4;

/// Whether final boxes can be corners. Distances may be negative, and then a box is turned inside out; but it does not end
/// at half the way to where it begins, as most do that are centres and sizes.
///
/// # Errors
/// [`Implausible`]: most of them are not.
pub(super) fn check_corners(boxes: impl Iterator<Item = [f32; 4]>) -> Result<(), Implausible> {
    let (mut count, mut reversed) = (0_usize, 0_usize);
    for [a, b, c, d] in boxes.filter(|box_| *box_ != [0.0; 4]) {
        let ends_early = |start: f32, end: f32| start > 0.0 && 2.0 * end < start;
        count += 1;
        reversed += usize::from(ends_early(a, c) || ends_early(b, d));
    }
    match count >= ENOUGH_FINAL && reversed * 2 > count {
        true => Err(Implausible(
            "most of its boxes would end before they begin, so they are not corners".to_owned(),
        )),
        false => Ok(()),
    }
}

/// The form that nearly all the boxes of a grid have.
#[derive(Debug, Clone, Copy)]
struct Looks {
    /// Whether there are enough of them to say.
    enough: bool,
    corners: bool,
    fractions: bool,
}

impl Looks {
    fn of(boxes: impl Iterator<Item = [f32; 4]>) -> Self {
        let (mut count, mut corners, mut fractions) = (0_usize, 0_usize, 0_usize);
        for [a, b, c, d] in boxes.filter(|box_| *box_ != [0.0; 4]) {
            count += 1;
            // The finest grid has no boxes as large as the input, so sizes are not beyond their centres everywhere.
            corners += usize::from(c >= a && d >= b);
            fractions += usize::from([a, b, c, d].iter().all(|number| number.abs() <= NORMALISED));
        }
        let enough = count >= ENOUGH;
        let are = |some: usize| enough && some as f32 >= MOST * count as f32;
        Self { enough, corners: are(corners), fractions: are(fractions) }
    }
}

/// The form of a grid's decoded boxes: centres and sizes in pixels, unless the values of an image show that they
/// are corners or fractions of the input.
#[derive(Debug)]
pub(super) struct GridForm {
    input: Size,
    seen: Option<BoxForm>,
}

impl GridForm {
    /// For a model with an input of this size.
    pub(super) fn new(input: Size) -> Self {
        Self { input, seen: None }
    }

    /// Looks at the boxes of an image, unless an earlier one has shown the form.
    pub(super) fn see(&mut self, boxes: impl Iterator<Item = [f32; 4]>) {
        if self.seen.is_some() {
            return;
        }
        let looks = Looks::of(boxes);
        let shape = if looks.corners { BoxShape::Corners } else { BoxShape::Centre };
        self.seen = looks.enough.then(|| match looks.fractions {
            true => BoxForm::normalised(shape, self.input),
            false => BoxForm::in_pixels(shape),
        });
    }

    /// A candidate of the form that was seen.
    pub(super) fn candidate(
        &self,
        numbers: [f32; 4],
        score: f32,
        class_id: usize,
    ) -> Option<Candidate> {
        let form = self.seen.unwrap_or(BoxForm::in_pixels(BoxShape::Centre));
        form.candidate(numbers, score, class_id)
    }

    /// Whether what else belongs to a box is in the same unit, which is a pixel.
    ///
    /// # Errors
    /// [`Implausible`]: boxes are fractions of the input.
    pub(super) fn check_pixels(&self) -> Result<(), Implausible> {
        match self.seen {
            Some(form) if form.unit != [1.0; 2] => {
                Err(Implausible("its boxes are fractions of the input and not pixels".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The order and meaning of a box's four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxShape {
    /// Left, top, right, bottom.
    Corners,
    /// Top, left, bottom, right.
    CornersYFirst,
    /// Centre x and y, width, height.
    Centre,
}

/// The meaning and unit of a box's four numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BoxForm {
    pub(super) shape: BoxShape,
    /// Input pixels per unit, along x and y.
    pub(super) unit: [f32; 2],
}

impl BoxForm {
    /// Boxes in input pixels.
    pub(super) fn in_pixels(shape: BoxShape) -> Self {
        Self { shape, unit: [1.0; 2] }
    }

    /// Boxes as fractions of the input's width and height.
    pub(super) fn normalised(shape: BoxShape, input: Size) -> Self {
        Self { shape, unit: [input.width as f32, input.height as f32] }
    }

    /// The form that all the boxes of an image have in common, corners or centre and size, in pixels or
    /// normalised; `None` where all are empty. A grid's boxes cannot be mistaken: no centres and sizes
    /// of hundreds of boxes are corners as well.
    ///
    /// # Errors
    /// [`Implausible`] where they are neither.
    pub(super) fn seen_in(boxes: &[[f32; 4]], input: Size) -> Result<Option<Self>, Implausible> {
        let informative = || {
            let is_finite = |numbers: &&[f32; 4]| numbers.iter().all(|number| number.is_finite());
            boxes.iter().filter(is_finite).filter(|numbers| **numbers != [0.0; 4])
        };
        let count = informative().count() as f32;
        if count == 0.0 {
            return Ok(None);
        }
        let share = |test: fn(&[f32; 4]) -> bool| {
            informative().filter(|numbers| test(numbers)).count() as f32 / count
        };
        let shape = if share(|[a, b, c, d]| c >= a && d >= b) >= MOST {
            BoxShape::Corners
        } else if share(|[_, _, c, d]| *c >= 0.0 && *d >= 0.0) >= MOST {
            BoxShape::Centre
        } else {
            return Err(Implausible(
                "its boxes are neither corners nor a centre and a size; they may still have to be \
                 decoded with anchors that the file does not have"
                    .to_owned(),
            ));
        };
        let small = share(|numbers| numbers.iter().all(|number| number.abs() <= NORMALISED));
        Ok(Some(match small >= MOST {
            true => Self::normalised(shape, input),
            false => Self::in_pixels(shape),
        }))
    }

    /// A candidate of this form.
    pub(super) fn candidate(
        &self,
        numbers: [f32; 4],
        score: f32,
        class_id: usize,
    ) -> Option<Candidate> {
        let [horizontal, vertical] = self.unit;
        let scaled =
            |[a, b, c, d]: [f32; 4]| [a * horizontal, b * vertical, c * horizontal, d * vertical];
        match self.shape {
            BoxShape::Corners => Candidate::from_corners(scaled(numbers), score, class_id),
            BoxShape::CornersYFirst => {
                let [top, left, bottom, right] = numbers;
                Candidate::from_corners(scaled([left, top, right, bottom]), score, class_id)
            }
            BoxShape::Centre => Candidate::from_centre(scaled(numbers), score, class_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: Size = Size { width: 320, height: 160 };

    /// Boxes of a grid of 16 × 8 cells as corners in pixels.
    fn corners() -> Vec<[f32; 4]> {
        let cell = |index: usize| {
            let (x, y) = ((index % 16) as f32 * 20.0 + 10.0, (index / 16) as f32 * 20.0 + 10.0);
            [x - 9.0, y - 7.0, x + 9.0, y + 7.0]
        };
        (0..128).map(cell).collect()
    }

    #[test]
    fn centres_in_pixels_are_not_corners_or_fractions() {
        let centres = || {
            let centre = |[a, b, c, d]: [f32; 4]| [(a + c) / 2.0, (b + d) / 2.0, c - a, d - b];
            corners().into_iter().map(centre)
        };
        assert_eq!(check_centres(centres()), Ok(()));
        let problem = check_centres(corners().into_iter()).unwrap_err().0;
        assert!(problem.contains("corners and not centres"), "{problem}");
        let fractions = centres().map(|box_| box_.map(|number| number / 320.0));
        assert!(check_centres(fractions).unwrap_err().0.contains("fractions"));
        assert_eq!(check_centres(corners().into_iter().take(9)), Ok(()));
    }

    #[test]
    fn centres_in_a_final_list_are_not_corners() {
        let centre = |[a, b, c, d]: [f32; 4]| [(a + c) / 2.0, (b + d) / 2.0, c - a, d - b];
        assert_eq!(check_corners(corners().into_iter()), Ok(()));
        let beyond = corners().into_iter().map(|edges| edges.map(|edge| edge - 320.0));
        assert_eq!(check_corners(beyond), Ok(()));
        let problem = check_corners(corners().into_iter().map(centre)).unwrap_err().0;
        assert!(problem.contains("not corners"), "{problem}");
        assert_eq!(check_corners(corners().into_iter().map(centre).take(3)), Ok(()));
    }

    #[test]
    fn the_form_of_a_grid_is_seen_once() {
        let seen = |boxes: &mut dyn Iterator<Item = [f32; 4]>| {
            let mut form = GridForm::new(INPUT);
            form.see(boxes);
            form
        };
        let box_of = |form: &GridForm, numbers| {
            let box_ = form.candidate(numbers, 0.5, 0).unwrap();
            [box_.left, box_.top, box_.right, box_.bottom]
        };
        let mut form = seen(&mut corners().into_iter());
        assert_eq!(box_of(&form, [20.0, 10.0, 60.0, 40.0]), [20.0, 10.0, 60.0, 40.0]);
        assert!(form.check_pixels().is_ok());
        // Later images do not change it.
        form.see(corners().into_iter().map(|box_| box_.map(|number| number / 320.0)));
        assert_eq!(box_of(&form, [20.0, 10.0, 60.0, 40.0]), [20.0, 10.0, 60.0, 40.0]);
        let fractions = corners().into_iter().map(|[a, b, c, d]| {
            [(a + c) / 640.0, (b + d) / 320.0, (c - a) / 320.0, (d - b) / 160.0]
        });
        let form = seen(&mut { fractions });
        assert_eq!(box_of(&form, [0.5, 0.5, 0.25, 0.5]), [120.0, 40.0, 200.0, 120.0]);
        assert!(form.check_pixels().is_err());
        // Too few to say.
        let form = seen(&mut corners().into_iter().take(9));
        assert_eq!(box_of(&form, [20.0, 10.0, 20.0, 10.0]), [10.0, 5.0, 30.0, 15.0]);
    }

    #[test]
    fn the_form_is_seen_in_the_values() {
        let centres: Vec<[f32; 4]> = corners()
            .into_iter()
            .map(|[a, b, c, d]| [(a + c) / 2.0, (b + d) / 2.0, c - a, d - b])
            .collect();
        let normalised: Vec<[f32; 4]> = corners()
            .into_iter()
            .map(|[a, b, c, d]| [a / 320.0, b / 160.0, c / 320.0, d / 160.0])
            .collect();
        let seen = |boxes: &[[f32; 4]]| BoxForm::seen_in(boxes, INPUT).unwrap();
        assert_eq!(seen(&corners()), Some(BoxForm::in_pixels(BoxShape::Corners)));
        assert_eq!(seen(&centres), Some(BoxForm::in_pixels(BoxShape::Centre)));
        let expected = BoxForm::normalised(BoxShape::Corners, INPUT);
        assert_eq!(seen(&normalised), Some(expected));
        assert_eq!(seen(&[[0.0; 4]; 128]), None);
        let deltas: Vec<[f32; 4]> = (0..128)
            .map(|index| [0, 1, 2, 3].map(|number| ((index * 7 + number * 13) as f32).sin()))
            .collect();
        assert!(BoxForm::seen_in(&deltas, INPUT).unwrap_err().0.contains("anchors"));
        let box_ = expected.candidate(normalised[17], 0.5, 0).unwrap();
        assert!((box_.left - 21.0).abs() < 1e-3 && (box_.bottom - 37.0).abs() < 1e-3);
    }
}
