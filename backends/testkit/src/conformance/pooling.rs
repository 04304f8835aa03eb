//! The largest element and the mean under a sliding window.

use framegate_backend_api::graph::{AveragePool, Operator, Padding, Window};

use super::case::{Case, CaseBuilder, Values};

const NONE: Padding = Padding { top: 0, left: 0, bottom: 0, right: 0 };
const ONE: Padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
const UNEVEN: Padding = Padding { top: 0, left: 1, bottom: 2, right: 0 };

fn window(kernel: usize, stride: usize, padding: Padding) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [1, 1], padding }
}

pub(super) fn cases() -> Vec<Case> {
    max_pools().into_iter().chain(average_pools()).collect()
}

fn max_pools() -> Vec<Case> {
    let six = Padding { top: 6, left: 6, bottom: 6, right: 6 };
    let rectangle = Window { kernel: [2, 3], stride: [3, 1], dilation: [1, 1], padding: UNEVEN };
    [
        ("2x2", [3, 8, 6], window(2, 2, NONE)),
        ("2x2 on odd size", [3, 7, 11], window(2, 2, NONE)),
        ("3x3 stride 2", [3, 7, 11], window(3, 2, ONE)),
        ("5x5 stride 1", [2, 5, 7], window(5, 1, Padding { top: 2, left: 2, bottom: 2, right: 2 })),
        ("13x13 stride 1", [2, 7, 7], window(13, 1, six)),
        ("rectangle with uneven padding", [3, 7, 11], rectangle),
        ("overhang", [3, 6, 6], window(3, 2, Padding { bottom: 1, right: 1, ..NONE })),
        ("dilation", [3, 7, 11], Window { dilation: [2, 3], ..window(2, 1, ONE) }),
        ("on a pixel", [3, 1, 1], window(3, 1, ONE)),
        ("on a row", [1, 1, 13], Window { kernel: [1, 2], ..window(1, 2, NONE) }),
    ]
    .into_iter()
    .map(|(name, image, window)| {
        // All negative, so that padding with zeros would win.
        CaseBuilder::new(format!("max pool {name}"), &image)
            .values(Values::Uniform(-2.0, -1.0))
            .exact()
            .single(Operator::MaxPool(window))
    })
    .collect()
}

fn average_pools() -> Vec<Case> {
    let rectangle = Window { kernel: [2, 3], stride: [3, 1], dilation: [1, 1], padding: UNEVEN };
    let whole = Window { kernel: [7, 11], ..window(1, 1, NONE) };
    let windows = [
        ("2x2", [3, 8, 6], window(2, 2, NONE), [0, 0]),
        ("3x3", [3, 7, 11], window(3, 1, ONE), [0, 0]),
        ("3x3 stride 2", [3, 7, 11], window(3, 2, ONE), [0, 0]),
        ("rectangle with uneven padding", [3, 7, 11], rectangle, [0, 0]),
        ("overhang", [3, 6, 7], window(2, 2, NONE), [0, 1]),
        ("padding and overhang", [3, 6, 8], window(3, 2, ONE), [1, 1]),
        ("dilation", [3, 7, 11], Window { dilation: [2, 3], ..window(2, 1, ONE) }, [0, 0]),
        ("whole feature map", [5, 7, 11], whole, [0, 0]),
        ("on a pixel", [3, 1, 1], window(3, 1, ONE), [0, 0]),
    ];
    let counts = [(true, "counting padding"), (false, "without padding")];
    let both = counts.into_iter().flat_map(|count| windows.clone().map(|window| (count, window)));
    both.map(|((count_padding, count), (name, image, window, overhang))| {
        CaseBuilder::new(format!("average pool {name}, {count}"), &image)
            .values(Values::Uniform(1.0, 2.0))
            .single(Operator::AveragePool(AveragePool { window, count_padding, overhang }))
    })
    .collect()
}
