//! ONNX's own test cases, one or more per operator: a model, its inputs and the expected outputs.
//!
//! They come with the `onnx` package for Python; `FRAMEGATE_ONNX_NODE_TESTS` names their folder
//! (`onnx/backend/test/data/node`). Every input becomes a constant, so that importing a case computes it:
//! this checks the importer and `framegate-scalar`, the one definition of the operators, against the
//! standard. Then the first input is made to vary, as an image does, so that nodes become operators of the
//! graph.

use std::path::Path;

use framegate_backend_api::graph::{AxisSlice, Operator};
use framegate_backend_api::{HostTensor, TensorData};
use framegate_onnx_proto::{GraphProto, Message, ModelProto, TensorProto};

use super::{operators, tensor::host_tensor, walk};

/// Number of cases that pass, with the version of the package that CI uses.
const EXPECTED: usize = 953;

/// Number of them that pass with a varying first input too. Where shapes or parameters follow from that
/// input, it must be constant.
const EXPECTED_VARYING: usize = 815;

/// Cases that cannot pass, by a part of their names, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("BFLOAT16", "their tensors are stored as integers"),
    ("qlinearmatmul_2D_int8", "they expect a result to wrap around; ONNX Runtime saturates too"),
    ("qlinearmatmul_3D_int8", "they expect a result to wrap around; ONNX Runtime saturates too"),
    (
        "resize_downsample_scales_cubic_align_corners",
        "it expects the unrounded result size, like the next",
    ),
    (
        "resize_downsample_scales_linear_align_corners",
        "it expects the unrounded result size in the coordinate formula; ONNX Runtime and Framegate use the rounded one",
    ),
];

#[test]
fn node_tests_pass() {
    let Some(folder) = std::env::var_os("FRAMEGATE_ONNX_NODE_TESTS") else {
        assert!(
            std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA").is_none(),
            "FRAMEGATE_ONNX_NODE_TESTS is not set"
        );
        println!("skipped: FRAMEGATE_ONNX_NODE_TESTS is not set");
        return;
    };
    let mut cases: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of ONNX's test cases can be read")
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    let (mut passed, mut varying, mut refused, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        if LEFT_OUT.iter().any(|(part, _)| name.contains(part)) {
            continue;
        }
        match run(&case) {
            Outcome::OtherOperator => {}
            Outcome::Refused(reason) => refused.push(format!("{name}: {reason}")),
            Outcome::Passed { varying: false } => passed += 1,
            Outcome::Passed { varying: true } => {
                passed += 1;
                varying += 1;
            }
            Outcome::Wrong(what) => wrong.push(format!("{name}: {what}")),
        }
    }
    println!(
        "{passed} passed, {varying} of them with a varying input, {} refused:\n{}",
        refused.len(),
        refused.join("\n")
    );
    assert!(passed >= EXPECTED, "only {passed} passed");
    assert!(varying >= EXPECTED_VARYING, "only {varying} passed with a varying input");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

enum Outcome {
    OtherOperator,
    Refused(String),
    Passed { varying: bool },
    Wrong(String),
}

fn run(case: &Path) -> Outcome {
    let bytes = std::fs::read(case.join("model.onnx")).unwrap();
    let mut model = ModelProto::decode(bytes.as_slice()).unwrap();
    let opset = model.opset_import[0].version;
    let graph = model.graph.as_mut().unwrap();
    if operators::check_all_supported(graph.node.iter()).is_err() {
        return Outcome::OtherOperator;
    }
    let tensors = |prefix: &str| {
        let read = |path| std::fs::read(path).ok();
        (0..)
            .map_while(|index| read(case.join(format!("test_data_set_0/{prefix}_{index}.pb"))))
            .map(|bytes| TensorProto::decode(bytes.as_slice()).unwrap())
            .collect::<Vec<_>>()
    };
    for (mut tensor, input) in tensors("input").into_iter().zip(&graph.input) {
        tensor.name.clone_from(&input.name);
        if let Err(problem) = host_tensor(&tensor) {
            return Outcome::Refused(problem);
        }
        graph.initializer.push(tensor);
    }
    let outputs = match walk::import_constants(graph, opset) {
        Ok(outputs) => outputs,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    for (index, (expected, got)) in tensors("output").iter().zip(outputs).enumerate() {
        let got = match got {
            Some(got) => got,
            None if index == 0 => return Outcome::Wrong("there is no result".to_owned()),
            // Masks, running means and the like are not used for inference.
            None => continue,
        };
        let expected = match host_tensor(expected) {
            Ok(expected) => expected,
            Err(problem) => return Outcome::Refused(problem),
        };
        if let Some(difference) = difference(&expected, &got) {
            return Outcome::Wrong(format!("output {index}: {difference}"));
        }
    }
    let expected = tensors("output");
    match expected.first().map(|expected| varying(graph, opset, expected)) {
        Some(Some(Err(difference))) => Outcome::Wrong(format!("varying: {difference}")),
        Some(Some(Ok(()))) => Outcome::Passed { varying: true },
        _ => Outcome::Passed { varying: false },
    }
}

/// Compares the first result where the first input varies. `None` unless that is a float, or if it is needed to
/// read the graph.
fn varying(
    graph: &mut GraphProto,
    opset: i64,
    expected: &TensorProto,
) -> Option<Result<(), String>> {
    let name = graph.input.first()?.name.clone();
    let position = graph.initializer.iter().position(|tensor| tensor.name == name)?;
    let input = host_tensor(&graph.initializer[position]).ok()?;
    input.as_f32()?;
    graph.initializer.remove(position);
    let imported = walk::import_varying(graph, opset, &name, input.shape()).ok()?;
    let results = framegate_scalar::evaluate_graph(&imported, &input);
    // Quantised numbers that vary are floats.
    let as_floats = |tensor: &HostTensor| match tensor.data() {
        TensorData::I64(elements) => {
            let elements = elements.iter().map(|element| *element as f32).collect();
            HostTensor::from_f32(tensor.shape(), elements)
        }
        _ => tensor.clone(),
    };
    let (got, extents) = results.split_first()?;
    let extents = extents.iter().map(|extent| extent.as_i64().map(|extent| extent[0] as usize));
    let got = cut(got, &extents.collect::<Option<Vec<_>>>()?);
    let [expected, got] = [&host_tensor(expected).ok()?, &got].map(as_floats);
    Some(difference(&expected, &got).map_or(Ok(()), Err))
}

/// The first entries of each axis, as many as its extent says.
fn cut(tensor: &HostTensor, extents: &[usize]) -> HostTensor {
    let slices = extents.iter().map(|extent| AxisSlice::all(*extent)).collect();
    framegate_scalar::evaluate(&Operator::Slice(slices), &[tensor]).remove(0)
}

fn difference(expected: &HostTensor, got: &HostTensor) -> Option<String> {
    if expected.shape() != got.shape() {
        return Some(format!("{:?} instead of {:?}", got.shape(), expected.shape()));
    }
    match (expected.data(), got.data()) {
        (TensorData::F32(expected), TensorData::F32(got)) => expected
            .iter()
            .zip(got)
            .find(|(expected, got)| !is_close(**expected, **got))
            .map(|(expected, got)| format!("{got} instead of {expected}")),
        (expected, got) => (expected != got).then(|| format!("{got:?} instead of {expected:?}")),
    }
}

/// Within the tolerance of ONNX's own runner, widened for the cases in half precision.
fn is_close(expected: f32, got: f32) -> bool {
    expected == got
        || (expected.is_nan() && got.is_nan())
        || (expected - got).abs() <= 1e-5 + 2e-3 * expected.abs()
}
