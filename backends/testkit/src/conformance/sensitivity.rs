//! The suite notices typical mistakes: backends that misread one parameter are reported.

use framegate_backend_api::graph::{
    Activation, Coordinates, NearestRounding, Operator, PadMode, Padding, Reduction, ResizeMode,
};
use framegate_backend_api::{Backend, BackendError, DeviceInfo, Limits, Model, Session};

use super::{Options, run};
use crate::ReferenceBackend;

/// The reference, but with every operator changed before it runs.
struct Mistaken(fn(&mut Operator));

impl Backend for Mistaken {
    fn name(&self) -> &'static str {
        "mistaken"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        ReferenceBackend.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let mut model = model.clone();
        model.graph.nodes.iter_mut().for_each(|node| (self.0)(&mut node.operator));
        ReferenceBackend.load(&model, limits)
    }
}

/// Runs the mistaken backend and returns the names of the cases that noticed.
fn noticed(only: &str, mistake: fn(&mut Operator)) -> Vec<String> {
    let options = Options { batches: &[1], only: Some(only), ..Options::full() };
    let report = run(&Mistaken(mistake), &options);
    assert!(!report.failures.is_empty(), "nothing in {only} noticed");
    report.failures.into_iter().map(|failure| failure.case).collect()
}

fn turned(padding: &mut Padding) {
    std::mem::swap(&mut padding.top, &mut padding.bottom);
}

#[test]
fn uneven_padding_the_wrong_way_round() {
    let convolution = noticed("convolution", |operator| {
        if let Operator::Convolution(parameters) = operator {
            turned(&mut parameters.padding);
        }
    });
    assert!(convolution.contains(&"convolution depthwise with uneven padding".to_owned()));
    noticed("transposed", |operator| {
        if let Operator::TransposedConvolution(parameters) = operator {
            turned(&mut parameters.padding);
        }
    });
    noticed("max pool", |operator| {
        if let Operator::MaxPool(window) = operator {
            turned(&mut window.padding);
        }
    });
}

#[test]
fn a_fused_activation_left_out() {
    let cases = noticed("convolution", |operator| match operator {
        Operator::Convolution(parameters) => parameters.activation = None,
        Operator::TransposedConvolution(parameters) => parameters.activation = None,
        _ => {}
    });
    let with = |prefix: &str| cases.iter().filter(|case| case.starts_with(prefix)).count();
    assert_eq!(with("convolution with "), super::elementwise::ACTIVATIONS.len());
    assert_eq!(with("transposed"), 1);
}

#[test]
fn the_other_gelu() {
    for exact in [true, false] {
        let cases = noticed(
            "gelu",
            if exact {
                |operator| {
                    if let Operator::Activation(activation @ Activation::Gelu { .. }) = operator {
                        *activation = Activation::Gelu { approximate: true };
                    }
                }
            } else {
                |operator| {
                    if let Operator::Activation(activation @ Activation::Gelu { .. }) = operator {
                        *activation = Activation::Gelu { approximate: false };
                    }
                }
            },
        );
        assert_eq!(cases, [if exact { "activation gelu" } else { "activation approximate gelu" }]);
    }
}

#[test]
fn padding_or_overhang_counted_wrongly_in_a_mean() {
    noticed("average pool", |operator| {
        if let Operator::AveragePool(pool) = operator {
            pool.count_padding = true;
        }
    });
    noticed("average pool", |operator| {
        if let Operator::AveragePool(pool) = operator {
            pool.count_padding = false;
        }
    });
    let overhang = noticed("counting padding", |operator| {
        if let Operator::AveragePool(pool) = operator {
            pool.window.padding.bottom += pool.overhang[0];
            pool.window.padding.right += pool.overhang[1];
            pool.overhang = [0, 0];
        }
    });
    assert_eq!(overhang.len(), 2, "{overhang:?}");
}

/// Every pair of a rounding and a coordinate rule is told from any other rounding, and the
/// coordinate rules from each other.
#[test]
fn another_resize_rule() {
    let roundings: [fn(&mut Operator); 4] = [
        |operator| round(operator, NearestRounding::RoundPreferFloor),
        |operator| round(operator, NearestRounding::RoundPreferCeil),
        |operator| round(operator, NearestRounding::Floor),
        |operator| round(operator, NearestRounding::Ceil),
    ];
    for mistake in roundings {
        assert!(noticed("resize Nearest", mistake).len() >= 12);
    }
    let rules: [fn(&mut Operator); 4] = [
        |operator| locate(operator, Coordinates::HalfPixel),
        |operator| locate(operator, Coordinates::PytorchHalfPixel),
        |operator| locate(operator, Coordinates::Asymmetric),
        |operator| locate(operator, Coordinates::AlignCorners),
    ];
    for mistake in rules {
        assert!(noticed("resize Linear", mistake).len() >= 3);
    }
}

fn round(operator: &mut Operator, rounding: NearestRounding) {
    if let Operator::Resize(resize) = operator
        && resize.mode != ResizeMode::Linear
    {
        resize.mode = ResizeMode::Nearest(rounding);
    }
}

fn locate(operator: &mut Operator, coordinates: Coordinates) {
    if let Operator::Resize(resize) = operator {
        resize.coordinates = coordinates;
    }
}

#[test]
fn other_parameters_ignored() {
    noticed("pad", |operator| {
        if let Operator::Pad(pad) = operator
            && pad.mode == PadMode::Edge
        {
            pad.mode = PadMode::Reflect;
        }
    });
    noticed("reduce", |operator| {
        if let Operator::Reduce(reduce) = operator
            && reduce.reduction == Reduction::Mean
        {
            reduce.reduction = Reduction::Sum;
        }
    });
    noticed("layer normalisation", |operator| {
        if let Operator::LayerNormalization { epsilon, .. } = operator {
            *epsilon = 1e-5;
        }
    });
    noticed("softmax", |operator| {
        if let Operator::Softmax { axis } = operator {
            *axis = 3.min(*axis + 1);
        }
    });
    noticed("top", |operator| {
        if let Operator::TopK(top_k) = operator {
            top_k.largest = true;
        }
    });
    noticed("smallest", |operator| {
        if let Operator::ArgExtremum { largest, .. } = operator {
            *largest = true;
        }
    });
}
