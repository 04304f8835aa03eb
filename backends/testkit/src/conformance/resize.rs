//! Interpolation to other sizes, under every rule.

use framegate_backend_api::graph::{Coordinates, NearestRounding, Operator, Resize, ResizeMode};

use super::case::{Case, CaseBuilder};

const COORDINATES: [Coordinates; 4] = [
    Coordinates::HalfPixel,
    Coordinates::PytorchHalfPixel,
    Coordinates::Asymmetric,
    Coordinates::AlignCorners,
];

const MODES: [ResizeMode; 5] = [
    ResizeMode::Nearest(NearestRounding::RoundPreferFloor),
    ResizeMode::Nearest(NearestRounding::RoundPreferCeil),
    ResizeMode::Nearest(NearestRounding::Floor),
    ResizeMode::Nearest(NearestRounding::Ceil),
    ResizeMode::Linear,
];

pub(super) fn cases() -> Vec<Case> {
    let every_rule = MODES.into_iter().flat_map(|mode| COORDINATES.map(|rule| (mode, rule)));
    let mut cases: Vec<Case> = every_rule
        .map(|(mode, coordinates)| {
            let name = format!("resize {mode:?} {coordinates:?}");
            // Doubled, enlarged by fractions, enlarged along one axis and reduced along the other,
            // reduced, and reduced to one pixel.
            let sizes = [[6, 14], [10, 9], [8, 5], [2, 3], [1, 1]];
            case(&name, mode, coordinates, [3, 7], &sizes.map(|size| (size, None)))
        })
        .collect();
    for mode in [ResizeMode::Nearest(NearestRounding::Floor), ResizeMode::Linear] {
        let name = |what: &str| format!("resize {mode:?} {what}");
        let rule = Coordinates::HalfPixel;
        cases.push(case(&name("from a pixel"), mode, rule, [1, 1], &[([5, 3], None)]));
        cases.push(case(&name("to the same size"), mode, rule, [5, 3], &[([5, 3], None)]));
        // The sizes are 3 · 1.5 and 7 · 1.5 rounded down; the scale stays 1.5.
        let rounded = [([4, 10], Some([1.5, 1.5]))];
        cases.push(case(&name("with its own scale"), mode, rule, [3, 7], &rounded));
        let rule = Coordinates::Asymmetric;
        cases.push(case(&name("with its own scale, asymmetric"), mode, rule, [3, 7], &rounded));
    }
    cases
}

type Target = ([usize; 2], Option<[f32; 2]>);

/// Resizes the input to each size. Where no scale is given, it is the quotient of the sizes.
fn case(
    name: &str,
    mode: ResizeMode,
    coordinates: Coordinates,
    from: [usize; 2],
    targets: &[Target],
) -> Case {
    let mut case = CaseBuilder::new(name, &[3, from[0], from[1]]);
    if mode != ResizeMode::Linear {
        case = case.exact();
    }
    let input = case.input();
    for (size, scale) in targets {
        let quotient = [0, 1].map(|axis| size[axis] as f32 / from[axis] as f32);
        let scale = scale.unwrap_or(quotient);
        case.output(Operator::Resize(Resize { size: *size, scale, mode, coordinates }), &[input]);
    }
    case.finish()
}
