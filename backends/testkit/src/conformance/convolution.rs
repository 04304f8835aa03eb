//! Convolutions and transposed convolutions.

use framegate_backend_api::graph::{
    Activation, Convolution, Operator, Padding, TransposedConvolution,
};

use super::case::{Case, CaseBuilder};
use super::elementwise::ACTIVATIONS;

/// A convolution of either kind; [`PLAIN`] has the defaults.
struct Setup {
    name: &'static str,
    image: [usize; 3],
    filters: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    output_padding: [usize; 2],
    groups: usize,
    bias: bool,
    activation: Option<Activation>,
}

const PLAIN: Setup = Setup {
    name: "",
    image: [3, 11, 13],
    filters: 5,
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    padding: same(0),
    output_padding: [0, 0],
    groups: 1,
    bias: true,
    activation: None,
};

/// The same padding on all sides.
const fn same(extent: usize) -> Padding {
    Padding { top: extent, left: extent, bottom: extent, right: extent }
}

const UNEVEN: Padding = Padding { top: 0, left: 1, bottom: 3, right: 2 };

const CONVOLUTIONS: &[Setup] = &[
    Setup { name: "1x1", kernel: [1, 1], ..PLAIN },
    Setup { name: "3x3 without padding", ..PLAIN },
    Setup { name: "3x3", padding: same(1), ..PLAIN },
    Setup { name: "5x5", kernel: [5, 5], padding: same(2), ..PLAIN },
    Setup { name: "7x7", kernel: [7, 7], padding: same(3), ..PLAIN },
    Setup { name: "without bias", padding: same(1), bias: false, ..PLAIN },
    Setup { name: "on a pixel", image: [3, 1, 1], padding: same(1), ..PLAIN },
    Setup { name: "on a row", image: [2, 1, 17], kernel: [1, 3], ..PLAIN },
    Setup { name: "on a column", image: [2, 17, 1], kernel: [3, 1], ..PLAIN },
    Setup { name: "even kernel", kernel: [2, 4], padding: same(1), ..PLAIN },
    Setup {
        name: "one channel and filter",
        image: [1, 7, 5],
        filters: 1,
        padding: same(1),
        ..PLAIN
    },
    Setup {
        name: "1x1 with many channels",
        image: [37, 5, 7],
        filters: 67,
        kernel: [1, 1],
        ..PLAIN
    },
    Setup {
        name: "3x3 with many channels",
        image: [33, 9, 7],
        filters: 17,
        padding: same(1),
        ..PLAIN
    },
    Setup { name: "stride 2", stride: [2, 2], padding: same(1), ..PLAIN },
    Setup {
        name: "stride 2 on even size",
        image: [3, 12, 8],
        stride: [2, 2],
        padding: same(1),
        ..PLAIN
    },
    Setup { name: "stride over the kernel", kernel: [1, 1], stride: [3, 2], ..PLAIN },
    Setup { name: "7x7 stride 2", kernel: [7, 7], stride: [2, 2], padding: same(3), ..PLAIN },
    Setup { name: "uneven stride", stride: [1, 3], padding: same(1), ..PLAIN },
    Setup { name: "dilation 2", dilation: [2, 2], padding: same(2), ..PLAIN },
    Setup { name: "uneven dilation", dilation: [1, 3], padding: same(3), ..PLAIN },
    Setup { name: "uneven padding", padding: UNEVEN, ..PLAIN },
    Setup {
        name: "uneven padding, stride and dilation",
        padding: UNEVEN,
        stride: [2, 3],
        dilation: [2, 1],
        ..PLAIN
    },
    Setup { name: "padding beyond the kernel", kernel: [1, 1], padding: same(2), ..PLAIN },
    Setup { name: "groups", image: [6, 7, 9], filters: 4, groups: 2, padding: same(1), ..PLAIN },
    Setup { name: "groups 1x1", image: [9, 7, 5], filters: 6, groups: 3, kernel: [1, 1], ..PLAIN },
    Setup {
        name: "groups with stride and uneven padding",
        image: [6, 7, 9],
        filters: 4,
        groups: 2,
        stride: [2, 2],
        padding: UNEVEN,
        ..PLAIN
    },
    Setup {
        name: "depthwise",
        image: [7, 9, 11],
        filters: 7,
        groups: 7,
        padding: same(1),
        ..PLAIN
    },
    Setup {
        name: "depthwise without bias",
        image: [7, 9, 11],
        filters: 7,
        groups: 7,
        padding: same(1),
        bias: false,
        ..PLAIN
    },
    Setup {
        name: "depthwise 5x5 stride 2",
        image: [17, 9, 11],
        filters: 17,
        groups: 17,
        kernel: [5, 5],
        stride: [2, 2],
        padding: same(2),
        ..PLAIN
    },
    Setup {
        name: "depthwise with dilation",
        image: [3, 9, 11],
        filters: 3,
        groups: 3,
        dilation: [2, 2],
        padding: same(2),
        ..PLAIN
    },
    Setup {
        name: "depthwise with uneven padding",
        image: [3, 9, 11],
        filters: 3,
        groups: 3,
        padding: UNEVEN,
        ..PLAIN
    },
    Setup {
        name: "depthwise with two filters per channel",
        image: [3, 9, 11],
        filters: 6,
        groups: 3,
        padding: same(1),
        ..PLAIN
    },
    Setup {
        name: "depthwise, activated",
        image: [5, 9, 11],
        filters: 5,
        groups: 5,
        padding: same(1),
        activation: Some(Activation::Silu),
        ..PLAIN
    },
    Setup {
        name: "1x1, activated, without bias",
        image: [5, 3, 7],
        kernel: [1, 1],
        bias: false,
        activation: Some(Activation::Silu),
        ..PLAIN
    },
];

