//! Decides in which number formats each blocked value is stored: `f32`, bf16, or both; or bytes.

use framegate_backend_api::graph::{Graph, Operator, Resize, ResizeMode, ValueId};
use framegate_cpu::Precision;

use super::classify::{Lowering, multiplies_pairs};
use super::fuse::Fusions;
use super::merge::Merged;
use super::quantised::{ByteMaps, OnBytes};
use super::views::LayoutOp;

/// The number format of a blocked value's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    F32,
    Bf16,
    /// See [`ByteMaps`].
    Bytes,
}

/// The formats in which a value is read, or, of a map of bytes, written: what reads it in another converts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RequiredFormats {
    pub(crate) f32: bool,
    pub(crate) bf16: bool,
    pub(crate) bytes: bool,
}

impl RequiredFormats {
    const F32: Self = Self { f32: true, bf16: false, bytes: false };
    const BF16: Self = Self { f32: false, bf16: true, bytes: false };
    const BYTES: Self = Self { f32: false, bf16: false, bytes: true };

    pub(crate) fn contains(self, format: Format) -> bool {
        match format {
            Format::F32 => self.f32,
            Format::Bf16 => self.bf16,
            Format::Bytes => self.bytes,
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Format> {
        let all = [Format::F32, Format::Bf16, Format::Bytes];
        all.into_iter().filter(move |format| self.contains(*format))
    }

    fn add(&mut self, other: Self) {
        self.f32 |= other.f32;
        self.bf16 |= other.bf16;
    }
}

/// The findings of earlier analyses, by node.
#[derive(Clone, Copy)]
pub(crate) struct Nodes<'a> {
    pub(crate) lowerings: &'a [Lowering],
    pub(crate) fusions: &'a Fusions,
    pub(crate) layout_ops: &'a [LayoutOp],
    pub(crate) merged: &'a [Option<Merged>],
    pub(crate) maps: &'a ByteMaps,
}

/// The formats of each value, by value number. A value that nothing reads is stored as `f32`.
pub(crate) fn required_formats(
    graph: &Graph,
    nodes: Nodes<'_>,
    precision: Precision,
) -> Vec<RequiredFormats> {
    let Nodes { lowerings, fusions, layout_ops, merged, maps } = nodes;
    let mut formats = vec![RequiredFormats::default(); graph.values.len()];
    for id in &graph.outputs {
        formats[id.0].add(RequiredFormats::F32);
    }
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let Some(fusion) = &fusions.of_node[index] else { continue };
        if lowerings[index] == Lowering::Scalar {
            let further = merged[index].iter().flat_map(Merged::further_reads);
            further.for_each(|id| formats[id.0].add(RequiredFormats::F32));
            match &layout_ops[index] {
                LayoutOp::Kept => {
                    node.inputs.iter().for_each(|id| formats[id.0].add(RequiredFormats::F32))
                }
                LayoutOp::Fused => {}
                LayoutOp::Gather(sources) => {
                    sources
                        .iter()
                        .for_each(|source| formats[source.value.0].add(RequiredFormats::F32));
                }
            }
            continue;
        }
        let mut own = formats[fusion.result.0];
        if own == RequiredFormats::default() {
            own = RequiredFormats::F32;
            formats[fusion.result.0] = own;
        }
        if maps.of_node[index].as_ref().is_some_and(OnBytes::reads_bytes) {
            continue;
        }
        if let Some(residual) = fusion.residual {
            formats[residual.0].add(RequiredFormats::F32);
        }
        let operands = match &node.operator {
            Operator::Convolution(_) | Operator::TransposedConvolution(_)
                if precision == Precision::Bf16 =>
            {
                if multiplies_pairs(graph, node, lowerings[index]) {
                    RequiredFormats::BF16
                } else {
                    RequiredFormats::F32
                }
            }
            // Operators that only move elements move them in the formats that their result needs.
            Operator::Concat { .. } | Operator::Slice(_)
                if lowerings[index] == Lowering::Kernel =>
            {
                own
            }
            Operator::Resize(Resize { mode: ResizeMode::Nearest(_), .. }) if !own.f32 => {
                RequiredFormats::BF16
            }
            _ => RequiredFormats::F32,
        };
        let read = match &node.operator {
            Operator::Concat { .. } | Operator::Binary(_) => &node.inputs[..],
            _ => &node.inputs[..1],
        };
        read.iter().for_each(|id: &ValueId| formats[id.0].add(operands));
    }
    for (formats, is_written) in formats.iter_mut().zip(&maps.is_written) {
        if *is_written {
            *formats = RequiredFormats::BYTES;
        }
    }
    formats
}
