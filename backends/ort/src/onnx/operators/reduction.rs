//! Reductions, running sums and `TopK`.

use framegate_backend_api::graph::{Reduce, Reduction, TopK};

use super::super::attribute::{flag, integer};
use super::super::writer::Writer;

pub(super) fn reduce(writer: &mut Writer<'_>, reduce: &Reduce, input: &str, output: &[String]) {
    let operator = match reduce.reduction {
        Reduction::Sum => "ReduceSum",
        Reduction::Mean => "ReduceMean",
        Reduction::Max => "ReduceMax",
        Reduction::Min => "ReduceMin",
        Reduction::Product => "ReduceProd",
    };
    let axes = writer.integers(reduce.axes.iter().map(|axis| *axis as i64).collect());
    let attributes = vec![flag("keepdims", reduce.keep_axes)];
    writer.node(operator, &[input.to_owned(), axes], output, attributes);
}

pub(super) fn cumulative_sum(
    writer: &mut Writer<'_>,
    axis: usize,
    [exclusive, reverse]: [bool; 2],
    input: &str,
    output: &[String],
) {
    let axis = writer.integers(vec![axis as i64]);
    let attributes = vec![flag("exclusive", exclusive), flag("reverse", reverse)];
    writer.node("CumSum", &[input.to_owned(), axis], output, attributes);
}

pub(super) fn top_k(writer: &mut Writer<'_>, top_k: &TopK, input: &str, output: &[String]) {
    let k = writer.integers(vec![top_k.k as i64]);
    let attributes = vec![integer("axis", top_k.axis), flag("largest", top_k.largest)];
    writer.node("TopK", &[input.to_owned(), k], output, attributes);
}