const TRANSPOSED: &[Setup] = &[
    Setup { name: "2x2 stride 2", image: [3, 5, 7], kernel: [2, 2], stride: [2, 2], ..PLAIN },
    Setup { name: "3x3 stride 1", image: [3, 5, 7], padding: same(1), ..PLAIN },
    Setup {
        name: "4x4 stride 2",
        image: [3, 5, 7],
        kernel: [4, 4],
        stride: [2, 2],
        padding: same(1),
        ..PLAIN
    },
    Setup {
        name: "output padding",
        image: [3, 5, 7],
        stride: [2, 2],
        padding: same(1),
        output_padding: [1, 1],
        ..PLAIN
    },
    Setup {
        name: "uneven output padding",
        image: [3, 5, 7],
        stride: [3, 3],
        padding: same(1),
        output_padding: [2, 0],
        ..PLAIN
    },
    Setup { name: "uneven stride", image: [3, 5, 7], stride: [1, 3], ..PLAIN },
    Setup { name: "uneven padding", image: [3, 7, 7], kernel: [5, 5], padding: UNEVEN, ..PLAIN },
    Setup { name: "dilation", image: [3, 5, 7], dilation: [2, 3], ..PLAIN },
    Setup { name: "without bias", image: [3, 5, 7], stride: [2, 2], bias: false, ..PLAIN },
    Setup { name: "on a pixel", image: [3, 1, 1], stride: [2, 2], ..PLAIN },
    Setup { name: "1x1", image: [3, 5, 7], kernel: [1, 1], ..PLAIN },
    Setup { name: "groups", image: [4, 5, 3], filters: 6, groups: 2, stride: [2, 2], ..PLAIN },
    Setup {
        name: "depthwise",
        image: [5, 5, 3],
        filters: 5,
        groups: 5,
        kernel: [4, 4],
        stride: [2, 2],
        padding: same(1),
        ..PLAIN
    },
    Setup {
        name: "activated",
        image: [3, 5, 7],
        stride: [2, 2],
        activation: Some(Activation::Relu),
        ..PLAIN
    },
];

pub(super) fn cases() -> Vec<Case> {
    let activated = ACTIVATIONS.iter().map(|(name, activation)| {
        convolution(
            &format!("convolution with {name}"),
            &Setup { padding: same(1), activation: Some(*activation), ..PLAIN },
        )
    });
    CONVOLUTIONS
        .iter()
        .map(|setup| convolution(&format!("convolution {}", setup.name), setup))
        .chain(activated)
        .chain(TRANSPOSED.iter().map(transposed))
        .collect()
}

fn convolution(name: &str, setup: &Setup) -> Case {
    let Setup { image, filters, kernel, groups, .. } = *setup;
    let operator = Operator::Convolution(Convolution {
        stride: setup.stride,
        dilation: setup.dilation,
        padding: setup.padding,
        groups,
        activation: setup.activation,
    });
    case(name, setup, operator, [filters, image[0] / groups, kernel[0], kernel[1]])
}

fn transposed(setup: &Setup) -> Case {
    let Setup { image, filters, kernel, groups, .. } = *setup;
    let operator = Operator::TransposedConvolution(TransposedConvolution {
        stride: setup.stride,
        dilation: setup.dilation,
        padding: setup.padding,
        output_padding: setup.output_padding,
        groups,
        activation: setup.activation,
    });
    let name = format!("transposed convolution {}", setup.name);
    case(&name, setup, operator, [image[0], filters / groups, kernel[0], kernel[1]])
}

fn case(name: &str, setup: &Setup, operator: Operator, weight: [usize; 4]) -> Case {
    let mut case = CaseBuilder::new(name, &setup.image);
    let mut operands = vec![case.input(), case.weights(&weight)];
    if setup.bias {
        operands.push(case.weights(&[setup.filters]));
    }
    case.output(operator, &operands);
    case.finish()
}
