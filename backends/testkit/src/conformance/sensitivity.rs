//! The suite catches typical mistakes: a backend that misreads one parameter fails it.

use framegate_backend_api::graph::{
    Activation, Coordinates, NearestRounding, Operator, PadMode, Padding, Reduction, ResizeMode,
    SamplePadding, ScatterMode,
};
use framegate_backend_api::{Backend, BackendError, DeviceInfo, Limits, Model, Session};

use super::{Options, run};
use crate::ReferenceBackend;

/// The reference backend, with every operator altered before it runs.
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

/// Runs the suite on the mistaken backend and returns the names of the cases that failed, at least one.
fn caught_by(only: &str, mistake: fn(&mut Operator)) -> Vec<String> {
    let options = Options { batches: &[1], inside: &[], only: Some(only), ..Options::full() };
    let report = run(&Mistaken(mistake), &options);
    assert!(!report.failures.is_empty(), "no case of {only} failed");
    report.failures.into_iter().map(|failure| failure.case).collect()
}

fn turn_upside_down(padding: &mut Padding) {
    std::mem::swap(&mut padding.top, &mut padding.bottom);
}

#[test]
fn uneven_padding_upside_down_is_caught() {
    let convolution = caught_by("convolution", |operator| {
        if let Operator::Convolution(parameters) = operator {
            turn_upside_down(&mut parameters.padding);
        }
    });
    assert!(convolution.contains(&"convolution depthwise with uneven padding".to_owned()));
    caught_by("transposed", |operator| {
        if let Operator::TransposedConvolution(parameters) = operator {
            turn_upside_down(&mut parameters.padding);
        }
    });
    caught_by("max pool", |operator| {
        if let Operator::MaxPool(window) = operator {
            turn_upside_down(&mut window.padding);
        }
    });
}

#[test]
fn a_missing_fused_activation_is_caught() {
    let cases = caught_by("convolution", |operator| match operator {
        Operator::Convolution(parameters) => parameters.activation = None,
        Operator::TransposedConvolution(parameters) => parameters.activation = None,
        _ => {}
    });
    let with = |prefix: &str| cases.iter().filter(|case| case.starts_with(prefix)).count();
    assert_eq!(with("convolution with "), super::elementwise::ACTIVATIONS.len());
    assert_eq!(with("transposed"), 1);
}

#[test]
fn a_wrong_zero_point_is_caught_in_every_chain() {
    let cases = caught_by("quantised", |operator| {
        if let Operator::Activation(Activation::Quantize { zero, .. }) = operator {
            *zero += 1.0;
        }
    });
    assert_eq!(cases.len(), super::quantised::cases().len());
}

#[test]
fn the_wrong_gelu_is_caught() {
    for exact in [true, false] {
        let cases = caught_by(
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
fn padding_or_overhang_miscounted_in_a_mean_is_caught() {
    caught_by("average pool", |operator| {
        if let Operator::AveragePool(pool) = operator {
            pool.count_padding = true;
        }
    });
    caught_by("average pool", |operator| {
        if let Operator::AveragePool(pool) = operator {
            pool.count_padding = false;
        }
    });
    let overhang = caught_by("counting padding", |operator| {
        if let Operator::AveragePool(pool) = operator {
            pool.window.padding.bottom += pool.overhang[0];
            pool.window.padding.right += pool.overhang[1];
            pool.overhang = [0, 0];
        }
    });
    assert_eq!(overhang.len(), 2, "{overhang:?}");
}

/// Under every coordinate rule, a wrong rounding is caught; so is a wrong coordinate rule.
#[test]
fn the_wrong_resize_rule_is_caught() {
    let roundings: [fn(&mut Operator); 4] = [
        |operator| round(operator, NearestRounding::RoundPreferFloor),
        |operator| round(operator, NearestRounding::RoundPreferCeil),
        |operator| round(operator, NearestRounding::Floor),
        |operator| round(operator, NearestRounding::Ceil),
    ];
    for mistake in roundings {
        assert!(caught_by("resize Nearest", mistake).len() >= 12);
    }
    let rules: [fn(&mut Operator); 4] = [
        |operator| locate(operator, Coordinates::HalfPixel),
        |operator| locate(operator, Coordinates::PytorchHalfPixel),
        |operator| locate(operator, Coordinates::Asymmetric),
        |operator| locate(operator, Coordinates::AlignCorners),
    ];
    for mistake in rules {
        assert!(caught_by("resize Linear", mistake).len() >= 3);
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
fn ignored_parameters_are_caught() {
    caught_by("pad", |operator| {
        if let Operator::Pad(pad) = operator
            && pad.mode == PadMode::Edge
        {
            pad.mode = PadMode::Reflect;
        }
    });
    caught_by("reduce", |operator| {
        if let Operator::Reduce(reduce) = operator
            && reduce.reduction == Reduction::Mean
        {
            reduce.reduction = Reduction::Sum;
        }
    });
    caught_by("layer normalisation", |operator| {
        if let Operator::LayerNormalization { epsilon, .. } = operator {
            *epsilon = 1e-5;
        }
    });
    caught_by("softmax", |operator| {
        if let Operator::Softmax { axis } = operator {
            *axis = 3.min(*axis + 1);
        }
    });
    caught_by("top", |operator| {
        if let Operator::TopK(top_k) = operator {
            top_k.largest = true;
        }
    });
    caught_by("grid sample Linear", |operator| {
        if let Operator::GridSample(sample) = operator {
            sample.align_corners = !sample.align_corners;
        }
    });
    caught_by("grid sample Cubic", |operator| {
        if let Operator::GridSample(sample) = operator {
            sample.padding = SamplePadding::Border;
        }
    });
    caught_by("regions pooled", |operator| {
        if let Operator::RoiAlign(parameters) = operator {
            parameters.samples = 1;
        }
    });
    caught_by("suppression of boxes by corners", |operator| {
        if let Operator::NonMaxSuppression(parameters) = operator {
            parameters.iou_threshold = 0.5;
        }
    });
    caught_by("running sum", |operator| {
        if let Operator::CumulativeSum { exclusive, .. } = operator {
            *exclusive = false;
        }
    });
    caught_by("scatter Max", |operator| {
        if let Operator::Scatter(mode) = operator {
            *mode = ScatterMode::Replace;
        }
    });
    caught_by("smallest", |operator| {
        if let Operator::ArgExtremum { largest, .. } = operator {
            *largest = true;
        }
    });
}
